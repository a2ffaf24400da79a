"""When a served board saves its chip, where that is kept in a file."""

from __future__ import annotations

from collections.abc import Callable

from drivers.simulation import Simulation

__all__ = ["Keeper"]

_EVERY = 1.0
"""Seconds between two savings while clients use the chip; one takes some 20 ms."""


class Keeper:
    """Saves a chip while it is used, between two operations: each is in the file wholly or not.

    Parameters
    ----------
    chip
        The chip.
    busy
        Whether an operation that pulses is under way.
    """

    def __init__(self, chip: Simulation, busy: Callable[[], bool] = lambda: False) -> None:
        self._chip, self._busy = chip, busy
        self._saved, self._next = self._now, 0.0

    def due(self) -> float | None:
        """Return from when on the chip should be saved, in s; None where nothing waits for it."""
        return None if self._saved == self._now or self._busy() else self._next

    def look(self, now: float) -> None:
        """Save the chip if that is due at this time, in s."""
        if (due := self.due()) is not None and now >= due:
            self.save()
            self._next = now + _EVERY

    def save(self) -> None:
        """Save the chip now, unless it is as it was saved."""
        if self._saved != self._now:
            self._chip.save()
            self._saved = self._now

    @property
    def _now(self) -> tuple[float, int]:
        return self._chip.clock, self._chip.pulsed
