"""Text that is longer than what it names is broken into lines, so that nothing is cut off."""

from __future__ import annotations

import re
from itertools import pairwise
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

__all__ = ["fit_text", "folded"]

_NARROWEST = 8
"""Characters of the shortest line."""

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TOGETHER = re.compile(r"(?<=\d) (?=[%±])|(?<=±) (?=\d)|(?<=\d) (?=[numkMµ]?[SVAΩs](?:/\w+)?\b)")
"""Spaces between a number and its unit or error."""

_APART = 4.0
"""Pixels between two numbers of an axis."""


def fit_text(figure: Figure) -> None:
    """Break headings to the width of the figure, titles and labels to the length of their axes.

    Parameters
    ----------
    figure
        With everything drawn on it, and a layout engine. To find the layout takes longer than to
        draw; so the text is fitted to axes without one first, whose size is nearly right. Where
        the layout then fits the text, it is final; else it is found once more, as axes change
        their size when a title takes a second line.
    """
    whole: dict[Text, str] = {}
    _fit(figure, whole)
    for _ in range(2):
        engine = figure.get_layout_engine()
        if engine is None:
            figure.draw_without_rendering()
        else:
            engine.execute(figure)  # it asks for the size of all there is; nothing need be drawn
        before = {text: text.get_text() for text in whole}
        for text, written in whole.items():
            text.set_text(written)
        thinned = _fit(figure, whole)
        if not thinned and all(
            text.get_text() == before.get(text, written) for text, written in whole.items()
        ):
            # Not "none", for which matplotlib draws a figure twice.
            figure.set_layout_engine(None)
            return


def folded(text: str, share: float) -> str:
    """Break each line of a text to a number of characters that fits a share of a line.

    Parameters
    ----------
    share
        What is there over what the longest line needs; 1 and more leave the text as it is.
    """
    lines = text.split("\n")
    longest = max(len(line) for line in lines)
    if share >= 1.0 or longest <= _NARROWEST:
        return text
    width = max(_NARROWEST, int(longest * share))
    return "\n".join(_broken(line, width) for line in lines)


def _broken(line: str, width: int) -> str:
    """Break a line into as few as its width asks for, of about one length.

    Numbers stay with their units and errors.
    """
    line = _TOGETHER.sub(_NO_BREAK, line)
    return _evenly(line, width).replace(_NO_BREAK, " ")


def _evenly(line: str, width: int) -> str:
    # Looking for hyphens it would break at a no-break space.
    hyphens = _NO_BREAK not in line
    least = fill(line, width, break_on_hyphens=hyphens)
    number = least.count("\n")
    for narrower in range(-(-len(line) // (number + 1)), width):
        even = fill(line, narrower, break_on_hyphens=hyphens, break_long_words=False)
        if even.count("\n") == number and max(map(len, even.split("\n"))) <= width:
            return even
    return least


def _fit(figure: Figure | SubFigure, whole: dict[Text, str]) -> bool:
    """Fit the text; return whether axes got fewer ticks."""
    thinned = False
    for text in figure.texts:
        if text is getattr(figure, "_suptitle", None):
            _fold(text, 0.98 * figure.bbox.width, whole, across=True)
    for part in figure.subfigs:
        thinned |= _fit(part, whole)
    for axes in figure.axes:
        if axes.figure is figure:
            thinned |= _fit_axes(axes, whole)
    return thinned


def _fit_axes(axes: Axes, whole: dict[Text, str]) -> bool:
    box = axes.get_window_extent()
    # A title is centred over its axes: it may reach over labels on the left, as far on the right.
    spare = min(box.x0 - axes.figure.bbox.x0, axes.figure.bbox.x1 - box.x1)
    across = box.width + 1.6 * max(0.0, spare)
    _fold(axes.title, across, whole, across=True)
    _fold(axes.xaxis.label, across, whole, across=True)
    _fold(axes.yaxis.label, box.height, whole, across=False)
    return _thin_out(axes)


def _thin_out(axes: Axes) -> bool:
    """Give fewer ticks to a linear axis on which the numbers touch; return whether it was done."""
    locator = axes.xaxis.get_major_locator()
    boxes = [label.get_window_extent() for label in axes.get_xticklabels() if label.get_text()]
    boxes.sort(key=lambda box: float(box.x0))
    touch = any(right.x0 < left.x1 + _APART for left, right in pairwise(boxes))
    if not (touch and isinstance(locator, MaxNLocator)):
        return False
    locator.set_params(nbins=3)
    return True


def _fold(text: Text, room: float, whole: dict[Text, str], *, across: bool) -> None:
    if not text.get_text():
        return
    whole.setdefault(text, text.get_text())
    box = text.get_window_extent()
    length = box.width if across else box.height
    if length > room:
        text.set_text(folded(text.get_text(), room / length))
