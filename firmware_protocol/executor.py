"""What the firmware asks of the hardware below it: the callback table of the virtual board.

Everything arrives checked: state, operation number, limits, widths. Lines are row and column
numbers, values are codes. A call that cannot be carried out raises `RefusedError`, and then it has
had no effect; `HardwareFaultError` is a fault of the board with a code, any other exception one
that is latched as INTERNAL.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from firmware_protocol.codec import Message
from firmware_protocol.configuration import Configuration
from firmware_protocol.messages import (
    GetDriversResponse,
    GetHistoryResponse,
    GetInfoResponse,
    GetLimitsResponse,
)

Samples = tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]
"""ADC codes and gain numbers (1 to 4), both of shape (items, columns)."""
AUTO = 0
"""Gain number that lets the board choose."""


class Executor(Protocol):
    """The hardware, or a model of it."""

    @property
    def uid(self) -> bytes:
        """Twelve bytes that name this board."""
        ...

    def info(self) -> GetInfoResponse:
        """Return what GET_INFO answers; the firmware fills in config_crc."""
        ...

    def limits(self) -> GetLimitsResponse:
        """Return what GET_LIMITS answers: bounds of pulses that no configuration widens."""
        ...

    def drivers(self) -> GetDriversResponse:
        """Return what GET_DRIVERS answers: the current that the driver of a row can give."""
        ...

    def history(self, count: int | None) -> GetHistoryResponse:
        """Return what GET_HISTORY answers, of so many row pulses; of all so far for None."""
        ...

    def configure(self, configuration: Configuration) -> None:
        """Apply spans, limits, timing and levels with all lines grounded."""
        ...

    def ground(self) -> None:
        """Put every line to 0 V now; must not fail."""
        ...

    def read(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], row_code: int, gain: int
    ) -> Samples:
        """Drive the rows one after the other, sense the columns; one item per row."""
        ...

    def vmm(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        row_code: npt.NDArray[np.uint16],
        gain: int,
    ) -> Samples:
        """Apply each vector of row codes, shape (vectors, rows); one item per vector."""
        ...

    def pulse(self, pulse: np.void) -> None:
        """Fire one row-parallel pulse, a record of type `ROW_PULSE`, exactly once."""
        ...

    def unlock(self, *, unsafe: bool) -> None:
        """Begin chip-level access; refuse `unsafe` (codes beyond the limits) without a jumper."""
        ...

    def low_level(self, request: Message) -> Message:
        """Carry out a direct or chip-level request (DAC_WRITE .. ADC_READ, SET_BAUD, 71 .. 76)."""
        ...
