"""Batches of pulses under names of their own, so that a run that goes on fires none of them twice.

A run on a board outside of this process names its batches RUN/0, RUN/1, ... in the order in which
it sends them; a checkpoint says how many there were. A run that goes on asks for the same batches
again, up to its next checkpoint. What was fired stays fired, what certainly was not is sent, and
what nobody knows is not sent again: the reading after it shows what it did.

Certain is what the board's record says, as long as that knows the run: so it has a name of the run
from the beginning on, before there is a batch.
"""

from __future__ import annotations

import logging

import numpy as np

from drivers.board import Board, Outcome, PulseBatch
from memlab.errors import DataError
from memlab.passport.fate import attempts
from memlab.storage import State

__all__ = ["NamedBatches"]

LOGGER = logging.getLogger("memlab.resume")


class NamedBatches:
    """The names of the batches of a run, and what became of those that were sent before.

    Parameters
    ----------
    board
        That knows them.
    run
        Identity of the run.
    sent
        Batches so far.
    unknown
        Row pulses so far of which nobody knows whether they were fired.
    known
        Name that the board's record must know; '' for none, where the board keeps no record.
    """

    def __init__(
        self, board: Board, run: str, sent: int = 0, unknown: int = 0, known: str = ""
    ) -> None:
        self._board, self._run, self._sent = board, run, sent
        self.unknown, self.known = unknown, known
        self._goes_on = self._doubtful = False
        self._begun_at = sent

    @classmethod
    def begin(cls, board: Board, run: str) -> NamedBatches:
        """Have the board's record know a run that has sent nothing yet."""
        batches = cls(board, run)
        batches._mark()
        return batches

    @classmethod
    def go_on(cls, board: Board, state: State) -> NamedBatches:
        """Go on from a `state`: batches may have been sent since."""
        batches = cls(board, **state)
        batches._goes_on = True
        return batches

    def state(self) -> State:
        """Return it as plain values."""
        return {
            "run": self._run,
            "sent": self._sent,
            "unknown": self.unknown,
            "known": self.known,
        }

    def doubt(self) -> None:
        """Send nothing up to the next checkpoint: of these batches the record is not to be asked.

        It was lost, or it is an old copy. Nobody knows whether they were fired.
        """
        self._doubtful = True

    def checkpoint(self) -> None:
        """Hear that a checkpoint is taken next: later batches were never sent before.

        One at the very place where the run goes on says nothing of those that follow.

        Raises
        ------
        DataError
            If the board knows one of them. Nothing was pulsed.
        """
        if self._goes_on and self._sent == self._begun_at:
            return
        if self._goes_on and self._board.fate(f"{self._run}/{self._sent}") is not None:
            raise DataError(
                f"batch {self._sent} of this run was fired already, which is after its last "
                "checkpoint: another copy of the file has gone on, or a newer checkpoint is "
                "damaged or gone. Resume that copy, or put the checkpoint back; nothing was pulsed"
            )
        if self._doubtful:
            self._mark()
        self._goes_on = self._doubtful = False

    def left(self, pulses: PulseBatch) -> tuple[PulseBatch, str]:
        """Return what is left to fire of the next batch, and the ticket to fire it under.

        Raises
        ------
        DataError
            If the board knows a batch of this name, and of another size.
        """
        name, whole = f"{self._run}/{self._sent}", len(pulses)
        self._sent += 1
        if self._doubtful:
            self.unknown += whole
            LOGGER.warning(
                "%d row pulses may or may not have been fired when the run ended; they are not "
                "sent again, and the readings after them show what they did",
                whole,
            )
            return pulses.only(np.zeros(whole, bool)), name
        outcome, ticket = attempts(self._board, name, whole)
        if outcome is not None:
            unknown = int(np.count_nonzero(outcome == Outcome.UNKNOWN))
            self.unknown += unknown
            pulses = pulses.only(outcome == Outcome.NOT_FIRED)
            LOGGER.warning(
                "a batch of pulses was under way when the run ended: of %d row pulses %d were "
                "fired, %d were not and are fired now, of %d nobody knows; they are not sent again",
                whole,
                whole - len(pulses) - unknown,
                len(pulses),
                unknown,
            )
        if len(pulses):
            ticket = self._board.ticket(pulses, ticket) or ticket
        self.known = name
        return pulses, ticket

    def _mark(self) -> None:
        """Register a name without pulses, for the record to know the run by."""
        capabilities = self._board.capabilities
        none = np.zeros(0, np.uint16)
        lines = (0, capabilities.columns)
        nothing = PulseBatch(
            row=none,
            kind=none.astype(np.uint8),
            amplitude_code=none,
            width_ticks=none,
            columns=np.zeros(lines, bool),
            gate_code=np.zeros(lines, np.uint16),
        )
        self.known = self._board.ticket(nothing, f"{self._run}/before-{self._sent}")
