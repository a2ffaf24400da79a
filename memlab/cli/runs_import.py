"""`memlab runs import`."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.characterize.imported import write_foreign_log
from memlab.cli.command import Command
from memlab.cli.options import EXISTING, json_option, out_option
from memlab.cli.streams import tell
from memlab.kinds import plot_run
from memlab.runs import check_out
from memlab.runs.arc import read_arc_log


@click.command("import", cls=Command)
@click.argument("file", type=EXISTING)
@out_option(
    "Run file to write; the picture goes beside it.",
    required=True,
    metavar="RUN",
)
@json_option
def import_(file: Path, out: Path, as_json: bool) -> None:
    """Make a run file of a log of ArC ONE (CSV) or ArC TWO (HDF5).

    Bit lines become rows and word lines columns, counted from 0. `memlab report` shows it.
    """
    check_out(out)
    log = read_arc_log(file)
    record = write_foreign_log(log, file, out)
    picture = out.with_suffix(".png")
    plot_run(out, picture)
    document = {
        "run": str(out),
        "figure": str(picture),
        "instrument": log.instrument,
        "layout": log.layout,
        "cells": int(record.mask.sum()),
        "readings": sum(isfinite(one.conductance) for one in log.readings),
        "pulses": sum(one.amplitude != 0.0 for one in log.readings),
        "maps": len(record.readings),
        "left_out": sum(log.skipped.counts.values()),
        "left_out_kinds": log.skipped.counts,
    }
    if log.skipped.counts:
        click.echo(f"{file}: left out {log.skipped}", err=True)
    tell(document, as_json, _words)


def _words(document: dict[str, Any]) -> list[str]:
    return [
        f"{document['instrument']}: {document['readings']} readings and {document['pulses']} "
        f"pulses of {document['cells']} cells in {document['maps']} maps, {document['left_out']} "
        "entries left out",
        f"run file {document['run']}",
        f"picture  {document['figure']}",
    ]
