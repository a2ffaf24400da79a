"""Maps of cells: one rectangle per cell, rows down and columns across, numbered as on the chip.

Only the lines that a map is about are drawn. The colours span what most cells have; cells far off
the others take its ends, are marked, and counted in the title, so that eleven stuck cells do not
make one colour of eight thousand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from memlab.figures.one_scale import scale_of_page
from memlab.figures.panels import legend_below
from memlab.figures.style import BLUE, GREY, ORANGE
from memlab.numeric import BoolArray, FloatArray

__all__ = [
    "CLASS_COLOURS",
    "common_limits",
    "draw_cells",
    "draw_classes",
    "measured_lines",
    "robust_limits",
]

IntArray = npt.NDArray[np.integer[Any]]

CLASS_COLOURS = (
    "0.85",
    ORANGE,
    BLUE,
    "#56B4E9",
    "#E69F00",
    "#F0E442",
    "#CC79A7",
    "#000000",
    "white",
)
"""Of classes of cells, in the order of their codes; those of Okabe and Ito."""

_FENCE = 3.0
"""Quartile distances beyond the quartiles from which a value is far off (Tukey 1977)."""

_FEW = 0.1
"""Largest share of cells that may lie beyond one end of the scale."""

_MARKED = 200
"""Cells beyond one end up to which each is marked: more would hide the map."""

_TICKS = 4
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def robust_limits(values: FloatArray) -> tuple[float, float]:
    """Return the range that most values have: without a few that are far off.

    Parameters
    ----------
    values
        Of any shape; NaN is left out, and without any number the range is 0 to 1.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return 0.0, 1.0
    lower, upper = (float(one) for one in np.quantile(known, [0.25, 0.75]))
    fence = _FENCE * (upper - lower)
    ends = []
    for inside, outer, sign in (
        (known >= lower - fence, 0.01, 1.0),
        (known <= upper + fence, 0.99, -1.0),
    ):
        if (~inside).mean() <= _FEW:
            ends.append(sign * float((sign * known[inside]).min()))
        else:
            ends.append(float(np.quantile(known, outer)))
    return ends[0], ends[1]


def common_limits(maps: Sequence[FloatArray]) -> tuple[float, float]:
    """Return one range for several maps, which holds what most cells of each have."""
    lows, highs = zip(*map(robust_limits, maps), strict=True)
    return min(lows), max(highs)


def measured_lines(mask: BoolArray) -> tuple[slice, slice]:
    """Return the smallest rectangle of lines that holds all cells of a mask; all without any."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def draw_cells(
    axes: Axes,
    values: FloatArray,
    lines: tuple[IntArray, IntArray],
    label: str,
    *,
    title: str = "",
    colours: str = "viridis",
    limits: tuple[float, float] | None = None,
) -> None:
    """Draw a map with its colour bar; NaN stays grey, and equal cells need no bar.

    Parameters
    ----------
    axes
        Of a panel of its own.
    values
        Shape (rows, columns).
    lines
        Numbers of its rows and of its columns on the chip.
    label
        Of the colour bar: quantity and unit.
    title
        What it shows; how many cells are off the scale is added.
    colours
        Name of a colour map.
    limits
        Ends of the scale; `robust_limits` if None.
    """
    axes.set_facecolor("0.85")
    low, high = robust_limits(values) if limits is None else limits
    known = values[np.isfinite(values)]
    if low == high and known.size:  # nearly all are equal: the others are what there is to see
        low, high = float(known.min()), float(known.max())
    if known.size:
        low, high = scale_of_page(label, colours, (low, high))
    below, above = values < low, values > high
    image = axes.imshow(
        values,
        vmin=low,
        vmax=high,
        cmap=colours,
        aspect="auto",
        interpolation="nearest",
    )
    notes = [title] if title else []
    if not np.isfinite(values).any():
        notes.append("no cell has a value")
    elif high == low:
        notes.append(_all_equal(label, low))
    else:
        ends = {(False, False): "neither", (True, False): "min", (False, True): "max"}
        extend = ends.get((bool(below.any()), bool(above.any())), "both")
        scale = axes.figure.colorbar(image, ax=axes, label=label, extend=extend)
        if (values[np.isfinite(values)] % 1 == 0).all():
            scale.locator = MaxNLocator(6, integer=True, min_n_ticks=1)
    for which, marker, side in ((above, "^", "above"), (below, "v", "below")):
        if which.any():
            notes.append(_mark(axes, which, marker, side))
    axes.set_title("\n".join(notes), y=1.0)
    number_lines(axes, lines)


def draw_classes(
    axes: Axes,
    classes: IntArray,
    lines: tuple[IntArray, IntArray],
    names: Sequence[str],
    colours: Sequence[str],
    title: str = "",
) -> None:
    """Draw a map of classes, with a legend of those that occur and how many cells have each.

    Parameters
    ----------
    classes
        Index into `names` and `colours`, shape (rows, columns).
    """
    axes.imshow(
        classes,
        cmap=ListedColormap(list(colours)),
        vmin=-0.5,
        vmax=len(colours) - 0.5,
        aspect="auto",
        interpolation="nearest",
    )
    handles = [
        Patch(facecolor=colours[k], edgecolor=GREY, linewidth=0.5, label=f"{name}: {count}")
        for k, name in enumerate(names)
        if (count := int(np.count_nonzero(classes == k)))
    ]
    axes.set_title(title)
    number_lines(axes, lines)
    legend_below(axes, handles=handles)


def number_lines(axes: Axes, lines: tuple[IntArray, IntArray]) -> None:
    """Name rows and columns by their numbers on the chip."""
    for axis, numbers, name in ((axes.yaxis, lines[0], "Row"), (axes.xaxis, lines[1], "Column")):
        ticks = _round_ticks(numbers)
        axis.set_ticks(ticks, [str(numbers[k]) for k in ticks])
        axis.set_label_text(name)


def _round_ticks(numbers: IntArray) -> IntArray:
    """Return which lines to number: every fifth, tenth and so on, or evenly where some lack."""
    size = numbers.size
    if not (np.diff(numbers) == 1).all():
        return np.arange(0, size, max(1, -(-(size - 1) // (_TICKS - 1))))
    fits = (step for step in _STEPS if (numbers % step == 0).sum() <= _TICKS)
    step = next(fits, size)
    return np.flatnonzero(numbers % step == 0)


def _all_equal(label: str, value: float) -> str:
    """Return "Conductance: all 250 µS" of a label "Conductance (µS)", "all 1.4 V" of "V"."""
    quantity, bracket, unit = label.rpartition(" (")
    if unit == "1)":  # a number: the title says of what
        return f"all {value + 0.0:.4g}"
    unit = f" {unit.removesuffix(')')}"
    return (f"{quantity}: " if bracket else "") + f"all {value + 0.0:.4g}{unit}"  # 0 for -0


def _mark(axes: Axes, which: BoolArray, marker: str, side: str) -> str:
    """Mark cells that are off the scale, unless they are many, and return how many they are."""
    row, column = np.nonzero(which)
    if row.size <= _MARKED:
        size = 6.0 if max(which.shape) <= 32 else 3.5
        axes.plot(column, row, marker, color="white", mec="black", mew=0.6, markersize=size)
    return f"{'▲' if marker == '^' else '▼'} {row.size} {side} the scale"
