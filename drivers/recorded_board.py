"""A board of which this computer keeps a record, so that the fate of every pulse can be asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.board import PulseBatch
from drivers.checked_board import CheckedBoard
from drivers.errors import DeviceError, InUseError, PulseOutcomeUnknown, TransportError
from drivers.lock import BoardLock
from drivers.requests import column_masks
from drivers.tickets import Batch, Tickets, entries_of, new_name, state_directory
from drivers.wire_log import LOGGER

__all__ = ["PATIENCE", "RecordedBoard"]

PATIENCE = 5.0
"""Seconds for a call of another thread to notice that the board was closed."""


class RecordedBoard(CheckedBoard):
    """A board with a lock and a record of what was sent; a driver adds what sends and receives.

    One that brings `_idle` and `_drop` needs no `ground` and `close` of its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock: BoardLock | None = None
        self._record: Tickets | None = None
        self._no_record = ""
        """Why nothing can be pulsed."""

    def ground(self) -> None:
        """Put every line to 0 V now."""
        with self.owner.turn():
            self._require_open()
            self._idle()

    def close(self) -> None:
        """Ground every line and let go of the board; calling it again does nothing."""
        self._end(self._idle, self._drop)

    def _idle(self) -> None:
        """Put every line to 0 V, and have nothing on its way."""
        raise NotImplementedError

    def _drop(self) -> None:
        """Let go of the line, whatever state it is in."""
        raise NotImplementedError

    @property
    def others_pulsed(self) -> str:
        """Names the last pulses that others fired; empty where nothing is known of any."""
        return "" if self._record is None else self._record.others

    def ticket(self, pulses: PulseBatch, name: str = "") -> str:
        """Register a batch that is about to be sent; return its ticket: `name`, or a new one."""
        with self.owner.turn():
            self._require_open()
            return self._tickets.register(len(pulses), name)

    def fate(self, ticket: str) -> npt.NDArray[np.uint8] | None:
        """Return one `Outcome` for each pulse of a batch; None where the ticket is not known."""
        with self.owner.turn():
            self._require_open()
            return self._tickets.fate(ticket)

    def _batch(self, pulses: PulseBatch, ticket: str) -> Batch:
        return Batch(ticket or new_name(), len(pulses))

    def _fire_part(
        self, pulses: PulseBatch, batch: Batch, part: range, fire: Callable[[], None]
    ) -> None:
        """Fire a part of a batch on a board without a journal, and enter what became of it.

        Parameters
        ----------
        pulses, batch
            All of it.
        part
            The pulses that `fire` fires; those before it were fired.

        Raises
        ------
        PulseOutcomeUnknown
            If `fire` fails: nobody but the cells can tell.
        """
        tickets = self._tickets
        op, which = tickets.highest_op + 1, slice(part.start, part.stop)
        rows, columns = pulses.row[which], pulses.columns[which]
        tickets.sent(
            op, batch, part.start, entries_of(pulses.kind[which], rows, column_masks(columns))
        )
        done = 0
        try:
            fire()
            done = len(part)
        except (TransportError, DeviceError) as error:
            cells = [(int(rows[k]), int(j)) for k, j in np.argwhere(columns)]
            raise PulseOutcomeUnknown(
                op, len(pulses), part.start, part, cells, str(error)
            ) from error
        finally:
            tickets.settled(op, done, len(part))

    def _claim(self, name: str, *, old: Path | None = None, fsync: bool = False) -> None:
        """Take the lock and the record of the board of this name, once.

        A record that cannot be kept is told to whoever pulses: measuring needs none.

        Raises
        ------
        InUseError
            If another program has the board; nothing was changed.
        """
        if self._lock is not None or self._no_record:
            return
        try:
            self._lock = BoardLock(name)
            path = state_directory() / f"board-{name}.sqlite"
            self._record = Tickets(path, old=old, fsync=fsync)
        except InUseError:
            self._let_go()
            raise
        except TransportError as error:
            self._no_record = str(error)
            LOGGER.warning("%s", error)

    def _claim_chip(self, chip: str, example: str) -> None:
        """Take the lock and the record of a chip that a board without a serial number was told.

        Without a chip the board can be read, not pulsed. `example` is a URL that names one.
        """
        if chip:
            self._claim(f"chip-{chip}")
            return
        self._no_record = (
            "this board has no serial number, so it can be read, not pulsed: nobody could tell "
            "later which chip the pulses went to. Name the chip in the URL, for example " + example
        )

    def _settle_unknown(self) -> None:
        """Settle what an earlier program left open: on a board without a journal nobody can know.

        None of these pulses is done, all may have been.
        """
        for operation in [] if self._record is None else self._record.unsettled:
            self._tickets.settled(operation.op, 0, operation.count)

    def _end(self, ground: Callable[[], None], drop: Callable[[], None]) -> None:
        """Close the board once: a call of another thread is ended, then lines are grounded.

        In a forked child nothing happens: the line is the parent's.

        Parameters
        ----------
        ground
            Grounds; if that fails, nobody is there to be told.
        drop
            Lets go of the line, whatever happened.
        """
        if self._closed or not self.owner.is_here:
            return
        self._closed = True
        if not self.owner.wait_turn(PATIENCE):
            return  # it hangs in the port; the end of this process closes that
        try:
            with suppress(TransportError, DeviceError):
                ground()
        finally:
            drop()
            self._let_go()
            self.owner.end_turn()

    def _let_go(self) -> None:
        """Close the record and end the lock."""
        if self._record is not None:
            self._record.close()
        if self._lock is not None:
            self._lock.close()
        self._lock = None

    def _let_go_in_turn(self) -> None:
        """Let go when a call of another thread, which was ended before, is through."""
        if self.owner.wait_turn(PATIENCE):
            try:
                self._let_go()
            finally:
                self.owner.end_turn()

    @property
    def _tickets(self) -> Tickets:
        if self._record is None:
            raise DeviceError(self._no_record)
        return self._record
