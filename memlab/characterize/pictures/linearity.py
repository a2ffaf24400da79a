"""The picture of a linearity test: bending of cells, and columns up to the end of each gain."""

from __future__ import annotations

import json

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from drivers.published_board import recorded_converter
from memlab.characterize import linearity
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, say
from memlab.runs import Run

__all__ = ["draw"]

_POINTS = 1500
"""Points drawn for each gain."""


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw the cubic part against conductance, and deviations from a line against ADC voltage."""
    left, right = panels(figure, 1, 2)
    _draw_bending(left, run, entry)
    _draw_columns(right, run, entry)


def _draw_bending(axes: Axes, run: Run, entry: h5py.Group) -> None:
    percent = 100.0 * np.nanmax(entry["vmm/driven_voltage"][()]) ** 2
    G = 1e6 * run.values(linearity.BIN_CONDUCTANCE)
    axes.errorbar(
        G,
        percent * run.values(linearity.BIN_BENDING),
        percent * run.errors(linearity.BIN_BENDING),
        color=BLUE,
        marker="o",
        markersize=3,
        linestyle="none",
        linewidth=0.8,
        label="cells alike",
    )
    a, b = run.number(linearity.BENDING), run.number(linearity.OHMIC_RESISTANCE)
    if G.size and np.isfinite(a):
        x = np.linspace(0.0, G.max(), 100)
        axes.plot(x, percent * a / (1.0 + 1e-6 * b * x), color=ORANGE, linewidth=1.0, label="fit")
    axes.axhline(0.0, color=GREY, linewidth=0.6)
    V0 = run.number(linearity.VOLTAGE)
    text = f"$V_0$ = {V0:.3f} V" if np.isfinite(V0) else "bending not determined"
    axes.set_title(text)
    axes.set_xlabel("Conductance (µS)")
    axes.set_ylabel(f"Cubic part at {(percent / 100) ** 0.5:.2g} V (%)")
    if G.size:
        legend_below(axes)
    else:
        say(axes, "too few cells conduct")


def _draw_columns(axes: Axes, run: Run, entry: h5py.Group) -> None:
    vmm = entry["vmm"]
    slope, offset = run.values(linearity.COLUMN_SLOPE), run.values(linearity.COLUMN_OFFSET)
    board = entry["instrument"].attrs
    transimpedance = json.loads(board["board.transimpedance"])
    row, sense = (recorded_converter(board, name) for name in ("row", "sense"))
    level = int(run.values(linearity.LEVEL)[-1])
    for k, (gain, colour) in enumerate(
        zip(run.values(linearity.GAIN), (BLUE, ORANGE, GREEN, PURPLE), strict=False)
    ):
        which = np.flatnonzero(
            (vmm["driven_row"][()] < 0)
            & (vmm["level"][()] == level)
            & (vmm["sweep_gain"][()] == gain)
        )
        driven = row.decode(vmm["dac_code"][which[0] : which[-1] + 1])
        volts = np.take_along_axis(driven, np.abs(driven).argmax(axis=1)[:, None], axis=1)
        expected = (slope[level, k] * volts + offset[level, k]) * transimpedance[int(gain) - 1]
        code = vmm["adc_code"][which[0] : which[-1] + 1]
        measured = -sense.decode(code)
        usable = np.isfinite(expected) & (np.abs(expected) < 2.6)
        x, y = expected[usable], 1e3 * (measured - expected)[usable]
        step = max(1, x.size // _POINTS)
        axes.plot(
            x[::step],
            y[::step],
            color=colour,
            marker=".",
            markersize=2,
            linestyle="none",
            label=f"gain {gain:.0f}",
            rasterized=True,
        )
    axes.set_title("Columns, lowest level")
    axes.set_xlabel("Straight line at the ADC (V)")
    axes.set_ylabel("Measured less line (mV)")
    legend_below(axes, markerscale=4.0)
