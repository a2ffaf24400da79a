"""The table of the runs of a directory: filtered and sorted here, chosen there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    Column,
    ColumnDataSource,
    DataTable,
    NumberFormatter,
    Select,
    StringFormatter,
    TableColumn,
    TextInput,
)

from memlab.live.folder import Entry, matches
from memlab.live.panels import sheet
from memlab.markup import plain

__all__ = ["MOST_CHOSEN", "RunTable"]

MOST_CHOSEN = 6
"""Runs that are compared at once."""

ALL = "(all)"
_COLUMNS = (
    ("number", "No.", 44),
    ("name", "run", 200),
    ("kind", "kind", 100),
    ("status", "status", 76),
    ("started", "started (UTC)", 138),
    ("seconds", "seconds", 62),
    ("chip", "chip", 110),
    ("seed", "seed", 46),
    ("tags", "tags", 110),
    ("found", "found", 330),
)
"""Field, title and width in pixels: in all as wide as a screen of 1280."""
_NUMBERS = {"number": "0", "seconds": "0.[00]", "seed": "0"}
_SORTS = ("newest first", "oldest first", *(title for _, title, _ in _COLUMNS))


class RunTable:
    """Controls, and the table below them.

    Parameters
    ----------
    choose
        Called with the runs that are chosen, in order, when others are.
    """

    def __init__(self, choose: Callable[[list[Entry]], None]):
        self._choose = choose
        self._entries: Sequence[Entry] = ()
        self._shown: list[Entry] = []
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        self.filter = TextInput(
            title="Filter: words, kind:iv, tag:first",
            stylesheets=[sheet()],
            **wide,
        )
        self.tag = Select(title="Tag", value=ALL, options=[ALL], stylesheets=[sheet()], **wide)
        self.sort = Select(
            title="Sort by", value=_SORTS[0], options=list(_SORTS), stylesheets=[sheet()], **wide
        )
        self.chosen = TextInput(
            title="Compare, by number: 3, 7",
            stylesheets=[sheet()],
            **wide,
        )
        self.source = ColumnDataSource({name: [] for name, _, _ in _COLUMNS})
        columns = [
            TableColumn(
                field=name,
                title=title,
                width=width,
                formatter=NumberFormatter(format=_NUMBERS[name], nan_format="")
                if name in _NUMBERS
                else StringFormatter(),
            )
            for name, title, width in _COLUMNS
        ]
        self.table = DataTable(
            source=self.source,
            columns=columns,
            height=420,
            sizing_mode="stretch_width",
            index_position=None,
            autosize_mode="none",
            selectable=True,
            stylesheets=[sheet()],
        )
        for control in (self.filter, self.tag, self.sort):
            control.on_change("value", self._change)
        self.chosen.on_change("value", self._take)
        self.source.selected.on_change("indices", self._select)
        controls = Column(
            children=[self.filter, self.tag, self.sort, self.chosen],
            css_classes=["controls"],
            stylesheets=[sheet()],
            **wide,
        )
        self.parts = (controls, self.table)

    @property
    def count(self) -> int:
        """How many runs are in the table."""
        return len(self._shown)

    @property
    def total(self) -> int:
        """How many runs it knows, with those that the filter leaves out."""
        return len(self._entries)

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these runs, as far as the filter lets them."""
        self._entries = entries
        tags = [ALL, *sorted({tag for one in entries for tag in one.tags})]
        if self.tag.options != tags:
            self.tag.options = tags
        self._fill()

    def _fill(self) -> None:
        words, tag = str(self.filter.value), str(self.tag.value)
        shown = [
            one
            for one in self._entries
            if (tag == ALL or tag in one.tags) and (not words or matches(one, words))
        ]
        self._shown = sorted(shown, key=_key(str(self.sort.value)))
        if self.sort.value == _SORTS[0]:
            self._shown.reverse()
        data = {name: _column(self._shown, name) for name, _, _ in _COLUMNS}
        if any(list(data[name]) != list(self.source.data[name]) for name in ("number", "status")):
            kept = set(self._numbers())
            self.source.selected.indices = []
            self.source.data = data
            self.source.selected.indices = [
                k for k, one in enumerate(self._shown) if one.number in kept
            ]

    def _change(self, attr: str, old: str, new: str) -> None:
        self._fill()

    def _numbers(self) -> list[int]:
        """Return the numbers that are asked for; words that are none are left out."""
        words = str(self.chosen.value).replace(",", " ").split()
        known = {one.number for one in self._entries}
        asked = dict.fromkeys(int(word) for word in words if word.isascii() and word.isdigit())
        return [number for number in asked if number in known][:MOST_CHOSEN]

    def _take(self, attr: str, old: str, new: str) -> None:
        entries = {one.number: one for one in self._entries}
        self._choose([entries[number] for number in self._numbers()])

    def _select(self, attr: str, old: list[int], new: list[int]) -> None:
        if new:
            numbers = [self._shown[k].number for k in new[:MOST_CHOSEN] if k < len(self._shown)]
            if sorted(numbers) != sorted(self._numbers()):
                self.chosen.value = ", ".join(map(str, numbers))


def _key(title: str) -> Callable[[Entry], Any]:
    names = {shown: name for name, shown, _ in _COLUMNS}
    name = names.get(title, "started")
    if name in _NUMBERS:
        return lambda one: (getattr(one, name) is None, getattr(one, name), one.number)
    return lambda one: (getattr(one, name), one.number)


def _column(entries: Sequence[Entry], name: str) -> Any:
    values = [getattr(one, name) for one in entries]
    if name in _NUMBERS:
        return np.array([np.nan if value is None else value for value in values], np.float64)
    if name == "started":
        return [f"{value:%Y-%m-%d %H:%M:%S}" for value in values]
    return [", ".join(value) if name == "tags" else plain(str(value)) for value in values]
