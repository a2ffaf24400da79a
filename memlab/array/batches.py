"""Batches of pulses under names of their own, so that a run that goes on fires none of them twice.

A run on a board outside of this process names its batches RUN/0, RUN/1, ... in the order in which
it sends them; a checkpoint says how many there were. A run that goes on asks for the same batches
again. What was fired stays fired, what certainly was not is sent, and what nobody knows is not sent
again: the reading after it shows what it did.
"""

from __future__ import annotations

import logging

import numpy as np

from drivers.board import Board, Outcome, PulseBatch
from memlab.passport.fate import attempts

__all__ = ["NamedBatches"]

LOGGER = logging.getLogger("memlab.resume")


class NamedBatches:
    """The names of the batches of a run, and what became of those that were sent before.

    Parameters
    ----------
    run
        Identity of the run.
    sent
        Batches so far.
    unknown
        Row pulses so far of which nobody knows whether they were fired.
    """

    def __init__(self, run: str, sent: int = 0, unknown: int = 0) -> None:
        self.run, self.sent, self.unknown = run, sent, unknown

    def name(self, number: int) -> str:
        """Return the name of a batch, counted from 0."""
        return f"{self.run}/{number}"

    def left(self, board: Board, pulses: PulseBatch) -> tuple[PulseBatch, str]:
        """Return what is left to fire of the next batch, and the ticket to fire it under.

        Raises
        ------
        DataError
            If the board knows a batch of this name, and of another size.
        """
        outcome, ticket = attempts(board, self.name(self.sent), len(pulses))
        self.sent += 1
        if outcome is not None:
            unknown = int(np.count_nonzero(outcome == Outcome.UNKNOWN))
            self.unknown += unknown
            whole = len(pulses)
            pulses = pulses.only(outcome == Outcome.NOT_FIRED)
            LOGGER.warning(
                "a batch of pulses was under way when the run ended: of %d row pulses %d were "
                "fired, %d were not and are fired now, of %d nobody knows; they are not sent again",
                whole,
                whole - len(pulses) - unknown,
                len(pulses),
                unknown,
            )
        return pulses, (board.ticket(pulses, ticket) or ticket) if len(pulses) else ticket
