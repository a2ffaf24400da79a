"""`memlab runs export`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option, run_argument
from memlab.cli.streams import tell
from memlab.runs import open_run
from memlab.runs.export import Format, export_run

_SUFFIX = {Format.CSV: "-csv", Format.NPZ: ".npz", Format.NETCDF: ".nc"}


@click.command(cls=Command)
@run_argument
@click.option(
    "--format",
    "form",
    type=click.Choice([str(one) for one in Format]),
    default=str(Format.CSV),
    show_default=True,
    help="csv: a directory of tables; npz: for numpy.load; netcdf: netCDF-4.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File, or directory of tables, to write.  [default: beside RUN]",
)
@json_option
def export(file: Path, form: str, out: Path | None, as_json: bool) -> None:
    """Write a run in a format that other programs read, with its units.

    RUN is a run file of any command; of one that was killed or is going on, what is complete.
    """
    chosen = Format(form)
    if out is None:
        out = file.with_name(file.stem + _SUFFIX[chosen])
    files = export_run(open_run(file), out, chosen)
    document = {"run": str(file), "files": [str(one) for one in files]}
    tell(document, as_json, lambda found: found["files"])
