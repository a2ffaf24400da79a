r"""The file of a passport: SQLite, one writer, any number of readers.

Every change is one transaction that has reached the operating system when the call returns, so
that a kill -9 at any moment loses nothing that was entered. A power cut may lose the last entries,
never the file (write-ahead log, synchronous=NORMAL).

    facts(name, value)              chip, rows, columns, created, calibration, budget.*, the life
                                    of the board that it was last seen in, and pulses of others
    runs(id, label, board, started, run_id)
                                    programs that used the chip; run_id: of the run file, or ''
    batches(id, run, time, ticket, pulses, gates)
                                    entered before they are sent, see `pulses`; never changed; for
                                    a chip that ends with the program when their outcome is known;
                                    ticket: what the board knows them by, '' where it knows nothing
    outcomes(batch, outcome)        what became of a batch: one byte for each row-pulse
    decisions(id, batch, time, decided_by, outcome)
                                    outcomes that were found later, by reading or by the user
    before(slot, batch, conductance)
                                    what was read last before a batch whose fate is open or
                                    unknown: float32, S, its rows, rising; NaN: not since a pulse
    formings(id, run, time, cells)  cells that a forming procedure has formed
    masks(name, run, time, shape, bits)
                                    fault classes, good rows, good columns
    maps(run, time, conductance)    what a run read last: float32, S, NaN where it read nothing
    loads(what, number, loads)      under which loads (JSON, `chip.load`) a run read its map, or
                                    what lies in `before` was read; NULL: not recorded. Older files
                                    have no such table until they are written
    totals(through, content)        sums over all batches up to `through`, see `totals`
    known(batch, rows, conductance) what rows (u2) were known to conduct when a batch was entered
                                    that is not in `totals`: float32, S, where that had changed
                                    since the last one. Older files have no such table either
    prints(batch, prints)           a checksum (u4) of each row-pulse as the board got it
                                    (`drivers.history`); of older files, none
    histories(batch, count, checksum)
                                    what the chip said that it had got, where that was more than all
                                    that this file has up to a batch (see `histories`)
    formed_after(forming, batch)    which batch the chip had got last when cells were formed

Times are seconds since 1970 (UTC); masks are packed bits, row by row. Bytes in the name of a file
that are no UTF-8 stand in a label as `\udcXX`.

A new passport is made under another name and moved into place with its tables, so that an empty
file is never one that was just begun: it is one that was lost.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drivers.errors import DeviceError, InUseError
from drivers.owner import abandon_in_child, make_immortal
from drivers.transaction import Execute, Transaction, roll_back
from memlab.errors import DataError, MemlabError

__all__ = ["Execute", "Store", "as_text"]

_APPLICATION = 0x4D4C4350  # "MLCP": what `file` and we know a passport by
_FORMAT = 2
_SCHEMA = """
CREATE TABLE facts(name TEXT PRIMARY KEY, value);
CREATE TABLE runs(
    id INTEGER PRIMARY KEY, label TEXT, board TEXT, started REAL, run_id TEXT DEFAULT '');
CREATE TABLE batches(
    id INTEGER PRIMARY KEY, run INTEGER, time REAL, ticket TEXT, pulses BLOB, gates BLOB);
CREATE UNIQUE INDEX tickets ON batches(ticket) WHERE ticket != '';
CREATE TABLE decisions(
    id INTEGER PRIMARY KEY, batch INTEGER, time REAL, decided_by TEXT, outcome BLOB);
