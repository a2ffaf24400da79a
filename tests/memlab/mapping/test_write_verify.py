"""Write-and-verify against what the physics of the emulated chips lets one expect."""

from dataclasses import replace
from math import erf, log, sqrt

import numpy as np
import pytest

from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.two_pulses import TwoPulses
from memlab.array.urls import open_array
from memlab.emulator import EmulatedBoard
from memlab.errors import LimitError
from memlab.experiments.config import WriteVerifyConfig
from memlab.mapping import Round, SwitchingLaw, WriteVerify, measure_switching_law, write_verify
from memlab.mapping.write_verify import WriteVerifyResult, check_target, summarise
from memlab.numeric import BoolArray, FloatArray

TA = SwitchingLaw(98e-6, 120e-6)
PT = SwitchingLaw(200e-6 / 1.1, 0.0)
TOLERANCE = 5e-6


def random_target(array: Array, low: float, high: float) -> FloatArray:
    return np.random.default_rng(8).uniform(low, high, array.shape)


def responsive(array: Array) -> BoolArray:
    """The hidden truth of an emulated chip: which cells pulses can change."""
    assert isinstance(array, BoardArray)
    assert isinstance(array.board, EmulatedBoard)
    return array.board.chip.responsive


def acceptance(tolerance: float, noise: float) -> float:
    """Probability that a normal deviate lies within the tolerance."""
    return erf(tolerance / (noise * sqrt(2.0)))


@pytest.mark.parametrize(
    ("chip", "law", "noise", "high"),
    [("ta-hfo2", TA, 4e-6, 350e-6), ("pt-taox-ta&non_responsive=0", PT, 10e-6, 440e-6)],
)
def test_attempts_are_as_many_as_the_noise_of_the_pulses_makes_necessary(
    chip: str, law: SwitchingLaw, noise: float, high: float
) -> None:
    settings = WriteVerify(TOLERANCE, correction=0.0, attempts=200, rounds=200)
    with open_array(f"emulator:?chip={chip}&seed=2") as array:
        result = write_verify(array, random_target(array, 180e-6, high), law, settings)
    p, n = acceptance(TOLERANCE, noise), result.target.size
    # Without correction every attempt succeeds with probability p, whatever was before: the
    # number of SETs is geometric, with mean 1/p and variance (1 - p) / p^2.
    assert result.done.all()
    assert result.set.mean() == pytest.approx(1 / p, abs=4 * sqrt((1 - p) / n) / p)
    first = result.history[1].done / n
    assert first == pytest.approx(p, abs=4 * sqrt(p * (1 - p) / n))
    # The largest of n geometric numbers is at most k with probability (1 - (1-p)^k)^n; these
    # two k leave 1e-4 below and above.
    low, high = (log(-log(x) / n) / log(1 - p) for x in (1e-4, 1 - 1e-4))
    assert low - 1 <= result.rounds <= high + 1
    assert result.rounds == result.set.max()


def test_every_cell_is_within_tolerance_and_the_counts_are_those_of_the_array() -> None:
    with open_array("emulator:?chip=ta-hfo2&seed=2") as array:
        result = write_verify(array, random_target(array, 180e-6, 350e-6), TA)
        assert array.counts.set == result.set.sum()
        assert array.counts.reset == result.reset.sum()
    assert np.abs(result.error).max() <= TOLERANCE
    last = result.history[-1]
    assert (last.done, last.failed, last.set, last.reset) == (128 * 64, 0, 0, 0)
    assert sum(step.set for step in result.history) == result.set.sum()
    assert sum(step.reset for step in result.history) == result.reset.sum()


def test_stuck_cells_and_only_those_fail() -> None:
    url = "emulator:?chip=ta-hfo2&seed=4&defects.stuck_on=0.05&defects.stuck_off=0.06"
    # A cell that responds fails with probability 0.21^16 = 1.6e-11.
    settings = WriteVerify(TOLERANCE, correction=0.0, attempts=16)
    with open_array(url) as array:
        result = write_verify(array, random_target(array, 180e-6, 350e-6), TA, settings)
        stuck = ~responsive(array)
    assert 700 < stuck.sum() < 1100
    np.testing.assert_array_equal(result.failed, stuck)
    np.testing.assert_array_equal(result.done, ~stuck)
    assert (result.set[stuck] == 16).all(), "given up after so many attempts"


