"""The Board seam: what a board can do, in DAC and ADC codes.

Everything above this file speaks volts and siemens; everything below speaks bytes. A Board is
integers in and integers out: it knows which codes it was told to allow, and nothing of physics.

Line `row` i is bit line i, line `column` j is top-electrode line j with its gate (word line) j.
"""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from drivers.capabilities import CLIP_MARGIN, Capabilities, LineClass
from drivers.converter import Codes
from drivers.history import History
from drivers.owner import Owner
from drivers.requests import (
    AUTO_GAIN,
    BoardConfig,
    Mode,
    Outcome,
    PulseBatch,
    PulseKind,
    Samples,
    Selection,
    Timing,
)
from drivers.simulation import Simulation

__all__ = [
    "AUTO_GAIN",
    "CLIP_MARGIN",
    "Board",
    "BoardConfig",
    "Capabilities",
    "LineClass",
    "Mode",
    "Outcome",
    "PulseBatch",
    "PulseKind",
    "Samples",
    "Selection",
    "Timing",
    "Wire",
]


class Wire(Protocol):
    """The line to a board, where its bytes can be counted."""

    @property
    def bytes_sent(self) -> int:
        """Bytes that went to the board so far."""
        ...

    @property
    def bytes_received(self) -> int:
        """Bytes that came from the board so far."""
        ...

    def echo(self, count: int) -> int:
        """Send so many full frames to and fro; return the payload bytes that went each way."""
        ...


@runtime_checkable
class Board(Protocol):
    """A board: integers in, integers out. Every call has finished, or failed, when it returns.

    It is used in the process that opened it, by one thread at a time: calls of others wait for
    their turn, a forked child is refused (`InUseError`). Only `ground` and `close` do not wait.
    """

    @property
    def owner(self) -> Owner:
        """Whose turn it is; who does several steps that belong together takes one for them."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Identity and abilities, known once the board is open."""
        ...

    @property
    def simulation(self) -> Simulation | None:
        """Time, energy and state of a chip that is simulated in this process; else None."""
        ...

    @property
    def wire(self) -> Wire | None:
        """The line to the board; None where it has none, or none that can be measured."""
        ...

    def status(self) -> dict[str, Any]:
        """Return what the board says of itself now, as plain values; empty where that is nothing.

        Nothing is driven.
        """
        ...

    def configure(self, config: BoardConfig) -> None:
        """Apply spans, limits and timing; outputs are grounded first."""
        ...

    def read(self, selection: Selection, row_code: int, gain: int = AUTO_GAIN) -> Samples:
        """Drive the selected rows one after the other at `row_code`, the rest at 0 V, and sense.

        The rest of the selected ones: see `Selection`, and `Capabilities.read_rows`.

        Returns samples of shape (selected rows, selected columns). Reads, never programs.
        """
        ...

    def vmm(self, selection: Selection, row_code: Codes, gain: int = AUTO_GAIN) -> Samples:
        """Apply each vector of row codes, shape (vectors, selected rows), and sense.

        Returns samples of shape (vectors, selected columns). Reads, never programs.
        """
        ...

    @property
    def life(self) -> str:
        """Names one life of the board: another after a restart that lost its memory.

        Empty where the board cannot tell.
        """
        ...

    def history(self, count: int | None = None) -> History | None:
        """Return which row pulses the chip has got so far, or when it had got `count` of them.

        None where the board does not keep that with its chip, or does not know it any more.
        """
        ...

    @property
    def others_pulsed(self) -> str:
        """Names the last pulses of others that are known of: another when there are more.

        Of others: they are in the board's journal, and not in this computer's record of the board.
        Another computer fired them, or this one before its record was put back from a copy. Empty
        where there are none, and where the board has no journal: then nobody can know.
        """
        ...

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        """Register a batch that is about to be sent; return its ticket: `name`, or a new one.

        The ticket is kept when this returns, so that `fate` can be asked in any later program,
        whatever happens in between. A name may be registered again as long as nothing of it was
        sent. A board without memory keeps nothing and returns "".

        Raises
        ------
        DeviceError
            If a batch of this name was sent before.
        TransportError
            If the ticket cannot be kept.
        """
        ...

    def pulse(self, pulses: PulseBatch, ticket: str = "") -> None:
        """Fire the pulses in order, each exactly once; returning means that all were fired.

        A code beyond the configured limits raises `LimitError` before the first pulse; a ticket
        that was sent before raises `DeviceError`, and fires nothing. Without a ticket the board
        makes one itself.
        """
        ...

    def fate(self, ticket: str) -> npt.NDArray[np.uint8] | None:
        """Return what became of a batch: one `Outcome` for each of its pulses.

        None where this computer does not know the ticket: then everything is in doubt. Pulses of
        a known ticket that never left are `NOT_FIRED` for certain.
        """
        ...

    def ground(self) -> None:
        """Put every line to 0 V now."""
        ...

    def close(self) -> None:
        """Ground every line and release the port; calling it again does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
