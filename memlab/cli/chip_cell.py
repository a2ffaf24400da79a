"""`memlab chip cell`."""

from __future__ import annotations

from dataclasses import asdict

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.passports import BUDGET_UNITS, budget_text, require_passport
from memlab.cli.streams import tell
from memlab.passport import Passport
from memlab.passport.story import CellStory, Chapter, PulseEvent, cell_story

_UNITS = {
    "energy": "J",
    "conductance": "S",
    "amplitude": "V",
    "gate_voltage": "V",
    "width": "s",
    **BUDGET_UNITS,
}
"""Of numbers of a document by their names."""


@click.command(cls=Command)
@click.argument("row", type=int)
@click.argument("column", type=int)
@click.option(
    "--chip",
    "name",
    required=True,
    metavar="FILE",
    help="Passport of the chip, or the serial number of its board.",
)
@click.option(
    "--last",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of its last pulses to show one by one.",
)
@json_option
def cell(row: int, column: int, name: str, last: int, as_json: bool) -> None:
    """Tell the story of one cell over all runs: formed, pulsed, read; from the chip's passport."""
    with Passport.read(require_passport(name)) as passport:
        story = cell_story(passport, row, column, last)
    tell({**asdict(story), "units": _UNITS}, as_json, lambda _: _words(story))


def _words(story: CellStory) -> list[str]:
    left = budget_text(story.budgets)
    lines = [
        f"cell [{story.row}, {story.column}]: {story.set} SETs, {story.reset} RESETs, "
        f"{story.energy * 1e9:.3g} nJ (estimated); {story.unknown} pulses of unknown fate",
        f"formed: {', '.join(story.formed) or 'not by a procedure'}",
        f"masks: {', '.join(story.masks) or 'none'}",
        f"left of its budgets: {left or 'there are none'}",
        *map(_chapter, story.runs),
    ]
    if len(loads := {run.load for run in story.runs if run.load is not None}) > 1:
        lines.append(
            "these conductances were read under different loads and do not compare: "
            + " | ".join(sorted(loads))
        )
    if story.last_pulses:
        lines.append(f"its last {len(story.last_pulses)} pulses:")
    return [*lines, *map(_pulse, story.last_pulses)]


def _chapter(run: Chapter) -> str:
    read = "" if run.conductance is None else f", then read {run.conductance * 1e6:.2f} uS"
    formed = "" if run.formed is None else ", formed"
    return (
        f"run {run.run}, {run.started}, {run.label}: "
        f"{run.set} SETs, {run.reset} RESETs{formed}{read}"
    )


def _pulse(pulse: PulseEvent) -> str:
    return (
        f"  {pulse.time}  run {pulse.run:<4} {pulse.kind.upper():<5} {pulse.amplitude:.3f} V, "
        + (f"gate {pulse.gate_voltage:.3f} V, " if pulse.gate_voltage else "")
        + f"{pulse.width * 1e6:.3g} us: {pulse.outcome}"
    )
