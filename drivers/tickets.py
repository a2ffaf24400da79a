"""What a host knows of the pulses that it sent to one board, in one SQLite file.

Whoever sends a batch of pulses gives it a *ticket*, a name, before anything leaves; the batch goes
out as one operation or several, each of which is entered here before its first byte and settled
when its fate is known. So whoever kept the name may ask later, in any program, what became of the
pulses. What this file does not know is unknown, never "not fired".

    facts(name, value)              what else is to be remembered: the highest operation, also of an
                                    old ledger (`earlier_records`), whose operations have tickets of
                                    their own: ledger-IDENTITY/OP; the last pulses of others
    tickets(id, name, pulses)       pulses: how many the batch has
    operations(op, ticket, first, count, session, boot_id, entries, crc, done, started)
                                    op: number on the wire; first: its first pulse in the batch;
                                    done: NULL while nobody knows; pulses done..started-1 are in
                                    doubt, those after them were not fired; entries: what to
                                    name cells by until then, behind a checksum of its own
    forgotten(run, number)          tickets named run/number that were dropped, the highest one

Every row ends with a checksum, as a disk may forget a bit: a wrong answer would fire a pulse twice.
Every change is one transaction that the operating system has when the call returns: a kill -9 at
any moment loses nothing. Old tickets are dropped, so that the file stays within some 20 MB.
"""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers import earlier_records
from drivers.board import Outcome
from drivers.errors import DeviceError, TransportError
from drivers.record_file import RecordFile, checksum
from drivers.transaction import Execute
from drivers.wire_log import LOGGER

__all__ = ["Batch", "Operation", "Tickets", "cells_of", "entries_of", "new_name", "state_directory"]

KEPT = 100_000
"""Tickets that the file remembers at least."""
DROPPED = 1000
"""Tickets that are dropped together."""
_SCHEMA = """
CREATE TABLE facts(name TEXT PRIMARY KEY, value, crc INTEGER);
CREATE TABLE tickets(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, pulses INTEGER, crc INTEGER);
CREATE TABLE operations(
    op INTEGER PRIMARY KEY, ticket INTEGER, first INTEGER, count INTEGER, session INTEGER,
    boot_id INTEGER, entries BLOB, crc INTEGER, done INTEGER, started INTEGER, fate_crc INTEGER);
CREATE INDEX operations_of_ticket ON operations(ticket);
CREATE INDEX unsettled ON operations(op) WHERE done IS NULL;
CREATE TABLE forgotten(run TEXT PRIMARY KEY, number INTEGER, crc INTEGER);
"""
_ENTRY = np.dtype([("kind", "u1"), ("row", "<u2"), ("columns", "<u8")])

Outcomes = npt.NDArray[np.uint8]


