"""The picture of a table of measured cells and its twin: each statistic, with its tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.figures.style import BLUE, ORANGE, new_figure, save_figure
from memlab.units import prefixed

__all__ = ["plot_table_comparison"]

FloatArray = npt.NDArray[np.float64]

Panel = tuple[str, FloatArray, FloatArray, FloatArray, FloatArray]
"""Name, x, measured, twin, tolerance; shape (n,) each."""

_ACROSS = 5


def plot_table_comparison(
    panels: Sequence[Panel], over: tuple[str, str], units: str, title: str, picture: Path
) -> None:
    """Draw one panel for each statistic.

    Parameters
    ----------
    panels
        The statistics.
    over
        Name and unit of x.
    units
        Of the numbers.
    title
        Of the whole picture.
    picture
        File to write; an existing one is replaced.
    """
    across = len(panels) if len(panels) < _ACROSS else _ACROSS
    down = -(-len(panels) // across)
    figure = new_figure(width=3.2 * across + 0.4, height=2.6 * down + 0.5)
    largest = max(float(np.abs(panel[2]).max()) for panel in panels)
    factor, unit = prefixed(largest, units)
    x_factor, x_unit = prefixed(max(float(panel[1].max()) for panel in panels), over[1])
    grid = figure.subplots(down, across, squeeze=False)
    for axes, (name, x, measured, twin, tolerance) in zip(grid.flat, panels, strict=False):
        at = x / x_factor
        low, high = (measured - tolerance) / factor, (measured + tolerance) / factor
        axes.fill_between(at, low, high, color=BLUE, alpha=0.2, linewidth=0, label="tolerance")
        axes.plot(at, measured / factor, color=BLUE, linewidth=1.0, label="table")
        axes.plot(at, twin / factor, color=ORANGE, linestyle="--", linewidth=1.3, label="twin")
        outside = np.abs(twin - measured) > tolerance
        axes.plot(at[outside], twin[outside] / factor, "s", color=ORANGE, markersize=3.0)
        if float(measured.min()) >= 0.0:
            axes.set_ylim(bottom=0.0)
        axes.set_title(name, fontsize="small")
        axes.set_xlabel(over[0] if x_unit == "1" else f"{over[0]} ({x_unit})")
        axes.set_ylabel(f"{'Conductance' if units == 'S' else 'Value'} ({unit})")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    grid.flat[0].legend(loc="best", fontsize="x-small")
    figure.suptitle(title, fontsize="medium")
    save_figure(figure, picture)
