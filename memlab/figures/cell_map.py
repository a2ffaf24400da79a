"""A map of cells: one square per cell, rows down and columns across, as the chip is numbered."""

from __future__ import annotations

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["draw_cells"]


def draw_cells(
    figure: Figure,
    axes: Axes,
    entry: h5py.Group,
    values: npt.NDArray[np.float64],
    label: str,
    colours: str = "viridis",
) -> None:
    """Draw values of the cells that a procedure is about; others, and NaN, stay grey.

    Parameters
    ----------
    entry
        The run file's entry: it has the lines and the mask.
    values
        Shape (rows, columns).
    label
        Of the colour bar: quantity and unit.
    colours
        Name of a colour map that rises in lightness.
    """
    rows, columns = entry["map/row"][()], entry["map/column"][()]
    shown = np.where(entry["map/mask"][()].astype(bool), values, np.nan)
    axes.set_facecolor("0.85")
    image = axes.imshow(shown, cmap=colours, aspect="auto", interpolation="nearest")
    for axis, lines in ((axes.yaxis, rows), (axes.xaxis, columns)):
        ticks = np.unique(np.linspace(0, lines.size - 1, min(5, lines.size)).round().astype(int))
        axis.set_ticks(ticks, [str(lines[k]) for k in ticks])
    axes.set_xlabel("Column")
    axes.set_ylabel("Row")
    figure.colorbar(image, ax=axes, label=label)
