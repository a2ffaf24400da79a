"""A passport leaves no database open: Python 3.13 warns of each."""

import sqlite3
from pathlib import Path

import pytest

from memlab.passport import store


def test_every_database_that_a_passport_opens_is_closed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*arguments: object, **options: object) -> sqlite3.Connection:
        opened.append(connect(*arguments, **options))  # type: ignore[call-overload]
        return opened[-1]

    monkeypatch.setattr(store.sqlite3, "connect", noted)
    for _ in range(2):
        store.Store(tmp_path / "chip.sqlite", write=True).close()
    assert len(opened) > 2
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
