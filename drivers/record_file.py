"""The SQLite file of a board's tickets: made whole, opened by one program, never half written.

A new file is written beside and moved into place, so that an empty one is a damaged one. No
write-ahead log: its shared memory does not work on network file systems. The file is ours alone for
as long as it is open, and the operating system ends that with us.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drivers.errors import DeviceError, InUseError, TransportError
from drivers.owner import abandon_in_child, make_immortal
from drivers.transaction import Execute, Transaction

__all__ = ["RecordFile", "checksum"]

_APPLICATION = 0x4D4C5442  # "MLTB": what `file` and we know it by
_FORMAT = 1


def checksum(row: Sequence[Any]) -> int:
    """Return the checksum of the values of a row."""
    return zlib.crc32(repr(tuple(row)).encode())


class RecordFile:
    """An open file.

    Parameters
    ----------
    path
        The file; made when there is none.
    schema
        Statements that make a new one.
    fsync
        Wait for the disk at each change.

    Raises
    ------
    InUseError
        If another program has it.
    TransportError
        If it cannot be kept, is damaged, or is something else.
    """

    def __init__(self, path: Path, schema: str, *, fsync: bool = False) -> None:
        self.path = path
        with self.translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                self._make(schema, fsync)
            elif not path.stat().st_size:
                raise self._damaged("it is empty")
            self._connection = _connect(path)
        abandon_in_child(self)
        try:
            with self.translated():
                self._prepare(fsync)
        except BaseException:
            self._connection.close()
            raise

    @property
    def execute(self) -> Execute:
        """Carries out one statement; what goes wrong is raised by SQLite, see `translated`."""
        return self._connection.execute

    def transaction(self) -> Transaction:
        """All or nothing of what is executed, with errors translated."""
        return Transaction(self._connection, self._translate)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what goes wrong with the file as an error of one line."""
        try:
            yield
        except Exception as error:
            self._translate(error)
            raise

    def _translate(self, error: BaseException) -> None:
        """Raise an error of one line in place of one of SQLite or the disk."""
        if isinstance(error, sqlite3.ProgrammingError):
            raise DeviceError(f"the board and its record {self.path} are closed") from error
        if isinstance(error, sqlite3.OperationalError | OSError):
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_LOCKED,
            ):
                raise InUseError(
                    f"another program has the pulse record {self.path}: it uses this board. Wait "
                    "for it to end, or end it; nothing was changed"
                ) from error
            raise TransportError(
                f"cannot keep the pulse record {self.path}: {error}. Without it nothing is pulsed; "
                "make room, or set MEMLAB_STATE to a directory that can be written"
            ) from error
        if isinstance(error, sqlite3.DatabaseError | UnicodeDecodeError):
            # SQLite says what is wrong in the words that it finds in the file.
            raise self._damaged(str(error)) from error

    def check(self, row: Sequence[Any], crc: int) -> None:
        """Raise that the file is damaged unless this is the checksum of the row."""
        if checksum(row) != crc:
            raise self._damaged(f"row {row[0]} has changed")

    def close(self) -> None:
        """Let go of the file; calling it again does nothing."""
        self._connection.close()

    def abandon(self) -> None:
        """In a forked child: never close it, which would write to the parent's file."""
        make_immortal(self._connection)

    def _make(self, schema: str, fsync: bool) -> None:
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        beside.unlink(missing_ok=True)
        try:
            connection = _connect(beside)
            try:
                connection.executescript(
                    f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}; BEGIN; {schema} "
                    f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_FORMAT}; "
                    "COMMIT;"
                )
            finally:
                connection.close()
            if not self.path.exists():
                beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
            beside.with_name(f"{beside.name}-journal").unlink(missing_ok=True)

    def _prepare(self, fsync: bool) -> None:
        execute = self.execute
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("BEGIN EXCLUSIVE")
        execute("COMMIT")  # from here on it is ours until it is closed
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION:
            raise self._damaged("it is something else")
        if version != _FORMAT:
            raise TransportError(
                f"{self.path} is a pulse record of format {version}; this memlab writes {_FORMAT}. "
                "Use the memlab that wrote it, or a newer one; nothing was changed"
            )
        (fault,) = execute("PRAGMA integrity_check(1)").fetchone()
        if fault != "ok":
            raise self._damaged(fault)
        execute("PRAGMA journal_mode = PERSIST")
        execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")

    def _damaged(self, why: str) -> TransportError:
        why = " ".join(why.split())[:200]
        return TransportError(
            f"{self.path} is not the pulse record of a board, or is damaged ({why}). Without it "
            "nothing is pulsed: what was fired before is not known. Put it aside, and keep it; "
            "the next opening then begins a new one"
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database that commits each statement by itself, for any thread, and never waits."""
    return sqlite3.connect(path, isolation_level=None, timeout=0.0, check_same_thread=False)
