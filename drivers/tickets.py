"""What a host knows of the pulses that it sent to one board, in one SQLite file.

Whoever sends a batch of pulses gives it a *ticket*, a name, before anything leaves; the batch goes
out as one operation or several, each of which is entered here before its first byte and settled
when its fate is known. So whoever kept the name may ask later, in any program, what became of the
pulses. What this file does not know is unknown, never "not fired".

    facts(name, value)              schema, highest operation
    tickets(id, name, pulses)       pulses: how many the batch has
    operations(op, ticket, first, count, session, boot_id, entries, done, started)
                                    op: number on the wire; first: its first pulse in the batch;
                                    done: NULL while nobody knows; pulses done..started-1 are in
                                    doubt, those after them were not fired
    forgotten(run, number)          tickets named run/number that were dropped, the highest one

Every change is one transaction that the operating system has when the call returns: a kill -9 at
any moment loses nothing. Old tickets are dropped, so that the file stays within some 20 MB.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import Outcome
from drivers.errors import DeviceError, InUseError, TransportError

__all__ = ["KEPT", "Batch", "Operation", "Tickets", "cells_of", "entries_of", "new_name"]

KEPT = 100_000
"""Tickets that the file remembers at least."""
_DROP = 1000
"""Tickets that are dropped together."""
_APPLICATION = 0x4D4C5442  # "MLTB"
_FORMAT = 1
_SCHEMA = """
CREATE TABLE facts(name TEXT PRIMARY KEY, value);
CREATE TABLE tickets(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, pulses INTEGER NOT NULL);
CREATE TABLE operations(
    op INTEGER PRIMARY KEY, ticket INTEGER NOT NULL, first INTEGER NOT NULL,
    count INTEGER NOT NULL, session INTEGER NOT NULL, boot_id INTEGER NOT NULL,
    entries BLOB, done INTEGER, started INTEGER);
