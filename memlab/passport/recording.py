"""Pulses with a passport: check the budgets, enter, fire, and enter what became of it.

What a board does not say at once, it may say later: after a lost line its driver asks the board's
journal, at the next connection or in the next life of this program. `settle` takes those answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from drivers.board import Board, PulseBatch
from drivers.errors import LimitError, PulseOutcomeUnknown, PulsesInterruptedError
from drivers.serial_board import Recovered, SerialBoard
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
    except LimitError:  # a board refuses a batch before its first pulse
        passport.ledger.settle(batch, np.full(n, Outcome.NOT_FIRED, np.uint8))
        raise
    except BaseException:
        settle(board, passport)
        raise
    passport.ledger.settle(batch, np.full(n, Outcome.DONE, np.uint8))


def settle(board: Board, passport: Passport, *, final: bool = False) -> None:
    """Enter what the board's journal has told of batches whose fate was open.

    Parameters
    ----------
    board, passport
        An open board, and the passport of its chip.
    final
        Enter as unknown what the board knows nothing of, because it will never know more: the
        program that sent it is gone.
    """
    for batch in passport.ledger.open_batches:
        outcome = None
        if isinstance(board, SerialBoard):
            outcome = of_journal(batch, board.recovered, board.highest_operation)
            if outcome is None and board.highest_operation == batch.after:
                outcome = np.full(len(batch.pulses), Outcome.NOT_FIRED, np.uint8)
        if outcome is None and final:
            outcome = np.full(len(batch.pulses), Outcome.UNKNOWN, np.uint8)
        if outcome is not None:
            passport.ledger.settle(batch, outcome)


def of_journal(batch: OpenBatch, recovered: Sequence[Recovered], highest: int) -> Outcomes | None:
    """Return the outcome of a batch from what was recovered of its operations; None if nothing.

    A driver cuts a batch into operations, and sends the rest of an interrupted one as a new one.
    They go out in order: before the first pulse of a later one, all others were fired. Of an
    operation after the last recovered one, up to number `highest`, nothing is known.
    """
    masks, outcome = row_masks(batch.pulses), None
    last = highest if batch.until is None else batch.until
    for found in recovered:
        op, sent = found.sent.op, list(found.sent.pulses)
        first = _find(sent, masks) if batch.after < op <= last else None
        if first is None:
            continue
        if outcome is None:
            outcome = np.full(len(masks), Outcome.DONE, np.uint8)
        done, started = first + found.verdict.done, first + found.verdict.started
        outcome[:done] = Outcome.DONE
        outcome[done:started] = Outcome.UNKNOWN
        outcome[started:] = Outcome.NOT_FIRED if op == last else Outcome.UNKNOWN
    return outcome


def _find(part: list[tuple[int, int, int]], whole: list[tuple[int, int, int]]) -> int | None:
    """Return where a list begins within another."""
    last = len(whole) - len(part)
    return next((k for k in range(last + 1) if whole[k : k + len(part)] == part), None)


def _of_error(error: PulsesInterruptedError, n: int) -> Outcomes:
    outcome = np.full(n, Outcome.NOT_FIRED, np.uint8)
    outcome[: error.done] = Outcome.DONE
    if isinstance(error, PulseOutcomeUnknown):
        outcome[error.unknown.start : error.unknown.stop] = Outcome.UNKNOWN
    return outcome


def _highest_operation(board: Board) -> int:
    return board.highest_operation if isinstance(board, SerialBoard) else 0
