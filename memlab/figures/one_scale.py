"""One colour scale for each quantity through all figures of a page.

    scales = Scales()
    with scales.collected():
        ...draw all figures: nothing is saved, their ends are noted
    with scales.applied():
        ...draw them again: maps of one quantity have one scale

A quantity is the label of its colour bar, "Conductance (µS)"; a label that is a unit alone says
too little.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Scales", "is_collecting", "scale_of_page"]

Ends = tuple[float, float]


class Scales:
    """The scales of a page: ends by quantity and colours."""

    def __init__(self) -> None:
        self.ends: dict[tuple[str, str], Ends] = {}
        self.collecting = False

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Note the ends of all maps that are drawn in the block; no figure is saved."""
        self.collecting = True
        try:
            with self.applied():
                yield
        finally:
            self.collecting = False

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the maps that are drawn in the block these scales."""
        token = _SCALES.set(self)
        try:
            yield
        finally:
            _SCALES.reset(token)

    def of(self, label: str, colours: str, own: Ends) -> Ends:
        """Return the ends of a map; `own` are those that it would have alone."""
        quantity, _, unit = label.rpartition(" (")
        if not quantity or unit == "1)":
            return own
        low, high = self.ends.get((label, colours), own)
        if self.collecting:
            self.ends[label, colours] = min(low, own[0]), max(high, own[1])
            return own
        return low, high


_SCALES: ContextVar[Scales | None] = ContextVar("_SCALES", default=None)


def scale_of_page(label: str, colours: str, own: Ends) -> Ends:
    """Return the ends of a map: those of the page that is being made, else its own."""
    scales = _SCALES.get()
    return own if scales is None else scales.of(label, colours, own)


def is_collecting() -> bool:
    """Return whether figures are drawn for their scales alone, and not saved."""
    scales = _SCALES.get()
    return scales is not None and scales.collecting
