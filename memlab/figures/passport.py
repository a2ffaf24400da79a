"""The picture of a chip's passport: how often each cell was pulsed, and what it was read at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memlab.figures.style import BLUE, GREY, ORANGE, new_figure, save_figure
from memlab.passport import Passport

__all__ = ["plot_passport"]


def plot_passport(passport: Passport, png: Path) -> None:
    """Draw pulses per cell as a map and as a histogram, and the conductances read last.

    Parameters
    ----------
    passport
        An open passport.
    png
        Picture to write; an existing one is replaced.
    """
    totals = passport.ledger.totals
    used = totals.fired + totals.doubtful
    figure = new_figure(width=9.0, height=4.6)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    _draw_map(figure, left, used.sum(0), "Pulses so far", "Pulses per cell (1)", "cividis")
    _draw_map(
        figure, middle, totals.known * 1e6, "Conductance read last", "Conductance (µS)", "viridis"
    )
    _draw_histogram(right, used, passport.budgets.set)
    figure.suptitle(f"chip {passport.chip}, {len(passport.runs())} runs", fontsize="medium")
    save_figure(figure, png)


def _draw_map(
    figure: Figure, axes: Axes, values: np.ndarray, title: str, unit: str, colours: str
) -> None:
    image = axes.imshow(values, cmap=colours, interpolation="nearest", aspect="auto")
    axes.set_facecolor("0.85")  # cells that nobody has read
    axes.set_title(title, fontsize="small")
    axes.set_xlabel("Column")
    axes.set_ylabel("Row")
    figure.colorbar(image, ax=axes, label=unit)


def _draw_histogram(axes: Axes, used: np.ndarray, budget: float | None) -> None:
    """Draw how many cells had how many SETs and RESETs, and where the budget of SETs ends."""
    edges = np.linspace(0, max(1, used.max()), 41)
    for counts, name, colour, style in (
        (used[0], "SETs", BLUE, "-"),
        (used[1], "RESETs", ORANGE, "--"),
    ):
        axes.stairs(np.histogram(counts, edges)[0], edges, label=name, color=colour, ls=style)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    most = used[0].max()
    share = "no budget of SETs" if not budget else f"most SETs: {most / budget:.2%} of the budget"
    axes.set_title(share, fontsize="small", color=GREY)
    axes.set_xlabel("Pulses of a cell (1)")
    axes.set_ylabel("Cells (1)")
    axes.legend()
