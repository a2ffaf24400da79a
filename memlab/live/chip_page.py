"""The page of a chip: pulses, budgets, fault classes, and the story of the cell that is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from bokeh.document import Document
from bokeh.events import Tap
from bokeh.models import Column, ColumnDataSource, NumericInput

from memlab.errors import MemlabError
from memlab.live import html
from memlab.live.chip_view import ChipView
from memlab.live.colours import CLASSES
from memlab.live.page import Page
from memlab.live.panels import Panel, distribution, say, sheet, text
from memlab.live.plots import ClassPlot, MapPlot
from memlab.live.run_view import in_words
from memlab.live.watch import Watch
from memlab.markup import plain
from memlab.numeric import FloatArray
from memlab.passport.story import CellStory
from memlab.report import Row

__all__ = ["ChipPage"]

_BUDGETS = {
    "set": "SETs",
    "reset": "RESETs",
    "pulses": "pulses",
    "energy": "energy",
    "forming": "formings",
}


class ChipPage(Page[ChipView]):
    """Everything that a passport knows; a click on a map, or two numbers, choose a cell.

    Parameters
    ----------
    document, watch
        As of `Page`.
    read
        Reads the story of a cell, in a thread: (row, column) to the story.
    """

    def __init__(
        self,
        document: Document,
        watch: Watch[ChipView],
        read: Callable[[int, int], CellStory],
    ):
        self._read = read
        self._readers = ThreadPoolExecutor(1, "memlab live cell")
        self._asked = 0
        self._about = Panel("The chip")
        self._maps = {
            "pulses": (MapPlot("count"), "Pulses so far"),
            "known": (MapPlot("conductance"), "Conductance read last"),
            "energy": (MapPlot("count"), "Energy of all pulses, estimated"),
            "budget": (MapPlot("count"), "Used part of the budgets"),
        }
        self._panels = {name: Panel(title, plot.plot) for name, (plot, title) in self._maps.items()}
        self._classes: ClassPlot | None = None
        self._class_panel: Panel | None = None
        self._mark = ColumnDataSource({"x": [], "y": []})
        for plot, _ in self._maps.values():
            self._choosable(plot.plot)
        self.row, self.column = (
            NumericInput(
                title=name,
                low=0,
                value=None,
                stylesheets=[sheet()],
                sizing_mode="stretch_width",
            )
            for name in ("Row", "Column")
        )
        for number in (self.row, self.column):
            number.on_change("value", self._chosen)
        hint = html.line("Click a cell in a map, or give its row and its column.")
        self._story = text(hint)
        controls = Column(
            children=[self.row, self.column],
            css_classes=["controls"],
            stylesheets=[sheet()],
            sizing_mode="stretch_width",
        )
        self._cell = Panel("One cell, over all runs", controls, self._story)
        super().__init__(document, watch, "memlab live")
        document.on_session_destroyed(lambda session_context: self._readers.shutdown(wait=False))

    def show(self, seen: ChipView) -> Sequence[Any]:
        """Show what the passport knows."""
        about = seen.summary
        rows, columns = seen.shape
        self.row.high, self.column.high = rows - 1, columns - 1
        self.document.title = plain(f"chip {about['chip']} - memlab live")
        head = html.heading(f"Chip {about['chip']}", 1) + html.line(
            f"passport {seen.path.name}, {rows} x {columns} cells, {len(about['runs'])} runs"
        )
        say(self.head, head)
        self._about.tell(html.facts(_facts(about)))
        used = seen.pulses.sum(0).astype(float)
        self._draw("pulses", used, used, "1")
        shown = [self._about, self._cell, self._panels["pulses"]]
        if np.isfinite(seen.known).any():
            self._draw("known", 1e6 * seen.known, seen.known, "S")
            shown.append(self._panels["known"])
        if seen.energy.any():
            self._draw("energy", 1e9 * seen.energy, seen.energy, "J")
            shown.append(self._panels["energy"])
        if seen.budgets:
            most: FloatArray = np.stack(list(seen.budgets.values())).max(axis=0)
            self._draw("budget", 100.0 * most, most, "1")
            self._panels["budget"].tell(
                html.table(
                    ("budget", "of each cell", "most used", "cells above 90 %"),
                    _budget_rows(about["budgets"], seen.budgets),
                ),
                "Used part of the budgets (%), of each cell the one used most",
            )
            shown.append(self._panels["budget"])
        if seen.classes is not None:
            shown.append(self._draw_classes(seen))
        return [panel.root for panel in shown]

    def _draw(self, name: str, drawn: FloatArray, values: FloatArray, units: str) -> None:
        plot, title = self._maps[name]
        lines = tuple(np.arange(size) for size in values.shape)
        plot.show(drawn, lines[0], lines[1])
        unit = {"known": " (µS)", "energy": " (nJ)"}.get(name, "")
        rows = distribution(values, units)
        self._panels[name].tell(html.table(("", "of a cell"), rows), title + unit)

    def _draw_classes(self, seen: ChipView) -> Panel:
        found = seen.classes
        assert found is not None
        if self._classes is None or self._class_panel is None:
            self._classes = ClassPlot(len(CLASSES))
            self._choosable(self._classes.plot)
            self._class_panel = Panel("Fault classes", self._classes.plot)
        self._classes.show(found.codes % len(CLASSES), found.rows, found.columns)
        self._class_panel.tell(html.classes(found.names, found.codes, CLASSES))
        return self._class_panel

    def _choosable(self, plot: Any) -> None:
        """Let a click on a map choose a cell, and mark the cell that is chosen."""
        plot.on_event(Tap, self._tapped)
        for size, colour, width in ((15, "#000000", 4), (15, "#ffffff", 1.5)):
            plot.scatter(
                "x",
                "y",
                source=self._mark,
                size=size,
                marker="square",
                fill_color=None,
                line_color=colour,
                line_width=width,
            )

    def _tapped(self, event: Any) -> None:
        if event.x is None or event.y is None or self._watch.last is None:
            return
        row, column = round(float(event.y)), round(float(event.x))
        rows, columns = self._watch.last.shape
        if 0 <= row < rows and 0 <= column < columns:
            self.row.value = None  # one question for both
            self.column.value = column
            self.row.value = row

    def _chosen(self, attr: str, old: Any, new: Any) -> None:
        """Read the story of the cell, without holding the page up; only the last one counts."""
        row, column = self.row.value, self.column.value
        if row is None or column is None:
            return
        row, column = int(row), int(column)
        self._mark.data = {"x": [column], "y": [row]}
        self._asked += 1
        asked = self._asked
        self._story.text = html.line(f"Reading the story of cell [{row}, {column}] ...")

        def read() -> None:
            try:
                told = _told(self._read(row, column))
            except (MemlabError, OSError) as error:
                told = html.message(str(error))
            self.document.add_next_tick_callback(lambda: self._tell(asked, told))

        self._readers.submit(read)

    def _tell(self, asked: int, told: str) -> None:
        if asked == self._asked:
            self._story.text = told


def _facts(about: dict[str, Any]) -> Iterator[Row]:
    cells = about["rows"] * about["columns"]
    yield Row("boards", ", ".join(about["boards"]) or "none yet")
    yield Row("made", str(about["created"]))
    yield Row("calibration", str(about["calibration"] or "none"))
    yield Row("formed cells", f"{about['formed']:,} of {cells:,}")
    found = about["yield"]
    if found is not None and found["value"] is not None:
        yield Row("yield", f"{found['value']:.1%}", f"of {found['n']:,} {found['of']}")
    yield Row("good rows", f"{about['good_rows']} of {about['rows']}")
    yield Row("good columns", f"{about['good_columns']} of {about['columns']}")
    yield Row("pulsed cells", f"{about['pulsed_cells']:,} of {cells:,}")
    yield Row("pulses in doubt", f"{about['unknown']:,}", "they count as fired")
    for one in about["others"]:
        yield Row("pulsed by others", str(one["pulses"]), f"found {one['found']}")
    for run in about["runs"][-5:]:
        yield Row(f"run {run['run']}", str(run["label"]), f"{run['board']}, {run['started']}")


def _budget_rows(
    budgets: dict[str, Any], used: dict[str, FloatArray]
) -> Iterator[tuple[str, str, str, str]]:
    for name, words in _BUDGETS.items():
        most = budgets.get(name)
        if most is None:
            yield words, "no limit", "", ""
        elif name in used:
            limit = in_words(most, "J") if name == "energy" else f"{most:,}"
            near = int((used[name] > 0.9).sum())
            yield words, limit, f"{used[name].max():.2%}", f"{near:,}"


def _told(story: CellStory) -> str:
    """Return the story of a cell, as `memlab chip cell` tells it."""
    left = ", ".join(
        f"{in_words(n, 'J') if name == 'energy' else f'{n:,.0f}'} {_BUDGETS[name]}"
        for name, n in story.budgets.items()
    )
    facts = [
        Row("SETs", f"{story.set:,}"),
        Row("RESETs", f"{story.reset:,}"),
        Row("of these in doubt", f"{story.unknown:,}"),
        Row("energy", in_words(story.energy, "J"), "estimated"),
        Row("formed", ", ".join(story.formed) or "not by a procedure"),
        Row("fault classes", ", ".join(story.masks) or "none"),
        Row("left of its budgets", left or "there are none"),
    ]
    runs = [
        Row(
            f"run {run.run}, {run.label}",
            f"{run.started}: {run.set:,} SETs, {run.reset:,} RESETs"
            + ("" if run.formed is None else f", formed {run.formed}")
            + ("" if run.conductance is None else f", read {in_words(run.conductance, 'S')}"),
            run.load or "",
        )
        for run in story.runs
    ]
    pulses = [
        (
            one.time.replace("T", " ").removesuffix("+00:00"),
            f"{one.kind.upper()} of run {one.run}",
            f"{one.amplitude:.3f} V, {one.width * 1e6:.3g} µs",
            f"{one.gate_voltage:.3f} V" if one.gate_voltage else "",
            one.outcome,
        )
        for one in story.last_pulses
    ]
    return (
        html.facts(facts, f"Cell [{story.row}, {story.column}]")
        + html.facts(runs, "Run by run")
        + html.table(("time (UTC)", "pulse", "", "gate", "outcome"), pulses, "Its last pulses")
    )
