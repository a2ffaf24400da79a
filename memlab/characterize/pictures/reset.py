"""The picture of a RESET map."""

from __future__ import annotations

import h5py
from matplotlib.figure import Figure, SubFigure

from memlab.characterize.pictures.pulse_grid import draw_grid
from memlab.runs import Run

__all__ = ["draw"]


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw conductance after one RESET over the grid, and its spread."""
    draw_grid(figure, run, "RESET")
