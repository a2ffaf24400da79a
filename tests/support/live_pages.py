"""Pages of `memlab live` without a server: what stands on them, and what they draw."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Self

import numpy as np
from bokeh.document import Document
from bokeh.models import Div, Plot

from memlab.live.run_page import RunPage
from memlab.live.run_source import RunSource

TABLE = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)


class Looked:
    """A watch that has looked, and does not go on by itself."""

    def __init__(self, seen: Any = None, error: str = ""):
        self.last, self.error = seen, error
        self.listeners: list[Callable[..., None]] = []

    def subscribe(self, hear: Callable[..., None]) -> Callable[[], None]:
        self.listeners.append(hear)
        return lambda: self.listeners.remove(hear)


@dataclass
class Shown:
    """A page."""

    document: Document
    page: Any
    watch: Looked

    @classmethod
    def of_run(cls, path: Path) -> Self:
        watch, document = Looked(RunSource(path).look()), Document()
        return cls(document, RunPage(document, watch), watch)

    def again(self, seen: Any, error: str = "") -> None:
        """Let the page hear of another look."""
        self.watch.last, self.watch.error = seen, error
        for hear in self.watch.listeners:
            hear(seen, error)
        called: list[Any] = []
        while waiting := [one for one in self.document.session_callbacks if one not in called]:
            called += waiting
            for callback in waiting:
                callback.callback()

    @property
    def panels(self) -> dict[str, Any]:
        """Panels in order, by their headings."""
        return {plain(one.children[0].text): one for one in self.page.grid.children}

    @property
    def head(self) -> str:
        return plain(self.page.head.text)

    def panel(self, title: str) -> Any:
        return next(one for name, one in self.panels.items() if name.startswith(title))

    def numbers(self, title: str) -> dict[str, list[str]]:
        """Lines of the table of a panel, by their first cell."""
        lines = [
            [plain(one) for one in CELL.findall(row)]
            for row in TABLE.findall(self.panel(title).children[-1].text)
        ]
        return {first: rest for first, *rest in lines}

    def sources(self, title: str) -> list[dict[str, Any]]:
        """What is drawn in a panel, curve by curve."""
        (plot,) = self.panel(title).select({"type": Plot})
        found = dict.fromkeys(one.data_source for one in plot.renderers)  # in order
        return [dict(one.data) for one in found]

    def curve(self, title: str) -> list[tuple[Any, Any]]:
        return [(one["x"], one["y"]) for one in self.sources(title)]

    def image(self, title: str) -> Any:
        return np.asarray(self.sources(title)[0]["image"][0])

    @property
    def html(self) -> str:
        """All HTML of the page."""
        return "\n".join(one.text for one in self.document.select({"type": Div}))


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", " ", html)).strip()
