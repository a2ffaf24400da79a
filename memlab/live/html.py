"""HTML of tables, headings and messages. Every text is escaped here (`memlab.markup.escape`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.markup import escape
from memlab.report import Row

__all__ = ["back", "badge", "classes", "facts", "heading", "line", "links", "message", "table"]

IntArray = npt.NDArray[np.integer[Any]]


def heading(text: str, level: int = 2) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def facts(rows: Iterable[Row], caption: str = "") -> str:
    """Return a table of names, values and notes; empty where there are no rows."""
    lines = [
        f'<tr><th scope="row"{_class(row.name)}>{escape(row.name)}</th>'
        + f"<td{_class(row.value, 'value')}>{escape(row.value)}"
        + (f' <span class="note">{escape(row.note)}</span>' if row.note else "")
        + "</td></tr>"
        for row in rows
    ]
    return _table(caption, "", lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table whose columns have names; the first column names the rows."""
    # A header without a word is none.
    names = "".join(
        f'<th scope="col"{_class(one)}>{escape(one)}</th>' if one else "<td></td>" for one in head
    )
    lines = [
        f'<tr><th scope="row"{_class(first)}>{escape(first)}</th>'
        + "".join(f"<td{_class(one, 'value')}>{escape(one)}</td>" for one in rest)
        + "</tr>"
        for first, *rest in rows
    ]
    return _table(caption, f"<thead><tr>{names}</tr></thead>", lines)


_SHORT = 10
"""Letters of a word that is not broken: on a narrow screen the long ones of other columns are."""


def _class(text: str, name: str = "") -> str:
    """Return the class of a cell as an attribute."""
    is_short = all(len(word) <= _SHORT for word in text.split())
    names = " ".join(filter(None, (name, "short" if is_short else "")))
    return f' class="{names}"' if names else ""


def _table(caption: str, head: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}{head}<tbody>{''.join(lines)}</tbody></table>"


def badge(text: str, kind: str = "") -> str:
    """Return a word in a box; `kind` is a class of the style sheet."""
    return f'<span class="badge {escape(kind)}">{escape(text)}</span>'


def message(text: str, *, warning: bool = True) -> str:
    """Return a sentence that a reader must not miss."""
    return f'<p class="{"warning" if warning else "hint"}">{escape(text)}</p>'


def classes(names: Sequence[str], codes: IntArray, colours: Sequence[str]) -> str:
    """Return the key to a map of classes: colour, name, and how many cells have it.

    The square of each colour is a class of the style sheet, `class-0` and so on.
    """
    counts = np.bincount(codes.ravel().clip(0), minlength=len(names))
    lines = [
        f'<tr><th scope="row"><span class="key class-{k}"></span>{escape(name)}</th>'
        f'<td class="value">{counts[k]:,}</td></tr>'
        for k, name in enumerate(names[: len(colours)])
        if counts[k]
    ]
    head = '<thead><tr><th scope="col">class</th><th scope="col">cells</th></tr></thead>'
    return _table("", head, lines)


def line(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def back() -> str:
    """Return the link from a run to the table of its directory."""
    return '<p><a href="/">All runs of the directory</a></p>'


def links(places: Iterable[tuple[str, str]]) -> str:
    """Return a list of links, of address and words."""
    items = [f'<li><a href="{escape(where)}">{escape(words)}</a></li>' for where, words in places]
    return f"<ul>{''.join(items)}</ul>" if items else ""
