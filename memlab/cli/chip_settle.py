"""`memlab chip settle`."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import rich_click as click

from memlab.array.options import split_array_options
from memlab.chip.limit_changes import LimitChanges
from memlab.cli.command import Command
from memlab.cli.options import json_option, limits_option
from memlab.cli.passports import require_passport
from memlab.cli.streams import tell
from memlab.errors import SettingError


@click.command(cls=Command)
@click.argument("chip", metavar="CHIP_OR_SERIAL")
@click.option("--board", required=True, metavar="URL", help="Where the chip is now.")
@click.option("--accept", is_flag=True, help="What reading cannot tell counts as fired.")
@click.option(
    "--redo",
    is_flag=True,
    help="What reading cannot tell counts as not fired; to pulse again is up to you.",
)
@click.option(
    "--preset",
    default="ta-hfo2",
    show_default=True,
    help="Preset of a chip that states roughly what a SET does.",
)
@limits_option
@json_option
def settle(
    chip: str,
    board: str,
    accept: bool,
    redo: bool,
    preset: str,
    limits: LimitChanges | None,
    as_json: bool,
) -> None:
    """Settle pulses of unknown fate by reading their cells; nothing is pulsed.

    CHIP_OR_SERIAL is a chip's passport, or the serial number of its board. For each pulse that may
    or may not have been fired the answer is done, not done or cannot tell, and goes into the
    passport with who decided it and when. What cannot be told goes on counting against the budgets
    until it is decided with --accept or --redo.
    """
    from memlab.array.urls import open_board_array
    from memlab.emulator import load_preset
    from memlab.mapping import SwitchingLaw
    from memlab.operations.settle import Answer, settle_unknown

    if accept and redo:
        raise SettingError("--accept and --redo exclude each other: choose one")
    rest = Answer.DONE if accept else Answer.NOT_DONE if redo else None
    chip_preset = load_preset(preset)
    path = require_passport(chip)
    if Path(chip).is_file() and split_array_options(board)[1].passport is None:
        board = f"{board}{'&' if '?' in board else '?'}passport={quote(chip)}"
    with open_board_array(board, limits=limits) as array:
        if array.passport is None:
            raise SettingError(f"{board} has no chip passport; give the board that has the chip")
        if array.passport.path.resolve() != path.resolve():
            raise SettingError(
                f"{board} is the board of the passport {array.passport.path}, not of {path}"
            )
        law = SwitchingLaw.of(chip_preset) if array.control.gates else None
        document = settle_unknown(array, law, rest=rest)
    tell(document, as_json, _words)


def _words(document: dict[str, Any]) -> list[str]:
    lines = [
        f"batch {one['batch']}, {one['time']}, {one['run']}: {one['kind'].upper()} of row "
        f"{one['row']}, {len(one['columns'])} cells: {one['answer']} "
        f"({one['cells']} cells say something), entered as {one['entered']}"
        for one in document["pulses"]
    ]
    counts = ", ".join(f"{n} {answer}" for answer, n in document["counts"].items())
    lines.append(f"{counts}; {document['unknown']} pulses of cells are in doubt now")
    if document["unknown"]:
        lines.append("they count as fired; decide with --accept (fired) or --redo (not fired)")
    return lines
