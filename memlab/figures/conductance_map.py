"""A conductance map, and how its values are distributed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.figures.cell_map import draw_cells, measured_lines
from memlab.figures.heading import run_heading
from memlab.figures.panels import panels
from memlab.figures.style import BLUE, figure_file
from memlab.runs.opening import open_for_reading

__all__ = ["plot_map", "plot_map_of_run"]

FloatArray = npt.NDArray[np.float64]
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
        if values.size:
            right.hist(values, bins=min(50, 5 + values.size), color=BLUE)
            right.set_title(f"{values.size} cells, median {np.median(values):.4g} µS")
        right.set_yscale("symlog", linthresh=1)
        right.set_ylim(bottom=0)
        right.set_xlabel("Conductance (µS)")
        right.set_ylabel("Cells")


def plot_map_of_run(run: Path, picture: Path) -> None:
    """Draw a run file of `memlab read`; a picture that is there is replaced."""
    with open_for_reading(run) as file:
        entry = file["entry"]
        conductance = entry["map/conductance"][()]
        lines = entry["map/row"][()], entry["map/column"][()]
        heading = run_heading(entry, run, "Conductance map")
    plot_map(conductance, heading, picture, lines)
