"""One look for all figures, and the one place where they are saved.

Every figure is a page wide (170 mm) and drawn in 12 point: shrunk to one column of a paper (85 mm),
or to 600 pixels, its smallest text has still 6 point. Colours are those of Okabe and Ito, which
colour-blind people can tell apart, and colour maps that rise in lightness.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from memlab.figures.fitting import fit_text
from memlab.figures.one_scale import is_collecting
from memlab.storage import write_over
from memlab.units import plain

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "count_axis",
    "figure_file",
    "given",
    "many",
    "marker",
    "save_figure",
    "say",
    "whole_numbers",
]

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
GREY = "0.45"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9", "0.2")
"""Of curves that are told apart by colour."""

WIDTH = 170 / 25.4
"""Inches."""

_LINE = 72
"""Characters of a heading that fit side by side."""

FONT = 12.0
"""Points of all text."""

STYLE: Any = {
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.labelsize": FONT,
    "xtick.labelsize": FONT,
    "ytick.labelsize": FONT,
    "legend.fontsize": FONT,
    "legend.title_fontsize": FONT,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 0.9,
    "legend.borderpad": 0.2,
    "figure.titlesize": FONT,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.0,
    "axes.titlepad": 5.0,
    "axes.formatter.useoffset": False,
    # What `fit_text` has found is final, whatever a matplotlibrc says.
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    # Text stays text, which readers can search and journals can set.
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}

_MANY = 20
"""Counts from which an axis goes by ratios."""

_FEW = 40
"""Points up to which each gets a marker: a line through one point cannot be seen."""


@contextmanager
def figure_file(path: Path, height: float, heading: str) -> Iterator[Figure]:
    """Give an empty figure to draw on, and save it at the end.

    Parameters
    ----------
    path
        Picture to write, in the format of its suffix; an existing one is replaced.
    height
        Inches, without the heading.
    heading
        What it is, and of what; lines that are too long are broken.
    """
    lines = sum(-(-len(line) // _LINE) for line in heading.split("\n"))
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(WIDTH, height + (0.2 * lines if heading else 0.0)), layout="constrained"
        )
        FigureCanvasAgg(figure)  # knows how large text is; no window system is needed
        if heading:
            figure.suptitle(heading)
        yield figure
        if not is_collecting():
            save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the suffix, whole or not at all; one that is there goes.

    Titles and labels that are longer than what they name are broken into lines.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    kind = path.suffix.removeprefix(".") or "png"
    # Drawn first: on a full disk the PDF writer of matplotlib raises an error of its own.
    drawn = BytesIO()
    with matplotlib.rc_context(STYLE):
        fit_text(figure)
        # Twice as fast as by default, and hardly larger.
        packing: dict[str, Any] = {"pil_kwargs": {"compress_level": 3}} if kind == "png" else {}
        figure.savefig(drawn, dpi=200, format=kind, **packing)
    write_over(path, lambda file: file.write(drawn.getbuffer()))


def whole_numbers(axis: Axis) -> None:
    """Put the ticks of an axis of counts at whole numbers, even where there is only one."""
    axis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))


def say(axes: Axes, text: str) -> None:
    """Write in the middle of a panel why nothing is drawn in it; what was there goes."""
    for artist in [*axes.lines, *axes.collections]:
        artist.remove()
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)


def count_axis(axes: Axes, largest: int) -> None:
    """Make the vertical axis one of counts from 0: by ratios where one count hides the others."""
    if largest > _MANY:
        axes.set_yscale("symlog", linthresh=1)
    else:
        whole_numbers(axes.yaxis)
    axes.set_ylim(bottom=0)


def given(template: str, *numbers: float) -> str:
    """Return a text with numbers in it, or that they were not determined."""
    if all(math.isfinite(number) for number in numbers):
        return plain(template.format(*numbers))
    return f"{template.partition('{')[0].strip(' :')} not determined".strip()


def many(number: int, what: str) -> str:
    """Return "1 cell", "2 cells"."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def marker(points: int) -> str:
    """Return the marker of a curve: none where its points are so many that they touch."""
    return "o" if points <= _FEW else ""
