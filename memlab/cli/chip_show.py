"""`memlab chip show`."""

from __future__ import annotations

import json
from dataclasses import asdict

import rich_click as click

from memlab.emulator.preset import BUILT_IN, ParameterRow, preset_rows


@click.command()
@click.argument("preset")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def show(preset: str, as_json: bool) -> None:
    """Show every parameter of a chip preset, with unit and source.

    PRESET is a built-in preset or the path of a TOML file of one's own.
    """
    rows = preset_rows(preset)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
    else:
        _print_table(preset, rows)


show.epilog = f"Built-in presets: {', '.join(BUILT_IN)}."


def _print_table(preset: str, rows: list[ParameterRow]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"chip {preset}", box=None, padding=(0, 2, 0, 0))
    table.add_column("parameter", no_wrap=True)
    table.add_column("value", justify="right", max_width=14, overflow="fold")
    table.add_column("unit", no_wrap=True)
    table.add_column("meaning; source", ratio=1)
    for row in rows:
        meaning = f"{row.description} [dim]{escape(row.source)}[/dim]"
        table.add_row(row.name, f"{row.value}", row.unit, meaning)
    Console().print(table)
