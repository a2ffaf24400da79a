"""Rows that could draw more than their driver gives are pulsed in groups, each cell once."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from drivers.board import Mode, PulseBatch, PulseKind
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.row_groups import group_numbers, split_groups
from memlab.array.urls import open_array
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import LimitError
from memlab.passport import Passport
from memlab.testing import ServedBoard

SHAPE = (128, 64)
EVERY, NONE = np.ones(SHAPE, bool), np.zeros(SHAPE, bool)


def opened(chip: str = "ideal", **changes: object) -> tuple[BoardArray, EmulatedBoard]:
    board = EmulatedBoard(load_preset(chip), 1)
    return BoardArray(board, **changes), board  # type: ignore[arg-type]


def cells(pulses: PulseBatch, kind: PulseKind) -> np.ndarray:
    """How often each cell is pulsed."""
    found = np.zeros(SHAPE, int)
    for row, which, columns in zip(pulses.row, pulses.kind, pulses.columns, strict=True):
        found[row] += columns * (which == kind)
    return found


def parts(number: np.ndarray) -> Iterator[np.ndarray]:
    return (number == k for k in range(number.max() + 1))


class TestGroups:
    def test_a_row_within_the_limit_is_one_group(self) -> None:
        # 64 x 0.1 mA through a driver of 10 mA.
        assert not group_numbers(np.full((3, 64), 0.1e-3), 10e-3).any()
        assert not group_numbers(np.full((3, 64), 10e-3 / 64), 10e-3).any()

    def test_two_groups_halve_a_row(self) -> None:
        number = group_numbers(np.full((2, 64), 0.2e-3), 10e-3)
        assert (number == np.repeat([0, 1], 32)).all()

    @pytest.mark.parametrize("seed", range(20))
    def test_no_group_draws_more_than_the_limit_and_groups_are_few(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        current = rng.uniform(0.0, 1e-3, SHAPE) * (rng.random(SHAPE) < rng.random())
        largest = rng.uniform(1e-3, 20e-3)
        number = group_numbers(current, largest)
        for part in parts(number):
            assert (np.where(part, current, 0.0).sum(axis=1) <= largest * (1 + 1e-8)).all()
        fewest = np.ceil(current.sum(axis=1) / largest)
        assert (number.max(axis=1) + 1 <= 2 * fewest + 1).all()

    def test_a_row_that_does_not_fit_has_one_group_more_until_it_does(self) -> None:
        # 1.8 A would fit into two groups, but none of these cells goes with another.
        current = np.array([[0.6, 0.6, 0.6], [0.1, 0.1, 0.1], [0.5, 0.4, 0.6]])
        expected = [[0, 1, 2], [0, 0, 0], [0, 0, 1]]
        np.testing.assert_array_equal(group_numbers(current, 1.0), expected)

    def test_a_cell_may_draw_all_that_the_driver_gives_and_no_more(self) -> None:
        np.testing.assert_array_equal(group_numbers(np.full((1, 2), 1.0), 1.0), [[0, 1]])
        with pytest.raises(LimitError, match=r"one cell could draw 1\.01 A.*gives 1 A"):
            group_numbers(np.array([[0.0, 1.01]]), 1.0)

    def test_a_driver_of_more_than_an_ampere_makes_no_group_in_vain(self) -> None:
        np.testing.assert_array_equal(group_numbers(np.full((1, 4), 0.75), 2.0), [[0, 0, 1, 1]])

    def test_a_group_may_use_all_of_the_room_that_rounding_has(self) -> None:
        largest = 1.0
        current = np.array([[largest * (1.0 + 1e-9), 0.5]])
        np.testing.assert_array_equal(group_numbers(current, largest), [[0, 1]])

    def test_no_row_is_no_group(self) -> None:
        assert group_numbers(np.zeros((0, 64)), 1.0).shape == (0, 64)


def test_groups_are_split_where_a_pulse_may_have_few_cells() -> None:
    group = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 1, 2]])
    selected = np.array([[1, 0, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]], bool)
    assert split_groups(group, selected, 2).tolist()[1] == [0, 0, 1, 1, 2]
    first = split_groups(group, selected, 2)[0]
    assert first[[0, 2, 3, 4]].tolist() == [0, 0, 1, 1]
    assert split_groups(group, selected, 1)[0][[0, 2, 3, 4]].tolist() == [0, 1, 2, 3]
    assert split_groups(group, selected, 1)[2].tolist() == [0, 1, 2, 3, 4]
    assert split_groups(group, selected, 2)[2].tolist() == [0, 0, 1, 2, 3]
    assert split_groups(group, selected, 3)[2].tolist() == [0, 0, 0, 1, 2]
    assert split_groups(group, selected, 0) is group


class TestSets:
    def test_rows_of_the_published_training_are_pulsed_at_once(self) -> None:
        array, _ = opened()
        pulses = array.pulse_batch(1.6, reset=EVERY, set=EVERY)
        assert len(pulses) == 256

    def test_rows_at_the_highest_gate_voltage_are_pulsed_in_groups_each_cell_once(self) -> None:
        array, _ = opened()
        pulses = array.pulse_batch(2.5, reset=EVERY, set=EVERY)
        # 64 x 0.5 V x 182 uS/V x 2.5 V = 14.6 mA: two groups; RESETs are whole.
        assert len(pulses) == 128 + 256
        for kind in PulseKind:
            assert (cells(pulses, kind) == 1).all()
        currents = 0.5 * 182e-6 * 2.5 * pulses.columns[128:].sum(axis=1)
        assert currents.max() <= 10e-3
        assert (pulses.kind[:128] == PulseKind.RESET).all()
        assert (pulses.kind[128:] == PulseKind.SET).all()

    def test_groups_end_where_one_pulse_would(self) -> None:
        groups, whole = opened(), opened()
        groups[0].program(2.5)
        whole[0].fire(whole[0].pulse_batch(2.5, reset=NONE, set=EVERY, whole_rows=True))
        np.testing.assert_array_equal(groups[1].chip.conductance, whole[1].chip.conductance)
        assert groups[0].counts.set == whole[0].counts.set == 8192
        # Each group loads the gates of its cells, settles and fires.
        assert groups[1].clock - whole[1].clock == pytest.approx(
            128 * (1.3e-6 + 9e-6 + 0.16e-6 + 202 / 240e6), rel=1e-3
        )

    def test_cells_that_are_not_selected_draw_nothing_whatever_their_gate(self) -> None:
        array, _ = opened()
        mask = NONE.copy()
        mask[:, ::2] = True
        gate = np.where(mask, 2.5, np.nan)
        assert len(array.pulse_batch(np.nan_to_num(gate), reset=NONE, set=mask)) == 128

    def test_few_columns_are_one_group(self) -> None:
        array, _ = opened()
        view = array[:, :43]  # 43 x 0.228 mA = 9.8 mA
        every = np.ones(view.shape, bool)
        assert len(view.pulse_batch(2.5, reset=~every, set=every)) == 128


class TestLimits:
    def test_a_reset_beyond_the_driver_is_made_in_groups(self) -> None:
        array, _ = opened(limits=Limits(reset_row_current=10e-3))
        pulses = array.pulse_batch(0.0, reset=EVERY, set=NONE)
        # 64 x 1.7 V x 455 uS = 49.5 mA in groups of at most 10 mA, 12 cells.
        assert len(pulses) == 6 * 128
        assert pulses.columns.sum(axis=1).max() <= 12
        assert (cells(pulses, PulseKind.RESET) == 1).all()

    def test_the_board_says_what_its_driver_gives(self) -> None:
        preset = load_preset("ideal").replace(**{"board.driver.set_current": 2e-3})
        board = EmulatedBoard(preset, 1)
        assert board.capabilities.row_current[Mode.SET] == 2e-3
        array = BoardArray(board)
        assert len(array.pulse_batch(1.0, reset=NONE, set=EVERY)) > 128

    @pytest.mark.parametrize("current", [2e-3, 0.00234567, 3.0])
    def test_groups_are_the_same_over_the_wire(self, current: float) -> None:
        changes = {"board.driver.set_current": current, "board.driver.reset_current": 3 * current}
        preset = load_preset("ideal").replace(**changes)
        here = BoardArray(EmulatedBoard(preset, 1))
        with ServedBoard(EmulatedBoard(preset, 1)) as served, open_array(served.url) as there:
            assert isinstance(there, BoardArray)
            for kind in (Mode.READ, Mode.SET, Mode.RESET):
                told = there.board.capabilities.row_current[kind]
                assert told == min(here.board.capabilities.row_current[kind], 0xFFFFFFFF / 1e9)
            near, far = (a.pulse_batch(1.6, reset=EVERY, set=EVERY) for a in (here, there))
            assert (len(near) > 256) == (current < 3.0)
            np.testing.assert_array_equal(near.row, far.row)
            np.testing.assert_array_equal(near.columns, far.columns)

    def test_a_cell_that_draws_more_than_the_driver_gives_alone_is_refused(self) -> None:
        limits = Limits(set_row_current=0.1e-3, reset_row_current=0.5e-3)
        for array in (opened(limits=limits)[0], IdealArray(limits=limits)):
            with pytest.raises(LimitError, match="Rule: set row current"):
                array[3].program(1.0)
            with pytest.raises(LimitError, match="Rule: reset row current"):
                array[3].reset_row(0)
            array[3].program(0.5)

    def test_a_cell_that_draws_more_than_the_board_gives_is_refused(self) -> None:
        preset = load_preset("ideal").replace(**{"board.driver.set_current": 0.1e-3})
        with pytest.raises(LimitError, match=r"one cell could draw 0\.000109 A"):
            BoardArray(EmulatedBoard(preset, 1)).program(1.0)

    def test_a_limit_that_is_no_number_refuses_to_open(self) -> None:
        with pytest.raises(LimitError, match="set_row_current"):
            opened(limits=Limits(set_row_current=float("nan")))


def test_a_passport_counts_each_cell_of_a_row_in_groups_once(tmp_path: Path) -> None:
    passport = Passport(tmp_path / "chip.passport", SHAPE, chip="chip", board="board")
    array, _ = opened(passport=passport)
    with array:
        array.program(2.5, reset=EVERY)
        np.testing.assert_array_equal(passport.ledger.totals.fired, np.ones((2, *SHAPE)))


def test_a_reset_that_draws_more_at_another_operating_point_has_more_groups() -> None:
    array, _ = opened(point=OperatingPoint(reset_voltage=2.5))
    assert len(array.pulse_batch(0.0, reset=EVERY, set=NONE)) == 256
