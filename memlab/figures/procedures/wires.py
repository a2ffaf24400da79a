"""The picture of a wire test: what wires leave of each cell, and how well the fit explains it."""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memlab.figures.style import BLUE, GREEN, ORANGE

__all__ = ["draw"]

FloatArray = npt.NDArray[np.float64]

_SET = 20e-6
"""Cells that conduct less (S) are not shown."""

_BINS = 16


def draw(figure: Figure, entry: h5py.Group) -> None:
    """Draw the loss at the last stage, and the reads of the first cells at all stages."""
    left, right = figure.subplots(1, 2)
    result = entry["result"]
    if "cell_conductance" not in result:
        left.text(0.5, 0.5, "not measurable:\ntoo few cells conduct", ha="center", va="center")
        left.set_axis_off()
        right.set_axis_off()
        return
    rows, columns = entry["map/row"][()], entry["map/column"][()]
    cells = result["cell_conductance"][()]
    read, model = result["read"][()], result["model"][()]
    shown = np.where(cells > _SET, read[-1] / np.maximum(cells, _SET), np.nan)
    chip = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    chip[np.ix_(rows, columns)] = 100.0 * shown
    image = left.imshow(chip, cmap="cividis", aspect="auto", interpolation="nearest")
    figure.colorbar(image, ax=left, label="Left of a cell's conductance (%)")
    left.set_xlabel("Column")
    left.set_ylabel("Row")
    left.set_title("Last stage", fontsize="small")
    _draw_fit(right, rows, read, model)
    wire = result["wire_resistance"][()]
    error = result["wire_resistance_error"][()]
    right.set_title(f"Cells SET first: {wire:.3f} ± {error:.3f} ohm per segment", fontsize="small")


def _draw_fit(axes: Axes, rows: npt.NDArray[np.intp], read: FloatArray, model: FloatArray) -> None:
    """Later reads of the cells that were SET first over their first read, by row."""
    first = (read[1] > _SET) & (read[0] < 0.25 * read[1])
    edges = np.linspace(rows.min(), rows.max() + 1, _BINS + 1)
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
                for k in range(_BINS)
            ]
            for values in (measured, expected)
        )
        axes.plot(centre, line, color=colour, linewidth=1.0, label=f"stage {stage}: fit")
        axes.plot(centre, points, color=colour, marker="o", markersize=3, linestyle="none")
    axes.set_ylim(top=axes.get_ylim()[1] + 0.15 * np.ptp(axes.get_ylim()))
    axes.legend(fontsize="small", ncols=2, loc="upper left")
    axes.set_xlabel("Row")
    axes.set_ylabel("First cells: read over first read (1)")
