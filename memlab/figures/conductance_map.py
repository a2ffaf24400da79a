"""A conductance map, and how its values are distributed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from memlab.figures.style import BLUE, new_figure, save_figure
from memlab.runs.opening import open_for_reading

__all__ = ["draw_map", "plot_map", "plot_map_of_run"]

FloatArray = npt.NDArray[np.float64]


def plot_map(conductance: FloatArray, title: str, png: Path) -> None:
    """Draw a map and its histogram.

    Parameters
    ----------
    conductance
        In S, shape (rows, columns); NaN for cells that are not shown.
    title
        What it is.
    png
        Picture to write; an existing one is replaced.
    """
    figure = new_figure(width=5.5, height=3.6)
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    values = 1e6 * conductance[~np.isnan(conductance)]
    image = draw_map(left, conductance, top=max(1.0, float(values.max())))
    figure.colorbar(image, ax=left, label="Conductance (µS)")
    right.hist(values, bins=50, color=BLUE)
    right.set_xlabel("Conductance (µS)")
    right.set_ylabel("Cells")
    right.set_title(f"{values.size} cells, median {np.median(values):.4g} µS", fontsize="small")
    figure.suptitle(title, fontsize="small")
    save_figure(figure, png)


def plot_map_of_run(run: Path, picture: Path) -> None:
    """Draw a run file of `memlab read`; a picture that is there is replaced."""
    with open_for_reading(run) as file:
        entry = file["entry"]
        conductance = entry["map/conductance"][()]
        title = f"Conductance map, {entry.attrs['board']}"
    plot_map(conductance, title, picture)


def draw_map(axes: Axes, conductance: FloatArray, top: float | None = None) -> AxesImage:
    """Draw a map of conductances in S, in microsiemens from 0 to `top`; NaN is grey."""
    axes.set_facecolor("0.9")
    axes.set_xlabel("Column")
    axes.set_ylabel("Row")
    return axes.imshow(
        1e6 * conductance, vmin=0.0, vmax=top, cmap="viridis", interpolation="nearest"
    )
