"""`memlab report`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import EXISTING, json_option, out_option
from memlab.cli.streams import tell
from memlab.emulator.chip_file import is_chip
from memlab.errors import SettingError
from memlab.report import draw_pictures, summarise, write_page
from memlab.storage import check_new, write_over

_LOGGER = logging.getLogger(__name__)


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, type=EXISTING)
@out_option(
    "Page to write.",
    default=Path("report.html"),
    show_default=True,
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
    check_new(out)
    summaries = [summarise(path) for path in _runs(files)]
    pictured = draw_pictures(summaries, vectors=figures is not None)
    runs = list(zip(summaries, pictured, strict=True))
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
    document = {
        "report": str(out),
        "runs": [{"run": str(s.path), "status": s.status} for s in summaries],
        "figures": [str(path) for path in written],
    }
    words = f"report {out}: {len(runs)} runs, {len(written)} figure files"
    tell(document, as_json, lambda _: [words])


def _runs(files: Sequence[Path]) -> list[Path]:
    """Return files without those of emulated chips, which `*.h5` names as well; that is said."""
    chips = [path for path in files if is_chip(path)]
    if len(chips) == len(files):
        raise SettingError(
            f"{chips[0]} is an emulated chip (state=FILE), and no run: name run files"
        )
    for path in chips:
        _LOGGER.warning("%s is an emulated chip, and no run: it is left out", path)
    return [path for path in files if path not in chips]


def _write(data: bytes, file: BinaryIO) -> None:
    file.write(data)
