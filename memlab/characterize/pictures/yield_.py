"""The picture of a yield test: what each cell is, the good lines, and the two states."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.analysis.faults import Fault
from memlab.characterize import yield_
from memlab.figures.cell_map import CLASS_COLOURS, draw_classes, robust_limits
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, count_axis, many, say
from memlab.runs import Run
from memlab.runs.good_lines import GOOD_COLUMNS, GOOD_ROWS

__all__ = ["HEIGHT", "draw"]

HEIGHT = 5.0
"""Inches."""


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the map of fault classes and the histograms of SET and RESET states."""
    left, right = panels(figure, 1, 2, widths=(6, 5))
    _draw_map(left, run, entry)
    _draw_states(right, run)


def _draw_map(axes: Axes, run: Run, entry: h5py.Group) -> None:
    names = [str(name) for name in run.values(yield_.FAULT_CLASS)]
    fault = run.values(yield_.FAULT)
    lines = entry["map/row"][()], entry["map/column"][()]
    dropped = [
        np.flatnonzero(~np.isin(numbers, run.values(good)))
        for numbers, good in zip(lines, (GOOD_ROWS, GOOD_COLUMNS), strict=True)
    ]
    share = run.number(yield_.SHARE[Fault.PASS])
    title = f"Yield {share:.1%}" if np.isfinite(share) else "Yield not determined"
    draw_classes(axes, fault, lines, names, CLASS_COLOURS, title)
    # Outside the edge of the map, so that they hide no cell.
    height, width = fault.shape
    rows, columns = dropped
    if rows.size + columns.size:
        axes.plot(
            np.append(np.full(rows.size, 1.03 * width - 0.5), columns),
            np.append(rows, np.full(columns.size, -0.03 * height - 0.5)),
            ".",
            markersize=3,
            color="black",
            clip_on=False,
        )
        axes.set_xlim(-0.5, width - 0.5)
        axes.set_ylim(height - 0.5, -0.5)
        left_out = f"{many(rows.size, 'row')}, {many(columns.size, 'column')} left out"
        axes.set_title(f"{title}\ndots: {left_out}", pad=14)


def _draw_states(axes: Axes, run: Run) -> None:
    states = [1e6 * run.values(one) for one in (yield_.RESET_CONDUCTANCE, yield_.SET_CONDUCTANCE)]
    known = [values[np.isfinite(values)] for values in states]
    everything = np.concatenate(known)
    if not everything.size:
        say(axes, "no state was read")
        return
    # A short may conduct a hundred times more than a cell: it goes into the last bin. Bins are as
    # wide as the axis with the threshold needs: narrower ones are not seen.
    threshold = 1e6 * np.nanmedian(run.values(yield_.THRESHOLD))
    top = float(np.nanmax([robust_limits(everything)[1], 1.0, threshold]))
    beyond = int(np.count_nonzero(everything > top))
    edges = np.linspace(min(0.0, everything.min()), top, 61)
    for values, colour, label in zip(known, (BLUE, ORANGE), ("RESET", "SET"), strict=True):
        axes.hist(
            np.minimum(values, edges[-1]),
            edges.tolist(),
            color=colour,
            histtype="stepfilled",
            alpha=0.6,
            label=label,
        )
    if beyond:
        axes.set_title(f"last bin: {beyond} readings above")
    if np.isfinite(threshold):
        axes.axvline(threshold, color=GREY, linewidth=1.2, linestyle=":", label="threshold")
    count_axis(axes, max(values.size for values in known))
    axes.set_xlabel("Conductance (µS)")
    axes.set_ylabel("Cells")
    legend_below(axes)
