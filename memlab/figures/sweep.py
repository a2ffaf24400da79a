"""A metric over a sweep: the median over the seeds, and bands that hold 50 % and 90 % of them."""

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
PercentileBands = ((5.0, 95.0, 0.15), (25.0, 75.0, 0.3))


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
    plot.set_title(f"{title}\n{values.shape[-1]} seeds: median, 50 % and 90 %", fontsize="small")
    save_figure(figure, path)


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
        for low, high, alpha in PercentileBands:
            bottom, top = np.nanpercentile(line[have], [low, high], axis=-1)
            plot.fill_between(x[have], bottom, top, color=colour, alpha=alpha, linewidth=0)
        label = ", ".join(
            f"{name} = {choices[k]:g}" if not isinstance(choices[k], str) else str(choices[k])
            for (name, choices), k in zip(others, index, strict=True)
        )
        middle = np.nanmedian(line[have], axis=-1)
        plot.plot(x[have], middle, "o-", markersize=3, color=colour, linewidth=1.2, label=label)
    if rest:
        plot.legend(fontsize="x-small")
    if not numeric:
        plot.set_xticks(x, names)
    plot.set_xlabel(key)
