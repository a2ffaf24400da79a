"""The picture of a table of measured cells and its twin: each statistic, with its tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, ORANGE, figure_file, marker
from memlab.figures.units import scale_of
from memlab.numeric import FloatArray

__all__ = ["plot_table_comparison"]


Panel = tuple[str, FloatArray, FloatArray, FloatArray, FloatArray]
"""Name, x, measured, twin, tolerance; shape (n,) each."""

_ACROSS = 2


def plot_table_comparison(
    statistics: Sequence[Panel], over: tuple[str, str], units: str, title: str, picture: Path
) -> None:
    """Draw one panel for each statistic; less x, where that is in the same unit.

    Parameters
    ----------
    statistics
        What was compared.
    over
        Name and unit of x.
    units
        Of the numbers.
    title
        Of the whole picture.
    picture
        File to write; an existing one is replaced.
    """
    across = min(_ACROSS, len(statistics))
    down = -(-len(statistics) // across)
    # Of a conductance over the one that it began with, nothing but the change is to be seen.
    of_change = over[1] == units
    if of_change:
        statistics = [(n, x, m - x, t - x, tolerance) for n, x, m, t, tolerance in statistics]
    factor, unit = scale_of(*(np.abs(one[2]) for one in statistics), units=units)
    x_factor, x_unit = scale_of(*(one[1] for one in statistics), units=over[1])
    x_label = over[0] if x_unit == "1" else f"{over[0]} ({x_unit})"
    quantity = f"Change from {over[0].lower()}" if of_change else "Conductance"
    y_label = f"{quantity if units == 'S' else 'Value'} ({unit})"
    with figure_file(picture, 3.6 * down, title) as figure:
        places = panels(figure, down, across)
        for axes, (name, x, measured, twin, tolerance) in zip(places, statistics, strict=False):
            parts = (measured / factor, twin / factor, tolerance / factor)
            _draw(axes, x / x_factor, *parts)
            axes.set_title(name)
            axes.set_xlabel(x_label)
            axes.set_ylabel(y_label)
            legend_below(axes)
        for axes in places[len(statistics) :]:
            axes.set_axis_off()


def _draw(
    axes: Axes, x: FloatArray, measured: FloatArray, twin: FloatArray, tolerance: FloatArray
) -> None:
    low, high = measured - tolerance, measured + tolerance
    axes.fill_between(x, low, high, color=BLUE, alpha=0.2, linewidth=0, label="tolerance")
    dots = marker(x.size)
    axes.plot(x, measured, color=BLUE, marker=dots, markersize=3.0, label="table")
    axes.plot(x, twin, color=ORANGE, linestyle="--", marker=dots, markersize=3.0, label="twin")
    outside = np.abs(twin - measured) > tolerance
    if outside.any():
        axes.plot(x[outside], twin[outside], "s", color=ORANGE, label="outside")
    if float(measured.min()) >= 0.0:
        axes.set_ylim(bottom=0.0)
