"""Panels of a figure, each with room of its own for a legend that covers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure

from memlab.figures.fitting import folded

__all__ = ["legend_below", "panels", "stacked"]


def panels(
    figure: Figure | SubFigure,
    rows: int,
    columns: int,
    *,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> list[Axes]:
    """Divide a figure into panels, row by row; each is the only axes of a part of the figure.

    Parameters
    ----------
    widths, heights
        Shares of the columns and rows; equal if None.
    """
    parts = figure.subfigures(
        rows, columns, squeeze=False, width_ratios=widths, height_ratios=heights
    )
    return [part.subplots() for part in parts.flat]


def stacked(figure: Figure | SubFigure, heights: Sequence[float]) -> list[SubFigure]:
    """Divide a figure into parts from top to bottom, of some heights."""
    return list(figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0])


def legend_below(
    axes: Axes,
    title: str | None = None,
    handles: Sequence[Artist] | None = None,
    markerscale: float = 1.0,
) -> None:
    """Put the legend of a panel below it, in as many columns as fit; none where nothing has a name.

    Parameters
    ----------
    axes
        Of `panels`, or the only axes of a figure.
    title
        What the names are.
    handles
        What to explain; all that has a label if None.
    markerscale
        How much larger markers are than on the axes.
    """
    shown = list(axes.get_legend_handles_labels()[0] if handles is None else handles)
    if not shown:
        return
    labels = [str(one.get_label()) for one in shown]
    part = axes.figure
    style: dict[str, Any] = {
        "loc": "outside lower center",
        "title": title,
        "markerscale": markerscale,
    }
    for columns in range(min(6, len(shown)), 0, -1):
        # A legend is filled column by column, and read line by line.
        order = [k for first in range(columns) for k in range(first, len(shown), columns)]
        legend = part.legend(
            [shown[k] for k in order], [labels[k] for k in order], ncols=columns, **style
        )
        width = legend.get_window_extent(_renderer(part)).width
        if width <= 0.98 * part.bbox.width:
            return
        legend.remove()
    share = 0.9 * part.bbox.width / width
    part.legend(shown, [folded(label, share) for label in labels], **style)


def _renderer(part: Figure | SubFigure) -> Any:
    canvas = part.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    return canvas.get_renderer()  # type: ignore[no-untyped-call]
