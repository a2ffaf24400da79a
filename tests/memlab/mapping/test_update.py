"""The one-shot two-pulse rule of Li 2019 and Wang 2019, cell by cell.

R_vg is 1e4 V/S here, so that 10 uS ask for 0.1 V.
"""

import math

import numpy as np
import numpy.typing as npt
import pytest

from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.two_pulses import TwoPulses
from memlab.emulator import EmulatedBoard, load_preset
from memlab.errors import LimitError
from memlab.mapping import DirectUpdate, OneShotUpdate
from memlab.numeric import BoolArray, FloatArray


class RecordingArray(IdealArray):
    """An ideal array that remembers what it was told to pulse."""

    def __init__(self, rows: int, columns: int):
        super().__init__(rows, columns)
        self.pulses: list[tuple[FloatArray, BoolArray, BoolArray]] = []

    def _program(self, asked: TwoPulses) -> None:
        self.pulses.append((asked.gate_voltage.copy(), asked.reset.copy(), asked.set.copy()))
        super()._program(asked)


def started(*, set_all: bool = True) -> tuple[OneShotUpdate, RecordingArray]:
    """Return an initialised rule on a 1 x 3 array, 1.0 V within 0.7..1.6 V."""
    rule = OneShotUpdate(1e4, initial=1.0, minimum=0.7, maximum=1.6, set_all=set_all)
    array = RecordingArray(1, 3)
    rule.initialise(array)
    return rule, array


def test_the_start_is_a_reset_and_a_set_of_every_cell_at_the_initial_gate_voltage() -> None:
    rule = OneShotUpdate(1e4, initial=1.0, minimum=0.7, maximum=1.6)
    array = RecordingArray(2, 3)
    array.write(np.full((2, 3), 900e-6))
    programmed = rule.initialise(array)
    np.testing.assert_array_equal(programmed.gate_voltage, np.ones((2, 3)))
    assert programmed.reset.all()
    assert len(array.pulses) == 1
    _, reset, set_ = array.pulses[0]
    assert reset.all()
    assert set_.all()
    # 98e-6 * 1 V + 120e-6; without the RESET a cell would have stayed at 900 uS.
    np.testing.assert_allclose(array.read_conductance(), np.full((2, 3), 218e-6), rtol=1e-14)


def test_the_first_change_starts_from_the_initial_gate_voltage() -> None:
    rule, array = started()
    programmed = rule.change(array, np.array([[20e-6, 0.0, -20e-6]]))
    np.testing.assert_allclose(programmed.gate_voltage, [[1.2, 1.0, 0.8]], rtol=1e-14)
    np.testing.assert_array_equal(programmed.reset, [[False, False, True]])


def test_changes_accumulate_in_the_gate_voltage() -> None:
    rule, array = started()
    for _ in range(3):
        programmed = rule.change(array, np.array([[10e-6, 0.0, -5e-6]]))
    np.testing.assert_allclose(programmed.gate_voltage, [[1.3, 1.0, 0.85]], rtol=1e-14)


def test_the_clamped_gate_voltage_is_the_one_remembered() -> None:
    rule, array = started()
    first = rule.change(array, np.array([[200e-6, 0.0, -200e-6]]))
    np.testing.assert_allclose(first.gate_voltage, [[1.6, 1.0, 0.7]], rtol=1e-14)
    second = rule.change(array, np.array([[-10e-6, 0.0, 10e-6]]))
    np.testing.assert_allclose(second.gate_voltage, [[1.5, 1.0, 0.8]], rtol=1e-14)


@pytest.mark.parametrize("set_all", [True, False])
def test_cells_are_reset_where_the_requested_change_is_negative_even_at_the_clamp(
    set_all: bool,
) -> None:
    rule, array = started(set_all=set_all)
    rule.change(array, np.array([[200e-6, 0.0, -200e-6]]))
    programmed = rule.change(array, np.array([[10e-6, 0.0, -10e-6]]))
    np.testing.assert_allclose(programmed.gate_voltage, [[1.6, 1.0, 0.7]], rtol=1e-14)
    np.testing.assert_array_equal(programmed.reset, [[False, False, True]])
    np.testing.assert_array_equal(array.pulses[-1][1], [[False, False, True]])


def test_every_cell_is_set_at_each_update_where_set_all_is_on() -> None:
    rule, array = started(set_all=True)
    rule.change(array, np.array([[10e-6, 0.0, -10e-6]]))
    np.testing.assert_array_equal(array.pulses[-1][2], [[True, True, True]])


def test_only_cells_that_are_to_change_are_set_where_set_all_is_off() -> None:
    rule, array = started(set_all=False)
    rule.change(array, np.array([[10e-6, 0.0, -10e-6]]))
    np.testing.assert_array_equal(array.pulses[-1][2], [[True, False, True]])


