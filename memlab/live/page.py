"""What all pages have in common: the document, its look, and news from the thread that watches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from bokeh.document import Document
from bokeh.models import Column, Plot, TextInput

from memlab.live import html
from memlab.live.colours import SCHEMES, paint
from memlab.live.panels import grid, sheet, text
from memlab.live.watch import Watch

__all__ = ["Page"]

T = TypeVar("T")

_LATER = 300
"""Milliseconds in which a browser shows what it has."""


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("memlab.live", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    ).get_template("page.html.j2")


class Page(Generic[T]):
    """A page of one thing that is watched; subclasses say what they show of it.

    Parameters
    ----------
    document
        An empty document of Bokeh, of one browser.
    watch
        What is looked at.
    title
        Of the browser's window.
    """

    def __init__(self, document: Document, watch: Watch[T], title: str):
        self.document = document
        self.head = text(html.message("Reading ...", warning=False), name="head")
        self.note = text(visible=False)
        self.grid = grid([], "panels")
        self.scheme = TextInput(name="scheme", value="light", visible=False)
        self.scheme.on_change("value", self._repaint)
        self._painted: set[str] = set()
        self._watch = watch
        self._is_asked = False
        self._panels_now: list[Any] = []
        root = Column(
            children=[self.head, self.note, *self.above(), self.grid, *self.below(), self.scheme],
            sizing_mode="stretch_width",
            css_classes=["page"],
            stylesheets=[sheet()],
            name="page",
        )
        document.add_root(root)
        document.title = title
        document.template = _template()
        self._update()
        end = watch.subscribe(lambda *_: self._ask())
        document.on_session_destroyed(lambda session_context: end())

    def above(self) -> Sequence[Any]:
        """Return what stands between head and panels."""
        return ()

    def below(self) -> Sequence[Any]:
        """Return what stands below the panels."""
        return ()

    def show(self, seen: T) -> Sequence[Any]:
        """Show what was seen, and return the panels that have something to show."""
        raise NotImplementedError

    def _ask(self) -> None:
        """Show it when the document is free; once, however many looks there are until then."""
        if not self._is_asked:
            self._is_asked = True
            self.document.add_next_tick_callback(self._hear)

    def _hear(self) -> None:
        self._is_asked = False
        self._update(later=True)

    def _update(self, *, later: bool = False) -> None:
        error = self._watch.error
        self.note.visible = bool(error)
        self.note.text = html.message(f"Not readable now, tried again: {error}") if error else ""
        if self._watch.last is not None:
            self.place(self.show(self._watch.last), later=later)

    def place(self, panels: Sequence[Any], *, later: bool = False) -> None:
        """Put panels into the grid, in order.

        `later` lets those wait a moment that come to a page that stands already: a browser takes
        longest to make them, and would show the news in the head when it has.
        """
        before, self._panels_now = self._panels_now, list(panels)
        if not later or not self.grid.children:
            self._put()
        elif before != self._panels_now:
            self.document.add_timeout_callback(self._put, _LATER)
        self._paint()

    def _put(self) -> None:
        if self._panels_now != list(self.grid.children):
            self.grid.children = self._panels_now
            self._paint()

    def _paint(self) -> None:
        plots = [one for one in self.document.select({"type": Plot}) if one.id not in self._painted]
        paint(SCHEMES["dark" if self.scheme.value == "dark" else "light"], *plots)
        self._painted |= {one.id for one in plots}

    def _repaint(self, attr: str, old: str, new: str) -> None:
        self._painted.clear()
        self._paint()
