"""What a passport says of its chip: its history, the board's life, and which run formed a cell."""

from pathlib import Path

import numpy as np
import pytest
from support.passports import SET, SHAPE, new_passport, row_pulses

from drivers.board import Outcome
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
