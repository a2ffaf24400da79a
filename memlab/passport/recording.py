"""Pulses with a passport: check the budgets, enter, fire, and enter what became of it.

What a board does not say at once, it may say later: after a lost line its driver asks the board's
journal, at the next connection or in the next life of this program, and notes the answer in its own
ledger. `settle` takes the answers from there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from drivers.board import Board, PulseBatch
from drivers.errors import LimitError, PulseOutcomeUnknown, PulsesInterruptedError
from drivers.serial_board import SerialBoard
from memlab.passport.ledger import OpenBatch
from memlab.passport.passport import Passport
from memlab.passport.pulses import Outcome, RowPulses, row_masks

__all__ = ["fire", "settle"]

Outcomes = npt.NDArray[np.uint8]


def fire(board: Board, passport: Passport, codes: PulseBatch, pulses: RowPulses) -> None:
    """Fire pulses that are within the chip's budgets, each once, and keep account of them.

    Parameters
    ----------
    codes, pulses
        The same pulses, for the board and for the passport.

    Raises
    ------
    LimitError
        If a budget or the board refuses; nothing was fired.
    PulsesInterruptedError, TransportError
        As the board raises them; the passport has what is known.
    """
    settle(board, passport)
    batch = passport.enter(pulses, _highest_operation(board))
    n = len(pulses)
    try:
        board.pulse(codes)
    except PulsesInterruptedError as error:
        passport.ledger.settle(batch, _of_error(error, n))
        raise
    except LimitError:
        if isinstance(board, SerialBoard):  # perhaps only when it was armed again, amid the batch
            settle(board, passport)
        else:  # a board refuses a batch before its first pulse
            passport.ledger.settle(batch, np.full(n, Outcome.NOT_FIRED, np.uint8))
        raise
    except BaseException:
        settle(board, passport)
        raise
    passport.ledger.settle(batch, np.full(n, Outcome.DONE, np.uint8))


def settle(board: Board, passport: Passport, *, final: bool = False) -> None:
    """Enter what has become certain of batches whose fate was open.

    Parameters
    ----------
    board, passport
        An open board, and the passport of its chip.
    final
        When a board is opened: enter as unknown what nobody knows, because nobody ever will; the
        program that sent it is gone. From now on the passport counts on the ledger of this board.
    """
    for batch in passport.ledger.open_batches:
        outcome = _of_ledger(board, passport, batch)
        if outcome is None and final:
            outcome = np.full(len(batch.pulses), Outcome.UNKNOWN, np.uint8)
        if outcome is not None:
            passport.ledger.settle(batch, outcome)
    if final and isinstance(board, SerialBoard):
        passport.driver_ledger = board.ledger.identity


def _of_ledger(board: Board, passport: Passport, batch: OpenBatch) -> Outcomes | None:
    """Return the outcome of a batch that the driver's ledger is certain of; None if it is not."""
    if not isinstance(board, SerialBoard) or passport.driver_ledger != board.ledger.identity:
        return None
    pulses = batch.pulses
    masks = row_masks(pulses.kind, pulses.row, pulses.columns)
    fate = board.ledger.fate(masks, batch.after, batch.until)
    if fate is None:
        return None
    outcome = np.full(len(pulses), Outcome.NOT_FIRED, np.uint8)
    first = 0
    for done, started in fate:
        outcome[first : first + done] = Outcome.DONE
        outcome[first + done : first + started] = Outcome.UNKNOWN
        first += started
    return outcome


def _of_error(error: PulsesInterruptedError, n: int) -> Outcomes:
    outcome = np.full(n, Outcome.NOT_FIRED, np.uint8)
    outcome[: error.done] = Outcome.DONE
    if isinstance(error, PulseOutcomeUnknown):
        outcome[error.unknown.start : error.unknown.stop] = Outcome.UNKNOWN
    return outcome


def _highest_operation(board: Board) -> int:
    return board.ledger.highest_op if isinstance(board, SerialBoard) else 0
