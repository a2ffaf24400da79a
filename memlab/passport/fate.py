"""What became of a batch of pulses: the board is asked by the name of its ticket, nobody else.

A board without memory knows nothing later: then only the error says it that ended the call. A batch
whose pulses certainly were not all fired may be tried again, under the next name: NAME, NAME.1, ...
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.board import Board, Outcome
from drivers.errors import LimitError, PulseOutcomeUnknown, PulsesInterruptedError
from memlab.errors import DataError

__all__ = ["Outcomes", "ask", "attempts", "of_error"]

Outcomes = npt.NDArray[np.uint8]
"""One `Outcome` for each pulse of a batch."""


def ask(board: Board, ticket: str, pulses: int) -> Outcomes | None:
    """Return what the board knows of a batch; None where it does not know the ticket."""
    fate = board.fate(ticket) if ticket else None
    if fate is not None and len(fate) != pulses:
        raise DataError(
            f"ticket {ticket} is one of {len(fate)} pulses on this board, and of {pulses} in the "
            "record: they do not belong together. Nothing was pulsed"
        )
    return fate


def attempts(board: Board, name: str, pulses: int) -> tuple[Outcomes | None, str]:
    """Return what became of a batch in all attempts, and the name of the next one.

    None where the board never heard of it. What is being sent, in a program that is gone, is
    unknown; it is never tried again.
    """
    outcome, left = np.full(pulses, Outcome.NOT_FIRED, np.uint8), np.arange(pulses)
    attempt, ticket = 0, name
    while (fate := ask(board, ticket, left.size)) is not None:
        outcome[left] = np.where(fate == Outcome.ENTERED, Outcome.UNKNOWN, fate)
        left = left[fate == Outcome.NOT_FIRED]
        attempt, ticket = attempt + 1, f"{name}.{attempt + 1}"
    return (outcome if attempt else None), ticket


def of_error(error: BaseException, pulses: int) -> Outcomes | None:
    """Return what an error says of the batch that it ended; None where that is nothing."""
    outcome = np.full(pulses, Outcome.NOT_FIRED, np.uint8)
    if isinstance(error, PulsesInterruptedError):
        outcome[: error.done] = Outcome.DONE
        if isinstance(error, PulseOutcomeUnknown):
            outcome[error.unknown.start : error.unknown.stop] = Outcome.UNKNOWN
        return outcome
    # A board refuses a batch before its first pulse.
    return outcome if isinstance(error, LimitError) else None
