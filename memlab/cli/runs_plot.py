"""`memlab runs plot`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import check_picture, json_option, out_option, run_argument
from memlab.cli.streams import tell
from memlab.errors import DataError
from memlab.kinds import plot_run


@click.command(cls=Command)
@run_argument
@out_option(
    "Picture to write; .pdf, .png or .svg says the format.  [default: RUN with .pdf]",
)
@json_option
def plot(file: Path, out: Path | None, as_json: bool) -> None:
    """Draw a run again: of a training its results, loss, conductances, weights and raw vectors.

    RUN is a run file of any command. Of a run that was interrupted, or is still going on, what was
    measured is drawn, without results. No board is needed.
    """
    picture = file.with_suffix(".pdf") if out is None else out
    check_picture(picture)
    if not plot_run(file, picture):
        raise DataError(f"{file}: there is nothing to draw yet, it is not finished")
    document = {"run": str(file), "figure": str(picture)}
    tell(document, as_json, lambda _: [f"picture {picture}"])
