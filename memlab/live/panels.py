"""Panels of a page: a heading, a plot, and its numbers in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import Column, Div, ImportedStyleSheet

from memlab.figures.units import scale_of
from memlab.live import html
from memlab.numeric import FloatArray

__all__ = ["STYLE", "Panel", "distribution", "grid", "known", "number", "say", "sheet", "text"]

STYLE = "/live/live.css"
"""Of everything on a page; within Bokeh's parts, too, which see no style sheet of the page."""


def text(content: str = "", **kwargs: Any) -> Div:
    """Return a part of a page that shows HTML of `memlab.live.html`."""
    kwargs.setdefault("sizing_mode", "stretch_width")
    return Div(text=content, disable_math=True, stylesheets=[sheet()], **kwargs)


def sheet() -> ImportedStyleSheet:
    """Return our style sheet, for a part that Bokeh draws apart from the page."""
    return ImportedStyleSheet(url=STYLE)


def grid(children: Sequence[Any], name: str) -> Column:
    """Return panels side by side as far as there is room (`live.css`)."""
    return Column(
        children=list(children),
        css_classes=["grid"],
        stylesheets=[sheet()],
        sizing_mode="stretch_width",
        name=name,
    )


class Panel:
    """One panel.

    Parameters
    ----------
    title
        Heading; it may name things out of a file.
    plots
        Plots and controls between heading and numbers.
    """

    def __init__(self, title: str, *plots: Any):
        self._heading = text(html.heading(title))
        self._numbers = text()
        self.root = Column(
            children=[self._heading, *plots, self._numbers],
            css_classes=["panel"],
            stylesheets=[sheet()],
            sizing_mode="stretch_width",
        )

    def tell(self, numbers: str, title: str = "") -> None:
        """Show a table of numbers, and, where it is given, another heading."""
        say(self._numbers, numbers)
        if title:
            say(self._heading, html.heading(title))


def say(part: Div, content: str) -> None:
    """Let a part show HTML; what it shows already is not sent again."""
    if part.text != content:
        part.text = content


def known(values: FloatArray) -> FloatArray:
    """Return the values that are numbers; a NaN where there are none."""
    finite = values[np.isfinite(values)]
    return finite if finite.size else np.full(1, np.nan)


def number(value: float) -> str:
    """Return a number in four digits, "none" where it is none."""
    return f"{value + 0.0:.4g}" if np.isfinite(value) else "none"


def distribution(values: FloatArray, units: str) -> list[tuple[str, str]]:
    """Return how values are distributed, in a unit with prefix: name and text of each number."""
    known = values[np.isfinite(values)]
    rows = [("cells", f"{known.size:,} of {values.size:,}" if known.size < values.size else
             f"{known.size:,}")]  # fmt: skip
    if not known.size:
        return rows
    factor, unit = scale_of(known, units=units)
    unit = "" if unit == "1" else f" {unit}"
    for name, part in (
        ("median", 0.5),
        ("middle half", (0.25, 0.75)),
        ("range", (0.0, 1.0)),
    ):
        ends = np.atleast_1d(np.quantile(known, part)) / factor + 0.0
        rows.append((name, " to ".join(f"{one:.4g}" for one in ends) + unit))
    return rows
