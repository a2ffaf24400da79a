"""Errors of ports, boards and limits (the whole tree: `firmware_protocol.errors`).

TransportError
 ├─ InUseError                another program has the port, or the board's session
 ├─ NoAnswerError             the port opened, and no board answered on it
 └─ TokenError                a virtual board's server asks for a token
DeviceError
 ├─ SupplyError               the board's supply failed; it has grounded itself
 └─ PulsesInterruptedError    a batch of pulses ended early; says how many were fired
     └─ PulseOutcomeUnknown   ... and for some it cannot be known: read their cells
"""

from __future__ import annotations

from collections.abc import Sequence

from firmware_protocol.errors import MemlabError

__all__ = [
    "DeviceError",
    "InUseError",
    "LimitError",
    "NoAnswerError",
    "PulseOutcomeUnknown",
    "PulsesInterruptedError",
    "SupplyError",
    "TokenError",
    "TransportError",
]


class TransportError(MemlabError):
    """A port could not be opened, or the line to the board died."""


class InUseError(TransportError):
    """Another program has the port open, or has a session with the board."""


class NoAnswerError(TransportError):
    """The port opened, and no board answered on it."""


class TokenError(TransportError):
    """A virtual board's server asks for a token, and none or a wrong one was given."""


class DeviceError(MemlabError):
    """The board answered, and the answer is a failure."""


class SupplyError(DeviceError):
    """The board's supply failed; it has grounded itself, and drives nothing until it is told to."""


class LimitError(MemlabError, ValueError):
    """A safety limit refused the request; nothing was sent to the device.

    Also a `ValueError`: what was refused is an argument of the caller.
    """


class PulsesInterruptedError(DeviceError):
    """A batch of pulses ended early: the first `done` were fired once, the others never.

    Parameters
    ----------
    message
        What stopped it.
    operation
        Operation number on the wire and in the ledger; 0 where the dialect has none.
    total, done
        Pulses of the batch, and how many of them, from the first, were fired exactly once.
    """

    def __init__(self, message: str, operation: int, total: int, done: int) -> None:
        super().__init__(message)
        self.operation = operation
        self.total = total
        self.done = done


class PulseOutcomeUnknown(PulsesInterruptedError):  # noqa: N818 - protocol.md names it so
    """Some pulses may or may not have been fired; nothing sends them again. Read their cells.

    Parameters
    ----------
    operation, total, done
        As for `PulsesInterruptedError`.
    unknown
        Numbers, within the batch, of the pulses in doubt; those after them were not fired.
    cells
        (row, column) on the chip of every cell in doubt.
    """

    def __init__(
        self,
        operation: int,
        total: int,
        done: int,
        unknown: range,
        cells: Sequence[tuple[int, int]],
        reason: str,
    ) -> None:
        rows = sorted({row for row, _ in cells})
        text = (
            f"operation {operation}: {done} of {total} pulses were fired; {len(unknown)} may or "
            f"may not have been ({reason}). Read row {', '.join(map(str, rows))} to know: "
            f"{len(cells)} cells are in doubt. Nothing was sent again"
        )
        super().__init__(text, operation, total, done)
        self.unknown = unknown
        self.cells = tuple(cells)