CREATE TABLE before(slot INTEGER PRIMARY KEY, batch INTEGER, conductance BLOB);
CREATE TABLE outcomes(batch INTEGER PRIMARY KEY, outcome BLOB);
CREATE TABLE formings(id INTEGER PRIMARY KEY, run INTEGER, time REAL, cells BLOB);
CREATE TABLE masks(name TEXT PRIMARY KEY, run INTEGER, time REAL, shape TEXT, bits BLOB);
CREATE TABLE maps(run INTEGER PRIMARY KEY, time REAL, conductance BLOB);
CREATE TABLE totals(id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER, content BLOB);
"""
_ADDED = (
    "CREATE TABLE IF NOT EXISTS loads("
    "what TEXT, number INTEGER, loads TEXT, PRIMARY KEY (what, number))",
    "CREATE TABLE IF NOT EXISTS known(batch INTEGER PRIMARY KEY, rows BLOB, conductance BLOB)",
    "CREATE TABLE IF NOT EXISTS prints(batch INTEGER PRIMARY KEY, prints BLOB)",
    "CREATE TABLE IF NOT EXISTS histories("
    "batch INTEGER, count INTEGER, checksum INTEGER, PRIMARY KEY (batch, count, checksum))",
    "CREATE TABLE IF NOT EXISTS formed_after(forming INTEGER PRIMARY KEY, batch INTEGER)",
)
"""Tables that older memlabs do not miss."""
_ENTRIES = (
    """CREATE TEMP VIEW entries AS SELECT
        0 id, 0 run, 0 time, 0 ticket, 0 pulses, 0 gates,
        0 rows, 0 conductance, 0 slot, 0 conducted, 0 loads, 0 prints, 0 outcome""",
    """CREATE TEMP TRIGGER enter INSTEAD OF INSERT ON entries BEGIN
        INSERT INTO batches(id, run, time, ticket, pulses, gates)
        VALUES (NEW.id, NEW.run, NEW.time, NEW.ticket, NEW.pulses, NEW.gates);
        INSERT OR REPLACE INTO known
        SELECT NEW.id, NEW.rows, NEW.conductance WHERE NEW.rows NOT NULL;
        INSERT OR REPLACE INTO before
        SELECT NEW.slot, NEW.id, NEW.conducted WHERE NEW.slot NOT NULL;
        INSERT OR REPLACE INTO loads
        SELECT 'before', NEW.id, NEW.loads WHERE NEW.slot NOT NULL;
        INSERT OR REPLACE INTO prints SELECT NEW.id, NEW.prints WHERE NEW.prints NOT NULL;
        INSERT INTO outcomes SELECT NEW.id, NEW.outcome WHERE NEW.outcome NOT NULL;
    END""",
)
"""Of the writer alone: a batch enters all its tables by one statement, which is a transaction."""
_FROM_1 = """
ALTER TABLE runs ADD COLUMN run_id TEXT DEFAULT '';
ALTER TABLE batches RENAME TO batches_1;
CREATE TABLE batches(
    id INTEGER PRIMARY KEY, run INTEGER, time REAL, ticket TEXT, pulses BLOB, gates BLOB);
INSERT INTO batches SELECT id, run, time, '', pulses, gates FROM batches_1;
DROP TABLE batches_1;
CREATE UNIQUE INDEX tickets ON batches(ticket) WHERE ticket != '';
CREATE TABLE decisions(
    id INTEGER PRIMARY KEY, batch INTEGER, time REAL, decided_by TEXT, outcome BLOB);
