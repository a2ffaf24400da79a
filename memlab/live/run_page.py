"""The page of a run, which may be going on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.document import Document

from memlab.live import html
from memlab.live.page import Page
from memlab.live.panels import say
from memlab.live.run_panels import (
    ClassPanel,
    CurrentPanel,
    CurvePanel,
    FactPanel,
    MapPanels,
    ReadingsPanel,
    RunPanel,
    SweepPanel,
)
from memlab.live.run_view import RunView
from memlab.live.watch import Watch
from memlab.markup import plain, spelt
from memlab.report import Row
from memlab.runs.vitals import in_digits

__all__ = ["RunPage"]


class RunPage(Page[RunView]):
    """Everything that a run has, and nothing that its kind lacks.

    Parameters
    ----------
    document, watch
        As of `Page`.
    back
        Whether it was reached from the page of its directory.
    """

    def __init__(self, document: Document, watch: Watch[RunView], *, back: bool = False):
        self._back = back
        self._panels: tuple[RunPanel, ...] = (
            FactPanel("Progress", lambda view: view.about),
            CurvePanel("loss", "Loss", "Loss (1)"),
            CurvePanel("accuracy", "Accuracy on the batch", "Accuracy (1)"),
            SweepPanel(),
            MapPanels(),
            ReadingsPanel(),
            CurrentPanel(),
            ClassPanel(),
            FactPanel("Results", lambda view: [_spelt(row) for row in view.summary.results]),
            FactPanel("Faults", lambda view: view.faults),
            FactPanel("Settings that differ from the defaults", lambda v: v.summary.settings),
            FactPanel("What it is", lambda view: _identity(view)),
        )
        super().__init__(document, watch, "memlab live")
        if back and watch.last is None:  # it may stay unreadable
            self.head.text = html.back() + self.head.text

    def show(self, seen: RunView) -> Sequence[Any]:
        """Show a look at the run."""
        self.document.title = plain(f"{seen.run.path.name}, {seen.run.status} - memlab live")
        head = head_of(seen, back=self._back)
        say(self.head, head)
        return [part for panel in self._panels for part in panel.show(seen)]


def head_of(view: RunView, *, back: bool) -> str:
    """Return file, what was done, status, how far it is, and whether it is emulated."""
    run, progress = view.run, view.progress
    total = f" of {progress.total:,}" if progress.total is not None else ""
    facts = [html.badge(progress.status, f"status-{progress.status}")]
    if run.origin:
        facts.insert(0, html.badge(run.origin, "emulator"))
    words = [run.title]
    if progress.done or progress.total is not None:
        words.append(f"{progress.done:,}{total} {progress.what}")
    if "loss" in view.curves:
        words.append(f"loss {in_digits(view.curves['loss'].last)}")
    link = html.back() if back else ""
    warnings = "".join(html.message(text) for text in view.summary.warnings)
    line = html.line(", ".join(words))
    return f"{link}{html.heading(run.path.name, 1)}<p>{' '.join(facts)}</p>{line}{warnings}"


def _spelt(row: Row) -> Row:
    return Row(row.name, spelt(row.value), spelt(row.note))


def _identity(view: RunView) -> list[Row]:
    """Return what a run is; what it has cost stands under its progress."""
    counted = ("counts ", "on board ", "seconds")
    return [row for row in view.summary.identity if not row.name.startswith(counted)]
