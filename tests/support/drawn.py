"""What is wrong with a figure to someone who looks at it: text that is cut off or covered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from memlab.figures import style
from memlab.figures.fitting import fit_text

COLUMN = 85 / 25.4
"""Width of a column of a paper in inches."""

SMALLEST = 6.0
"""Points that can still be read."""

_LATIN_MICRO = re.compile(r"(?<![A-Za-z])u[SAVsJF]\b|\bohm\b")


def figures_of(draw: Callable[[], Any]) -> list[Figure]:
    """Call what draws and saves figures, and return them as they would have been saved."""
    found: list[Figure] = []

    def keep(figure: Figure, path: Path) -> None:
        fit_text(figure)
        found.append(figure)

    with patch.object(style, "save_figure", keep):
        draw()
    return found


def faults(figure: Figure) -> list[str]:
    """Return what is cut off, covered, too small to read, invisible, or without a name."""
    texts = _drawn_texts(figure)
    boxes = [text.get_window_extent() for text in texts]
    names = [repr(text.get_text()) for text in texts]
    found = []
    shrink = COLUMN / figure.get_size_inches()[0]
    for text, box, name in zip(texts, boxes, names, strict=True):
        if not _inside(box, figure.bbox):
            found.append(f"{name} is cut off")
        if text.get_fontsize() * shrink < SMALLEST - 1e-9:
            found.append(f"{name} is too small in a column")
        if re.search(r"\bnan\b|\binf\b", text.get_text()):
            found.append(f"{name} shows what is no number")
        if re.search(r"\de\+\d", text.get_text()):
            found.append(f"{name} shows a power of ten in place of a number")
        if any(_inside(point, box, -1.0) for point in _outside(figure)):
            found.append(f"{name} covers a point")
        if _LATIN_MICRO.search(text.get_text()):
            found.append(f"{name} spells a unit in Latin letters")
    for (one, first), (other, second) in combinations(zip(names, boxes, strict=True), 2):
        if _overlap(first, second):
            found.append(f"{one} and {other} cover each other")
    panels = [axes for axes in figure.findobj(Axes) if axes.axison]
    for legend in _legends(figure):
        box = legend.get_window_extent()
        if not _inside(box, figure.bbox):
            found.append("a legend is cut off")
        if any(_overlap(box, axes.get_window_extent()) for axes in panels):
            found.append("a legend lies over data")
    for axes in panels:
        found += _nameless(axes) + _invisible(axes) + _empty(axes)
    return found


def _drawn_texts(figure: Figure) -> list[Text]:
    with rc_context(style.STYLE), _recorded() as texts:
        figure.draw_without_rendering()
    return texts


@contextmanager
def _recorded() -> Iterator[list[Text]]:
    """Note every text that is drawn; ticks beyond the ends of an axis are not."""
    texts: list[Text] = []
    draw = Text.draw

    def record(text: Text, *arguments: Any, **named: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            texts.append(text)
        draw(text, *arguments, **named)

    with patch.object(Text, "draw", record):
        yield texts


def _legends(figure: FigureBase) -> list[Any]:
    inside = [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    return [*figure.legends, *inside] + [one for part in figure.subfigs for one in _legends(part)]


def _outside(figure: Figure) -> list[Bbox]:
    """Return the places of points that are drawn beyond the edge of their axes."""
    lines = [line for line in figure.findobj(Line2D) if not line.get_clip_on()]
    of_panels = [line for line in lines if isinstance(line.axes, Axes) and line in line.axes.lines]
    return [
        Bbox([place, place])
        for line in of_panels
        for place in line.get_transform().transform(line.get_xydata())
    ]


def _inside(box: Bbox, room: Bbox, slack: float = 1.0) -> bool:
    return (
        box.x0 >= room.x0 - slack
        and box.y0 >= room.y0 - slack
        and box.x1 <= room.x1 + slack
        and box.y1 <= room.y1 + slack
    )


def _overlap(first: Bbox, second: Bbox, slack: float = 1.0) -> bool:
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    return bool(width > slack and height > slack)


def _nameless(axes: Axes) -> list[str]:
    label, title = axes.get_ylabel(), axes.get_title()
    if hasattr(axes, "_colorbar"):
        return [] if label else ["a colour bar has no name"]
    return [] if label and axes.get_xlabel() else [f"axes {title!r} have no names"]


def _empty(axes: Axes) -> list[str]:
    """Axes with nothing on them but lines across, which have no points of their own."""
    curves = [line for line in axes.lines if line.get_transform() == axes.transData]
    points = [np.asarray(curve.get_xydata(), float) for curve in curves]
    drawn = any(np.isfinite(one).all(axis=1).any() for one in points)
    areas = [one for one in axes.collections if one.get_paths()]
    if drawn or areas or axes.images or axes.patches or hasattr(axes, "_colorbar"):
        return []
    return [f"the axes {axes.get_ylabel()!r} are empty"]


def _invisible(axes: Axes) -> list[str]:
    """A point between unknown ones has no line to either side: it needs a marker."""
    bare = [line for line in axes.lines if line.get_marker() in ("", "None", None)]
    return [f"a point of {line.get_label()!r} cannot be seen" for line in bare if _lonely(line)]


def _lonely(line: Line2D) -> bool:
    known = np.isfinite(np.asarray(line.get_xydata(), float)).all(axis=1)
    beside = np.pad(known, 1)
    return bool((known & ~beside[:-2] & ~beside[2:]).any())
