"""The picture of a procedure: each is drawn by a module of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from memlab.figures.style import new_figure, save_figure
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
        figure = new_figure(width=7.0, height=3.4)
        module.draw(figure, entry)
        serial = entry["instrument"].attrs["board.serial"]
        figure.suptitle(f"{entry.attrs['title']}; board {serial}", fontsize="medium")
    save_figure(figure, picture)
