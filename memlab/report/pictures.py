"""The figures of a report, as bytes, and as files for a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from memlab.markup import usual_ends
from memlab.numeric import FloatArray
from memlab.report.summary import Summary
from memlab.runs import Family

__all__ = ["Picture", "draw_pictures", "maps_of"]

Plot = Callable[[Path, Path], Any]
"""Draws a run file into a picture file, and returns False where there is nothing to draw."""

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
        The figure, 200 points per inch, and as vectors; b'' where nobody wants them.
    """

    name: str
    caption: str
    png: bytes
    pdf: bytes

    @property
    def width(self) -> int:
        """Width on a screen in CSS pixels, 100 to the inch."""
        return int.from_bytes(self.png[16:20]) // 2


def draw_pictures(summaries: Sequence[Summary], *, vectors: bool = False) -> list[list[Picture]]:
    """Draw what there is to see of some runs; of one that has not finished, what was measured.

    Maps of one quantity have one colour scale in all of them. With `vectors`, each picture is there
    as PDF too.
    """
    from memlab.figures.one_scale import Scales

    scales = Scales()
    maps = maps_of(summaries)
    if len(maps) > 1 and (ends := usual_ends(*maps.values())):
        # As the page shows all of them, side by side.
        scales.ends["Conductance (µS)", "viridis"] = (1e6 * ends[0], 1e6 * ends[1])
    with scales.collected():
        for one in summaries:
            for _, _, plot in _plots(one):
                _draw(plot, one.path, ".png")
    with scales.applied():
        return [
            [
                Picture(name, caption, png, _draw(plot, one.path, ".pdf") if vectors else b"")
                for name, caption, plot in _plots(one)
                if (png := _draw(plot, one.path, ".png"))
            ]
            for one in summaries
        ]


def maps_of(summaries: Sequence[Summary]) -> dict[str, FloatArray]:
    """Return the last conductance maps (S) of runs by file and group."""
    return {
        f"{one.path.name}: {name}": values.conductance
        for one in summaries
        for name, values in one.run.last_maps().items()
    }


def _plots(summary: Summary) -> Iterator[tuple[str, str, Plot]]:
    """Yield file name, caption and function of each figure of a run."""
    from memlab import figures
    from memlab.kinds import plot_run

    run, stem = summary.run, summary.path.stem
    if run.family not in (Family.PROCEDURE, Family.IMPORT):
        about = _ABOUT.get(run.kind, "what was predicted or classified, the loss, and the weights")
        end = "" if summary.finished else ", not finished"
        yield stem, f"{summary.title}{end}: {about}.", plot_run
        return
    if not summary.finished:
        text = f"{summary.title}, not finished: the last reading."
        yield f"{stem}-last-reading", text, figures.plot_last_reading
        return
    cells = next((row.value for row in summary.identity if row.name == "cells"), "")
    yield stem, f"{summary.title}; {cells}.", plot_run
    text = f"{summary.title}: what was found for each cell."
    yield f"{stem}-maps", text, figures.plot_maps


def _draw(plot: Plot, run: Path, suffix: str) -> bytes:
    """Return the picture that a function draws; nothing where it says that there is nothing."""
    with TemporaryDirectory() as folder:
        picture = Path(folder) / f"picture{suffix}"
        if plot(run, picture) is False or not picture.exists():
            return b""
        return picture.read_bytes()
