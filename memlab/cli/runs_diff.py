"""`memlab runs diff`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click
from rich.table import Table

from memlab.cli.command import Command
from memlab.cli.options import EXISTING, check_picture, json_option, out_option
from memlab.cli.streams import show_document
from memlab.cli.tables import add_row, print_table, results_console
from memlab.figures.run_difference import plot_difference
from memlab.runs import open_run
from memlab.runs.difference import Change, Comparison, NumberChange, compare_runs
from memlab.units import with_error

_LISTS = ("about", "settings", "versions", "instrument")


@click.command(cls=Command)
@click.argument("first", metavar="A", type=EXISTING)
@click.argument("second", metavar="B", type=EXISTING)
@out_option(
    "Also draw both: curves over each other, maps and their change (.png, .pdf, .svg).",
)
@json_option
def diff(first: Path, second: Path, out: Path | None, as_json: bool) -> None:
    """Name every difference between two runs: settings, versions, instruments, results.

    A and B are run files of any command.
    """
    if out is not None:
        check_picture(out)
    before, after = open_run(first), open_run(second)
    found = compare_runs(before, after)
    drawn = out if out is not None and plot_difference(before, after, out) else None
    if as_json:
        show_document(_document(first, second, found, drawn))
        return
    _show(found)
    if drawn is not None:
        click.echo(f"picture {drawn}")
    elif out is not None:
        click.echo("no picture: the runs share no curve and no cell")


def _document(first: Path, second: Path, found: Comparison, picture: Path | None) -> dict[str, Any]:
    return {
        "a": str(first),
        "b": str(second),
        "figure": None if picture is None else str(picture),
        "same": found.same,
        **{
            name: [
                {"name": one.name, "a": _text(one.before), "b": _text(one.after)}
                for one in getattr(found, name)
            ]
            for name in _LISTS
        },
        "numbers": [
            {
                "name": one.name,
                "units": one.units,
                **{k: v for k, v in asdict(one).items() if k not in ("name", "units", "given")},
                "difference": one.difference,
                "z": one.z,
            }
            for one in found.numbers
        ],
    }


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _show(found: Comparison) -> None:
    console = results_console()
    if found.same:
        console.print("the runs are the same, except for when and where they were made")
    for name in _LISTS:
        changes: list[Change] = getattr(found, name)
        if not changes:
            continue
        table = Table("", "A", "B", title=name.capitalize(), box=None, title_justify="left")
        for one in changes:
            add_row(table, one.name, _shown(one.before), _shown(one.after))
        print_table(table)
    if found.numbers:
        head = ("", "A", "B", "B - A", "in standard errors")
        table = Table(*head, title="Results", box=None, title_justify="left")
        for number in found.numbers:
            add_row(table, *_cells(number))
        print_table(table)


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


def _cells(one: NumberChange) -> tuple[str, ...]:
    return (
        one.name,
        with_error(one.before, one.before_error, one.units) if one.given[0] else "-",
        with_error(one.after, one.after_error, one.units) if one.given[1] else "-",
        "-" if one.difference is None else with_error(one.difference, None, one.units),
        "-" if one.z is None else f"{one.z:+.1f}",
    )
