"""A metric over a sweep: the median over the seeds, and bands that hold 50 % and 90 % of them.

A band is drawn only where there are seeds enough for it: beyond each end of a band of 90 % lies a
twentieth of the seeds, and that is none of fewer than twenty. Without a band each seed is a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memlab.figures.panels import legend_below
from memlab.figures.style import BLUE, COLOURS, GREY, figure_file
from memlab.figures.units import scale_of
from memlab.numeric import FloatArray

__all__ = ["plot_sweep"]

BANDS = ((5.0, 95.0, 0.15), (25.0, 75.0, 0.3))
"""Percentiles of a band, and how dark it is."""

_DECADE = 10.0
"""Largest over smallest value of an axis from which equal ratios are drawn at equal distances."""


def bands_of(seeds: int) -> tuple[tuple[float, float, float], ...]:
    """Return the bands for which so many seeds suffice: one at least lies beyond each end."""
    return tuple(band for band in BANDS if seeds * band[0] / 100.0 >= 1.0)


def plot_sweep(
    path: Path,
    values: FloatArray,
    axes: Sequence[tuple[str, Sequence[float] | Sequence[str]]],
    metric: str,
    title: str,
    units: str = "1",
) -> None:
    """Draw a metric over the first axis of numbers, one line for each combination of the others.

    An axis of words becomes lines wherever it stands; it lies along the picture only where there
    are no numbers.

    Parameters
    ----------
    path
        Picture to write; an existing one is replaced.
    values
        Shape (each axis..., seeds); NaN where a trial has no result.
    axes
        Name and values of each axis; with none, the seeds themselves are drawn.
    metric, title, units
        What is shown, of what, and its unit.
    """
    with figure_file(path, 4.6, f"{title}\n{_what_is_shown(values, axes)}") as figure:
        plot = figure.subplots()
        if not axes:
            _draw_seeds(plot, values)
        else:
            _draw_lines(plot, values, axes)
        plot.set_ylabel(f"{metric.replace('_', ' ')} ({units})")


def _what_is_shown(values: FloatArray, axes: Sequence[object]) -> str:
    seeds = int(np.isfinite(values).sum(axis=-1).min()) if values.size else 0
    if not axes:
        return f"{seeds} seeds: each, and their median"
    shown = [f"{high - low:.0f} %" for low, high, _ in bands_of(seeds)[::-1]]
    return f"{seeds} seeds: " + ("median, " + " and ".join(shown) if shown else "each, and median")


def _draw_seeds(plot: Axes, values: FloatArray) -> None:
    found = np.sort(values[np.isfinite(values)])
    plot.plot(found, "o", color=BLUE)
    if found.size:
        plot.axhline(float(np.median(found)), color=GREY, linewidth=0.8)
    plot.set_xlabel("Seeds, sorted")


def _draw_lines(
    plot: Axes, values: FloatArray, axes: Sequence[tuple[str, Sequence[float] | Sequence[str]]]
) -> None:
    numbers = [k for k, (_, points) in enumerate(axes) if not isinstance(points[0], str)]
    along = numbers[0] if numbers else 0
    key, points = axes[along]
    others = [axis for k, axis in enumerate(axes) if k != along]
    values = np.moveaxis(values, along, 0)
    names = [str(point) for point in points]
    numeric = bool(numbers)
    x = np.array(points, float) if numeric else np.arange(len(names), dtype=float)
    if numeric:
        key, x = _scaled(key, x)
    rest = values.shape[1:-1]
    for number, index in enumerate(np.ndindex(*rest)):
        colour = COLOURS[number % len(COLOURS)]
        line = values[(slice(None), *index)]
        have = np.isfinite(line).any(axis=-1)
        if not have.any():
            continue
        seeds = int(np.isfinite(line[have]).sum(axis=-1).min())
        for low, high, alpha in bands_of(seeds):
            bottom, top = np.nanpercentile(line[have], [low, high], axis=-1)
            plot.fill_between(x[have], bottom, top, color=colour, alpha=alpha, linewidth=0)
        label = ", ".join(
            f"{name} = {choices[k]:g}" if not isinstance(choices[k], str) else str(choices[k])
            for (name, choices), k in zip(others, index, strict=True)
        )
        if not bands_of(seeds):
            each = np.broadcast_to(x[have][:, np.newaxis], line[have].shape)
            plot.scatter(each, line[have], s=12, alpha=0.5, color=colour, linewidths=0)
        middle = np.nanmedian(line[have], axis=-1)
        mark = "osv^Dph"[number % len(COLOURS)]
        plot.plot(x[have], middle, marker=mark, color=colour, label=label)
    if rest:
        legend_below(plot)
    if not numeric:
        plot.set_xticks(x, names)
    elif _by_ratios(x):
        plot.set_xscale("log")
    plot.set_xlabel(key)


def _scaled(key: str, x: FloatArray) -> tuple[str, FloatArray]:
    """Return "chip.noise (µS)" and 0 to 20 of "chip.noise (S)" and 0 to 20e-6."""
    name, bracket, unit = key.rpartition(" (")
    if not bracket:
        return key, x
    factor, unit = scale_of(x, units=unit.removesuffix(")"))
    return f"{name} ({unit})", x / factor


def _by_ratios(x: FloatArray) -> bool:
    """Return whether the values of an axis were chosen at equal ratios over a decade or more."""
    if x.size < 2 or x.min() <= 0.0 or x.max() < _DECADE * x.min():
        return False
    ratios = np.diff(np.log(np.sort(x)))
    return bool(np.allclose(ratios, ratios[0], rtol=0.05))
