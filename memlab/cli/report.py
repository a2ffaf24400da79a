"""`memlab report`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.streams import show_document
from memlab.errors import SettingError
from memlab.report import draw_pictures, summarise, write_page
from memlab.storage import write_over


@click.command(cls=Command)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="Page to write.",
)
@click.option("--title", default="Report of runs", show_default=True, help="Title of the page.")
@click.option(
    "--figures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write each figure as PDF and PNG into this directory.",
)
@json_option
def report(
    files: tuple[Path, ...], out: Path, title: str, figures: Path | None, as_json: bool
) -> None:
    """Write one self-contained HTML page about run files, and figures for a paper.

    FILES are run files of any command, also of runs that have not finished; the page says so.
    """
    if out.exists():
        raise SettingError(f"{out} exists already; nothing was overwritten, choose another --out")
    if not out.parent.is_dir():
        raise SettingError(f"cannot write {out}: there is no directory {out.parent}")
    summaries = [summarise(path) for path in files]
    runs = [(summary, draw_pictures(summary)) for summary in summaries]
    written: list[Path] = []
    if figures is not None:
        figures.mkdir(parents=True, exist_ok=True)
        for number, (_, pictures) in enumerate(runs):
            # Files of several directories may have the same name.
            for picture in pictures:
                for ending, data in (("png", picture.png), ("pdf", picture.pdf)):
                    path = figures / f"{number + 1:02d}-{picture.name}.{ending}"
                    write_over(path, partial(_write, data))
                    written.append(path)
    write_page(out, title, runs)
    if as_json:
        document = {
            "report": str(out),
            "runs": [{"run": str(s.path), "status": s.status} for s in summaries],
            "figures": [str(path) for path in written],
        }
        show_document(document)
    else:
        click.echo(f"report {out}: {len(runs)} runs, {len(written)} figure files")


def _write(data: bytes, file: BinaryIO) -> None:
    file.write(data)
