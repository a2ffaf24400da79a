"""What is blamed on a passport is wrong with it, and a passport that was lost is not begun anew."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.command import in_process
from support.passports import SET, new_passport, row_pulses
from support.virtual_board import REPOSITORY

from drivers.board import Outcome
from memlab.errors import DataError
from memlab.passport import Passport
from memlab.passport.store import Store

FILE = "chip.passport"


def used_passport(directory: Path) -> Path:
    """Make a passport with a run of two pulses, formed cells, a mask and a map."""
    with new_passport(directory) as passport:
        passport.begin_run("a run")
        batch = passport.enter(row_pulses((SET, 1, [0, 2]), (SET, 3, [1])))
        passport.ledger.settle(batch, np.full(2, Outcome.DONE, np.uint8))
        passport.mark_formed(np.eye(5, 3, dtype=bool))
        passport.set_mask("stuck high", np.eye(5, 3, dtype=bool))
        passport.note_reading(np.arange(5), np.arange(3), np.full((5, 3), 1e-4))
    return directory / FILE


@pytest.mark.skipif(os.name != "posix", reason="names of files are bytes on POSIX only")
def test_a_run_whose_name_is_no_text_is_entered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9.h5")
    with new_passport(tmp_path) as passport:
        passport.begin_run(name)
        passport.mark_formed(np.eye(5, 3, dtype=bool))
        assert passport.formed_in_this_run.sum() == 3
        passport.begin_run(name)  # the same run goes on
        assert passport.formed_in_this_run.sum() == 3
    code, out, err = in_process(capsys, "chip", "show", FILE, "--json")
    assert code == 0, err
    assert "caf\\\\udce9.h5" in out
    # What is said of the file is bytes too, which no test can capture in this process.
    command = [sys.executable, "-m", "memlab", "read", "--out", name]
    done = subprocess.run(
        [*command, "--board", "emulator:?passport=chip-two.passport"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"caf\xe9.h5" in done.stdout
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    path = used_passport(folder)
    with Passport.read(path) as passport:
        assert passport.formed.sum() == 3


def test_an_empty_passport_is_refused_and_says_how_to_begin_a_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = used_passport(tmp_path)
    path.write_bytes(b"")
    for attempt in (lambda: new_passport(tmp_path), lambda: Passport.read(path)):
        with pytest.raises(DataError, match=r"0 bytes.*remove the file"):
            attempt()
    assert path.stat().st_size == 0
    code, _, err = in_process(capsys, "read", "--board", f"emulator:?passport={path}")
    assert (code, err.count("\n")) == (1, 1)
    path.unlink()
    new_passport(tmp_path).close()


def test_a_passport_that_lost_its_last_entries_is_refused(tmp_path: Path) -> None:
    """Earlier versions made the tables in the write-ahead log: without it, nothing is left."""
    path = tmp_path / FILE
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE facts(name)")
    (tmp_path / "lost").mkdir()
    shutil.copy(path, tmp_path / "lost")
    connection.close()
    with pytest.raises(DataError, match="-wal"):
        new_passport(tmp_path / "lost")
    with pytest.raises(DataError, match="-wal"):
        Passport.read(tmp_path / "lost" / FILE)


def test_a_passport_is_there_with_its_tables_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            new_passport(tmp_path)
    assert not (tmp_path / FILE).exists()
    new_passport(tmp_path).close()


def test_a_mistake_of_ours_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    store = Store(used_passport(tmp_path), write=False)
    with pytest.raises(sqlite3.ProgrammingError):
        list(store.rows("SELECT ?", 1, 2))
    store.close()


def test_a_damaged_lock_is_not_blamed_on_the_passport(tmp_path: Path) -> None:
    path = used_passport(tmp_path)
    Path(f"{path}.lock").write_bytes(b"\xa5" * 4096)
    with pytest.raises(DataError, match=r"chip\.passport\.lock is damaged.*Remove it"):
        new_passport(tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE facts SET value = 1099511627776 WHERE name = 'rows'",
        "UPDATE facts SET value = -1 WHERE name = 'rows'",
        "UPDATE facts SET value = 'five' WHERE name = 'columns'",
        "DELETE FROM facts WHERE name = 'created'",
        "UPDATE facts SET value = 1e300 WHERE name = 'created'",
        "UPDATE facts SET value = 'many' WHERE name = 'budget.set'",
        "UPDATE facts SET value = -5 WHERE name = 'budget.set'",
        "UPDATE runs SET started = 'today'",
        "UPDATE runs SET started = 1e300",
        "UPDATE runs SET id = id + 7",
        "UPDATE maps SET conductance = x'00'",
        "UPDATE maps SET time = NULL",
        "UPDATE masks SET shape = '5 5'",
        "UPDATE masks SET shape = '1000000000 1000000000'",
        "UPDATE formings SET cells = x''",
        "UPDATE batches SET pulses = x'0102'",
        "UPDATE batches SET gates = NULL",
        "UPDATE totals SET content = zeroblob(15 * 32 - 1)",
        "UPDATE totals SET content = CAST(zeroblob(15 * 32 - 1) || x'ff' AS BLOB)",
    ],
)
def test_values_that_cannot_be_are_one_line(
    statement: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = used_passport(tmp_path)
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    said = []
    cell = ("cell", "1", "0", "--chip", str(path))
    for command in (("show", str(path)), cell, ("budget", str(path))):
        code, _, err = in_process(capsys, "chip", *command)
        assert code in (0, 1), err
        if code:
            said.append(err)
            assert err.count("\n") == 1
            assert f"memlab: {path} is not a chip passport, or is damaged" in err
    # A NaN in the last of the conductances is none: nobody knows that one.
    assert said or "x'ff'" in statement