def test_cells_with_a_law_of_their_own_are_corrected() -> None:
    # A spread of 20 uS without noise of the pulses: the law alone misses nearly every cell.
    url = "emulator:?chip=ideal&seed=3&spread.set_offset=20e-6"
    target = np.full((128, 64), 250e-6)
    with open_array(url) as array:
        blind = write_verify(array, target, TA, WriteVerify(TOLERANCE, correction=0.0, attempts=4))
    with open_array(url) as array:
        corrected = write_verify(array, target, TA, WriteVerify(TOLERANCE, correction=1.0))
    # P(|N(0, 20)| < 5 uS) = 19.7 %.
    assert blind.done.mean() == pytest.approx(acceptance(TOLERANCE, 20e-6), abs=0.018)
    # The first SET shows each cell's offset, the second makes up for it.
    assert corrected.done.all()
    assert corrected.rounds == 2


def test_a_cell_that_is_too_high_is_reset_first_and_one_that_is_too_low_is_not() -> None:
    array = IdealArray(3, 2)
    array.write([[300e-6, 200e-6], [248e-6, 0.0], [300e-6, 200e-6]])
    only = np.array([[True, True], [True, True], [False, False]])
    result = write_verify(array, 250e-6, TA, cells=only)
    np.testing.assert_array_equal(result.reset, [[1, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(result.set, [[1, 1], [0, 1], [0, 0]])
    np.testing.assert_allclose(
        array.read_conductance(), [[250e-6, 250e-6], [248e-6, 250e-6], [300e-6, 200e-6]]
    )
    assert result.done[:2].all()
    assert not (result.done | result.failed)[2].any(), "left alone"
    assert np.isnan(result.error[2]).all()
    assert result.cells == 4


def test_nan_leaves_a_cell_alone() -> None:
    target = np.full((128, 64), np.nan)
    target[3, 5] = 200e-6
    with open_array("emulator:?chip=ta-hfo2&seed=1") as array:
        before = array.read_conductance()
        result = write_verify(array, target, TA)
        after = array.read_conductance()
    np.testing.assert_array_equal(before != after, ~np.isnan(target))
    assert result.cells == 1
    assert result.done.sum() == 1


def test_a_done_cell_is_touched_again_only_beyond_the_wider_band() -> None:
    array = IdealArray(1, 3)
    # The third cell keeps the rounds going: a correction of a tenth closes in slowly.
    law = SwitchingLaw(98e-6, 150e-6)
    settings = WriteVerify(TOLERANCE, release=2.0, correction=0.1)
    disturbed = []

    def disturb(step: Round, conductance: FloatArray) -> None:
        cells = array.read_conductance()
        if len(disturbed) == 1:  # as if drift had moved the first two, by 1.8 and 2.2 tolerances
            array.write([[250e-6 + 9e-6, 250e-6 + 11e-6, cells[0, 2]]])
        disturbed.append(step)

    array.write([[250e-6, 250e-6, 0.0]])
    result = write_verify(array, 250e-6, law, settings, observer=disturb)
    assert result.rounds > 4
    assert result.reset[0, 0] == result.set[0, 0] == 0
    assert result.reset[0, 1] > 0
    assert result.done.all()
    assert abs(result.error[0, 0]) == pytest.approx(9e-6)


def test_the_relative_tolerance_counts_where_it_is_wider() -> None:
    array = IdealArray(1, 2)
    array.write([[206e-6, 309e-6]])
    settings = WriteVerify(tolerance=5e-6, relative_tolerance=0.031)
    result = write_verify(array, [[200e-6, 300e-6]], TA, settings)
    assert result.rounds == 0, "6.2 and 9.3 uS"
    beyond = IdealArray(1, 2)
    beyond.write([[206.5e-6, 309e-6]])
    assert write_verify(beyond, [[200e-6, 300e-6]], TA, settings).set.tolist() == [[1, 0]]
    absolute = write_verify(array, [[200e-6, 300e-6]], TA, WriteVerify(tolerance=5e-6))
    assert (absolute.set == 1).all()


def test_a_target_at_the_reset_level_gets_a_reset_and_no_set() -> None:
    with open_array("emulator:?chip=ta-hfo2&seed=1") as array:
        array.program(1.0)
        result = write_verify(array, 0.0, TA, WriteVerify(TOLERANCE))
    assert result.done.all()
    assert result.set.sum() == 0
    # A negative conductance is cut at zero, so that only the upper half of the noise can miss.
    p = 1 - (1 - acceptance(TOLERANCE, 4e-6)) / 2
    assert result.reset.mean() == pytest.approx(1 / p, abs=4 * sqrt((1 - p) / 8192) / p)


def test_a_target_above_the_tolerance_is_left_to_a_reset_where_no_set_goes_so_low() -> None:
    law = SwitchingLaw(98e-6, 120e-6, 20e-6)
    url = "emulator:?chip=ideal&shape=3x2&reset_conductance=20e-6"
    with open_array(url) as array:
        array.program(1.0)
        result = write_verify(array, 20e-6, law, WriteVerify(TOLERANCE))
    assert result.done.all()
    np.testing.assert_array_equal(result.reset, np.ones((3, 2)))
    np.testing.assert_array_equal(result.set, np.zeros((3, 2)))


class StuckArray(IdealArray):
    """An ideal array some of whose cells keep what they have."""

    def __init__(self, conductance: FloatArray, stuck: BoolArray):
        super().__init__(*conductance.shape)
        self.write(conductance)
        self._alive = ~stuck

    def _program(self, asked: TwoPulses) -> None:
        alive = self._alive
        super()._program(replace(asked, reset=asked.reset & alive, set=asked.set & alive))


def test_a_batch_is_one_attempt_whether_it_resets_a_cell_or_sets_it_or_both() -> None:
    before = 1e-6 * np.array([[300.0, 300.0, 0.0], [200.0, 300.0, 77.0]])
    target = 1e-6 * np.array([[0.0, 250.0, 250.0], [0.0, 250.0, np.nan]])
    array = StuckArray(before, np.array([[True, True, True], [False, False, False]]))
    result = write_verify(array, target, TA, WriteVerify(TOLERANCE, attempts=3, rounds=10))
    # Only RESET, RESET and SET, only SET: three times each where nothing comes of it.
    np.testing.assert_array_equal(result.reset, [[3, 3, 0], [1, 1, 0]])
    np.testing.assert_array_equal(result.set, [[0, 3, 3], [0, 1, 0]])
    np.testing.assert_array_equal(result.failed, [[True, True, True], [False, False, False]])
    np.testing.assert_array_equal(result.done, [[False, False, False], [True, True, False]])
    first, second, third, last = result.history
    # Off by 300, 50, 250, 200 and 50 uS, then by 300, 50, 250 and nothing.
    assert (first.done, first.failed, first.set, first.reset) == (0, 0, 3, 4)
    assert first.median_error == pytest.approx(200e-6)
    assert (second.done, second.failed, second.set, second.reset) == (2, 0, 2, 2)
    assert second.median_error == pytest.approx(50e-6)
    assert (third.done, third.failed, third.set, third.reset) == (2, 0, 2, 2)
    assert (last.done, last.failed, last.set, last.reset) == (2, 3, 0, 0)

    numbers = summarise([result])
    counts = {name: numbers[name] for name in ("cells", "done", "failed", "rounds")}
    assert counts == {"cells": 5, "done": 2, "failed": 3, "rounds": 3}
    assert numbers["within_tolerance"] == 2
    assert numbers["set_per_cell"] == pytest.approx(7 / 5)
    assert numbers["reset_per_cell"] == pytest.approx(8 / 5)
    # sqrt((300^2 + 50^2 + 250^2) / 5) = 176.07 uS.
    assert numbers["rms_error"]["value"] == pytest.approx(176.07e-6, rel=1e-4)
    assert numbers["rms_error"]["n"] == 5
    assert numbers["rms_error_done"]["value"] == pytest.approx(0.0, abs=1e-12)
    assert numbers["rms_error_done"]["n"] == 2


def test_numbers_of_one_cell_and_of_none() -> None:
    target = np.array([[np.nan, 250e-6]])
    array = IdealArray(1, 2)
    array.write([[300e-6, 300e-6]])
    one = write_verify(array, target, TA)
    numbers = summarise([one])
    assert (numbers["cells"], numbers["set_per_cell"], numbers["reset_per_cell"]) == (1, 1.0, 1.0)
    none = summarise([write_verify(array, target * np.nan, TA)])
    assert (none["cells"], none["set_per_cell"], none["reset_per_cell"]) == (0, 0.0, 0.0)
    assert none["rms_error"]["value"] is None


def test_numbers_of_several_arrays_are_those_of_all_their_cells() -> None:
    array = StuckArray(np.full((2, 3), 300e-6), np.arange(6).reshape(2, 3) % 3 == 0)
    settings = WriteVerify(TOLERANCE, attempts=2)
    one = write_verify(array, 250e-6, TA, settings)
    other = write_verify(IdealArray(5, 1), 200e-6, TA, settings)
    numbers = summarise([one, other])
    assert (numbers["cells"], numbers["done"], numbers["failed"]) == (11, 9, 2)
    assert numbers["rounds"] == 2
    assert numbers["set_per_cell"] == pytest.approx((2 * 2 + 4 + 5) / 11)
    assert numbers["reset_per_cell"] == pytest.approx((2 * 2 + 4) / 11)
    assert numbers["rms_error"]["value"] == pytest.approx(50e-6 * sqrt(2 / 11))


class ShiftedArray(IdealArray):
    """An ideal array whose cells each end a SET beside the law, by so much (S)."""

    def __init__(self, shift: FloatArray):
        super().__init__(*shift.shape)
        self._shift = shift
        self.gates: list[FloatArray] = []

    def _program(self, asked: TwoPulses) -> None:
        self.gates.append(asked.gate_voltage[asked.set])
        shifted = asked.gate_voltage + self._shift / 98e-6
        super()._program(replace(asked, gate_voltage=shifted))


def test_a_cell_learns_half_of_what_is_left_of_its_own_shift_with_each_set() -> None:
    array = ShiftedArray(1e-6 * np.array([[20.0, -20.0, 7.0], [0.0, 12.0, -3.0]]))
    result = write_verify(array, 250e-6, TA, WriteVerify(1e-6, correction=0.5))
    # Off by 20, 10, 5, 2.5, 1.25 and 0.625 uS, and so on: the first that is within 1 uS is the
    # last. Those that are too high are RESET before each SET but the first.
    np.testing.assert_array_equal(result.set, [[6, 6, 4], [1, 5, 3]])
    np.testing.assert_array_equal(result.reset, [[5, 0, 3], [0, 4, 0]])
    np.testing.assert_allclose(
        result.error, 1e-6 * np.array([[0.625, -0.625, 0.875], [0.0, 0.75, -0.75]]), atol=1e-12
    )
    medians = [step.median_error for step in result.history]
    # Of 20, 20, 7, 0, 12 and 3, and then each half until it is done.
    expected = 1e-6 * np.array([250.0, (7.0 + 12.0) / 2, (3.5 + 6.0) / 2, (1.75 + 3.0) / 2])
    np.testing.assert_allclose(medians[:4], expected, rtol=1e-6)


def test_a_correction_does_not_lead_out_of_the_range_of_the_gates() -> None:
    array = ShiftedArray(1e-6 * np.array([[-60.0, 60.0]]))
    # 2.5 V give 365 uS, 0.8 V 198.4 uS by the law.
    settings = WriteVerify(TOLERANCE, correction=1.0, attempts=4, gate_minimum=0.8)
    result = write_verify(array, [[360e-6, 200e-6]], TA, settings)
    np.testing.assert_array_equal(result.failed, [[True, True]])
    asked = np.array(array.gates)
    np.testing.assert_allclose(asked[0], [(360 - 120) / 98, (200 - 120) / 98], rtol=1e-9)
    np.testing.assert_allclose(asked[1:], [[2.5, 0.8]] * 3, rtol=1e-9)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [(369.9e-6, 370.1e-6), (164.1e-6, 163.9e-6), (-1.9e-6, -2.1e-6), (7.9e-6, 8.1e-6)],
)
def test_what_can_be_reached_ends_a_tolerance_beyond_the_law(inside: float, outside: float) -> None:
    # SETs end at 169 to 365 uS, a RESET at 3 uS, the tolerance is 5 uS.
    law = SwitchingLaw(98e-6, 120e-6, 3e-6)
    target = np.array([[250e-6, np.nan, inside]])
    check_target(IdealArray(1, 3), target, law, WriteVerify(TOLERANCE))
    target[0, 2] = outside
    with pytest.raises(LimitError, match=r"^1 of the targets cannot be reached.*at \[0, 2\]"):
        check_target(IdealArray(1, 3), target, law, WriteVerify(TOLERANCE))


# All of these, sums and differences too, are exact: SETs end at 1.5 to 3.5 of 2^-13 S.
EXACT = SwitchingLaw(2.0**-13, 2.0**-13, 2.0**-14)
WIDTH = 2.0**-16


@pytest.mark.parametrize(
    ("edge", "beyond"),
    [
        (1.5 * 2.0**-13 - WIDTH, 0.0),
        (3.5 * 2.0**-13 + WIDTH, 1.0),
        (2.0**-14 - WIDTH, 0.0),
        (2.0**-14 + WIDTH, 1.0),
    ],
)
def test_a_target_at_the_very_edge_of_a_tolerance_can_be_reached(
    edge: float, beyond: float
) -> None:
    check_target(IdealArray(1, 1), np.array([[edge]]), EXACT, WriteVerify(WIDTH))
    outside = np.array([[np.nextafter(edge, beyond)]])
    with pytest.raises(LimitError, match="cannot be reached"):
        check_target(IdealArray(1, 1), outside, EXACT, WriteVerify(WIDTH))


def test_a_target_at_the_very_edge_of_the_lowest_set_is_set() -> None:
    target = np.array([[1.5 * 2.0**-13 - WIDTH]])
    result = write_verify(IdealArray(1, 1), target, EXACT, WriteVerify(WIDTH, attempts=1))
    assert result.set.item() == 1


def test_a_reading_at_the_very_edge_of_its_tolerance_is_within() -> None:
    target = 2.0**-12
    array = IdealArray(1, 3)
    array.write([[target - WIDTH, target + WIDTH, np.nextafter(target + WIDTH, 1.0)]])
    read: list[FloatArray] = []
    result = write_verify(
        array, target, EXACT, WriteVerify(WIDTH), observer=lambda _, found: read.append(found)
    )
    assert (np.abs(read[0] - target) <= WIDTH).tolist() == [[True, True, False]]
    assert (result.set + result.reset > 0).tolist() == [[False, False, True]]
    assert result.within.all()


def test_a_target_below_the_lowest_set_by_less_than_the_tolerance_is_set() -> None:
    array = IdealArray(1, 3)
    # 0.5 V on the gate give 169 uS.
    result = write_verify(array, [[166e-6, 165e-6, 200e-6]], TA, WriteVerify(TOLERANCE))
    np.testing.assert_array_equal(result.set, [[1, 1, 1]])
    np.testing.assert_allclose(result.error, [[3e-6, 4e-6, 0.0]], atol=1e-12)
    assert result.done.all()


def test_one_round_of_one_attempt_is_enough_to_ask_for() -> None:
    array = StuckArray(np.full((1, 2), 300e-6), np.array([[False, True]]))
    settings = WriteVerify(TOLERANCE, attempts=1, rounds=1)
    result = write_verify(array, [[250e-6, 250e-6]], TA, settings)
    assert result.rounds == 1
    np.testing.assert_array_equal(result.failed, [[False, True]])


def test_a_result_comes_back_from_its_plain_state() -> None:
    array = StuckArray(np.full((2, 3), 300e-6), np.arange(6).reshape(2, 3) % 3 == 0)
    target = 1e-6 * np.array([[250.0, 250.0, np.nan], [200.0, 300.0, 240.0]])
    result = write_verify(array, target, TA, WriteVerify(TOLERANCE, attempts=2))
    state = result.state()
    assert all(isinstance(one, dict) for one in state["history"])
    again = WriteVerifyResult.of_state(state)
    assert again.history == result.history
    assert again.rounds == result.rounds == 2
    for name in ("target", "conductance", "set", "reset", "band", "done", "failed"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
    np.testing.assert_array_equal(again.target, target)


@pytest.mark.parametrize("target", [400e-6, 100e-6, -1e-6 - TOLERANCE, np.inf, 1.0])
def test_a_target_out_of_reach_is_refused_before_anything_is_pulsed(target: float) -> None:
    wanted = np.full((128, 64), 250e-6)
    wanted[7, 9] = target
    with open_array("emulator:?chip=ta-hfo2") as array:
        with pytest.raises(LimitError, match=r"\[7, 9\].*Nothing was programmed"):
            write_verify(array, wanted, TA)
        assert (array.counts.set, array.counts.reset) == (0, 0)


def test_a_gate_voltage_beyond_the_limit_is_refused_before_anything_is_pulsed() -> None:
    with open_array("emulator:?chip=ta-hfo2") as array:
        with pytest.raises(LimitError, match=r"limits\.set_gate_voltage"):
            write_verify(array, 200e-6, TA, WriteVerify(gate_maximum=2.6))
        assert (array.counts.set, array.counts.reset) == (0, 0)


def test_the_rounds_end_at_their_limit_and_what_is_missing_has_failed() -> None:
    settings = WriteVerify(tolerance=0.5e-6, correction=0.0, attempts=50, rounds=3)
    with open_array("emulator:?chip=ta-hfo2&seed=1") as array:
        result = write_verify(array, 250e-6, TA, settings)
    assert result.rounds == 3
    assert result.set.max() == 3
    np.testing.assert_array_equal(result.failed, ~result.done)
    p = 1 - (1 - acceptance(0.5e-6, 4e-6)) ** 3
    assert result.done.mean() == pytest.approx(p, abs=4 * sqrt(p * (1 - p) / 8192) + 0.005)


def test_a_view_programs_its_own_cells_and_no_others() -> None:
    with open_array("emulator:?chip=ta-hfo2&seed=1") as array:
        before = array.read_conductance()
        view = array[[9, 2, 40], 10:15]
        target = random_target(view, 180e-6, 350e-6)
        result = write_verify(view, target, TA)
        after = array.read_conductance()
    assert result.done.all()
    inside = np.zeros(before.shape, bool)
    inside[np.ix_([9, 2, 40], np.arange(10, 15))] = True
    np.testing.assert_array_equal(before != after, inside)
    np.testing.assert_allclose(after[[9, 2, 40], 10:15], target, atol=TOLERANCE)


def test_a_chip_on_which_everything_is_bad_ends_in_bounded_time_and_says_what_failed() -> None:
    settings = WriteVerify(tolerance=15e-6, attempts=12, rounds=30)
    with open_array("emulator:?chip=worst-case&seed=1") as array:
        part = array[:16, :12]
        law = measure_switching_law(part, 0.5, 2.5)
        target = random_target(part, float(law.conductance(0.8)), float(law.conductance(1.8)))
        result = write_verify(part, target, law, settings)
        stuck = ~responsive(array)[:16, :12]
    assert result.rounds <= 30
    assert (result.set <= 12).all()
    np.testing.assert_array_equal(result.failed, ~result.done)
    # A stuck cell can lie within the tolerance of its target only by chance.
    assert result.failed[stuck].mean() > 0.9
    assert result.done[~stuck].mean() > 0.9
    assert np.abs(result.error[result.done]).max() <= settings.release * 15e-6


def test_boards_with_steps_get_gate_voltages_on_the_steps() -> None:
    seen: list[FloatArray] = []

    class Stepped(IdealArray):
        gate_voltage_step = 0.01

        def _program(self, asked: TwoPulses) -> None:
            seen.append(asked.gate_voltage[asked.set])
            super()._program(asked)

    array = Stepped(20, 3)
    result = write_verify(array, random_target(array, 180e-6, 350e-6), TA)
    assert result.done.all()
    steps = np.concatenate(seen) / 0.01
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)


def test_settings_of_an_experiment_are_those_of_a_script() -> None:
    assert WriteVerifyConfig().make_settings() == WriteVerify()
    # README: a cell is left alone while it stays within twice its tolerance.
    assert WriteVerify().release == 2.0


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"tolerance": -1e-6}, "at least 0"),
        ({"tolerance": 0.0}, "above 0"),
        ({"release": 0.5}, "release"),
        ({"attempts": 0}, "one attempt"),
        ({"rounds": 0}, "one round"),
        ({"correction": 1.5}, "0..1"),
        ({"correction": -0.5}, "0..1"),
        ({"relative_tolerance": -0.1}, "at least 0"),
        ({"gate_minimum": -0.1}, "gate_minimum"),
        ({"gate_minimum": 2.5}, "gate_minimum"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        WriteVerify(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "edge",
    [
        {"release": 1.0},
        {"attempts": 1, "rounds": 1},
        {"correction": 0.0},
        {"correction": 1.0},
        {"gate_minimum": 0.0},
        {"gate_minimum": 0.0, "gate_maximum": 1e-3},
        {"tolerance": 0.0, "relative_tolerance": 1e-3},
        {"relative_tolerance": 0.0},
    ],
)
def test_settings_at_the_ends_of_their_ranges_are_taken(edge: dict[str, float]) -> None:
    settings = WriteVerify(**edge)  # type: ignore[arg-type]
    assert {name: getattr(settings, name) for name in edge} == edge
