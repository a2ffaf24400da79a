"""The picture of a log of another instrument: its cells over their readings and over amplitude."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, many, marker, whole_numbers
from memlab.numeric import FloatArray
from memlab.runs import Run

__all__ = ["draw"]


_SHOWN = 60
"""Single cells that are drawn."""


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the conductance of each cell at its readings, and after pulses over their amplitude."""
    mask = entry["map/mask"][()].astype(bool)
    cells = 1e6 * entry["map/conductance"][()][:, mask]
    amplitude = entry["map/amplitude"][()]
    left, right = panels(figure, 1, 2)
    _draw_histories(left, cells)
    _draw_amplitudes(right, amplitude, cells)
    for axes in (left, right):
        axes.set_ylabel("Conductance (µS)")
        positive = cells[np.isfinite(cells)]
        if positive.min() > 0.0 and positive.max() > 30.0 * positive.min():
            axes.set_yscale("log")


def _draw_histories(axes: Axes, cells: FloatArray) -> None:
    own = [column[np.isfinite(column)] for column in cells.T]
    shown = own[:: -(-len(own) // _SHOWN)]
    for values in shown:
        number = np.arange(1, values.size + 1)
        dots = marker(values.size)
        axes.plot(number, values, color=BLUE, linewidth=0.8, alpha=0.7, marker=dots)
    whole_numbers(axes.xaxis)
    axes.set_title(f"{len(shown)} of {many(len(own), 'cell')}")
    axes.set_xlabel("Reading of the cell")


def _draw_amplitudes(axes: Axes, amplitude: FloatArray, cells: FloatArray) -> None:
    reading, cell = np.nonzero(np.isfinite(cells))
    pulsed = amplitude[reading] != 0.0
    for part, colour, label in ((pulsed, ORANGE, "after a pulse"), (~pulsed, GREY, "read alone")):
        if part.any():
            at = amplitude[reading[part]], cells[reading[part], cell[part]]
            axes.plot(*at, ".", color=colour, label=label)
    axes.set_xlabel("Pulse amplitude (V)")
    legend_below(axes)
