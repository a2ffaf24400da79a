"""The picture of a chip's passport: how often each cell was pulsed, and what it was read at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memlab.figures.cell_map import draw_cells, measured_lines
from memlab.figures.heading import heading_of, utc
from memlab.figures.panels import legend_below, panels, stacked
from memlab.figures.style import BLUE, GREY, ORANGE, count_axis, figure_file, many, whole_numbers
from memlab.passport import Passport

__all__ = ["plot_passport"]

_MOST_BINS = 40


def plot_passport(passport: Passport, png: Path) -> None:
    """Draw pulses per cell as a map and as a histogram, and the conductances read last.

    Lines at the edges of the chip that were never pulsed nor read are not drawn.

    Parameters
    ----------
    passport
        An open passport.
    png
        Picture to write; an existing one is replaced.
    """
    totals = passport.ledger.totals
    used = totals.fired + totals.doubtful
    pulses = used.sum(0).astype(np.float64)
    part = measured_lines((pulses > 0) | np.isfinite(totals.known))
    rows, columns = (np.arange(size) for size in pulses.shape)
    lines = rows[part[0]], columns[part[1]]
    runs = passport.runs()
    last = runs[max(runs)] if runs else {}
    board = f", last on {last['board']}" if last.get("board") else ""
    heading = heading_of(
        f"Passport, {many(len(runs), 'run')}",
        f"chip {passport.chip}{board}",
        passport.path.name,
        utc(last.get("started")),
    )
    with figure_file(png, 8.0, heading) as figure:
        upper, lower = stacked(figure, (4, 3))
        left, right = panels(upper, 1, 2)
        draw_cells(
            left, pulses[part], lines, "Pulses per cell (1)", title="Pulses so far",
            colours="cividis",
        )  # fmt: skip
        draw_cells(
            right, 1e6 * totals.known[part], lines, "Conductance (µS)",
            title="Conductance read last",
        )  # fmt: skip
        _draw_histogram(lower.subplots(), used, passport.budgets.set)


def _edges(most: int) -> np.ndarray:
    """Return edges of bins for whole numbers from 0 to `most`, of equally many in each."""
    width = -(-(most + 1) // _MOST_BINS)
    return np.arange(0, most + 1 + width, width) - 0.5


def _draw_histogram(axes: Axes, used: np.ndarray, budget: float | None) -> None:
    """Draw how many cells had how many SETs and RESETs, and how much of the budget is used."""
    edges = _edges(int(used.max()))
    for counts, name, colour, style in (
        (used[0], "SETs", BLUE, "-"),
        (used[1], "RESETs", ORANGE, "--"),
    ):
        axes.stairs(np.histogram(counts, edges)[0], edges, label=name, color=colour, ls=style)
    count_axis(axes, used[0].size)
    whole_numbers(axes.xaxis)
    most = used[0].max()
    share = "no budget of SETs" if not budget else f"most SETs: {most / budget:.2%} of the budget"
    axes.set_title(share, color=GREY)
    axes.set_xlabel("Pulses of a cell (1)")
    axes.set_ylabel("Cells (1)")
    legend_below(axes)
