"""The picture of a SET staircase: gate voltage up and down, all cells (Wang 2019, figure 1b)."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import staircase
from memlab.characterize.offsets import net_conductance
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREY, ORANGE, given, many, say
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Run

__all__ = ["HEIGHT", "draw"]

HEIGHT = 4.6
"""Inches."""


_MANY = 200
"""Cells from which quantiles of 1 % mean something."""

_HIGH = 50.0
"""Conductance (µS) of cells that count as high where none responds."""


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw mean and spread of the conductance at each step, and the SET law."""
    mask = entry["map/mask"][()].astype(bool)
    gate = entry["map/gate_voltage"][()]
    steps = np.isfinite(gate)
    # Less what flows at 0 V, as the law was fitted.
    cells = 1e6 * net_conductance(run.record, run.settings["point"]["read_voltage"])[steps]
    gate = gate[steps]
    turn = int(np.argmax(gate)) + 1
    responds = run.values(staircase.RESPONDS).astype(bool)[mask]
    left, right = panels(figure, 1, 2)
    _draw_steps(left, cells, responds, turn)
    law = 1e6 * run.number(staircase.SET_SLOPE), 1e6 * run.number(staircase.SET_OFFSET)
    _draw_law(right, gate, cells[:, responds], turn, law)


def _draw_steps(axes: Axes, cells: FloatArray, responds: BoolArray, turn: int) -> None:
    """Quantiles of the cells that respond, some single cells, and those that do not respond."""
    step = np.arange(1, len(cells) + 1)
    alive, dead = cells[:, responds], cells[:, ~responds]
    if alive.size:
        number = alive.shape[1]
        outside, label = (0.01, "98 % of the cells") if number >= _MANY else (0.0, "all of them")
        low, median, high = np.quantile(alive, [outside, 0.5, 1.0 - outside], axis=1)
        if number > 1:
            axes.fill_between(step, low, high, color=BLUE, alpha=0.25, linewidth=0, label=label)
        axes.plot(step, alive[:, :: max(1, alive.shape[1] // 12)], color=GREY, linewidth=0.3)
        axes.plot(
            step, median, color=BLUE, label=f"median of {number} cells" if number > 1 else "1 cell"
        )
    level = np.median(dead, axis=0)
    high = level > (np.median(alive) if alive.size else _HIGH)
    for which, name, style in ((~high, "low", "-"), (high, "high", "--")):
        if which.any():
            label = f"stay {name}: {many(int(which.sum()), 'cell')}"
            middle = np.median(dead[:, which], axis=1)
            axes.plot(step, middle, color=ORANGE, linewidth=1.4, linestyle=style, label=label)
    axes.axvline(turn + 0.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlabel("Step")
    axes.set_ylabel("Conductance (µS)")
    legend_below(axes)


def _draw_law(
    axes: Axes, gate: FloatArray, cells: FloatArray, turn: int, law: tuple[float, float]
) -> None:
    """Mean and spread of the cells that respond; `law` is slope (µS/V) and offset (µS)."""
    axes.set_xlabel("Gate voltage (V)")
    axes.set_ylabel("Mean conductance (µS)")
    if not cells.size:
        say(axes, "no cell responds")
        return
    mean, spread = cells.mean(axis=1), cells.std(axis=1)
    slope, offset = law
    law_label = "law, of falling steps" if np.isfinite(slope) else None
    axes.plot(gate[:turn], slope * gate[:turn] + offset, color=GREY, linewidth=0.8, label=law_label)
    for part, colour, shift, label in (
        (slice(None, turn), BLUE, -0.012, "rising"),
        (slice(turn, None), ORANGE, 0.012, "falling"),
    ):
        # Set apart a little, so that equal values do not hide each other.
        axes.errorbar(
            gate[part] + shift,
            mean[part],
            spread[part],
            color=colour,
            marker="o",
            markersize=3.0,
            linestyle="none",
            linewidth=0.9,
            label=label,
        )
    notes = [given("falling law: {:.1f} µS/V", slope)]
    if cells.shape[1] > 1 and spread[turn:].size:
        notes.append(f"spread of {cells.shape[1]} cells {spread[turn:].mean():.1f} µS")
    axes.set_title("\n".join(notes))
    legend_below(axes)
