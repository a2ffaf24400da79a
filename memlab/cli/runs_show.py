"""`memlab runs show`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click
from rich.table import Table

from drivers.capabilities import capability_units
from memlab.chip.limits import LIMIT_UNITS
from memlab.cli.command import Command
from memlab.cli.options import json_option, run_argument
from memlab.cli.streams import show_document
from memlab.cli.tables import add_row, print_table, results_console
from memlab.report.summary import Row, Summary, summarise
from memlab.runs import Run


@click.command(cls=Command)
@run_argument
@json_option
def show(file: Path, as_json: bool) -> None:
    """Say what a run file holds: who, when, on what; settings that are not the defaults; results.

    RUN is a run file of any command, also of a run that is still going on or was killed.
    """
    summary = summarise(file)
    if as_json:
        show_document(_document(summary.run))
    else:
        _show(summary)


def _document(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "run_id": run.run_id,
        "kind": run.kind,
        "family": str(run.family),
        "schema_version": run.schema_version,
        "title": run.title,
        "status": run.status,
        "started": run.started.isoformat(),
        "ended": None if run.ended is None else run.ended.isoformat(),
        "board": " ".join(run.boards),
        "seed": run.seed,
        "preset": run.preset or None,
        "tags": list(run.tags),
        "note": run.note,
        "settings": run.settings,
        "instruments": [dict(one) for one in run.instruments],
        "versions": dict(run.versions),
        "results": run.findings.document(),
        "counts": dict(run.counts),
        "units": {
            name: unit
            for one in run.instruments
            for name in one
            if (unit := _unit(name, one)) is not None
        },
    }


def _unit(name: str, instrument: Mapping[str, Any]) -> str | None:
    """Return the unit of a number of an instrument, a limit or an operating point."""
    *groups, last = name.split(".")
    if last == "step":  # of a converter, which says its unit itself
        return str(instrument[".".join([*groups, "unit"])])
    # Files of before do not say it: their boards sensed volts.
    units = capability_units(str(instrument.get("board.sense.unit", "V")))
    group = units.get(groups[-1]) if groups else None
    return units.get(last) or group or LIMIT_UNITS.get(last.rpartition("_")[2])


def _show(summary: Summary) -> None:
    console = results_console()
    console.print(summary.title, style="bold", markup=False)
    for text in summary.warnings:
        console.print(text, markup=False)
    for title, rows in (
        ("", summary.identity),
        ("Settings that differ from the defaults", summary.settings),
        ("Results", summary.results),
    ):
        if rows:
            console.print(f"\n{title}".rstrip(), markup=False)
            print_table(_table(rows))


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for row in rows:
        add_row(table, row.name, row.value, row.note)
    return table
