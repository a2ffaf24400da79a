"""The panels of a run: each takes a `RunView`, and says whether that has anything for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from bokeh.models import Select

from memlab.figures.units import scale_of
from memlab.live import html
from memlab.live.cells import CellMap
from memlab.live.colours import CLASSES
from memlab.live.panels import Panel, distribution, known, number, sheet
from memlab.live.plots import ClassPlot, CurvePlot, HistogramPlot, MapPlot
from memlab.live.run_view import RunView
from memlab.markup import plain
from memlab.report import Row
from memlab.runs.vitals import in_digits

__all__ = [
    "ClassPanel",
    "CurrentPanel",
    "CurvePanel",
    "FactPanel",
    "MapPanels",
    "ReadingsPanel",
    "RunPanel",
    "SweepPanel",
]


class RunPanel(Protocol):
    """A part of the page of a run."""

    def show(self, view: RunView) -> list[Any]:
        """Show a look at the run; return what is to be seen, nothing if it has nothing of it."""


class FactPanel:
    """A table without a plot.

    Parameters
    ----------
    title
        Its heading.
    rows
        What it takes out of a look.
    """

    def __init__(self, title: str, rows: Callable[[RunView], Sequence[Row]]):
        self._panel, self._rows = Panel(title), rows

    def show(self, view: RunView) -> list[Any]:
        """Show the table, if it has a line."""
        content = html.facts(self._rows(view))
        self._panel.tell(content)
        return [self._panel.root] if content else []


class CurvePanel:
    """Loss or accuracy by update; a curve of held out samples goes with the loss."""

    def __init__(self, name: str, title: str, label: str):
        self._name, self._title, self._label = name, title, label
        self._plot: CurvePlot | None = None
        self._panel: Panel | None = None

    def show(self, view: RunView) -> list[Any]:
        """Draw the curve; the axis goes by ratios where the values span more than one decade."""
        points = view.curves.get(self._name)
        if points is None:
            return []
        wide = points.least > 0.0 and points.most >= 10.0 * points.least
        names = ["mean", "least", "largest"] if points.count > points.mean.size else ["value"]
        if self._plot is None or (self._plot.logarithmic, len(self._plot.names)) != (
            wide,
            len(names),
        ):
            self._plot = CurvePlot("Update", self._label, names, logarithmic=wide)
            self._panel = Panel(self._title, self._plot.plot)
        assert self._panel is not None
        curves = (points.mean, points.low, points.high)
        self._plot.show([(points.number, one) for one in curves[: len(names)]])
        rows = [
            ("last", in_digits(points.last)),
            ("least", f"{points.least:.5g}"),
            ("largest", f"{points.most:.5g}"),
            ("updates", f"{points.count:,}"),
        ]
        if points.not_finite:
            rows.append(("not finite", f"{points.not_finite:,} of {points.count:,}"))
        if self._name == "loss" and (held := view.curves.get("validation loss")) is not None:
            rows.insert(1, ("last of held out samples", f"{held.last:.5g}"))
        self._panel.tell(html.table(("", self._label), rows))
        return [self._panel.root]


class MapPanels:
    """Conductances, their change, voltages of the SET, and a histogram, of the group chosen."""

    def __init__(self) -> None:
        self._choice = Select(
            title="Cells of", options=[], sizing_mode="stretch_width", stylesheets=[sheet()]
        )
        self._choice.on_change("value", self._choose)
        self._map, self._change, self._control = (
            MapPlot("conductance"),
            MapPlot("change"),
            MapPlot("count"),
        )
        self._histogram = HistogramPlot("Conductance (µS)")
        self._panels = {
            "map": Panel("Conductance", self._choice, self._map.plot),
            "change": Panel("Change", self._change.plot),
            "control": Panel("Gate voltage", self._control.plot),
            "histogram": Panel("Histogram of conductances", self._histogram.plot),
        }
        self._maps: dict[str, CellMap] = {}

    def show(self, view: RunView) -> list[Any]:
        """Draw the maps of the group that is chosen: the largest, until somebody does."""
        before = self._maps
        self._maps = {one.name: one for one in view.maps}
        if not self._maps:
            return []
        names = sorted(self._maps, key=lambda name: -self._maps[name].conductance.size)
        options = [one if one.isprintable() else (one, plain(one)) for one in names]
        if self._choice.options != options:
            self._choice.options = options
        if self._choice.value not in names:
            self._choice.value = names[0]
        name = str(self._choice.value)
        if name not in before or _differ(before[name], self._maps[name]):
            self._draw(self._maps[name])
        one = self._maps[name]
        shown = [self._panels["map"], self._panels["histogram"]]
        if one.before is not None:
            shown.insert(1, self._panels["change"])
        if one.control is not None:
            shown.append(self._panels["control"])
        self._choice.visible = len(names) > 1
        return [panel.root for panel in shown]

    def _choose(self, attr: str, old: str, new: str) -> None:
        if new in self._maps:
            self._draw(self._maps[new])

    def _draw(self, one: CellMap) -> None:
        lines = one.rows, one.columns
        factor, unit = scale_of(one.conductance, units="S")
        self._map.show(one.conductance / factor, *lines)
        self._histogram.show(1e6 * one.conductance)
        rows = distribution(one.conductance, "S")
        self._panels["map"].tell(
            html.table((one.name, "conductance"), rows), f"Conductance ({unit})"
        )
        bins = [("bins", "40, between the values that most cells have"), *rows]
        self._panels["histogram"].tell(html.table((one.name, "conductance"), bins))
        if one.before is not None:
            change = one.conductance - one.before
            factor, unit = scale_of(change, units="S")
            self._change.show(change / factor, *lines)
            table = html.table((one.name, "change"), distribution(change, "S"))
            self._panels["change"].tell(table, f"Change since the map before ({unit})")
        if one.control is not None:
            self._control.show(one.control, *lines)
            table = html.table((one.name, "voltage"), distribution(one.control, "V"))
            self._panels["control"].tell(table, f"{one.control_name} (V)")


def _differ(a: CellMap, b: CellMap) -> bool:
    return (
        a.conductance.shape != b.conductance.shape
        or not np.array_equal(a.conductance, b.conductance, equal_nan=True)
        or (a.before is None) != (b.before is None)
        or not np.array_equal(a.rows, b.rows)
        or not np.array_equal(a.columns, b.columns)
    )


class CurrentPanel:
    """Raw currents of the last vectors, of the group with most columns."""

    def __init__(self) -> None:
        self._plot: CurvePlot | None = None
        self._panel: Panel | None = None

    def show(self, view: RunView) -> list[Any]:
        """Draw the currents of the last vectors over the columns."""
        if not view.currents:
            return []
        one = max(view.currents, key=lambda found: found.current.shape[1])
        last = one.current
        names = [f"vector {one.count - len(last) + k + 1:,}" for k in range(len(last))]
        if self._plot is None or len(self._plot.names) != len(names):
            words = ["two before", "one before", "last"][-len(names) :]
            self._plot = CurvePlot("Column", "Current (µA)", words, markers=True)
            self._panel = Panel("Raw currents of the last VMMs", self._plot.plot)
        assert self._panel is not None
        self._plot.show([(one.columns, 1e6 * current) for current in last])
        factor, unit = scale_of(last, units="A")
        rows = [
            (name, *(number(part / factor) for part in np.quantile(known(current), _ENDS)))
            for name, current in zip(names, last, strict=True)
        ]
        head = (f"{one.name} ({unit})", "least", "median", "largest")
        self._panel.tell(html.table(head, rows))
        return [self._panel.root]


_ENDS = (0.0, 0.5, 1.0)


class ReadingsPanel:
    """How the cells of a procedure went from reading to reading."""

    def __init__(self) -> None:
        names = ("lower quartile", "median", "upper quartile")
        self._plot = CurvePlot("Reading", "Conductance (µS)", names)
        self._panel = Panel("Cells of the procedure, reading by reading", self._plot.plot)

    def show(self, view: RunView) -> list[Any]:
        """Draw median and quartiles."""
        readings = view.readings
        if readings is None:
            return []
        curves = 1e6 * readings.quartiles.T
        self._plot.show([(readings.number, one) for one in curves])
        rows = [
            ("reading", f"{readings.number[-1]:,.0f}"),
            *zip(self._plot.names, (f"{number(one[-1])} µS" for one in curves), strict=True),
        ]
        for name, (values, units) in readings.coordinates.items():
            unit = "" if units == "1" else f" {units}"
            rows.append((name.replace("_", " "), f"{number(values[-1])}{unit}"))
        self._panel.tell(html.table(("", "last reading"), rows))
        return [self._panel.root]


class SweepPanel:
    """I-V curves as they are taken: G V after each pulse, over its amplitude V."""

    def __init__(self) -> None:
        self._plot: CurvePlot | None = None
        self._panel: Panel | None = None

    def show(self, view: RunView) -> list[Any]:
        """Draw the curves of a few cells."""
        readings = view.readings
        if readings is None or "voltage" not in readings.coordinates:
            return []
        voltage = readings.coordinate("voltage")
        names = [f"[{row}, {column}]" for row, column in readings.cells]
        if self._plot is None or self._plot.names != tuple(names):
            self._plot = CurvePlot("Amplitude (V)", "Current, G V (mA)", names)
            self._panel = Panel("I-V curves as they are taken", self._plot.plot)
        assert self._panel is not None
        current = readings.conductance * voltage[:, np.newaxis]
        self._plot.show([(voltage, 1e3 * one) for one in current.T])
        rows = [
            (name, *map(number, (voltage[-1], 1e3 * one[-1], 1e3 * known(one).max())))
            for name, one in zip(names, current.T, strict=True)
        ]
        head = ("cell", "last V (V)", "last I (mA)", "largest I (mA)")
        self._panel.tell(html.table(head, rows))
        return [self._panel.root]


class ClassPanel:
    """Classes of cells, as a test of yield finds them."""

    def __init__(self) -> None:
        self._plot: ClassPlot | None = None
        self._panel: Panel | None = None

    def show(self, view: RunView) -> list[Any]:
        """Draw the classes; the table is the key to the colours."""
        found = view.classes
        if found is None:
            return []
        if self._plot is None:
            self._plot = ClassPlot(min(len(found.names), len(CLASSES)))
            self._panel = Panel("Classes of cells", self._plot.plot)
        assert self._panel is not None
        self._plot.show(found.codes, found.rows, found.columns)
        self._panel.tell(html.classes(found.names, found.codes, CLASSES))
        return [self._panel.root]
