"""A virtual board that was started anew has a blank chip, not that of its old passport."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.passports import RESET, SET, SHAPE, row_pulses
from support.virtual_board import VirtualBoard
from support.watched_board import WatchedBoard

from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import DataError
from memlab.passport import Outcome, Passport


class Lives(WatchedBoard):
    """A board that says in which life it is."""

    def __init__(self, life: str) -> None:
        super().__init__(EmulatedBoard(load_preset("ideal"), 1, SHAPE))
        self._life = life

    @property
    def life(self) -> str:
        return self._life


def opened(life: str, path: Path) -> BoardArray:
    return BoardArray(Lives(life), passport=Passport(path, SHAPE))


def test_a_virtual_board_in_another_life_is_refused_once_its_chip_has_a_history(
    tmp_path: Path,
) -> None:
    path = tmp_path / "chip.passport"
    opened("a", path).close()
    with opened("b", path) as array:  # nothing had happened to the chip
        array.program(1.0)
    with opened("b", path) as array:
        array.program(1.0)
    with pytest.raises(DataError, match="started anew, so its chip is blank") as refused:
        opened("c", path)
    assert "passport=FILE" in str(refused.value)
    assert "--serial" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_real_board_keeps_its_die_when_it_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("memlab.passport.life.is_virtual", lambda board: False)
    path = tmp_path / "chip.passport"
    with opened("a", path) as array:
        array.program(1.0)
    with opened("b", path) as array:
        assert array.passport is not None
        assert array.passport.ledger.totals.fired.any()
    assert "was restarted since its passport saw it last" in caplog.text
    caplog.clear()
    opened("b", path).close()
    assert not caplog.text


def test_a_server_started_again_under_its_serial_number_is_refused(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path))
    arguments = "--pty", "--chip", "ideal", "--serial", "die7"
    board = virtual_board(*arguments)
    with open_array(board.url) as array:
        array.program_row(3, 1.0)
    board.kill()
    again = virtual_board(*arguments)
    with pytest.raises(DataError, match="virtual board die7 was started anew"):
        open_array(again.url)
    with open_array(f"{again.url}?passport={tmp_path / 'new'}") as array:
        array.program_row(3, 1.0)


def test_a_passport_of_format_1_is_migrated_wholly_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "chip.passport"
    with opened("", path) as array:
        array.program(1.0)
        fired = array.passport.ledger.totals.fired  # type: ignore[union-attr]
    file = sqlite3.connect(path)
    for statement in (
        "DROP TABLE before",
        "DROP TABLE decisions",
        "DROP INDEX tickets",
        "ALTER TABLE runs DROP COLUMN run_id",
        "ALTER TABLE batches DROP COLUMN ticket",
        "ALTER TABLE batches ADD COLUMN operation INTEGER",
        "PRAGMA user_version = 1",
    ):
        file.execute(statement)
    file.commit()
    file.close()
    with Passport.read(path) as passport:  # looking changes nothing
        assert (passport.ledger.totals.fired == fired).all()
        assert len(list(passport.ledger.batches())) == 1
    with Passport(path, SHAPE) as passport:
        assert (passport.ledger.totals.fired == fired).all()
    file = sqlite3.connect(path)
    assert file.execute("PRAGMA user_version").fetchone() == (2,)
    columns = [row[1] for row in file.execute("PRAGMA table_info(batches)")]
    file.close()
    assert columns == ["id", "run", "time", "ticket", "pulses", "gates"]


@pytest.mark.parametrize(("life", "kept"), [("", 0), ("a", 1)])
def test_readings_before_a_batch_are_kept_only_where_a_later_program_can_read_the_same_chip(
    life: str, kept: int, tmp_path: Path
) -> None:
    """An emulated chip in process (no life) ends with its program; `chip settle` refuses it."""
    path = tmp_path / "chip.passport"
    with opened(life, path) as array:
        array.read_conductance()
        array.program(1.0)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM before").fetchone() == (kept,)


@pytest.mark.parametrize("kind", [SET, RESET])
def test_a_cell_that_was_pulsed_since_it_was_read_is_not_known_before_the_next_batch(
    kind: int, tmp_path: Path
) -> None:
    """Whether by a SET or by a RESET; its neighbour, which was not pulsed, still is."""
    path = tmp_path / "chip.passport"
    first, second = row_pulses((kind, 0, [1])), row_pulses((SET, 0, [1, 2]), (SET, 3, [0]))
    with Passport(path, SHAPE) as passport:
        rows, columns = np.arange(SHAPE[0]), np.arange(SHAPE[1])
        passport.note_reading(rows, columns, np.full(SHAPE, 2e-5))
        passport.ledger.settle(passport.enter(first), np.full(1, Outcome.DONE, np.uint8))
        passport.enter(second)
        *_, batch = passport.ledger.batches()
        before = passport.ledger.before(batch)
    assert np.isnan(before[0, 1])
    np.testing.assert_allclose(before[[0, 3], [2, 0]], 2e-5)
