"""The picture of a procedure: of a finished one what it found, of any other its last reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
from matplotlib.figure import Figure, SubFigure

from memlab.characterize.procedure import Procedure
from memlab.figures.declared import Part, found_parts, plot_parts
from memlab.figures.maps import plot_last_reading
from memlab.runs import Run

__all__ = ["plot_procedure", "result_parts"]

_Draw = Callable[[Figure | SubFigure, Run, h5py.Group], None]

HEIGHT = 4.2
"""Inches, of pictures that do not say theirs."""


def plot_procedure(run: Run, picture: Path, kind: type[Procedure[Any]]) -> bool:
    """Draw a run; False, and nothing is written, where nothing was measured yet."""
    if run.finished:
        return plot_parts(run, picture, kind.draw_results(run))
    return plot_last_reading(run.path, picture)


def result_parts(run: Run, module: str) -> list[Part]:
    """Return what a module draws of a run; without one, what the run declares."""
    if not module:
        return found_parts(run)
    drawing = import_module(module)
    return [(getattr(drawing, "HEIGHT", HEIGHT), partial(_draw, run=run, draw=drawing.draw))]


def _draw(
    figure: Figure | SubFigure,
    run: Run,
    draw: Callable[[Figure | SubFigure, Run, h5py.Group], None],
) -> None:
    with run.entry() as entry:
        draw(figure, run, entry)