@pytest.mark.parametrize("set_all", [True, False])
def test_a_cell_that_is_reset_is_always_set_again(set_all: bool) -> None:
    rule, array = started(set_all=set_all)
    for _ in range(3):  # the last cell is at its lower clamp from the first update on
        rule.change(array, np.array([[10e-6, 0.0, -200e-6]]))
    # 98e-6 * 0.7 V + 120e-6; a cell left after its RESET would be at zero.
    assert array.read_conductance()[0, 2] == pytest.approx(188.6e-6, rel=1e-12)


def test_the_arrays_of_the_caller_are_not_modified() -> None:
    rule, array = started()
    change = np.array([[200e-6, 0.0, -200e-6]])
    before = change.copy()
    first = rule.change(array, change)
    gate, reset = first.gate_voltage.copy(), first.reset.copy()
    rule.change(array, -change)
    np.testing.assert_array_equal(change, before)
    np.testing.assert_array_equal(first.gate_voltage, gate)
    np.testing.assert_array_equal(first.reset, reset)


def test_a_change_before_the_start_is_refused() -> None:
    rule = OneShotUpdate(1e4, initial=1.0, minimum=0.7, maximum=1.6)
    array = RecordingArray(1, 3)
    with pytest.raises(RuntimeError, match="initialise"):
        rule.change(array, np.zeros((1, 3)))
    assert array.pulses == []


@pytest.mark.parametrize("initial", [0.69, 1.61])
def test_a_start_outside_the_clamps_is_refused(initial: float) -> None:
    with pytest.raises(ValueError, match="must lie within"):
        OneShotUpdate(1e4, initial=initial, minimum=0.7, maximum=1.6)


def test_direct_writing_makes_half_of_the_change_in_each_cell_and_modifies_nothing() -> None:
    start = np.array([[200e-6, 210e-6], [220e-6, 230e-6]])
    change = np.array([[10e-6, 0.0], [-10e-6, 4e-6]])
    given: list[npt.NDArray[np.float64]] = [start.copy(), change.copy()]
    rule, array = DirectUpdate(start), IdealArray(2, 2)
    rule.initialise(array)
    np.testing.assert_array_equal(array.read_conductance(), start)
    for _ in range(2):
        rule.change(array, change)
    np.testing.assert_allclose(
        array.read_conductance(), [[210e-6, 210e-6], [210e-6, 234e-6]], rtol=1e-14
    )
    np.testing.assert_array_equal(start, given[0])
    np.testing.assert_array_equal(change, given[1])


def test_a_cell_waits_until_its_gate_voltage_has_moved_by_the_threshold() -> None:
    rule = OneShotUpdate(1e4, 1.0, 0.7, 1.6, set_all=False, threshold=0.1)
    array = RecordingArray(1, 3)
    rule.initialise(array)
    # Per step +0.04, -0.06 and +0.25 V: the third is due at once, the second at the second step
    # (-0.12 V, so it is RESET first), the first at the third.
    for _ in range(3):
        programmed = rule.change(array, np.array([[4e-6, -6e-6, 25e-6]]))
    _, *steps = array.pulses
    np.testing.assert_array_equal(
        [reset[0] for _, reset, _ in steps],
        [[False, False, False], [False, True, False], [False, False, False]],
    )
    np.testing.assert_array_equal(
        [set_[0] for _, _, set_ in steps],
        [[False, False, True], [False, True, True], [True, False, True]],
    )
    # The first after three steps; the second as it was pulsed; the third is clamped at 1.6 V.
    np.testing.assert_allclose(programmed.gate_voltage, [[1.12, 0.88, 1.6]], rtol=1e-12)
    assert rule.gate_voltage is not None
    np.testing.assert_allclose(rule.gate_voltage, [[1.12, 0.82, 1.6]], rtol=1e-12)


def test_random_first_gate_voltages_come_from_the_generator_and_stay_in_range() -> None:
    def start(seed: int) -> FloatArray:
        rng = np.random.default_rng(seed)
        rule = OneShotUpdate(1e4, 1.0, 0.9, 1.6, spread=0.2, rng=rng)
        return rule.initialise(IdealArray(40, 30)).gate_voltage

    np.testing.assert_array_equal(start(1), start(1))
    assert (start(1) != start(2)).any()
    assert start(1).min() == 0.9, "clamped"
    assert start(1).max() == pytest.approx(1.2, abs=0.01)


def test_first_gate_voltages_without_spread_draw_nothing() -> None:
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    rule = OneShotUpdate(1e4, 1.1, 0.9, 1.6, rng=rng)
    np.testing.assert_array_equal(
        rule.initialise(IdealArray(2, 3)).gate_voltage, np.full((2, 3), 1.1)
    )
    assert rng.bit_generator.state == before


def test_a_rule_goes_on_from_a_state_as_the_first_did() -> None:
    def made() -> tuple[OneShotUpdate, RecordingArray]:
        rng = np.random.default_rng(1)
        settings = {"threshold": 0.1, "spread": 0.2, "set_all": False}
        return OneShotUpdate(1e4, 1.1, 0.7, 1.6, rng=rng, **settings), RecordingArray(2, 3)  # type: ignore[arg-type]

    change = 1e-6 * np.array([[7.0, -7.0, 13.0], [0.0, -13.0, 5.0]])
    (first, array), (second, other) = made(), made()
    first.initialise(array)
    first.change(array, change)
    second.restore(first.state())
    for rule, on in ((first, array), (second, other)):
        on.pulses.clear()
        rule.change(on, change)
        rule.initialise(on)
    assert len(array.pulses) == len(other.pulses) == 2
    for here, there in zip(array.pulses, other.pulses, strict=True):
        for one, same in zip(here, there, strict=True):
            np.testing.assert_array_equal(one, same)


