"""The picture of two runs: what both measured over each other, and what changed in their cells."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from memlab.figures.cell_map import draw_cells
from memlab.figures.heading import heading_of, place_of
from memlab.figures.panels import legend_below, panels, stacked
from memlab.figures.style import BLUE, ORANGE, figure_file, marker, whole_numbers
from memlab.figures.units import scale_of
from memlab.numeric import FloatArray
from memlab.runs import ConductanceMap, Finding, Run

__all__ = ["common_curves", "plot_difference", "shared_lines"]

Part = tuple[float, Callable[[SubFigure], None]]

_MOST_CURVES = 4


def plot_difference(before: Run, after: Run, picture: Path) -> bool:
    """Draw the losses and the curves that both runs have, and the change of the cells they share.

    Parameters
    ----------
    before, after
        Of the same or of different kinds.
    picture
        File to write (.png, .pdf, .svg); an existing one is replaced.

    Returns
    -------
    False where the runs have nothing in common that could be drawn; nothing is written then.
    """
    parts: list[Part] = []
    losses = before.losses(), after.losses()
    if all(loss.size for loss in losses):
        parts.append((3.4, partial(_draw_losses, losses=losses, names=_names(before, after))))
    parts += [
        (3.4, partial(_draw_curves, before=before, after=after, name=name))
        for name in common_curves(before, after)[:_MOST_CURVES]
    ]
    first, second = before.last_maps(), after.last_maps()
    parts += [
        (4.2, partial(_draw_maps, both=both, name=name))
        for name, one in first.items()
        if name in second and (both := shared_lines(one, second[name])) is not None
    ]
    if not parts:
        return False
    heights = [height for height, _ in parts]
    with figure_file(picture, sum(heights), _heading(before, after)) as figure:
        for (_, draw), place in zip(parts, stacked(figure, heights), strict=True):
            draw(place)
    return True


def _names(before: Run, after: Run) -> tuple[str, str]:
    if before.path.name != after.path.name:
        return before.path.name, after.path.name
    return str(before.path), str(after.path)


def _heading(before: Run, after: Run) -> str:
    first, second = _names(before, after)
    title = before.title if before.title == after.title else f"{before.title} and {after.title}"
    date = f"{after.started:%Y-%m-%d %H:%M} UTC"
    place = place_of([*before.instruments, *after.instruments])
    return heading_of(title, place, f"{first} and {second}", date)


def _draw_losses(
    part: SubFigure, losses: tuple[FloatArray, FloatArray], names: tuple[str, str]
) -> None:
    axes = part.subplots()
    for loss, name, colour, style in zip(losses, names, (BLUE, ORANGE), ("-", "--"), strict=True):
        update = 1 + np.arange(loss.size)
        axes.plot(update, loss, color=colour, linestyle=style, marker=marker(loss.size), label=name)
    whole = np.concatenate(losses)
    if whole.min() > 0.0 and whole.max() >= 10.0 * whole.min():
        axes.set_yscale("log")
    whole_numbers(axes.xaxis)
    axes.set_title("Training loss")
    axes.set_xlabel("Update")
    axes.set_ylabel("Loss (1)")
    legend_below(axes)


def common_curves(before: Run, after: Run) -> list[str]:
    """Return the findings that both have over one axis that is not a line of the chip."""
    first, second = before.findings, after.findings
    return [
        name
        for name, one in first.values.items()
        if name in second.values
        and len(one.dims) == 1
        and one.dims[0] in first.axes
        and one.dims == second.values[name].dims
        and one.units == second.values[name].units
        and np.asarray(one.value).dtype.kind in "fiu"
    ]


def _draw_curves(part: SubFigure, before: Run, after: Run, name: str) -> None:
    axes = part.subplots()
    curves = [run.findings.values[name] for run in (before, after)]
    factor, unit = scale_of(*(np.asarray(one.value) for one in curves), units=curves[0].units)
    for run, one, colour, dot, label in zip(
        (before, after), curves, (BLUE, ORANGE), "os", _names(before, after), strict=True
    ):
        _draw_curve(axes, run.findings.axes[one.dims[0]], one, factor, colour, dot, label)
    axis = before.findings.axes[curves[0].dims[0]]
    axes.set_title(curves[0].description)
    axes.set_xlabel(f"{axis.description} ({axis.units})")
    axes.set_ylabel(f"{name.replace('_', ' ')} ({unit})")
    legend_below(axes)


def _draw_curve(
    axes: Axes, axis: Finding, one: Finding, factor: float, colour: str, dot: str, label: str
) -> None:
    error = None if one.error is None else np.asarray(one.error) / factor
    x, y = np.asarray(axis.value, float), np.asarray(one.value, float) / factor
    dots = dot if marker(x.size) else ""
    axes.errorbar(x, y, error, color=colour, marker=dots, linewidth=1.0, label=label)


def shared_lines(
    before: ConductanceMap, after: ConductanceMap
) -> tuple[ConductanceMap, ConductanceMap] | None:
    """Return both maps on the lines that they share; None without any."""
    rows = np.intersect1d(before.rows, after.rows)
    columns = np.intersect1d(before.columns, after.columns)
    if not rows.size or not columns.size:
        return None

    def part(one: ConductanceMap) -> ConductanceMap:
        cells = np.ix_(np.searchsorted(one.rows, rows), np.searchsorted(one.columns, columns))
        return ConductanceMap(rows, columns, one.conductance[cells])

    return part(before), part(after)


def _draw_maps(part: SubFigure, both: tuple[ConductanceMap, ConductanceMap], name: str) -> None:
    before, after = both
    change = after.conductance - before.conductance
    lines = after.rows, after.columns
    left, right = panels(part, 1, 2)
    factor, unit = scale_of(after.conductance, units="S")
    title = f"{name}: the second run"
    draw_cells(left, after.conductance / factor, lines, f"Conductance ({unit})", title=title)
    factor, unit = scale_of(change, units="S")
    known = np.abs(change[np.isfinite(change)]) / factor
    most = float(np.quantile(known, 0.99)) if known.size else 1.0
    draw_cells(
        right,
        change / factor,
        lines,
        f"Change ({unit})",
        title="less the first",
        colours="RdBu_r",
        limits=(-most, most) if most > 0.0 else None,
    )
