"""What a passport says of its chip: its history, the board's life, and which run formed a cell."""

from pathlib import Path

import numpy as np
import pytest
from support.passports import SET, SHAPE, new_passport, row_pulses

from drivers.board import Outcome
from memlab.chip.load import Load
from memlab.errors import DataError
from memlab.passport import Passport

FILE = "chip.passport"


def test_the_life_that_the_board_was_seen_in_is_there_at_the_next_opening(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        assert passport.board_life == ""
        passport.board_life = "board-3 17af"
        assert passport.board_life == "board-3 17af"
    with Passport.read(tmp_path / FILE) as passport:
        assert passport.board_life == "board-3 17af"


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.UNKNOWN])
def test_a_pulse_alone_is_history_though_nobody_knows_whether_it_was_fired(
    outcome: Outcome, tmp_path: Path
) -> None:
    with new_passport(tmp_path) as passport:
        assert not passport.has_history
        batch = passport.enter(row_pulses((SET, 3, [0, 2])))
        passport.ledger.settle(batch, np.array([outcome], np.uint8))
        assert passport.has_history
        assert not passport.formed.any()
        assert passport.ledger.totals.fired.any() == (outcome is Outcome.DONE)
        assert passport.ledger.totals.doubtful.any() == (outcome is Outcome.UNKNOWN)


def test_a_forming_alone_is_history(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        passport.mark_formed(np.eye(*SHAPE, dtype=bool))
        assert passport.has_history


@pytest.mark.parametrize("run_id", ["", "b-17"])
def test_only_what_the_present_run_has_formed_is_formed_in_it(run_id: str, tmp_path: Path) -> None:
    first, second = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    first[0, 2] = second[3, 1] = second[4, 0] = True
    with new_passport(tmp_path) as passport:
        passport.begin_run("one", "a-5")
        passport.mark_formed(first)
        np.testing.assert_array_equal(passport.formed_in_this_run, first)
        passport.begin_run("two", run_id)
        assert not passport.formed_in_this_run.any()
        passport.mark_formed(second)
        np.testing.assert_array_equal(passport.formed_in_this_run, second)
        passport.begin_run("one, under another name", "a-5")
        np.testing.assert_array_equal(passport.formed_in_this_run, first)


def test_a_state_has_what_the_run_has_read_by_itself(tmp_path: Path) -> None:
    load = Load((1, 4), (0, 2), SHAPE)
    with new_passport(tmp_path) as passport:
        passport.begin_run("one", "a-5")
        nothing = passport.state()
        assert (nothing["read"], nothing["under"], nothing["at"]) == (None, [], 0.0)
        rows, columns = np.array([1, 4]), np.array([0, 2])
        passport.note_reading(rows, columns, np.array([[1e-4, 2e-4], [3e-4, 4e-4]]), load)
        state = passport.state()
        expected = np.full(SHAPE, np.nan)
        expected[np.ix_(rows, columns)] = [[1e-4, 2e-4], [3e-4, 4e-4]]
        np.testing.assert_array_equal(state["read"], expected)
        assert state["under"] == [load.document()]
        passport.note_reading(rows, columns, np.full((2, 2), 9e-4))
        np.testing.assert_array_equal(state["read"], expected, "a copy")
        passport.restore(state)
        np.testing.assert_array_equal(passport.state()["read"], expected)
        assert passport.state()["under"] == [load.document()]
        assert passport.state()["at"] == state["at"] > 0
        passport.restore(nothing)
    with Passport.read(tmp_path / FILE) as passport:
        assert not list(passport.maps())


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (1, 4096), (4096, 1)])
def test_a_chip_may_be_one_line_or_4096(shape: tuple[int, int], tmp_path: Path) -> None:
    Passport(tmp_path / FILE, shape).close()
    with Passport.read(tmp_path / FILE) as passport:
        assert passport.shape == shape


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (2, 4097), (4097, 2)])
def test_a_chip_of_none_or_more_lines_is_no_chip(shape: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"a chip of {shape[0]} x {shape[1]}"):
        Passport(tmp_path / FILE, shape)