def test_a_state_of_given_gate_voltages_starts_from_them() -> None:
    first, second = (OneShotUpdate(1e4, 1.1, 0.7, 1.6) for _ in range(2))
    first.start = np.array([[0.8, 1.7, 0.1]])
    second.restore(first.state())
    for rule in (first, second):
        gate = rule.initialise(RecordingArray(1, 3)).gate_voltage
        np.testing.assert_array_equal(gate, [[0.8, 1.6, 0.7]])


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="set_all"):
        OneShotUpdate(1e4, 1.0, 0.7, 1.6, threshold=0.1)
    with pytest.raises(ValueError, match="generator"):
        OneShotUpdate(1e4, 1.0, 0.7, 1.6, spread=0.1)


def test_a_due_cell_is_pulsed_on_a_step_of_the_board_and_remembers_the_exact_voltage() -> None:
    rule = OneShotUpdate(1e4, 1.0, 0.7, 1.6, set_all=False, threshold=0.1)
    array = RecordingArray(1, 3)
    array.gate_voltage_step = 0.02
    rule.initialise(array)
    programmed = rule.change(array, np.array([[13.3e-6, -14.7e-6, 0.0]]))
    np.testing.assert_allclose(array.pulses[-1][0], [[1.14, 0.86, 1.0]], rtol=1e-12)
    np.testing.assert_allclose(programmed.gate_voltage, [[1.14, 0.86, 1.0]], rtol=1e-12)
    assert rule.gate_voltage is not None
    np.testing.assert_allclose(rule.gate_voltage, [[1.133, 0.853, 1.0]], rtol=1e-12)


def test_direct_writing_starts_from_the_same_or_from_other_conductances_when_it_begins_anew() -> (
    None
):
    array, start = IdealArray(1, 1), np.array([[200e-6]])
    for anew, expected in (
        (None, [200e-6] * 3),
        (lambda k: start + k * 1e-5, [2e-4, 2.1e-4, 2.2e-4]),
    ):
        rule = DirectUpdate(start, anew)
        found = []
        for _ in range(3):
            rule.initialise(array)
            found.append(float(array.read_conductance()[0, 0]))
            rule.change(array, np.array([[50e-6]]))
        assert found == pytest.approx(expected, rel=1e-14)


def test_direct_writing_that_goes_on_begins_anew_as_the_first_did() -> None:
    array, start = IdealArray(1, 1), np.array([[200e-6]])

    asked: list[int] = []

    def anew(k: int) -> FloatArray:
        asked.append(k)
        return start + k * 1e-5

    # The second rule is given conductances of its own in the second case, and must forget `anew`.
    for of_first, expected in ((anew, 2.2e-4), (None, 2e-4)):
        first, second = DirectUpdate(start, of_first), DirectUpdate(start + 1e-4, anew)
        for _ in range(2):
            first.initialise(array)
        first.change(array, np.array([[50e-6]]))
        second.restore(first.state())
        second.change(array, np.array([[50e-6]]))
        began = expected - 1e-5 if of_first else 2e-4
        assert array.read_conductance().item() == pytest.approx(began + 50e-6, rel=1e-12)
        second.initialise(array)
        assert array.read_conductance().item() == pytest.approx(expected, rel=1e-12)
    assert asked == [1, 2], "what it starts from is given"


@pytest.mark.parametrize("maximum", [2.5001, 2.7, math.inf])
def test_a_highest_voltage_that_the_chip_may_not_see_is_refused_before_the_first_pulse(
    maximum: float,
) -> None:
    board = EmulatedBoard(load_preset("ta-hfo2"), seed=1)
    array = BoardArray(board)
    rule = OneShotUpdate(1e4, initial=1.0, minimum=0.7, maximum=maximum)
    with pytest.raises(LimitError, match="set_gate_voltage"):
        rule.initialise(array)
    assert board.pulsed == 0
    OneShotUpdate(1e4, initial=1.0, minimum=0.7, maximum=2.5).initialise(array)
    assert board.pulsed > 0


def test_the_highest_voltage_is_checked_as_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[float] = []
    monkeypatch.setattr(
        RecordingArray, "check_set", lambda _, gate, cells=None: checked.append(gate)
    )
    array = RecordingArray(1, 2)
    array.gate_voltage_step = 0.03
    rule = OneShotUpdate(1e4, initial=1.0, minimum=0.7, maximum=1.6)
    rule.initialise(array)
    rule.change(array, np.zeros((1, 2)))
    assert checked == [pytest.approx(1.59)], "once, on a step of the wire"
