"""Which page a browser gets, by what `memlab live` was asked to show."""

from __future__ import annotations

from collections.abc import Callable

from bokeh.document import Document

from memlab.live.run_page import RunPage
from memlab.live.run_source import RunSource
from memlab.live.target import Target
from memlab.live.watch import Watch

__all__ = ["Pages", "pages_of"]

Pages = Callable[[Document], None]
"""Fills the document of each browser."""


def pages_of(target: Target) -> Pages:
    """Return the pages of a run file."""
    watch = Watch(RunSource(target.path))

    def make(document: Document) -> None:
        RunPage(document, watch)

    return make
