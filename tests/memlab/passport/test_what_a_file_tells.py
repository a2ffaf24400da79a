"""What a passport says of its chip: its history, the board's life, and which run formed a cell."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.passports import SET, SHAPE, new_passport, row_pulses

from drivers.board import Outcome
from memlab.chip.load import Load
from memlab.errors import DataError, SettingError
from memlab.passport import Budgets, Passport
from memlab.passport.passport import _time

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


def test_formings_that_the_chip_does_not_have_are_forgotten(tmp_path: Path) -> None:
    first, second = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    first[0, 2] = second[3, 1] = second[4, 0] = True
    with new_passport(tmp_path) as passport:
        assert passport.take_back_formings(0) == 0
        for cells, row in ((first, 0), (second, 3), (second, 4)):  # each after its pulses
            passport.enter(row_pulses((SET, row, [0])))
            passport.mark_formed(cells)
        assert passport.take_back_formings(3) == 0
        np.testing.assert_array_equal(passport.formed, first | second)
        assert passport.take_back_formings(1) == 2
        np.testing.assert_array_equal(passport.formed, first)
    with Passport.read(tmp_path / FILE) as passport:
        np.testing.assert_array_equal(passport.formed, first)
        assert [number for number, _, _ in passport.formings()] == [1]


@pytest.mark.parametrize(
    ("started", "label"), [("", "python"), ("/home/me/anneal.py", "anneal.py")]
)
def test_pulses_of_no_run_are_those_of_the_program(
    started: str, label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    with new_passport(tmp_path) as passport:
        passport.enter(row_pulses((SET, 3, [0, 2])))
        assert [run["label"] for run in passport.runs().values()] == [label]
        passport.begin_run("anneal.h5")
        passport.enter(row_pulses((SET, 3, [0, 2])))
        assert [run["label"] for run in passport.runs().values()] == [label, "anneal.h5"]


def test_times_are_those_that_a_calendar_has() -> None:
    for seconds in (0.0, 1.7e9, 249_999_999_999.5):  # in the year 9892
        assert _time(seconds) == seconds
    for wrong in (-0.5, 2.5e11, np.inf, np.nan):
        with pytest.raises(ValueError, match="a time of"):
            _time(wrong)


def test_pulses_of_others_are_told_once_each_and_the_last_hundred_of_them(tmp_path: Path) -> None:
    clock = iter(np.arange(1000.0, 2000.0))
    with Passport(tmp_path / FILE, SHAPE, clock=lambda: float(next(clock))) as passport:
        assert passport.others == []
        for k in (0, *range(103), 50):
            passport.note_others(f"host {k}")
        found = passport.others
    assert [name for name, _ in found] == [f"host {k}" for k in range(3, 103)]
    times = [when for _, when in found]
    assert times == sorted(set(times))


def test_what_these_runs_have_fired_since_a_batch(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        for k, run in enumerate("abca"):
            passport.begin_run(run, run)
            pulses = row_pulses((SET, 2, [0]), (SET, 3, [1]))
            batch = passport.enter(pulses, "", np.array([10 * k, 10 * k + 1], np.uint32))
            passport.ledger.settle(batch, np.array([1, 1 + (run == "b")], np.uint8))
        for since, runs, expected in (
            (0, "abc", [0, 1, 10, 20, 21, 30, 31]),
            (0, "ac", [0, 1, 20, 21, 30, 31]),
            (1, "ba", [10, 30, 31]),
            (3, "b", []),
            (4, "abc", []),
        ):
            assert passport.prints_since(since, list(runs)).tolist() == expected, (since, runs)


def test_it_says_in_a_line_whose_it_is(tmp_path: Path) -> None:
    with Passport(tmp_path / FILE, SHAPE, chip="die 7") as passport:
        assert repr(passport) == f"<Passport of chip die 7, 5 x 3: {tmp_path / FILE}>"
        passport.calibration = "2"
        assert passport.describe() == {
            "file": str(tmp_path / FILE),
            "chip": "die 7",
            "calibration": "2",
        }


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


def test_a_passport_is_named_after_its_file_unless_the_chip_has_a_name(tmp_path: Path) -> None:
    for name, given, expected in (("a", "", "a"), ("b", "die 7", "die 7")):
        Passport(tmp_path / f"{name}.passport", SHAPE, chip=given).close()
        with Passport.read(tmp_path / f"{name}.passport") as passport:
            assert passport.chip == expected
            assert passport.chip_in_file == ""
            assert passport.calibration is None


def test_budgets_of_the_first_opening_stay_and_those_of_one_opening_do_not(tmp_path: Path) -> None:
    path = tmp_path / FILE
    Passport(path, SHAPE, first={"reset": 17, "energy": 0.5}, budgets={"set": 3}).close()
    with Passport.read(path) as passport:
        assert passport.budgets == Budgets(reset=17, energy=0.5)
    with Passport(path, SHAPE, first={"reset": 2}, budgets={"set": 3}) as passport:
        assert passport.budgets == Budgets(set=3, reset=17, energy=0.5)
        passport.store_budgets(Budgets(pulses=9, forming=None))
    with Passport.read(path) as passport:
        assert passport.budgets == Budgets(pulses=9, forming=None)


def test_the_chip_in_a_file_is_told_by_its_serial_number(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        passport.chip_in_file = "0a5f"
    with Passport.read(tmp_path / FILE) as passport:
        assert passport.chip_in_file == "0a5f"


ONE, TWO = Load((1, 4), (0, 2), SHAPE), Load((0, 1, 2), (1,), SHAPE, 2)


def test_masks_and_maps_say_under_which_loads_they_were_read(tmp_path: Path) -> None:
    rows, columns = np.array([1, 4]), np.array([0, 2])
    with new_passport(tmp_path) as passport:
        assert passport.last_map_loads is None
        passport.set_mask("noisy", np.eye(*SHAPE, dtype=bool), TWO)
        passport.set_mask("stuck", np.eye(*SHAPE, dtype=bool))
        for run, loads in (("a", [ONE, TWO, ONE]), ("b", [None]), ("c", [TWO])):
            passport.begin_run(run, run)
            for load in loads:
                passport.note_reading(rows, columns, np.full((2, 2), 1e-4), load)
            if run == "b":
                passport.begin_run("none", "none")
                assert passport.last_map_loads == (), "not recorded"
    with Passport.read(tmp_path / FILE) as passport:
        assert passport.mask_load("noisy") == TWO
        assert passport.mask_load("stuck") is passport.mask_load("other") is None
        assert list(passport.map_loads().values()) == [(ONE, TWO), None, (TWO,)]
        assert passport.last_map_loads == (TWO,)


@pytest.mark.parametrize("mask", [np.ones(SHAPE, np.uint8), np.ones((3, 5), bool)])
def test_a_mask_is_of_truths_and_of_the_size_of_the_chip(mask: np.ndarray, tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        with pytest.raises(SettingError, match=r"mask 'noisy' must be boolean of shape \(5, 3\)"):
            passport.set_mask("noisy", mask)
        assert passport.masks() == {}


def test_before_a_batch_only_loads_of_the_cells_that_it_pulses_count(tmp_path: Path) -> None:
    with new_passport(tmp_path) as passport:
        row = np.array([1])
        passport.note_reading(row, np.array([0]), np.full((1, 1), 1e-4), ONE)
        passport.note_reading(row, np.array([1, 2]), np.full((1, 2), 2e-4), TWO)
        passport.enter(row_pulses((SET, 1, [1, 2])))
        passport.enter(row_pulses((SET, 1, [0])))
        first, second = passport.ledger.batches()
        assert passport.ledger.loads_before(first) == (TWO,)
        assert passport.ledger.loads_before(second) == (ONE,)
        np.testing.assert_array_equal(
            passport.ledger.before(second)[1], np.array([1e-4, np.nan, np.nan], np.float32)
        )


def test_what_was_read_under_no_known_load_comes_back_as_that(tmp_path: Path) -> None:
    row, every = np.array([3]), np.arange(3)
    with new_passport(tmp_path) as passport:
        passport.begin_run("one", "a-5")
        passport.note_reading(row, every, np.full((1, 3), 1e-4), ONE)
        passport.note_reading(row, every[:1], np.full((1, 1), 2e-4))
        state = passport.state()
        assert state["ledger"]["loads"] == state["under"] == [ONE.document(), None]
        passport.restore(state)
        assert passport.state()["ledger"]["loads"] == [ONE.document(), None]
        passport.enter(row_pulses((SET, 3, [0])))
        passport.enter(row_pulses((SET, 3, [2])))
        first, second = passport.ledger.batches()
        assert passport.ledger.loads_before(first) is None
        assert passport.ledger.loads_before(second) == (ONE,)


def test_a_run_without_an_identity_is_known_by_its_label(tmp_path: Path) -> None:
    first, second = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    first[0, 2] = second[3, 1] = True
    with new_passport(tmp_path) as passport:
        for label, run_id, cells in (("one", "", first), ("two", "", second), ("one", "b", second)):
            passport.begin_run(label, run_id)
            passport.mark_formed(cells)
        passport.begin_run("one")
        np.testing.assert_array_equal(passport.formed_in_this_run, first)
