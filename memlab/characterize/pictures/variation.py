"""The picture of variation: the cells' levels, and what their spread is made of."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import variation
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, ORANGE, marker, say
from memlab.runs import Run

__all__ = ["draw"]

STATES = {"reset": "RESET", "set_low": "SET, low gate", "set_high": "SET, high gate"}


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the cumulative distribution of each state's levels, and its three spreads."""
    left, right = panels(figure, 1, 2)
    for (name, text), colour in zip(STATES.items(), (GREEN, ORANGE, BLUE), strict=True):
        level = 1e6 * run.values(variation.CELL_LEVEL[name])
        level = np.sort(level[np.isfinite(level)])
        part = 100.0 * (np.arange(level.size) + 0.5) / max(1, level.size)
        left.plot(level, part, color=colour, marker=marker(level.size), label=text)
    left.set_xlabel("Mean conductance of a cell (µS)")
    left.set_ylabel("Cells (%)")
    if any(np.size(line.get_xydata()) for line in left.lines):
        legend_below(left)
    else:
        say(left, "no cell responds")
    if variation.LEVEL["reset"] in run.findings:
        _draw_parts(right, run)
    else:
        say(right, "spreads not determined:\ntoo few cells")


def _draw_parts(axes: Axes, run: Run) -> None:
    """One group of bars for each state: spread from cell to cell, cycle to cycle, reading."""
    kinds = {"cell": "cell to cell", "cycle": "cycle to cycle", "reading": "reading"}
    for k, ((kind, text), colour) in enumerate(
        zip(kinds.items(), (BLUE, ORANGE, GREEN), strict=True)
    ):
        spreads = [variation.SPREAD[state, kind] for state in STATES]
        value, error = (
            1e6 * np.array([of(one) for one in spreads]) for of in (run.number, run.error)
        )
        where = np.arange(len(STATES)) + 0.27 * (k - 1)
        value[~np.isfinite(value)] = 0.0  # not determined: no bar
        axes.bar(where, value, 0.25, yerr=error, color=colour, label=text, capsize=2)
    axes.set_xticks(np.arange(len(STATES)), [text.replace(", ", "\n") for text in STATES.values()])
    axes.set_xlabel("State")
    axes.set_ylabel("Standard deviation (µS)")
    legend_below(axes)
