"""Which page a browser gets, by what `memlab live` was asked to show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bokeh.document import Document

from memlab.live import html
from memlab.live.chip_page import ChipPage
from memlab.live.chip_view import ChipSource, story_of
from memlab.live.folder import Folder, FolderSource
from memlab.live.folder_page import FolderPage
from memlab.live.page import Page
from memlab.live.run_page import RunPage
from memlab.live.run_source import RunSource
from memlab.live.run_view import RunView
from memlab.live.target import Sort, Target
from memlab.live.watch import Watch

__all__ = ["Pages", "pages_of"]

Pages = Callable[[Document], None]
"""Fills the document of each browser."""

_MOST_KEPT = 32
"""Runs of a directory of which what was seen last is kept while nobody looks."""


def pages_of(target: Target) -> Pages:
    """Return the pages of a target."""
    if target.sort is Sort.FOLDER:
        return _FolderPages(FolderSource(target.path))
    if target.sort is Sort.CHIP:
        return _of_chip(target.path)
    watch = Watch(RunSource(target.path), file=target.path)

    def make(document: Document) -> None:
        RunPage(document, watch)

    return make


def _of_chip(path: Path) -> Pages:
    watch = Watch(ChipSource(path), every=1.0)

    def make(document: Document) -> None:
        ChipPage(document, watch, partial(story_of, path))

    return make


class _NoRun(Page[Folder]):
    """The page of a run that is not there."""

    def __init__(self, document: Document, watch: Watch[Folder], name: str):
        super().__init__(document, watch, "memlab live")
        self.head.text = html.back() + html.message(f"There is no run {name} here.")

    def show(self, seen: Folder) -> Sequence[Any]:
        """Show nothing of the directory."""
        return ()


class _FolderPages:
    """The page of a directory, and those of its runs, at `?run=NAME`."""

    def __init__(self, source: FolderSource):
        self._source = source
        self._watch = Watch(source, every=1.0, share=0.5, hurry=lambda: source.left > 0)
        self._runs: dict[str, Watch[RunView]] = {}

    def __call__(self, document: Document) -> None:
        request = document.session_context.request
        asked = request.arguments.get("run", [])
        name = asked[-1].decode("utf-8", "replace") if asked else ""
        watch = self._watch_of(name) if asked else None
        if watch is not None:
            RunPage(document, watch, back=True)
        elif asked:
            _NoRun(document, self._watch, name)
        else:
            FolderPage(document, self._watch, self._watch_of)

    def _watch_of(self, name: str) -> Watch[RunView] | None:
        path = self._source.find(name)
        if path is None:
            return None
        if name not in self._runs:
            for other in [one for one, watch in self._runs.items() if watch.is_idle][:-_MOST_KEPT]:
                del self._runs[other]
            self._runs[name] = Watch(RunSource(path), file=path)
        return self._runs[name]
