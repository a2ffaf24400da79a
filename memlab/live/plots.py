"""Plots of curves, of maps of cells, and of how values are distributed.

A plot is made once; `show` gives it new numbers. It has no tools and catches no gesture: what it
shows stands in numbers beside it, and a page with it scrolls as any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import (
    BooleanFilter,
    CDSView,
    ColorBar,
    ColumnDataSource,
    Legend,
    LegendItem,
    LinearColorMapper,
    Range1d,
)
from bokeh.palettes import Cividis256, RdBu11, Viridis256, interp_palette
from bokeh.plotting import figure

from memlab.figures.cell_map import robust_limits
from memlab.live.colours import CLASSES, DASHES, series
from memlab.markup import plain
from memlab.numeric import FloatArray

__all__ = ["PALETTES", "ClassPlot", "CurvePlot", "HistogramPlot", "MapPlot", "shrunk"]

PALETTES = {
    "conductance": Viridis256,
    "count": Cividis256,
    # Bokeh's begins with blue: what has risen is red, as in the pictures of runs.
    "change": tuple(interp_palette(RdBu11, 256)),
}
"""By what they show; each can be read by colour-blind people (the last: ColorBrewer)."""

_HEIGHT = 260
_MOST_LINES = 256
"""Lines of a map up to which each cell is a pixel of its own."""
_BINS = 40


def new_plot(x: str, y: str, height: int = _HEIGHT, **kwargs: Any) -> Any:
    """Return an empty plot as wide as its place, with these labels of axes."""
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        min_border_right=12,
        x_axis_label=_without_formulas(x),
        y_axis_label=_without_formulas(y),
        output_backend="canvas",
        **kwargs,
    )
    for axis in plot.axis:
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "13px"
    plot.axis.axis_label_standoff = 6
    plot.yaxis.major_label_standoff = 4
    return plot


class CurvePlot:
    """Curves over one axis, each in a colour and with dashes of its own.

    Parameters
    ----------
    x, y
        Labels of the axes: quantity and unit.
    names
        Of the curves; of several a legend says them.
    logarithmic
        Whether the vertical axis goes by ratios.
    markers
        Whether every point gets a dot.
    """

    def __init__(
        self,
        x: str,
        y: str,
        names: Sequence[str],
        *,
        logarithmic: bool = False,
        markers: bool = False,
    ):
        self.names = tuple(names)
        self.logarithmic = logarithmic
        self.plot = new_plot(x, y, y_axis_type="log" if logarithmic else "linear")
        self._sources = [ColumnDataSource({"x": [], "y": []}) for _ in names]
        # A line needs two points: one between two that are no numbers would not be seen.
        self._alone = [CDSView(filter=BooleanFilter([])) for _ in names]
        items = []
        for k, (name, source) in enumerate(zip(names, self._sources, strict=True)):
            line = self.plot.line("x", "y", source=source, line_width=2)
            line.glyph.line_dash = DASHES[k % len(DASHES)]
            drawn = [line]
            view = {} if markers else {"view": self._alone[k]}
            drawn.append(self.plot.scatter("x", "y", source=source, size=5, **view))
            for one in drawn:
                one.tags = series(k)
            items.append(LegendItem(label={"value": _without_formulas(name)}, renderers=drawn))
        if len(names) > 1:
            self.plot.height = _HEIGHT + 24 * -(-len(names) // 2)
            legend = Legend(items=items, orientation="horizontal", label_text_font_size="13px")
            legend.ncols = 2
            legend.padding = 4
            self.plot.add_layout(legend, "above")

    def show(self, curves: Sequence[tuple[npt.ArrayLike, npt.ArrayLike]]) -> None:
        """Draw (x, y) of every curve; NaN leaves a gap."""
        for source, (x, y) in zip(self._sources, curves, strict=True):
            source.data = {"x": np.asarray(x, float), "y": np.asarray(y, float)}
        for view, source in zip(self._alone, self._sources, strict=True):
            view.filter.booleans = _alone(source.data["y"]).tolist()


def _alone(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which values, shape (n,), are numbers between two that are none."""
    known = np.pad(np.isfinite(values), 1)
    alone: npt.NDArray[np.bool_] = known[1:-1] & ~known[:-2] & ~known[2:]
    return alone


