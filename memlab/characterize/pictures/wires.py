"""The picture of a wire test: what wires leave of each cell, and how well the fit explains it."""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import wires
from memlab.figures.cell_map import draw_cells
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, ORANGE, given, say
from memlab.numeric import FloatArray
from memlab.runs import Run

__all__ = ["draw"]


_SET = 20e-6
"""Cells that conduct less (S) are not shown."""

_BINS = 16


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the loss at the last stage, and the reads of the first cells at all stages."""
    if wires.CELL_CONDUCTANCE not in run.findings:
        say(figure.subplots(), "not measurable: too few cells conduct")
        return
    left, right = panels(figure, 1, 2)
    rows, columns = entry["map/row"][()], entry["map/column"][()]
    cells = run.values(wires.CELL_CONDUCTANCE)
    read, model = run.values(wires.READ), run.values(wires.MODEL)
    shown = np.where(cells > _SET, read[-1] / np.maximum(cells, _SET), np.nan)
    draw_cells(
        left, 100.0 * shown, (rows, columns), "Left of a cell's conductance (%)",
        title="Last stage; grey: below 20 µS", colours="cividis",
    )  # fmt: skip
    _draw_fit(right, rows, read, model)
    wire, error = run.number(wires.WIRE_RESISTANCE), run.error(wires.WIRE_RESISTANCE)
    right.set_title(given("Wires: {:.3f} ± {:.3f} Ω per segment", wire, error))


def _draw_fit(axes: Axes, rows: npt.NDArray[np.intp], read: FloatArray, model: FloatArray) -> None:
    """Later reads of the cells that were SET first over their first read, by row."""
    first = (read[1] > _SET) & (read[0] < 0.25 * read[1])
    number = min(_BINS, rows.size)
    edges = np.linspace(rows.min(), rows.max() + 1, number + 1)
    bins = np.digitize(rows, edges) - 1
    centre = 0.5 * (edges[1:] + edges[:-1])
    colours = (BLUE, ORANGE, GREEN)
    for stage in range(2, len(read)):
        measured = np.where(first, read[stage] / np.where(first, read[1], 1.0), np.nan)
        expected = np.where(first, model[stage] / np.where(first, model[1], 1.0), np.nan)
        colour = colours[(stage - 2) % len(colours)]
        points, line = (
            [
                np.nanmedian(values[bins == k]) if np.isfinite(values[bins == k]).any() else np.nan
                for k in range(number)
            ]
            for values in (measured, expected)
        )
        axes.plot(
            centre, points, color=colour, marker="o", linestyle="none", label=f"stage {stage}"
        )
        # A small mark: the fit of a single row has no line to either side.
        axes.plot(centre, line, color=colour, marker="_", label="its fit")
    if all(np.isnan(line.get_ydata()).all() for line in axes.lines):
        say(axes, "no cell was SET at the first stage")
        return
    legend_below(axes)
    axes.set_xlabel("Row")
    axes.set_ylabel("First cells: read over first read (1)")