CREATE INDEX operations_of_ticket ON operations(ticket);
CREATE INDEX unsettled ON operations(op) WHERE done IS NULL;
CREATE TABLE forgotten(run TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""
_ENTRY = np.dtype([("kind", "u1"), ("row", "<u2"), ("columns", "<u8")])

Outcomes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Operation:
    """A programming operation whose fate is open.

    Parameters
    ----------
    op
        Operation number.
    count
        Pulses.
    session, boot_id
        Of the board when it was sent.
    entries
        Fields kind, row, and columns (a mask, bit j is column j) of every pulse, in order.
    """

    op: int
    count: int
    session: int
    boot_id: int
    entries: npt.NDArray[np.void]

    def cells(self, which: range) -> list[tuple[int, int]]:
        """Return (row, column) of every cell that these pulses address, each once."""
        return cells_of(self.entries[which.start : which.stop])


@dataclass(eq=False)
class Batch:
    """A batch on its way out.

    Parameters
    ----------
    ticket, pulses
        Its name, and how many pulses it has.
    number
        Of its ticket in the file, once its first operation is entered.
    """

    ticket: str
    pulses: int
    number: int = 0


def new_name() -> str:
    """Return a name that nobody has given to a batch."""
    return uuid.uuid4().hex


def entries_of(
    kind: npt.NDArray[Any], row: npt.NDArray[Any], columns: npt.NDArray[Any]
) -> npt.NDArray[np.void]:
    """Return pulses as this file keeps them while their fate is open."""
    entries = np.empty(len(kind), _ENTRY)
    entries["kind"], entries["row"], entries["columns"] = kind, row, columns
    return entries


def cells_of(entries: npt.NDArray[np.void]) -> list[tuple[int, int]]:
    """Return (row, column) of every cell of these entries, each once."""
    found: dict[tuple[int, int], None] = {}
    for row, mask in zip(entries["row"].tolist(), entries["columns"].tolist(), strict=True):
        found |= {(row, j): None for j in range(mask.bit_length()) if mask >> j & 1}
    return list(found)


class Tickets:
    """The tickets of one board.

    Parameters
    ----------
    path
        The file; made when there is none. No other program can open it until it is closed.
    fsync
        Wait for the disk at each change, so that it also survives a power cut of this computer.

    Raises
    ------
    InUseError
        If another program has it.
    TransportError
        If it cannot be kept, is damaged, or is something else.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.path = path
        self.highest_op = 0
        """Highest operation number ever sent from here."""
        self._unsettled: dict[int, Operation] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._useless(error) from error
        with self._translated():
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=0.0, check_same_thread=False
            )
        try:
            with self._translated():
                self._prepare(fsync)
                self._load()
        except BaseException:
            self._connection.close()
            raise

    # --- before a byte leaves

    def register(self, pulses: int, name: str = "") -> str:
        """Keep a ticket for a batch of so many pulses; return its name, a new one for ''.

        Raises
        ------
        DeviceError
            If a batch of this name was sent, or perhaps was, or has another number of pulses.
        """
        name = name or new_name()
        with self._translated(), self._transaction():
            self._ticket(name, pulses)
        return name

    def sent(
        self,
        op: int,
        batch: Batch,
        first: int,
        entries: npt.NDArray[np.void],
        session: int = 0,
        boot_id: int = 0,
    ) -> None:
        """Enter an operation that is about to be sent.

        Parameters
        ----------
        op
            Operation number, above all earlier ones.
        batch
            That it is a part of; the ticket must not have been sent before the first one.
        first
            Its first pulse in the batch.
        entries
            Its pulses (`entries_of`).
        session, boot_id
            Of the board.
        """
        with self._translated(), self._transaction():
            number = batch.number or self._ticket(batch.ticket, batch.pulses)
            self._connection.execute(
                "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                (op, number, first, len(entries), session, boot_id, entries.tobytes()),
            )
        batch.number = number
        self._unsettled[op] = Operation(op, len(entries), session, boot_id, entries)
        self.highest_op = max(self.highest_op, op)

    def settled(self, op: int, done: int, started: int) -> None:
        """Enter what became of an operation: `done` pulses fired, `done..started` unknown."""
        with self._translated():
            self._connection.execute(
                "UPDATE operations SET done = ?, started = ?, entries = NULL WHERE op = ?",
                (done, started, op),
            )
        self._unsettled.pop(op, None)

    # --- questions

    @property
    def unsettled(self) -> list[Operation]:
        """Operations of unknown fate, rising."""
        return [self._unsettled[op] for op in sorted(self._unsettled)]

    def fate(self, name: str) -> Outcomes | None:
        """Return one `Outcome` for each pulse of a batch; None for a ticket that is not known."""
        with self._translated():
            found = self._connection.execute(
                "SELECT id, pulses FROM tickets WHERE name = ?", (name,)
            ).fetchone()
            if found is None:
                return None
            rows = self._connection.execute(
                "SELECT first, count, done, started FROM operations WHERE ticket = ? ORDER BY op",
                (found[0],),
            ).fetchall()
        outcome = np.full(found[1], Outcome.NOT_FIRED, np.uint8)
        for first, count, done, started in rows:
            if done is None:
                outcome[first : first + count] = Outcome.ENTERED
            else:
                outcome[first : first + done] = Outcome.DONE
                outcome[first + done : first + started] = Outcome.UNKNOWN
        return outcome

    def close(self) -> None:
        """Let go of the file; calling it again does nothing."""
        self._connection.close()

    # --- the file

    def _ticket(self, name: str, pulses: int) -> int:
        """Return the number of a ticket that has not begun; make it when it is new."""
        execute = self._connection.execute
        found = execute("SELECT id, pulses FROM tickets WHERE name = ?", (name,)).fetchone()
        if found is None:
            run, number = _parts(name)
            dropped = execute("SELECT number FROM forgotten WHERE run = ?", (run,)).fetchone()
            if dropped is not None and number <= dropped[0]:
                raise DeviceError(
                    f"ticket {name} is so old that {self.path} has forgotten what became of it; "
                    "nothing was sent"
                )
            cursor = execute("INSERT INTO tickets(name, pulses) VALUES (?, ?)", (name, pulses))
            assert cursor.lastrowid is not None
            if cursor.lastrowid % _DROP == 0:
                self._drop(cursor.lastrowid - KEPT)
            return cursor.lastrowid
        if execute("SELECT 1 FROM operations WHERE ticket = ?", (found[0],)).fetchone():
            raise DeviceError(
                f"ticket {name} was sent before; a pulse is not fired twice. Ask for its fate; "
                "nothing was sent"
            )
        if found[1] != pulses:
            raise DeviceError(
                f"ticket {name} is for {found[1]} pulses, not {pulses}; nothing was sent"
            )
        return int(found[0])

    def _drop(self, through: int) -> None:
        """Forget tickets up to this number, except those whose fate is open."""
        execute = self._connection.execute
        old = (
            "id <= ? AND NOT EXISTS "
            "(SELECT 1 FROM operations WHERE ticket = tickets.id AND done IS NULL)"
        )
        for (name,) in execute(f"SELECT name FROM tickets WHERE {old}", (through,)).fetchall():
            run, number = _parts(name)
            if number >= 0:
                execute(
                    "INSERT INTO forgotten VALUES (?, ?) ON CONFLICT(run) "
                    "DO UPDATE SET number = max(number, excluded.number)",
                    (run, number),
                )
        execute(
            f"DELETE FROM operations WHERE ticket IN (SELECT id FROM tickets WHERE {old})",
            (through,),
        )
        execute(f"DELETE FROM tickets WHERE {old}", (through,))

    def _prepare(self, fsync: bool) -> None:
        execute = self._connection.execute
        # No write-ahead log: its shared memory does not work on network file systems. The file is
        # ours alone for as long as it is open, and the operating system ends that with us.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("BEGIN EXCLUSIVE")
        try:
            (application,) = execute("PRAGMA application_id").fetchone()
            (version,) = execute("PRAGMA user_version").fetchone()
            (tables,) = execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if not application and not tables:
                for statement in _SCHEMA.split(";")[:-1]:
                    execute(statement)
                execute(f"PRAGMA application_id = {_APPLICATION}")
                execute(f"PRAGMA user_version = {_FORMAT}")
            elif application != _APPLICATION or version != _FORMAT:
                raise TransportError(
                    f"{self.path} is not the pulse record of a board, or is one of a newer memlab; "
                    "put it aside, and keep it. Without it nothing is pulsed"
                )
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        execute("PRAGMA journal_mode = PERSIST")
        execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")

    def _load(self) -> None:
        execute = self._connection.execute
        (highest,) = execute("SELECT max(op) FROM operations").fetchone()
        (kept,) = execute("SELECT max(value) FROM facts WHERE name = 'highest'").fetchone()
        self.highest_op = max(highest or 0, kept or 0)
        self._unsettled = {
            op: Operation(op, count, session, boot_id, np.frombuffer(entries or b"", _ENTRY))
            for op, count, session, boot_id, entries in execute(
                "SELECT op, count, session, boot_id, entries FROM operations WHERE done IS NULL"
            )
        }

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise DeviceError(f"the board and its record {self.path} are closed") from error
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InUseError(
                    f"another program has the pulse record {self.path}: it uses this board. Wait "
                    "for it to end, or end it; nothing was changed"
                ) from error
            raise self._useless(error) from error
        except sqlite3.DatabaseError as error:
            raise TransportError(
                f"{self.path} is not the pulse record of a board, or is damaged ({error}); put it "
                "aside, and keep it. Without it nothing is pulsed"
            ) from error

    def _useless(self, error: Exception) -> TransportError:
        return TransportError(
            f"cannot keep the pulse record {self.path}: {error}. Without it nothing is pulsed; "
            "make room, or set MEMLAB_STATE to a directory that can be written"
        )


def _parts(name: str) -> tuple[str, int]:
    """Split a ticket `run/number`, perhaps with more behind a point; -1 where it has no number."""
    run, _, rest = name.rpartition("/")
    number = rest.partition(".")[0]
    return run, int(number) if run and number.isdecimal() else -1