def state_directory() -> Path:
    """Return where records lie: MEMLAB_STATE, or the user's directory for program state."""
    if chosen := os.environ.get("MEMLAB_STATE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "memlab"
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state")) / "memlab"


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
        entries = self.entries[which.start : which.stop]
        return cells_of(entries["row"], entries["columns"])


@dataclass(eq=False)
class Batch:
    """A batch on its way out.

    Parameters
    ----------
    ticket, pulses
        Its name, and how many pulses it has.
    number
        Of its ticket in the file, 0 until its first operation is entered.
    """

    ticket: str
    pulses: int
    number: int = 0


def new_name() -> str:
    """Return a name that nobody has given to a batch."""
    return uuid.uuid4().hex


def cells_of(row: npt.NDArray[Any], columns: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Return (row, column) of every cell of these rows and masks of columns, each once."""
    found: dict[tuple[int, int], None] = {}
    for i, mask in zip(row.tolist(), columns.tolist(), strict=True):
        found |= {(i, j): None for j in range(mask.bit_length()) if mask >> j & 1}
    return list(found)


def entries_of(
    kind: npt.NDArray[Any], row: npt.NDArray[Any], columns: npt.NDArray[Any]
) -> npt.NDArray[np.void]:
    """Return pulses as this file keeps them while their fate is open."""
    entries = np.empty(len(kind), _ENTRY)
    entries["kind"], entries["row"], entries["columns"] = kind, row, columns
    return entries


class Tickets:
    """The tickets of one board.

    Parameters
    ----------
    path
        The file; made when there is none. No other program can open it until it is closed.
    old
        An old ledger of the board, taken over where there is one. A directory is left in its place,
        so that an older memlab refuses rather than starts a fresh one.
    fsync
        Wait for the disk at each change, so that it also survives a power cut of this computer.

    Raises
    ------
    InUseError
        If another program has it.
    TransportError
        If it cannot be kept, is damaged, or is something else.
    """

    def __init__(self, path: Path, *, old: Path | None = None, fsync: bool = False) -> None:
        self.path = path
        self._late: dict[int, tuple[int, int]] = {}
        """What is settled and could not be written yet."""
        self._file = RecordFile(path, _SCHEMA, fsync=fsync)
        try:
            if old is not None:
                self._take_over(old)
            with self._file.translated():
                (highest,) = self._file.execute("SELECT max(op) FROM operations").fetchone()
            facts = (self._fact("highest"), self._fact("old.highest"))
            self.highest_op = max(highest or 0, *(number or 0 for number in facts))
            """Highest operation number ever sent from here."""
            self.others = str(self._fact("others") or "")
            """Life and operation (LIFE/OP) of the last pulses of others in the board's journal."""
        except BaseException:
            self._file.close()
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
        with self._file.transaction() as execute:
            self._catch_up(execute)
            self._number(execute, name, pulses)
        self._late.clear()
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
        with self._file.transaction() as execute:
            self._catch_up(execute)
            number = batch.number or self._number(execute, batch.ticket, batch.pulses)
            _enter(execute, (op, number, first, len(entries), session, boot_id), entries)
            self.highest_op = max(self.highest_op, op)  # here: an interrupt may follow COMMIT
        self._late.clear()
        batch.number = number

    def settled(self, op: int, done: int, started: int) -> None:
        """Enter what became of an operation: `done` pulses fired, `done..started` unknown.

        What the disk has no room for is kept, and written before the next operation: the pulses
        are what they are, whether there is room or not.
        """
        self._late[op] = done, started
        try:
            with self._file.transaction() as execute:
                self._catch_up(execute)
        except TransportError as error:
            LOGGER.warning("operation %d is settled, but not on disk: %s", op, error)
        else:
            self._late.clear()

    def take_back(self, after: int, boot_id: int) -> int:
        """Enter that a simulated chip has lost the operations after one; return how many that are.

        It was saved before them, and its board was started again from there. Operations of the
        board's present life are not meant.
        """
        lost = [
            op
            for op, *_, life in self._operations("op > ? AND boot_id != ?", after, boot_id)
            if self._fate(op) != (0, 0)
        ]
        with self._file.transaction() as execute:
            self._catch_up(execute)
            for op in lost:
                _settle(execute, op, 0, 0)
        self._late.clear()
        return len(lost)

    # --- questions

    @property
    def unsettled(self) -> list[Operation]:
        """Operations of unknown fate, rising."""
        return [
            Operation(op, count, session, boot_id, self._entries(op))
            for op, _, _, count, session, boot_id in self._operations("done IS NULL")
            if op not in self._late
        ]

    def fate(self, name: str) -> Outcomes | None:
        """Return one `Outcome` for each pulse of a batch; None for a ticket that is not known."""
        with self._file.translated():
            found = self._find(self._file.execute, name)
        if found is None:
            return None
        number, pulses = found
        outcome = np.full(pulses, Outcome.NOT_FIRED, np.uint8)
        for op, _, first, count, *_ in self._operations("ticket = ?", number):
            fate = self._fate(op)
            if fate is None:
                outcome[first : first + count] = Outcome.ENTERED
            else:
                done, started = fate
                outcome[first : first + done] = Outcome.DONE
                outcome[first + done : first + started] = Outcome.UNKNOWN
        return outcome

    def knows(self, op: int, boot_id: int | None, session: int | None = None) -> bool:
        """Whether an operation that the board accepted in this life was sent from here.

        Parameters
        ----------
        op, boot_id
            Of the board; a life accepts each number once. None for an operation that the chip
            in a board's file got in an earlier life, nobody says in which.
        session
            In which it was accepted. None where that was not asked for: then it is known to be ours
            only if something of it was fired.
        """
        found = self._operations("op = ?", op)
        if not found:  # so old that it was dropped
            return op <= max(self._fact("highest") or 0, self._fact("old.highest") or 0)
        (_, _, _, _, sent_in, life), *_ = found
        if boot_id is None or (sent_in, life) == (0, 0):  # an old ledger did not keep it
            return True
        if session is not None:
            return (session, boot_id) == (sent_in, life)
        fate = self._fate(op)
        return life == boot_id and fate is not None and fate[0] > 0

    def note_others(self, boot_id: int, op: int) -> None:
        """Remember the last pulses of others; what the disk has no room for is found again."""
        self.others = f"{boot_id:08x}/{op}"
        try:
            with self._file.transaction() as execute:
                _set_fact(execute, "others", self.others)
        except TransportError as error:
            LOGGER.warning("pulses of others are known, but not on disk: %s", error)

    def close(self) -> None:
        """Let go of the file; calling it again does nothing."""
        if self._late:
            with suppress(DeviceError, TransportError), self._file.transaction() as execute:
                self._catch_up(execute)
        self._file.close()

    # --- an old ledger

    def _take_over(self, path: Path) -> None:
        """Import an old ledger that nobody has imported yet, and put a directory in its place."""
        if path.is_dir():
            return
        aside = path.with_name(f"{path.name}.old")
        try:
            aside.mkdir(exist_ok=True)
            if path.is_file():
                self._import(earlier_records.parse(path.read_bytes()), path)
                path.replace(aside / f"{new_name()}.jsonl")
            aside.replace(path)
        except OSError as error:
            raise TransportError(
                f"cannot take over the old pulse ledger {path}: {error}. Without it nothing is "
                "pulsed; make it and its directory writable"
            ) from error

    def _import(self, old: earlier_records.OldLedger, path: Path) -> None:
        if old.uncertain or old.forgotten >= max(old.highest, 1):
            LOGGER.warning("%s: of some pulses it does not say what became of them", path)
        with self._file.transaction() as execute:
            for fact in (("old.identity", old.identity), ("old.highest", old.highest)):
                _set_fact(execute, *fact)
            for op in sorted({*old.open, *old.settled}):
                if execute("SELECT 1 FROM operations WHERE op = ?", (op,)).fetchone():
                    continue
                sent, fate = old.open.get(op), old.settled.get(op)
                count = fate.size if fate is not None else len(old.open[op].pulses)
                number = self._number(execute, f"ledger-{old.identity}/{op}", count)
                if sent is not None:
                    row = (op, number, 0, count, sent.session, sent.boot_id)
                    _enter(execute, row, np.array(sent.pulses, _ENTRY))
                else:
                    _enter(execute, (op, number, 0, count, 0, 0), np.empty(0, _ENTRY))
                if fate is not None:
                    _settle(execute, op, fate.done, fate.started)

    # --- the file

    def _fact(self, name: str) -> Any:
        with self._file.translated():
            query = "SELECT value, crc FROM facts WHERE name = ?"
            found = self._file.execute(query, (name,)).fetchone()
        if found is None:
            return None
        self._file.check((name, found[0]), found[1])
        return found[0]

    def _operations(self, which: str, *values: int) -> list[tuple[Any, ...]]:
        """Return op, ticket, first, count, session and boot_id of some operations, rising."""
        with self._file.translated():
            rows = self._file.execute(
                "SELECT op, ticket, first, count, session, boot_id, crc FROM operations "
                f"WHERE {which} ORDER BY op",
                values,
            ).fetchall()
        for *row, crc in rows:
            self._file.check(row, crc)
        return [row[:-1] for row in rows]

    def _entries(self, op: int) -> npt.NDArray[np.void]:
        with self._file.translated():
            query = "SELECT entries FROM operations WHERE op = ?"
            (blob,) = self._file.execute(query, (op,)).fetchone()
        self._file.check((op, blob[4:]), int.from_bytes(blob[:4], "little"))
        return np.frombuffer(blob, _ENTRY, offset=4)

    def _fate(self, op: int) -> tuple[int, int] | None:
        """Return (done, started) of an operation; None as long as nobody knows."""
        if op in self._late:
            return self._late[op]
        with self._file.translated():
            query = "SELECT done, started, fate_crc FROM operations WHERE op = ?"
            done, started, crc = self._file.execute(query, (op,)).fetchone()
        if done is None and started is None and crc is None:
            return None
        self._file.check((op, done, started), crc)
        return done, started

    def _catch_up(self, execute: Execute) -> None:
        for op, fate in self._late.items():
            _settle(execute, op, *fate)

    def _find(self, execute: Execute, name: str) -> tuple[int, int] | None:
        """Return number and pulses of a ticket; None where there is none."""
        query = "SELECT id, pulses, crc FROM tickets WHERE name = ?"
        found = execute(query, (name,)).fetchone()
        if found is None:
            return None
        number, pulses, crc = found
        self._file.check((number, name, pulses), crc)
        return number, pulses

    def _number(self, execute: Execute, name: str, pulses: int) -> int:
        """Return the number of a ticket that has not been sent; make it when it is new."""
        found = self._find(execute, name)
        if found is None:
            return self._new(execute, name, pulses)
        if execute("SELECT 1 FROM operations WHERE ticket = ?", found[:1]).fetchone():
            raise DeviceError(
                f"ticket {name} was sent before; a pulse is not fired twice. Ask for its fate; "
                "nothing was sent"
            )
        if found[1] != pulses:
            raise DeviceError(
                f"ticket {name} is for {found[1]} pulses, not {pulses}; nothing was sent"
            )
        return found[0]

    def _new(self, execute: Execute, name: str, pulses: int) -> int:
        run, number = _parts(name)
        if number >= 0 and number <= self._dropped(run):
            raise DeviceError(
                f"ticket {name} is so old that {self.path} has forgotten what became of it; "
                "nothing was sent"
            )
        (last,) = execute("SELECT max(id) FROM tickets").fetchone()
        key = (last or 0) + 1
        crc = checksum((key, name, pulses))
        execute("INSERT INTO tickets VALUES (?, ?, ?, ?)", (key, name, pulses, crc))
        if key % DROPPED == 0:
            self._drop(execute, key - KEPT)
        return key

    def _dropped(self, run: str) -> int:
        """Return the highest number of a run that was dropped; -1 where none was."""
        query = "SELECT number, crc FROM forgotten WHERE run = ?"
        found = self._file.execute(query, (run,)).fetchone()
        if found is None:
            return -1
        self._file.check((run, found[0]), found[1])
        return int(found[0])

    def _drop(self, execute: Execute, through: int) -> None:
        """Forget tickets up to this number, except those whose fate is open."""
        old = (
            "id <= ? AND NOT EXISTS "
            "(SELECT 1 FROM operations WHERE ticket = tickets.id AND done IS NULL)"
        )
        _set_fact(execute, "highest", self.highest_op)
        for (name,) in execute(f"SELECT name FROM tickets WHERE {old}", (through,)).fetchall():
            run, number = _parts(name)
            if number > self._dropped(run):
                row = (run, number, checksum((run, number)))
                execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?, ?)", row)
        for statement in (
            f"DELETE FROM operations WHERE ticket IN (SELECT id FROM tickets WHERE {old})",
            f"DELETE FROM tickets WHERE {old}",
        ):
            execute(statement, (through,))


def _enter(execute: Execute, row: tuple[int, ...], entries: npt.NDArray[np.void]) -> None:
    content = entries.tobytes()
    blob = checksum((row[0], content)).to_bytes(4, "little") + content
    execute(
        "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL)",
        (*row, blob, checksum(row)),
    )


def _settle(execute: Execute, op: int, done: int, started: int) -> None:
    execute(
        "UPDATE operations SET done = ?, started = ?, fate_crc = ?, entries = NULL WHERE op = ?",
        (done, started, checksum((op, done, started)), op),
    )


def _set_fact(execute: Execute, name: str, value: Any) -> None:
    crc = checksum((name, value))
    execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (name, value, crc))


def _parts(name: str) -> tuple[str, int]:
    """Split a ticket `run/number`, perhaps with more behind a point; -1 where it has no number."""
    run, _, rest = name.rpartition("/")
    number = rest.partition(".")[0]
    return run, int(number) if run and number.isdecimal() and len(number) < 19 else -1
