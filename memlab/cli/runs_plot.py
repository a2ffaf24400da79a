"""`memlab runs plot`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import check_picture, json_option
from memlab.cli.streams import show_document
from memlab.errors import DataError
from memlab.kinds import plot_run


@click.command(cls=Command)
@click.argument("run", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Picture to write; .pdf, .png or .svg says the format.  [default: RUN with .pdf]",
)
@json_option
def plot(run: Path, out: Path | None, as_json: bool) -> None:
    """Draw a run again: of a training its results, loss, conductances, weights and raw vectors.

    RUN is a run file of any command. Of a run that was interrupted, or is still going on, what was
    measured is drawn, without results. No board is needed.
    """
    picture = run.with_suffix(".pdf") if out is None else out
    check_picture(picture)
    if not plot_run(run, picture):
        raise DataError(f"{run}: there is nothing to draw yet, it is not finished")
    if as_json:
        show_document({"run": str(run), "figure": str(picture)})
    else:
        click.echo(f"picture {picture}")
