"""The picture of an I-V sweep: the loops of a cell, switching voltages, and the measured curve."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import iv
from memlab.figures.panels import legend_below, panels, stacked
from memlab.figures.style import BLUE, GREY, ORANGE, many, marker, say
from memlab.numeric import BoolArray
from memlab.runs import Run

__all__ = ["HEIGHT", "draw"]

HEIGHT = 8.0
"""Inches."""


RESOLVED = 1e-8
"""Smallest current in A that is drawn: below is the noise of the readings."""


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw loops of the first cells, the switching voltages of all, and currents in read range."""
    mask = entry["map/mask"][()].astype(bool)
    upper, lower = stacked(figure, (5, 4))
    middle, right = panels(lower, 1, 2)
    _draw_loops(upper.subplots(), entry, mask)
    _draw_voltages(middle, run, entry, mask)
    _draw_measured(right, entry, mask)


def _draw_loops(axes: Axes, entry: h5py.Group, mask: BoolArray) -> None:
    """The estimated current of the first cell in every cycle, on a logarithmic axis."""
    voltage, cycle = entry["map/voltage"][()], entry["map/cycle"][()]
    row, column = np.argwhere(mask)[0]
    current = np.abs(voltage * entry["map/conductance"][:, row, column])
    shown = np.where(current > RESOLVED, current, np.nan)
    for k in range(int(cycle[-1]) + 1):
        for positive, colour in ((True, BLUE), (False, ORANGE)):
            part = (cycle == k) & ((voltage > 0.0) if positive else (voltage < 0.0))
            name = ("SET" if positive else "RESET") if k == 0 else None
            axes.semilogy(
                voltage[part], shown[part], color=colour, linewidth=0.7, marker=".",
                label=name,
            )  # fmt: skip
    lines = entry["map/row"][row], entry["map/column"][column]
    axes.set_title(f"Cell ({lines[0]}, {lines[1]}), {many(int(cycle[-1]) + 1, 'cycle')}")
    axes.set_xlabel("Amplitude (V)")
    axes.set_ylabel("Current, G times V (A)")
    legend_below(axes)


def _draw_voltages(axes: Axes, run: Run, entry: h5py.Group, mask: BoolArray) -> None:
    """Cumulative distribution of the switching voltages of all cells and cycles."""
    for operation, colour in ((iv.SET, BLUE), (iv.RESET, ORANGE)):  # as in the loops beside it
        values = run.values(operation.cell_voltage)[:, mask].ravel()
        values = np.sort(values[np.isfinite(values)])
        part = 100.0 * (np.arange(values.size) + 0.5) / max(1, values.size)
        dots = marker(values.size)
        label = f"{operation.name.upper()}, {many(values.size, 'sweep')}"
        axes.plot(values, part, color=colour, marker=dots, label=label)
    if all(np.isnan(line.get_ydata()).all() for line in axes.lines):
        say(axes, "no cell switched")
        return
    legend_below(axes)
    axes.set_xlim(left=0.0, right=1.05 * float(entry["map/voltage"][()].max()))
    axes.set_xlabel("Switching amplitude (V)")
    axes.set_ylabel("Sweeps (%)")


def _draw_measured(axes: Axes, entry: h5py.Group, mask: BoolArray) -> None:
    """The current of the first cell as measured within the read range, in both states."""
    row, column = np.argwhere(mask)[0]
    line = entry["vmm/line"][()] == row
    for state, colour, name in ((1.0, BLUE, "after SET"), (0.0, ORANGE, "after RESET")):
        part = line & (entry["vmm/after_set"][()] == state)
        current = 1e6 * entry["vmm/current"][()][part, column]
        axes.plot(
            1e3 * entry["vmm/drive"][()][part], current, color=colour, marker=".", markersize=3,
            linestyle="none", label=name,
        )  # fmt: skip
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.set_xlabel("Read voltage (mV)")
    axes.set_ylabel("Measured current (µA)")
    legend_below(axes)
