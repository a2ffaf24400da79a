"""Pulses with a passport: check the budgets, enter, fire, and enter what became of it.

What a board does not say at once, it may say later: after a lost line its driver asks the board's
journal, at the next connection or in the next program. Each batch is entered under its ticket, and
`settle` asks for it.
"""

from __future__ import annotations

import numpy as np

from drivers.board import Board, PulseBatch
from drivers.history import prints_of
from memlab.errors import DataError
from memlab.passport.fate import ask, of_error
from memlab.passport.passport import Passport
from memlab.passport.pulses import Outcome, RowPulses

__all__ = ["fire", "settle"]


def fire(
    board: Board, passport: Passport, codes: PulseBatch, pulses: RowPulses, ticket: str = ""
) -> None:
    """Fire pulses that are within the chip's budgets, each once, and keep account of them.

    Parameters
    ----------
    codes, pulses
        The same pulses, for the board and for the passport.
    ticket
        Of the batch, registered with the board; by default the board makes one. For a board
        without memory any name that is given to no other batch.

    Raises
    ------
    LimitError
        If a budget or the board refuses; nothing was fired.
    PulsesInterruptedError, TransportError
        As the board raises them; the passport has what is known.
    """
    settle(board, passport)
    n = len(pulses)
    ticket = ticket or board.ticket(codes)
    if (earlier := passport.ledger.find(ticket)) is not None:
        # The passport has it, and the board has not. A board without memory is a chip in process
        # that is made again, for a run that goes on: it gets what it got in its earlier life, and
        # that is counted. Any other has lost its record, and would fire twice.
        if board.ticket(codes, ticket):
            raise DataError(
                f"ticket {ticket} is in the passport {passport.path}, and this computer's record "
                "of the board does not know it: it was lost, or is another computer's. Bring it "
                "back; nothing was pulsed"
            )
        board.pulse(codes, ticket)
        passport.reached = earlier.number
        passport.ledger.settle_again(earlier, np.full(n, Outcome.DONE, np.uint8))
        return
    prints = prints_of(codes) if passport.is_compared else None
    batch = passport.enter(pulses, ticket, prints)
    try:
        board.pulse(codes, ticket)
    except BaseException as error:
        passport.ledger.write_entered()
        if ask(board, ticket, n) is not None:
            settle(board, passport)
        elif (outcome := of_error(error, n)) is not None:
            passport.ledger.settle(batch, outcome)
        raise
    passport.ledger.settle(batch, np.full(n, Outcome.DONE.value, np.uint8))


def settle(board: Board, passport: Passport, *, final: bool = False) -> None:
    """Enter what has become certain of batches whose fate was open.

    Parameters
    ----------
    board, passport
        An open board, and the passport of its chip.
    final
        When a board is opened: what it does not know now, it never will, for the program that sent
        it is gone. That is entered as unknown.
    """
    for batch in passport.ledger.open_batches:
        n = len(batch.pulses)
        outcome = ask(board, batch.ticket, n)
        if outcome is None:
            outcome = np.full(n, Outcome.ENTERED, np.uint8)
        if final:
            outcome = np.where(outcome == Outcome.ENTERED, Outcome.UNKNOWN, outcome)
        elif np.isin(outcome, (Outcome.ENTERED, Outcome.UNKNOWN)).any():
            continue  # the journal may tell at the next connection
        passport.ledger.settle(batch, outcome.astype(np.uint8))
