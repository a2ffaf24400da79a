"""The picture of a noise test: the spectrum at each level, and a cell with two states."""

from __future__ import annotations

import h5py
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.characterize import read_noise
from memlab.figures.panels import legend_below, panels
from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, given, say
from memlab.runs import Run

__all__ = ["draw"]


def draw(figure: Figure | SubFigure, run: Run, entry: h5py.Group) -> None:
    """Draw spectra with the fitted 1/f part, and reads of single cells against time."""
    left, right = panels(figure, 1, 2)
    _draw_spectra(left, run)
    _draw_series(right, run, entry)


def _draw_spectra(axes: Axes, run: Run) -> None:
    frequency = run.values(read_noise.FREQUENCY)
    density = run.values(read_noise.RELATIVE_DENSITY)
    conductance = 1e6 * run.values(read_noise.CONDUCTANCE)
    for k, colour in zip(range(len(density)), (BLUE, ORANGE, GREEN), strict=False):
        if (density[k] > 0.0).all():
            label = f"{conductance[k]:.0f} µS"
            axes.loglog(frequency, density[k], color=colour, linewidth=1.0, label=label)
    power, error = run.number(read_noise.FLICKER_POWER), run.error(read_noise.FLICKER_POWER)
    if power > 3.0 * error:
        axes.loglog(
            frequency,
            power / frequency,
            color=GREY,
            linewidth=0.9,
            linestyle="--",
            label="1/f part",
        )
    white = 100.0 * run.number(read_noise.WHITE)
    axes.set_title(given("White noise {:.2g} % of G for one read", white))
    axes.set_xlabel("Frequency (Hz)")
    axes.set_ylabel("Relative density of G (1/Hz)")
    if not axes.lines:
        say(axes, "no level with noise\nin every part of the spectrum")
    legend_below(axes)


def _draw_series(axes: Axes, run: Run, entry: h5py.Group) -> None:
    """The cell with the clearest two states, and the one with the least clear."""
    separation, clearest = run.values(read_noise.SEPARATION), run.values(read_noise.CLEAREST_LEVEL)
    two_states = run.values(read_noise.TELEGRAPH).astype(bool)
    for cells, sign, colour, text in (
        (two_states, 1.0, ORANGE, "two states"),
        (np.isfinite(separation) & (separation > 0.0) & ~two_states, -1.0, BLUE, "one state"),
    ):
        if not cells.any():
            continue
        where = np.argwhere(cells)
        row, column = (int(k) for k in where[int(np.argmax(sign * separation[cells]))])
        which = np.flatnonzero(entry["map/level"][()] == clearest[row, column])
        span = slice(which[0], which[-1] + 1)
        time = entry["map/time"][span] - entry["map/time"][which[0]]
        reads = entry["map/conductance"][span, row, column]
        label = f"{text}: row {entry['map/row'][row]}, column {entry['map/column'][column]}"
        axes.plot(time, reads / reads.mean(), color=colour, linewidth=0.8, label=label)
    share = 100.0 * run.number(read_noise.TELEGRAPH_CELLS)
    axes.set_title(given("Two states: {:.2g} % of the cells", share))
    axes.set_xlabel("Time (s)")
    axes.set_ylabel("G over its mean (1)")
    if not axes.lines:
        say(axes, "no cell has a series\nwith noise in it")
    legend_below(axes)
