"""Runs side by side: what they are, their curves over each other, and a map of differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from memlab.figures.run_difference import common_curves, shared_lines
from memlab.figures.units import scale_of
from memlab.live import html
from memlab.live.panels import Panel, distribution, known, number
from memlab.live.plots import CurvePlot, MapPlot
from memlab.live.run_view import RunView
from memlab.markup import spelt
from memlab.runs.difference import compare_runs
from memlab.runs.reader import ConductanceMap
from memlab.runs.vitals import duration

__all__ = ["Comparison"]

_CURVES = {"loss": "Loss (1)", "accuracy": "Accuracy (1)", "validation loss": "Held out (1)"}
_MOST_FINDINGS = 4


class Comparison:
    """Panels of some runs; those that are there already get new numbers."""

    def __init__(self) -> None:
        self._plots: dict[Any, tuple[Any, Panel]] = {}

    def show(self, views: Sequence[RunView]) -> list[Any]:
        """Return the panels of one run or more, in order."""
        names = _names(views)
        self._plots = {key: one for key, one in self._plots.items() if key[0] == names}
        panels = [self._table(names, views)]
        if len(views) > 1:
            panels += self._curves(names, views)
            panels += self._findings(names, views)
            panels += self._maps(names, views)
            panels.append(self._settings(names, views))
        return [panel.root for panel in panels]

    def _panel(self, names: tuple[str, ...], what: str, title: str, plot: Any) -> tuple[Any, Panel]:
        key = (names, what)
        if key not in self._plots:
            made = plot() if plot is not None else None
            self._plots[key] = made, Panel(title, *([made.plot] if made is not None else []))
        return self._plots[key]

    def _table(self, names: tuple[str, ...], views: Sequence[RunView]) -> Panel:
        _, panel = self._panel(names, "table", "Runs that were chosen", None)
        rows = [
            [name, *(_fact(view, name) for view in views)]
            for name in ("kind", "status", "board", "seed", "tags", "done", "wall time")
        ]
        values = [view.run.findings.values for view in views]
        for name in dict.fromkeys(name for found in values for name in found):
            if any(name in found and found[name].is_number for found in values):
                words = [spelt(found[name].in_words()) if name in found else "" for found in values]
                rows.append([name.replace("_", " "), *words])
        panel.tell(html.table(["", *names], rows))
        return panel

    def _curves(self, names: tuple[str, ...], views: Sequence[RunView]) -> Iterator[Panel]:
        for what, label in _CURVES.items():
            found = [view.curves.get(what) for view in views]
            if sum(one is not None for one in found) < 2:
                continue
            title = f"{label.partition(' (')[0]} of each run"
            plot, panel = self._panel(
                names, what, title, lambda label=label: CurvePlot("Update", label, names)
            )
            plot.show([([], []) if one is None else (one.number, one.mean) for one in found])
            rows = [
                (name, f"{one.last:.5g}", f"{one.least:.5g}", f"{one.count:,}")
                for name, one in zip(names, found, strict=True)
                if one is not None
            ]
            panel.tell(html.table(("run", "last", "least", "updates"), rows))
            yield panel

    def _findings(self, names: tuple[str, ...], views: Sequence[RunView]) -> Iterator[Panel]:
        runs = [view.run for view in views]
        for what in common_curves(runs[0], runs[1])[:_MOST_FINDINGS]:
            if any(what not in common_curves(runs[0], run) for run in runs[2:]):
                continue
            found = [run.findings.values[what] for run in runs]
            axes = [run.findings.axes[found[0].dims[0]] for run in runs]
            factor, unit = scale_of(*(np.asarray(one.value) for one in found), units=found[0].units)
            words, axis = what.replace("_", " "), found[0].dims[0].replace("_", " ")
            plot, panel = self._panel(
                names,
                f"finding {what}",
                words,
                lambda x=f"{axis} ({axes[0].units})", y=f"{words} ({unit})": CurvePlot(
                    x, y, names, markers=True
                ),
            )
            values = [np.asarray(one.value, float) / factor for one in found]
            plot.show([(np.asarray(x.value, float), y) for x, y in zip(axes, values, strict=True)])
            rows = [
                (name, *(number(part) for part in (known(one).min(), known(one).max())))
                for name, one in zip(names, values, strict=True)
                if np.isfinite(one).any()
            ]
            panel.tell(html.table((f"{words} ({unit})", "least", "largest"), rows))
            yield panel

    def _maps(self, names: tuple[str, ...], views: Sequence[RunView]) -> Iterator[Panel]:
        first, second = ({one.name: one for one in view.maps} for view in views[:2])
        for name, one in first.items():
            if name not in second:
                continue
            both = (ConductanceMap(m.rows, m.columns, m.conductance) for m in (one, second[name]))
            if (shared := shared_lines(*both)) is None:
                continue
            before, after = shared
            change = after.conductance - before.conductance
            plot, panel = self._panel(names, f"map {name}", "", lambda: MapPlot("change"))
            factor, unit = scale_of(change, units="S")
            plot.show(change / factor, after.rows, after.columns)
            rows = distribution(change, "S")
            title = f"{name}: {names[1]} less {names[0]} ({unit})"
            panel.tell(html.table(("cells that both have", "difference"), rows), title)
            yield panel

    def _settings(self, names: tuple[str, ...], views: Sequence[RunView]) -> Panel:
        title = f"What differs between {names[0]} and {names[1]}"
        _, panel = self._panel(names, "settings", title, None)
        found = compare_runs(views[0].run, views[1].run)
        rows = [
            (one.name, _plain(one.before), _plain(one.after))
            for one in (*found.about, *found.settings, *found.versions, *found.instrument)
        ]
        panel.tell(
            html.table(("", *names[:2]), dict.fromkeys(rows))
            or html.line("nothing but the numbers")
        )
        return panel


def _names(views: Sequence[RunView]) -> tuple[str, ...]:
    """Return what tells the runs apart: file names, with directories where those are equal."""
    short = [view.run.path.name for view in views]
    return tuple(short if len(set(short)) == len(short) else [str(v.run.path) for v in views])


def _fact(view: RunView, name: str) -> str:
    run, progress = view.run, view.progress
    if name == "done":
        total = "" if progress.total is None else f" of {progress.total:,}"
        return f"{progress.done:,}{total} {progress.what}" if progress.done else ""
    if name == "wall time":
        wall = progress.vitals.get("wall")
        return "" if wall is None else duration(float(np.max(wall.value)))
    words = {
        "kind": f"{run.kind} {run.preset}".strip(),
        "status": f"{run.status} {run.origin}".strip(),
        "board": " ".join(run.boards),
        "seed": "" if run.seed is None else str(run.seed),
        "tags": ", ".join(run.tags),
    }
    return words[name]


def _plain(value: Any) -> str:
    return "" if value is None else str(value)
