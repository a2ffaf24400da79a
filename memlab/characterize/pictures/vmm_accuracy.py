"""The picture of an accuracy test: measured over expected currents, and the parts of the error."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import vmm_accuracy
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, given, marker, whole_numbers
from memlab.runs import Run

__all__ = ["draw"]

_PARTS = (
    ("total", "black"),
    ("noise", BLUE),
    ("offset", ORANGE),
    ("quantisation", GREEN),
    ("rest", PURPLE),
)

_SHOWN = 1e-4
"""Least part of the whole that is drawn."""


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the parts of the error against amplitude, and the error of each column."""
    left, right = panels(figure, 1, 2)
    _draw_parts(left, run)
    _draw_columns(right, run, entry)


def _draw_parts(axes: Axes, run: Run) -> None:
    amplitude = run.values(vmm_accuracy.AMPLITUDE)
    order = np.argsort(amplitude)
    rms = {
        name: 1e6
        * np.sqrt(np.nanmean(run.values(vmm_accuracy.PART[name])[:, 0] ** 2, axis=-1))[order]
        for name, _ in _PARTS
    }
    # What is much smaller than the whole explains nothing of it.
    least = _SHOWN * max(float(np.nanmax(one, initial=0.0)) for one in rms.values())
    for (name, colour), mark in zip(_PARTS, "osv^D", strict=True):
        if (shown := rms[name] > least).any():
            values = np.where(shown, rms[name], np.nan)
            axes.plot(amplitude[order], values, color=colour, marker=mark, label=name)
    if least > 0.0:
        axes.set_yscale("log")
    axes.set_xlabel("Largest row voltage (V)")
    axes.set_ylabel("Rms error of a current (µA)")
    axes.set_title(f"Gain {_gain(run, 0)}")
    legend_below(axes)


def _draw_columns(axes: Axes, run: Run, entry: h5py.Group) -> None:
    amplitude, totals = run.values(vmm_accuracy.AMPLITUDE), run.values(vmm_accuracy.PART["total"])
    strongest = int(amplitude.argmax())
    column = entry["vmm/column"][()]
    for k, colour in zip(range(totals.shape[1]), (BLUE, ORANGE, GREEN), strict=False):
        total = 1e6 * totals[strongest, k]
        axes.plot(
            column,
            total,
            color=colour,
            marker=marker(column.size),
            label=f"gain {_gain(run, k)}",
        )
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    axes.plot(
        column,
        1e6 * run.values(vmm_accuracy.BIAS)[strongest, 0],
        color=GREY,
        linewidth=0.8,
        linestyle="--",
        label="mean",
    )
    axes.set_xlabel("Column")
    whole_numbers(axes.xaxis)
    axes.set_ylabel("Error of a column (µA)")
    volts = float(amplitude[strongest])
    relative = run.number(vmm_accuracy.RELATIVE["total"])
    axes.set_title(given("Error at {:.3g} V:\n{:.2g} % of rms current", volts, 100 * relative))
    legend_below(axes)


def _gain(run: Run, k: int) -> str:
    gain = int(run.values(vmm_accuracy.GAIN)[k])
    return str(gain) if gain else "automatic"
