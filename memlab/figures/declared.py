"""The picture of a run that brings none of its own: everything that its file declares.

Loss, numbers with their errors, curves over one axis, what was found for each cell; and the last
conductance maps, or the last reading of a run that has not finished.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from memlab.figures.cell_map import draw_cells
from memlab.figures.heading import run_heading
from memlab.figures.panels import legend_below, panels, stacked
from memlab.figures.style import BLUE, ORANGE, figure_file, marker, whole_numbers
from memlab.figures.units import scale_of
from memlab.runs import ConductanceMap, Finding, Run

__all__ = ["Part", "draw_loss", "found_parts", "module_parts", "plot_declared", "plot_parts"]

Part = tuple[float, Callable[[Figure | SubFigure], None]]
"""Height in inches, and what draws it."""

Lines = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

_HEIGHT = 4.2
"""Inches, of pictures that do not say theirs."""

_MOST = 8
"""Curves and maps at most: a page can be looked at."""


def plot_declared(run: Run, picture: Path) -> bool:
    """Draw a run of any kind; False, and nothing is written, where there is nothing yet."""
    parts: list[Part] = []
    losses = run.losses()
    if losses.size:
        parts.append((3.4, lambda part: draw_loss(part.subplots(), run)))
    found = found_parts(run)
    parts += found
    if not (run.finished and found):
        maps = run.last_maps().items()
        parts += [(4.2, partial(_draw_last, one=one, name=name)) for name, one in maps]
    return plot_parts(run, picture, parts)


def plot_parts(run: Run, picture: Path, parts: list[Part], heading: str = "") -> bool:
    """Draw parts below each other under the heading of a run; False where there is none."""
    if not parts:
        return False
    if not heading:
        with run.entry() as entry:
            heading = run_heading(entry, run.path)
    heights = [height for height, _ in parts]
    with figure_file(picture, sum(heights), heading) as figure:
        places: list[Any] = [figure] if len(parts) == 1 else [*stacked(figure, heights)]
        for (_, draw), place in zip(parts, places, strict=True):
            draw(place)
    return True


def found_parts(run: Run) -> list[Part]:
    """Return a part for the numbers that were found, and one for each curve and map."""
    parts: list[Part] = []
    found = run.findings.values
    numbers = {name: one for name, one in found.items() if one.is_number}
    if numbers:
        parts.append((0.5 + 0.3 * len(numbers), partial(_draw_numbers, numbers=numbers)))
    curves = [name for name, one in found.items() if _is_curve(run, one)]
    parts += [(3.4, partial(_draw_curve, run=run, name=name)) for name in curves[:_MOST]]
    lines = _lines(run)
    maps = [name for name, one in found.items() if one.dims == ("row", "column")]
    if lines is not None:
        for name in maps[:_MOST]:
            one = found[name]
            parts.append((4.2, partial(_draw_map, one=one, name=name, lines=lines)))
    return parts


def module_parts(run: Run, module: str) -> list[Part]:
    """Return what a module draws of a run by `draw(figure, run, entry)`, its HEIGHT in inches."""
    drawing = import_module(module)
    part = partial(_draw_entry, run=run, draw=drawing.draw)
    return [(getattr(drawing, "HEIGHT", _HEIGHT), part)]


def _draw_entry(
    figure: Figure | SubFigure,
    run: Run,
    draw: Callable[[Figure | SubFigure, Run, h5py.Group], None],
) -> None:
    with run.entry() as entry:
        draw(figure, run, entry)


def draw_loss(axes: Axes, run: Run, name: str = "Loss") -> None:
    """Draw the loss before every update, and that of what was held out after every epoch."""
    losses, (updates, held_out) = run.losses(), run.validation_losses()
    label = "training" if held_out.size else None
    axes.plot(
        1 + np.arange(losses.size), losses, color=BLUE, marker=marker(losses.size), label=label
    )
    if held_out.size:
        mark = marker(held_out.size)
        axes.plot(updates, held_out, color=ORANGE, marker=mark, label="held out")
        legend_below(axes)
    # Less than a decade has few labels of its own on a logarithmic axis.
    if losses.size and losses.min() > 0.0 and losses.max() >= 10.0 * losses.min():
        axes.set_yscale("log")
    whole_numbers(axes.xaxis)
    axes.set_title("Training loss")
    axes.set_xlabel("Update")
    axes.set_ylabel(f"{name} (1)")


def _draw_numbers(figure: Figure | SubFigure, numbers: dict[str, Finding]) -> None:
    axes = figure.subplots()
    axes.set_axis_off()
    for k, one in enumerate(numbers.values()):
        height = 1.0 - (k + 0.5) / len(numbers)
        for x, text, side in ((0.0, one.description, "left"), (1.0, one.in_words(), "right")):
            axes.text(x, height, text, ha=side, va="center", transform=axes.transAxes)


def _is_curve(run: Run, one: Finding) -> bool:
    """Return whether it lies over one axis of numbers that is declared."""
    return (
        len(one.dims) == 1
        and one.dims[0] in run.findings.axes
        and np.asarray(one.value).dtype.kind in "fiu"
        and np.asarray(run.findings.axes[one.dims[0]].value).dtype.kind in "fiu"
    )


def _draw_curve(figure: Figure | SubFigure, run: Run, name: str) -> None:
    axes, one = figure.subplots(), run.findings.values[name]
    axis = run.findings.axes[one.dims[0]]
    x, y = np.asarray(axis.value, float), np.asarray(one.value, float)
    x_factor, x_unit = scale_of(x, units=axis.units)
    factor, unit = scale_of(y, units=one.units)
    error = None if one.error is None else np.asarray(one.error) / factor
    axes.errorbar(x / x_factor, y / factor, error, color=BLUE, marker=marker(x.size))
    axes.set_title(one.description)
    axes.set_xlabel(f"{axis.description} ({x_unit})")
    axes.set_ylabel(f"{name.replace('_', ' ')} ({unit})")


def _lines(run: Run) -> Lines | None:
    """Return the numbers of the lines of the maps that were found."""
    axes = run.findings.axes
    if "row" in axes and "column" in axes:
        return tuple(np.asarray(axes[name].value, np.int64) for name in ("row", "column"))  # type: ignore[return-value]
    return None


def _draw_map(figure: Figure | SubFigure, one: Finding, name: str, lines: Lines) -> None:
    values = np.asarray(one.value, float)
    factor, unit = scale_of(values, units=one.units)
    (axes,) = panels(figure, 1, 1)
    label = f"{name.replace('_', ' ')} ({unit})"
    draw_cells(axes, values / factor, lines, label, title=one.description)


def _draw_last(figure: Figure | SubFigure, one: ConductanceMap, name: str) -> None:
    factor, unit = scale_of(one.conductance, units="S")
    (axes,) = panels(figure, 1, 1)
    lines = one.rows, one.columns
    draw_cells(axes, one.conductance / factor, lines, f"Conductance ({unit})", title=name)
