"""The picture of an endurance test: both states over the cycles, and the cells that still work."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import endurance
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, given, many, marker, say
from memlab.numeric import FloatArray
from memlab.runs import Run

__all__ = ["draw"]


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw quantiles of SET and RESET conductance, and the survivors with the fitted law."""
    left, right = panels(figure, 1, 2)
    cycle = run.values(endurance.CYCLE)
    tested = run.values(endurance.CELL_TESTED).astype(bool)
    cells = 1e6 * entry["map/conductance"][()][:, tested]
    _draw_state(left, cycle, cells[1::2], BLUE, "after SET")
    _draw_state(left, cycle, cells[::2], ORANGE, "after RESET")
    _log_cycles(left, cycle)
    left.set_xlabel("Cycle (two pulses)")
    left.set_ylabel("Conductance (µS)")
    if cells.size:
        legend_below(left, "median; 10 to 90 % of cells")
        _draw_survivors(right, run, cycle, int(tested.sum()))
    else:
        say(left, "no cell switched\nin the first cycle")
        say(right, "no cell was tested")


def _draw_state(
    axes: Axes,
    cycle: FloatArray,
    cells: FloatArray,
    colour: str,
    name: str,
) -> None:
    if not cells.size:
        return
    low, median, high = np.nanquantile(cells, [0.1, 0.5, 0.9], axis=1)
    axes.fill_between(cycle, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(cycle, median, color=colour, marker=marker(cycle.size), label=name)


def _log_cycles(axes: Axes, cycle: FloatArray) -> None:
    if cycle.size == 1:
        axes.set_xticks(cycle)  # one tick of a logarithmic axis says nothing
        return
    axes.set_xlim(cycle[0] / 1.3, cycle[-1] * 1.3)
    axes.set_xscale("log")


def _draw_survivors(axes: Axes, run: Run, cycle: FloatArray, cells: int) -> None:
    working = 100.0 * run.values(endurance.WORKING)
    axes.plot(
        cycle,
        working,
        color=BLUE,
        marker="o",
        linestyle="none",
        label=many(cells, "cell"),
    )
    scale, scale_error = run.number(endurance.LIFETIME), run.error(endurance.LIFETIME)
    shape, shape_error = run.number(endurance.LIFETIME_SHAPE), run.error(endurance.LIFETIME_SHAPE)
    if np.isfinite(scale):
        # Of the cells that lived at the first check: a cell alive at cycle c survived 2 c - 1.
        fine = np.geomspace(cycle[0], max(2.0, cycle[-1]), 200)
        died = ((2.0 * fine - 1.0) / scale) ** shape - ((2.0 * cycle[0] - 1.0) / scale) ** shape
        axes.plot(fine, 100.0 * np.exp(-died), color=GREY, linewidth=0.9, label="Weibull")
        axes.set_title(
            given("lifetime {:.3g} ± {:.1g} pulses", scale, scale_error)
            + "\n"
            + given("shape {:.2f} ± {:.2f}", shape, shape_error)
        )
    _log_cycles(axes, cycle)
    axes.set_ylim(-3, 103)
    axes.set_xlabel("Cycle (two pulses)")
    axes.set_ylabel("Cells that work (%)")
    legend_below(axes)
