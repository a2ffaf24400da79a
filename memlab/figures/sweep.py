"""A metric over a sweep: the median over the seeds, and bands that hold 50 % and 90 % of them.

A band is drawn only where there are seeds enough for it: beyond each end of a band of 90 % lies a
twentieth of the seeds, and that is none of fewer than twenty. Without a band each seed is a point.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, new_figure, save_figure

__all__ = ["plot_sweep"]

FloatArray = npt.NDArray[np.float64]
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "0.2")
BANDS = ((5.0, 95.0, 0.15), (25.0, 75.0, 0.3))
"""Percentiles of a band, and how dark it is."""


def bands_of(seeds: int) -> tuple[tuple[float, float, float], ...]:
    """Return the bands for which so many seeds suffice: one at least lies beyond each end."""
    return tuple(band for band in BANDS if seeds * band[0] / 100.0 >= 1.0)


def plot_sweep(
    path: Path,
    values: FloatArray,
    axes: Sequence[tuple[str, Sequence[float] | Sequence[str]]],
    metric: str,
    title: str,
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
    metric, title
        What is shown, and of what.
    """
    figure = new_figure(width=5.0, height=3.4)
    plot = figure.subplots()
    if not axes:
        _draw_seeds(plot, values)
    else:
        _draw_lines(plot, values, axes)
    unit = "thousand passengers" if metric.endswith("rmse") else "1"
    plot.set_ylabel(f"{metric.replace('_', ' ')} ({unit})")
    plot.set_title(f"{title}\n{_what_is_shown(values, axes)}", fontsize="small")
    save_figure(figure, path)


def _what_is_shown(values: FloatArray, axes: Sequence[object]) -> str:
    seeds = int(np.isfinite(values).sum(axis=-1).min()) if values.size else 0
    if not axes:
        return f"{seeds} seeds: each, and their median"
    shown = [f"{high - low:.0f} %" for low, high, _ in bands_of(seeds)[::-1]]
    return f"{seeds} seeds: " + ("median, " + " and ".join(shown) if shown else "each, and median")


def _draw_seeds(plot: Axes, values: FloatArray) -> None:
    found = np.sort(values[np.isfinite(values)])
    plot.plot(found, "o", markersize=3, color=BLUE)
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
            plot.scatter(each, line[have], s=6, alpha=0.5, color=colour, linewidths=0)
        middle = np.nanmedian(line[have], axis=-1)
        plot.plot(x[have], middle, "o-", markersize=3, color=colour, linewidth=1.2, label=label)
    if rest:
        plot.legend(fontsize="x-small")
    if not numeric:
        plot.set_xticks(x, names)
    plot.set_xlabel(key)
