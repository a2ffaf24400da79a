"""What keeps a board busy, cut into steps.

Each step is short against the watchdog, so that ESTOP, credits and aborts are seen between two
steps. The tasks themselves are in measuring.py and programming.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from firmware_protocol.device import DeviceLink
from firmware_protocol.messages import Credit, ErrorCode, VmmData

RX_RING = 16384
"""Bytes of stream data a board holds unprocessed."""
TX_RING = 16384
"""Bytes of results a board keeps until they are acknowledged."""


class Task(ABC):
    """Something that keeps the board busy."""

    op: int
    error = ErrorCode.OK

    @property
    @abstractmethod
    def finished(self) -> bool:
        """True when the board may leave BUSY."""

    @abstractmethod
    def step(self, now: float) -> bool:
        """Do a short piece of work; return False when there is nothing to do now."""

    @abstractmethod
    def pump(self, link: DeviceLink, now: float) -> None:
        """Send what is due."""

    @abstractmethod
    def next_timeout(self) -> float | None:
        """Return when `step` or `pump` wants to be called without input."""

    def on_credit(self, credit: Credit, now: float) -> None:
        """Take a CREDIT of the host; a task without results ignores it."""
        return

    def on_data(self, data: VmmData, now: float) -> None:
        """Take vectors of the host; a task without vectors ignores them."""
        return

    def abort(self, error: ErrorCode) -> None:
        """Stop now."""
        self.error = error
