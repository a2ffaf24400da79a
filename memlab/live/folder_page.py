"""The page of a directory: the table of its runs, and those that are chosen side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bokeh.document import Document

from memlab.live import html
from memlab.live.compare import Comparison
from memlab.live.folder import Entry, Folder
from memlab.live.page import Page
from memlab.live.panels import say, text
from memlab.live.run_table import RunTable
from memlab.live.run_view import RunView
from memlab.live.watch import Watch
from memlab.markup import plain

__all__ = ["FolderPage"]

_MOST_LEFT_OUT = 20
_GROWN = 1.25


class FolderPage(Page[Folder]):
    """Runs of a directory.

    Parameters
    ----------
    document, watch
        As of `Page`.
    watch_of
        Returns the watch of a run by its name in the directory; None where it has gone.
    """

    def __init__(
        self,
        document: Document,
        watch: Watch[Folder],
        watch_of: Callable[[str], Watch[RunView] | None],
    ):
        self._table = RunTable(self._choose)
        self._links = text(visible=False)
        self._left_out = text()
        self._comparison = Comparison()
        self._watch_of = watch_of
        self._chosen: list[tuple[Entry, Watch[RunView]]] = []
        self._ends: list[Callable[[], None]] = []
        super().__init__(document, watch, "memlab live")
        document.on_session_destroyed(lambda session_context: self._let_go())

    def above(self) -> Sequence[Any]:
        """Return controls, links to what is chosen, and the table, whose cells take the tabs."""
        controls, table = self._table.parts
        return controls, self._links, table

    def below(self) -> Sequence[Any]:
        """Return what is no run."""
        return (self._left_out,)

    def show(self, seen: Folder) -> Sequence[Any]:
        """Show the table, and the runs that are chosen."""
        # A part of many files is worth sending the whole table again when it is a good part of it.
        if not seen.left or len(seen.entries) >= _GROWN * self._table.total:
            self._table.show(seen.entries)
        name = seen.path.resolve().name or str(seen.path)
        self.document.title = plain(f"{name}, {len(seen.entries):,} runs - memlab live")
        words = f"{len(seen.entries):,} runs, {self._table.count:,} in the table"
        if seen.left:
            words += f"; {seen.left:,} files are still to be read"
        if seen.more:
            words += "; there are more files than are looked at"
        head = html.heading(name, 1) + html.line(words)
        say(self.head, head)
        rows = [(Path(one).name, why) for one, why in seen.left_out[:_MOST_LEFT_OUT]]
        caption = f"{len(seen.left_out):,} files that are left out"
        left_out = html.table(("file", "why"), rows, caption)
        say(self._left_out, left_out)
        views = [watch.last for _, watch in self._chosen if watch.last is not None]
        return self._comparison.show(views) if views else ()

    def _choose(self, entries: list[Entry]) -> None:
        before = self._ends
        found = [(one, self._watch_of(one.name)) for one in entries]
        self._chosen = [(one, watch) for one, watch in found if watch is not None]
        # The new ones first, so that what goes on being looked at is not closed in between.
        self._ends = [watch.subscribe(lambda *_: self._ask()) for _, watch in self._chosen]
        for end in before:
            end()
        links = [
            (f"/?run={quote(one.name, safe='')}", f"Page of {one.number}, {one.name}")
            for one, _ in self._chosen
        ]
        self._links.text = html.links(links)
        self._links.visible = bool(links)
        self._update()

    def _let_go(self) -> None:
        for end in self._ends:
            end()
        self._ends = []
