"""`memlab board selftest`."""

from __future__ import annotations

from dataclasses import asdict

import rich_click as click
from click.exceptions import Exit

from memlab.array.urls import open_board_array
from memlab.chip.limit_changes import LimitChanges
from memlab.cli.command import Command
from memlab.cli.options import board_option, json_option, limits_option
from memlab.cli.streams import tell
from memlab.selftest import Item, run_selftest

_WORDS = {True: "PASS", False: "FAIL", None: "  - "}


@click.command(cls=Command)
@board_option
@limits_option
@json_option
def selftest(url: str, limits: LimitChanges | None, as_json: bool) -> None:
    """Check every line of a board: offsets, leakage, noise, gains, bits; only reads.

    A calibration in use is undone first, and less is then allowed. What no conducting cell shows is
    not told. Exit code 0 when nothing fails, 1 when something does, 3 when the board cannot be
    reached.
    """
    items = check_board(url, limits)
    passed = all(item.passed is not False for item in items)
    document = {"board": url, "passed": passed, "items": [asdict(item) for item in items]}
    lines = []
    for item in _together(items):
        lines.append(f"{_WORDS[item.passed]}  {item.name:<14} {item.detail}")
        if item.advice:
            lines.append(f"      {'':<14} -> {item.advice}")
    tell(document, as_json, lambda _: lines)
    if not passed:
        raise Exit(1)


def check_board(url: str, limits: LimitChanges | None = None) -> list[Item]:
    """Return what a self-test finds on a board."""
    with open_board_array(url, limits=limits) as array:
        return run_selftest(array)


def _together(items: list[Item]) -> list[Item]:
    """Return the items, with those that cannot be told for the same reason as one, at the end."""
    untold: dict[tuple[str, str], list[str]] = {}
    for item in items:
        if item.passed is None:
            untold.setdefault((item.detail, item.advice), []).append(item.name)
    told = [item for item in items if item.passed is not None]
    for (detail, advice), names in untold.items():
        if len(names) == 1:
            told.append(Item(names[0], None, detail, advice))
        else:
            told.append(Item("not tested", None, f"{detail}: {', '.join(names)}", advice))
    return told