class MapPlot:
    """A map of cells: rows down, columns across, numbered as on the chip.

    Parameters
    ----------
    palette
        A name of `PALETTES`.
    label
        Of the colours, without the unit.
    height
        Pixels.
    """

    def __init__(self, palette: str, height: int = 320):
        self.mapper = LinearColorMapper(palette=PALETTES[palette], low=0.0, high=1.0)
        self.plot = _map_figure(height)
        self._source = ColumnDataSource(_image(np.zeros((1, 1)), 0, 0, 1, 1))
        self.image = self.plot.image(
            "image", "x", "y", "dw", "dh", source=self._source, color_mapper=self.mapper
        )
        bar = ColorBar(color_mapper=self.mapper, width=10, padding=4, label_standoff=6)
        bar.major_label_text_font_size = "12px"
        self.plot.add_layout(bar, "right")
        self._signs = palette == "change"

    def show(
        self,
        values: FloatArray,
        rows: npt.NDArray[np.int64],
        columns: npt.NDArray[np.int64],
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Draw values, shape (rows, columns); the colours span what most cells have."""
        low, high = limits or limits_of(values, signed=self._signs)
        self.mapper.update(low=low, high=high)
        _place(self.plot, rows, columns)
        small = shrunk(values)
        self._source.data = _image(small, *_corner(rows, columns))


class ClassPlot:
    """A map of classes of cells; the table beside it says which colour is which."""

    def __init__(self, count: int, height: int = 320):
        self.mapper = LinearColorMapper(palette=CLASSES[:count], low=-0.5, high=count - 0.5)
        self.plot = _map_figure(height)
        self._source = ColumnDataSource(_image(np.zeros((1, 1)), 0, 0, 1, 1))
        self.plot.image(
            "image", "x", "y", "dw", "dh", source=self._source, color_mapper=self.mapper
        )

    def show(
        self,
        codes: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
        columns: npt.NDArray[np.int64],
    ) -> None:
        """Draw codes, shape (rows, columns)."""
        _place(self.plot, rows, columns)
        self._source.data = _image(codes.astype(float), *_corner(rows, columns))


class HistogramPlot:
    """How values are distributed: bins between the ends of what most have."""

    def __init__(self, x: str, y: str = "Cells"):
        self.plot = new_plot(x, y)
        self._source = ColumnDataSource({"left": [], "right": [], "top": []})
        bars = self.plot.quad("left", "right", "top", 0, source=self._source, line_color=None)
        bars.tags = series(0)
        self.plot.y_range.start = 0

    def show(self, values: FloatArray) -> None:
        """Draw values of any shape; what is far off is left out."""
        known = values[np.isfinite(values)]
        low, high = limits_of(values)
        counts, edges = np.histogram(known, _BINS, (low, high))
        self._source.data = {"left": edges[:-1], "right": edges[1:], "top": counts.astype(float)}


def limits_of(values: FloatArray, *, signed: bool = False) -> tuple[float, float]:
    """Return the ends of a scale: of what most cells have; with 0 in the middle if `signed`."""
    known = values[np.isfinite(values)]
    if signed:
        most = float(np.quantile(np.abs(known), 0.99)) if known.size else 0.0
        most = most or (float(np.abs(known).max()) if known.size else 0.0) or 1.0
        return -most, most
    low, high = robust_limits(values)
    if low == high and known.size:
        low, high = float(known.min()), float(known.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def shrunk(values: FloatArray) -> FloatArray:
    """Return a map of at most 256 lines each way: means of what a pixel stands for, without NaN."""
    step = [max(1, -(-size // _MOST_LINES)) for size in values.shape]
    if step == [1, 1]:
        return values
    known = np.isfinite(values)
    starts = [np.arange(0, size, one) for size, one in zip(values.shape, step, strict=True)]

    def summed(what: FloatArray) -> FloatArray:
        rows: FloatArray = np.add.reduceat(what, starts[0], axis=0)
        both: FloatArray = np.add.reduceat(rows, starts[1], axis=1)
        return both

    count = summed(known.astype(float))
    total = summed(np.where(known, values, 0.0))
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def _without_formulas(name: str) -> str:
    """Return a plain name in which Bokeh finds no formula: for one it would load MathJax."""
    return plain(name).replace("$", "\N{FULLWIDTH DOLLAR SIGN}")


def _map_figure(height: int) -> Any:
    plot = new_plot("Column", "Row", height, x_range=Range1d(-0.5, 0.5), y_range=Range1d(0.5, -0.5))
    plot.grid.grid_line_color = None
    for axis in plot.axis:
        axis.ticker.min_interval = 1
    for grid in plot.grid:
        grid.tags = ["quiet"]
    return plot


def _place(plot: Any, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> None:
    top, bottom = _ends(rows)
    left, right = _ends(columns)
    plot.y_range.update(start=bottom, end=top)
    plot.x_range.update(start=left, end=right)
    plot.yaxis.axis_label = _label("Row", rows)
    plot.xaxis.axis_label = _label("Column", columns)


def _ends(lines: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return where a map begins and ends on its axis; lines with gaps are numbered from 0."""
    first = int(lines[0]) if _is_whole(lines) else 0
    return first - 0.5, first + len(lines) - 0.5


def _is_whole(lines: npt.NDArray[np.int64]) -> bool:
    return bool((np.diff(lines) == 1).all())


def _label(name: str, lines: npt.NDArray[np.int64]) -> str:
    return name if _is_whole(lines) else f"{name}, as number of those that are used"


def _corner(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
) -> tuple[float, float, int, int]:
    return _ends(columns)[0], _ends(rows)[0], len(columns), len(rows)


def _image(
    values: FloatArray, x: float, y: float, width: float, height: float
) -> Mapping[str, Any]:
    return {
        "image": [np.ascontiguousarray(values, np.float32)],
        "x": [x],
        "y": [y],
        "dw": [width],
        "dh": [height],
    }
