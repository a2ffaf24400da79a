"""An exception at any line of a pulse with a passport: nothing is lost, and the sums are right."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.interrupts import interrupted
from support.watched_board import WatchedBoard

from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.passport import Passport
from memlab.testing import ServedBoard
from memlab.virtual_board import Fired

FILES = ("memlab/passport/", "drivers/tickets.py", "transaction.py")


@pytest.fixture
def server() -> Iterator[ServedBoard]:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0)) as server:
        yield server


def opened(server: ServedBoard, path: Path) -> BoardArray:
    array = open_array(f"{server.url}?passport={path}")
    assert isinstance(array, BoardArray)
    return array


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow, id="every line")])
def test_the_passport_counts_what_the_board_has_fired_wherever_the_call_was_broken_off(
    server: ServedBoard, tmp_path: Path, step: int
) -> None:
    path, at = tmp_path / "chip.passport", 1
    with opened(server, path) as array:
        assert array.passport is not None
        while True:
            with interrupted(*FILES, at=at) as lines:
                array.program_row(at % 128, 1.0)
            if at % 3 == 0:
                array.program_row(127, 1.0)  # works again, at once
            if lines.count < at:
                break
            at += step
    fired = np.zeros(128, int)
    for event in server.events:
        if isinstance(event, Fired):
            fired[event.row] += 1
    assert fired.sum() > 5
    with opened(server, path) as array:
        assert array.passport is not None
        totals = array.passport.ledger.totals
        assert totals.doubtful.sum() == 0
        assert np.array_equal(totals.fired[0], np.tile(fired[:, np.newaxis], 64))
    with Passport.read(path) as passport:
        assert len(passport.ledger.doubtful()) == 0


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow, id="every line")])
def test_no_pulse_of_a_chip_in_process_is_lost_wherever_the_call_was_broken_off(
    tmp_path: Path, step: int
) -> None:
    at, found = 1, set()
    while True:
        path = tmp_path / f"{at}.passport"
        board = WatchedBoard(EmulatedBoard(load_preset("ideal"), 0, (4, 3)))
        with BoardArray(board, passport=Passport(path, (4, 3))) as array:
            array.read_conductance()
            with interrupted("memlab/passport/", "transaction.py", at=at) as lines:
                array.program_row(2, 1.0)
            fired = len(board.pulses)
            array.program_row(1, 1.0)  # works again, at once
            assert array.passport is not None
            now = array.passport.ledger.totals
            with Passport.read(path) as passport:  # also while the array is open
                for name in ("fired", "doubtful", "energy"):
                    there = getattr(passport.ledger.totals, name)
                    np.testing.assert_array_equal(there, getattr(now, name))
        assert now.fired[0, 1].tolist() == [1, 1, 1]
        sure, perhaps = now.fired[0, 2, 0], now.doubtful[0, 2, 0]
        assert sure <= fired <= sure + perhaps
        found.add((fired, sure, perhaps))
        if lines.count < at:
            break
        at += step
    # Before it was entered, entered and not sent, sent and not settled, settled.
    assert found == {(0, 0, 0), (0, 0, 1), (1, 0, 1), (1, 1, 0)}


def test_what_an_interrupt_has_left_open_takes_nothing_with_it(
    server: ServedBoard, tmp_path: Path
) -> None:
    path = tmp_path / "chip.passport"
    with opened(server, path) as array:
        passport = array.passport
        assert passport is not None
        array.program_row(1, 1.0)
        passport._store._connection.execute("BEGIN IMMEDIATE")
        array.read_conductance()
        passport.mark_formed(np.ones((128, 64), bool))
        passport._store._connection.execute("BEGIN IMMEDIATE")
        passport.set_mask("good rows", np.ones(128, bool))
        passport._store._connection.execute("BEGIN IMMEDIATE")
        array.program_row(2, 1.0)
        passport._store._connection.execute("BEGIN IMMEDIATE")
    with Passport.read(path) as passport:
        assert passport.formed.all()
        assert list(passport.masks()) == ["good rows"]
        assert len(list(passport.maps())) == 1
        assert passport.ledger.totals.fired.sum() == 128


def test_a_passport_whose_opening_was_broken_off_can_be_opened(tmp_path: Path) -> None:
    at = 1
    while True:
        passport = None
        with interrupted("memlab/passport/", at=at) as lines:
            passport = Passport(tmp_path / "chip.passport", (8, 4))
        if passport is not None:
            passport.close()
        if lines.count < at:
            break
        at += 2  # two lines in a row had left it locked
    assert at > 50
