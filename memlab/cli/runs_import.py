"""`memlab runs import`."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

import rich_click as click

from memlab.characterize.imported import write_foreign_log
from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.streams import show_document
from memlab.kinds import plot_run
from memlab.runs import check_out
from memlab.runs.arc import read_arc_log


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="RUN",
    help="Run file to write; the picture goes beside it.",
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
    if as_json:
        show_document(document)
    else:
        click.echo(
            f"{log.instrument}: {document['readings']} readings and {document['pulses']} pulses of "
            f"{document['cells']} cells in {document['maps']} maps, {document['left_out']} entries "
            "left out\n"
            f"run file {out}\npicture  {picture}"
        )
