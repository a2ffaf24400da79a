"""A conductance map, and how its values are distributed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from memlab.figures.cell_map import draw_cells, measured_lines, robust_limits
from memlab.figures.heading import run_heading
from memlab.figures.panels import panels
from memlab.figures.style import BLUE, count_axis, figure_file, many, say
from memlab.numeric import FloatArray
from memlab.runs.opening import open_for_reading

__all__ = ["plot_map", "plot_map_of_run"]

IntArray = npt.NDArray[np.integer[Any]]


def plot_map(
    conductance: FloatArray,
    heading: str,
    png: Path,
    lines: tuple[IntArray, IntArray] | None = None,
) -> None:
    """Draw a map and its histogram.

    Parameters
    ----------
    conductance
        In S, shape (rows, columns); NaN for cells that were not read. Lines at the edges without
        any value are not drawn.
    heading
        What it is, and of what.
    png
        Picture to write; an existing one is replaced.
    lines
        Numbers of the rows and of the columns on the chip; from 0 if None.
    """
    rows, columns = lines or tuple(np.arange(size) for size in conductance.shape)
    part = measured_lines(np.isfinite(conductance))
    microsiemens = 1e6 * conductance[part]
    values = microsiemens[np.isfinite(microsiemens)]
    with figure_file(png, 4.2, heading) as figure:
        left, right = panels(figure, 1, 2)
        draw_cells(left, microsiemens, (rows[part[0]], columns[part[1]]), "Conductance (µS)")
        _draw_histogram(right, values)


def _draw_histogram(axes: Axes, values: FloatArray) -> None:
    """Draw how values in microsiemens are distributed, without the few that are far off."""
    if not values.size:
        say(axes, "no cell was read")
        return
    low, high = robust_limits(values)
    inside = values[(values >= low) & (values <= high)]
    counts, _, _ = axes.hist(inside, bins=min(50, 5 + values.size), color=BLUE)
    count_axis(axes, int(np.max(counts)))
    # Adding 0 makes 0 of -0.
    median, least, most = (float(f(values)) + 0.0 for f in (np.median, np.min, np.max))
    title = f"{many(values.size, 'cell')}, median {median:.4g} µS"
    if outside := values.size - inside.size:
        title += f"\n{outside} not shown, {least:.4g} to {most:.4g} µS"
    axes.set_title(title)
    axes.set_xlabel("Conductance (µS)")
    axes.set_ylabel("Cells")


def plot_map_of_run(run: Path, picture: Path) -> None:
    """Draw a run file of `memlab read`; a picture that is there is replaced."""
    with open_for_reading(run) as file:
        entry = file["entry"]
        conductance = entry["map/conductance"][()]
        lines = entry["map/row"][()], entry["map/column"][()]
        heading = run_heading(entry, run, "Conductance map", "map")
    plot_map(conductance, heading, picture, lines)
