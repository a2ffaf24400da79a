"""The picture of a procedure: each is drawn by a module of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from memlab.figures.heading import run_heading
from memlab.figures.style import figure_file
from memlab.naming import module_name
from memlab.runs.opening import open_for_reading

__all__ = ["plot_procedure"]


def plot_procedure(run: Path, picture: Path) -> None:
    """Draw what a finished procedure found.

    Parameters
    ----------
    run
        A run file of `memlab characterize`.
    picture
        File to write (.png, .pdf, .svg); an existing one is replaced.
    """
    with open_for_reading(run) as file:
        entry = file["entry"]
        name = module_name(str(entry.attrs["procedure"]))
        module = import_module(f"memlab.figures.procedures.{name}")
        height = getattr(module, "HEIGHT", 4.2)
        with figure_file(picture, height, run_heading(entry, run)) as figure:
            module.draw(figure, entry)
