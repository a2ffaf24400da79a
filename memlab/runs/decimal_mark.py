"""Numbers of a text in which point and comma may each be the decimal mark.

`10.000` is ten where the point is the decimal mark and ten thousand where the comma is. Only the
rest of the file can tell: which mark its other numbers need (`1.5`, `10.000,5`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["decimal_mark", "values"]


def _forms(mark: str, other: str) -> re.Pattern[str]:
    """Return how numbers are written with a decimal mark; the other one groups thousands."""
    grouped = rf"[1-9]\d{{0,2}}(?:{other}\d{{3}})+(?:{mark}\d*)?"
    plain = rf"(?:\d+(?:{mark}\d*)?|{mark}\d+)(?:e[+-]?\d+)?"
    return re.compile(rf"[+-]?(?:{grouped}|{plain}|inf|nan)", re.ASCII | re.IGNORECASE)


_FORMS = {".": _forms(r"\.", ","), ",": _forms(",", r"\.")}
_OTHER = {".": ",", ",": "."}


def decimal_mark(texts: Iterable[str], usual: str) -> str:
    """Return the decimal mark of a file: `.`, `,`, or both of them where it does not say.

    Parameters
    ----------
    texts
        Numbers of the file; what is no number says nothing.
    usual
        What to return where no number needs either mark.
    """
    needed = set()
    for text in texts:
        if "." in text or "," in text:
            able = [mark for mark, form in _FORMS.items() if form.fullmatch(text)]
            if len(able) == 1:
                needed.add(able[0])
    if not needed:
        return usual
    return needed.pop() if len(needed) == 1 else ".,"


def values(text: str, marks: str) -> list[float]:
    """Return what a text can mean where one of these is the decimal mark; empty: no number."""
    plain = {
        text.replace(_OTHER[mark], "").replace(mark, ".")
        for mark in marks
        if _FORMS[mark].fullmatch(text)
    }
    return [float(one) for one in sorted(plain)]
