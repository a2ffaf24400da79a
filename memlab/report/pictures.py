"""The figures of a report, as bytes, and as files for a paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from memlab.report.summary import Summary
from memlab.runs import Family

__all__ = ["Picture", "draw_pictures"]


_ABOUT = {
    "calibration": "what was found on each line, and products before and after",
    "program": "the yield after each round, how far off the cells are, and where",
    "read": "the conductance of every cell",
    "vmm": "the current of every column for every vector",
}


@dataclass(frozen=True)
class Picture:
    """A figure.

    Parameters
    ----------
    name
        File name without ending.
    caption
        What it shows.
    png, pdf
        The figure, 200 points per inch, and as vectors.
    """

    name: str
    caption: str
    png: bytes
    pdf: bytes

    @property
    def width(self) -> int:
        """Width on a screen in CSS pixels, 100 to the inch."""
        return int.from_bytes(self.png[16:20]) // 2


def draw_pictures(summary: Summary) -> list[Picture]:
    """Draw what there is to see of a run; of one that has not finished, what was measured."""
    from memlab import figures
    from memlab.kinds import plot_run

    run, stem = summary.run, summary.path.stem
    if run.family not in (Family.PROCEDURE, Family.IMPORT):
        about = _ABOUT.get(run.kind, "what was predicted or classified, the loss, and the weights")
        end = "" if summary.finished else ", not finished"
        return _drawn(stem, f"{summary.title}{end}: {about}.", plot_run, summary.path)
    if not summary.finished:
        text = f"{summary.title}, not finished: the last reading."
        return _drawn(f"{stem}-last-reading", text, figures.plot_last_reading, summary.path)
    cells = next((row.value for row in summary.identity if row.name == "cells"), "")
    found = _drawn(stem, f"{summary.title}; {cells}.", plot_run, summary.path)
    text = f"{summary.title}: what was found for each cell."
    return found + _drawn(f"{stem}-maps", text, figures.plot_maps, summary.path)


def _drawn(name: str, caption: str, plot: Callable[[Path, Path], Any], run: Path) -> list[Picture]:
    """Return the picture that a function draws; none where it says that there is nothing."""
    with TemporaryDirectory() as folder:
        png, pdf = Path(folder) / "picture.png", Path(folder) / "picture.pdf"
        if plot(run, png) is False:
            return []
        plot(run, pdf)
        return [Picture(name, caption, png.read_bytes(), pdf.read_bytes())]
