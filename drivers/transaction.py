"""A transaction of SQLite that no exception leaves open, wherever it comes.

Ctrl-C or a time-out of the user's own may be raised between any two lines, also between BEGIN and
the block that would have ended it. So it is a plain object, not a generator, which might be closed
in the middle of a later transaction; and each one first ends what an earlier one has left.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from types import TracebackType

__all__ = ["Execute", "Transaction", "roll_back"]

Execute = Callable[..., sqlite3.Cursor]


class Transaction:
    """All or nothing of what is executed in the block.

        with Transaction(connection, translate) as execute:
            execute("INSERT ...", values)

    Parameters
    ----------
    connection
        Commits each statement by itself (`isolation_level=None`); one thread at a time uses it.
    translate
        Raises another error in place of this one, or returns.
    """

    def __init__(
        self, connection: sqlite3.Connection, translate: Callable[[BaseException], None]
    ) -> None:
        self._connection, self._translate = connection, translate

    def __enter__(self) -> Execute:
        try:
            roll_back(self._connection)
            self._connection.execute("BEGIN IMMEDIATE")
            return self._connection.execute
        except BaseException as error:
            self._undo(error)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._undo(error)
            return
        try:
            self._connection.execute("COMMIT")
        except BaseException as refusal:
            self._undo(refusal)
            raise

    def _undo(self, error: BaseException) -> None:
        with contextlib.suppress(sqlite3.Error):  # the next one tries again
            roll_back(self._connection)
        self._translate(error)


def roll_back(connection: sqlite3.Connection) -> None:
    """End a transaction that an exception has left open; nothing of it has happened."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
