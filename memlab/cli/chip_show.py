"""`memlab chip show`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import rich_click as click

from memlab.array.passport_place import find_passport
from memlab.cli.command import Command
from memlab.cli.options import json_option, out_option
from memlab.cli.passports import BUDGET_UNITS, passport_lines, unknown_chip
from memlab.cli.streams import show_document, tell
from memlab.emulator.preset import BUILT_IN, FRESH, PASSIVE, ParameterRow, preset_rows
from memlab.errors import SettingError
from memlab.passport import Passport
from memlab.passport.story import summary


@click.command(cls=Command)
@click.argument("name", metavar="FILE_OR_PRESET")
@out_option(
    "Picture of a passport: pulses and conductance of each cell.",
)
@json_option
def show(name: str, out: Path | None, as_json: bool) -> None:
    """Show a chip's passport, or every parameter of a chip preset.

    FILE_OR_PRESET is a passport, a board's serial number, a built-in preset, or the path of a TOML
    file of one's own.
    """
    path = find_passport(name)
    if path is None:
        if name not in (*BUILT_IN, *FRESH, *PASSIVE) and not name.endswith(".toml"):
            problem = f"{name} is no chip: no passport, no serial number of a board, no preset"
            raise unknown_chip(problem, name, (*BUILT_IN, *FRESH, *PASSIVE))
        if out is not None:
            raise SettingError(f"--out draws a chip's passport, and {name} is none")
        _show_preset(name, as_json)
        return
    with Passport.read(path) as passport:
        document = {**summary(passport), "units": BUDGET_UNITS}
        if out is not None:
            from memlab.figures.passport import plot_passport

            plot_passport(passport, out)
            document["figure"] = str(out)
    tell(document, as_json, passport_lines)


show.epilog = (
    f"Built-in presets: {', '.join(BUILT_IN)}; with cells that are not formed yet: "
    f"{', '.join(FRESH)}; without transistors: {', '.join(PASSIVE)}."
)


def _show_preset(name: str, as_json: bool) -> None:
    rows = preset_rows(name)
    if as_json:
        show_document([asdict(row) for row in rows])
    else:
        _print_table(name, rows)


def _print_table(preset: str, rows: list[ParameterRow]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from memlab.cli.tables import print_table, results_console

    table = Table(title=f"chip {preset}", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("parameter", no_wrap=True)
    narrow = results_console().is_terminal
    most = 14 if narrow else 40
    table.add_column("value", justify="right", max_width=most, overflow="fold")
    table.add_column("unit", no_wrap=True)
    table.add_column("meaning; source", ratio=1 if narrow else None)
    for row in rows:
        meaning = f"{row.description} [dim]{escape(row.source)}[/dim]"
        value = row.value
        if isinstance(value, tuple):
            value = f"{np.size(value)} numbers"
        table.add_row(row.name, f"{value}", row.unit, meaning)
    print_table(table)
