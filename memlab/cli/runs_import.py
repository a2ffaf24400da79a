"""`memlab runs import`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.streams import show_document
from memlab.figures import plot_procedure
from memlab.runs import check_out
from memlab.runs.arc import read_arc_log
from memlab.runs.foreign import write_foreign_log


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
    plot_procedure(out, picture)
    document = {
        "run": str(out),
        "figure": str(picture),
        "instrument": log.instrument,
        "layout": log.layout,
        "cells": int(record.mask.sum()),
        "readings": len(log.readings),
        "maps": len(record.readings),
        "left_out": int(log.notes.get("left_out", 0)),
    }
    if as_json:
        show_document(document)
    else:
        click.echo(
            f"{log.instrument}: {document['readings']} readings of {document['cells']} cells in "
            f"{document['maps']} maps, {document['left_out']} entries without a reading left out\n"
            f"run file {out}\npicture  {picture}",
            err=True,
        )
