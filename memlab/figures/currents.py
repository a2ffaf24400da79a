"""The picture of vector-matrix products: the current of every column for every vector."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memlab.figures.cell_map import draw_cells
from memlab.figures.heading import run_heading
from memlab.figures.style import figure_file
from memlab.figures.units import scale_of
from memlab.runs.opening import open_for_reading

__all__ = ["plot_currents"]


def plot_currents(run: Path, picture: Path) -> None:
    """Draw a run file of `memlab vmm`.

    Parameters
    ----------
    run
        The run file.
    picture
        Picture to write; an existing one is replaced.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        current, columns = entry["vmm/current"][()], entry["vmm/column"][()]
        heading = run_heading(entry, run, "Vector-matrix products", "vmm")
    factor, unit = scale_of(current, units="A")
    with figure_file(picture, 3.6, heading) as figure:
        axes = figure.subplots()
        lines = np.arange(len(current)), columns
        draw_cells(axes, current / factor, lines, f"Column current ({unit})")
        axes.set_ylabel("Vector")