CREATE TABLE before(slot INTEGER PRIMARY KEY, batch INTEGER, conductance BLOB);
DELETE FROM facts WHERE name = 'ledger';
"""
"""Format 1 had operation numbers in place of tickets: nobody can be asked for its open batches."""

_MOST_CHECKED = 16 << 20
"""Bytes of a file whose structure is checked when it is opened: some 10 ms."""


class Store:
    """An open passport file.

    Parameters
    ----------
    path
        The file.
    write
        Hold it as the one writer, and make it when there is none; otherwise only read.

    Raises
    ------
    DataError
        If it is no passport, is damaged, or cannot be opened.
    InUseError
        If another program is its writer.
    """

    def __init__(self, path: Path, *, write: bool) -> None:
        if os.path.islink(path):  # lock and entries lie beside the file, not beside a link to it
            path = Path(os.path.realpath(path))
        self.path, self.writable, self.is_open = path, write, True
        self._guard: sqlite3.Connection | None = None
        abandon_in_child(self)
        self._connection: sqlite3.Connection = sqlite3.connect(":memory:")
        try:
            with self.translated():
                if os.path.islink(path):
                    os.stat(path)  # links in a circle: what says so, as nothing would be there
                if write:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    self._lock()
                elif not path.exists():
                    raise DataError(f"there is no chip passport {path}")
                self._check_place()
                self._connection.close()  # the one in memory
                self._connection = _connect(path, timeout=5.0)
                self._prepare()
        except BaseException:
            self.close()
            raise

    def execute(self, statement: str, *values: Any) -> int:
        """Carry out one statement as a transaction of its own; return the new row's number."""
        values = tuple(as_text(value) for value in values)
        with self.translated():
            roll_back(self._connection)  # it would end with what an interrupt has left open
            return self._connection.execute(statement, values).lastrowid or 0

    def rows(self, statement: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a query, one after the other."""
        with self.translated():
            # Not `yield from`: a reader that gives up early would close what is closed by then.
            for row in self._connection.execute(statement, values):  # noqa: UP028
                yield row

    def row(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None.

        Not by `rows`: an interrupt that comes while a generator is given up is lost.
        """
        with self.translated():
            found: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
            return found

    def fact(self, name: str) -> Any:
        """Return a fact, or None."""
        found = self.row(_GET_FACT, name)
        return None if found is None else found[0]

    def set_facts(self, facts: Mapping[str, Any]) -> None:
        """Write facts, all or none of them; None takes one out."""
        facts = {name: as_text(value) for name, value in facts.items()}
        with self.transaction() as execute:
            for name, value in facts.items():
                execute("DELETE FROM facts WHERE name = ?", (name,))
                if value is not None:
                    execute("INSERT INTO facts VALUES (?, ?)", (name, value))

    def transaction(self) -> Transaction:
        """Carry out all that is executed within, or nothing of it; `execute` takes no part."""
        self._require_open()
        return Transaction(self._connection, self._translate)

    def close(self) -> None:
        """Let go of the file; calling it again does nothing."""
        self.is_open = False
        try:
            self._connection.close()
        finally:
            if self._guard is not None:
                self._guard.close()

    def abandon(self) -> None:
        """In a forked child: never close the file, which would write to the parent's."""
        make_immortal((self._connection, self._guard))

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what goes wrong with the file as `DataError`."""
        self._require_open()
        try:
            yield
        except Exception as error:
            self._translate(error)
            raise

    def _require_open(self) -> None:
        if not self.is_open:
            raise DeviceError(
                f"the array and its chip passport {self.path} are closed; open the array again"
            )

    def _translate(self, error: BaseException) -> None:
        """Raise `DataError` in place of an error of SQLite or the disk."""
        ours = sqlite3.ProgrammingError | sqlite3.InterfaceError | sqlite3.NotSupportedError
        if isinstance(error, ours):
            return  # a mistake of ours, not of the file
        if isinstance(error, sqlite3.OperationalError | OSError):
            raise DataError(
                f"cannot use the chip passport {self.path}: {error}. Without it nothing is pulsed; "
                "name another file (passport=FILE in the URL), or do without (passport=none)"
            ) from error
        if isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError):
            # SQLite says what is wrong in the words that it finds in the file.
            raise self._damaged(error) from error

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Raise what goes wrong with values that were read from the file as `DataError`.

        Nothing else may be done in the block: what does not come from the file is not its fault.
        """
        try:
            yield
        except MemlabError:
            raise
        except (ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error

    def _damaged(self, what: object) -> DataError:
        return DataError(
            f"{self.path} is not a chip passport, or is damaged ({what}); put it aside, and "
            "keep it: it is the record of what the cells went through"
        )

    def _check_place(self) -> None:
        """Make a new passport, or refuse what is in its place."""
        if not self.path.exists():
            self._create()
        elif not self.path.is_file():
            raise DataError(f"{self.path} is no file, and so no chip passport")
        elif not self.path.stat().st_size:
            raise DataError(
                f"the chip passport {self.path} is empty, 0 bytes: what the cells went through is "
                "lost, and what budgets they have. Restore a copy; to begin a new passport all "
                "the same, remove the file"
            )
        elif self.writable and self.path.stat().st_nlink > 1:
            raise DataError(
                f"the chip passport {self.path} has a second name (a hard link), beside which "
                "entries of it may lie, too. Remove one of the names; a symbolic link is fine"
            )

    def _create(self) -> None:
        """Make a passport that has its tables from the first moment that it is there."""
        beside = Path(f"{self.path}.new")
        beside.unlink(missing_ok=True)
        connection = _connect(beside, timeout=5.0)
        try:
            connection.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA application_id = {_APPLICATION}; "
                f"PRAGMA user_version = {_FORMAT}; COMMIT;"
            )
        finally:
            connection.close()
        os.replace(beside, self.path)

    def _lock(self) -> None:
        """Become the one writer: an open transaction of a file beside, which ends with us.

        The passport itself must stay readable for others meanwhile, so it cannot be the lock. The
        operating system drops the lock of a program that was killed.
        """
        self._guard = _connect(Path(f"{self.path}.lock"), timeout=0.0)
        try:
            self._guard.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            # Of an extended code the low byte counts; the text holds the user's own path.
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            raise InUseError(
                f"the chip passport {self.path} is in use by another program; wait for it to end. "
                "One program pulses a chip at a time: for another chip name another file "
                "(passport=FILE in the URL), or do without (passport=none)"
            ) from error
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{self.path}.lock is damaged ({error}): it only says who has the chip passport "
                f"{self.path}, and holds nothing. Remove it"
            ) from error

    def _prepare(self) -> None:
        connection = self._connection
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not tables and not application:
            raise DataError(
                f"{self.path} is not a chip passport, or its entries are lost: they lie in "
                f"{self.path.name}-wal beside it until they are moved into it, and that file is "
                "missing or damaged. Put it back"
            )
        if application != _APPLICATION:
            raise DataError(f"{self.path} is not a chip passport; nothing was changed in it")
        (self.format,) = connection.execute("PRAGMA user_version").fetchone()
        if self.format not in (1, _FORMAT):
            raise DataError(
                f"{self.path} is a chip passport of format {self.format}; this memlab reads "
                f"{_FORMAT}. Use the memlab that wrote it, or a newer one"
            )
        if self.path.stat().st_size <= _MOST_CHECKED:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise self._damaged(" ".join(found.split()))
        if self.writable:
            connection.execute("PRAGMA journal_mode = WAL")
            if self.format == 1:
                self._migrate()
            for table in _ADDED:
                connection.execute(table)
            connection.execute("PRAGMA temp_store = MEMORY")
            for statement in _ENTRIES:
                connection.execute(statement)
        self.tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        connection.execute("PRAGMA synchronous = NORMAL")
        # Moving the log into the file waits for the disk: every 32 MB instead of every 4.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")

    def _migrate(self) -> None:
        """Bring the file of an older memlab to today's format, wholly or not at all."""
        with self.transaction() as execute:
            for statement in _FROM_1.split(";")[:-1]:
                execute(statement)
            execute(f"PRAGMA user_version = {_FORMAT}")
        self.format = _FORMAT


_GET_FACT = "SELECT value FROM facts WHERE name = ?"


def as_text(value: Any) -> Any:
    """Return a value as SQLite can hold it: the name of a file need not be text."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value


def _connect(path: Path, timeout: float) -> sqlite3.Connection:
    """Open a database that commits each statement by itself, for any thread."""
    return sqlite3.connect(path, isolation_level=None, timeout=timeout, check_same_thread=False)
