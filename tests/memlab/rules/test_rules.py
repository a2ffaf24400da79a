"""What each update rule does to the cells.

R_vg is 1e4 V/S here, so that 10 uS ask for 0.1 V.
"""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import memlab
from memlab.array import Array
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.mapping import LI_2019, MappingConfig, ProgrammedUpdate, UpdateRule
from memlab.nn import CrossEntropy, layers
from memlab.nn.build import build
from memlab.numeric import BoolArray, FloatArray
from memlab.rules import as_rule, attach, rule_names

MAPPING = LI_2019.model_copy(
    update={"volts_per_siemens": 1e4, "gate_minimum": 0.8, "gate_maximum": 1.5, "gate_initial": 1.1}
)
SET_ALL = "set_all"
STEPS = ("increments", "tiki-taka")
"""Rules that refuse cells with gates (`test_tiki_taka`)."""


class RecordingArray(IdealArray):
    """An ideal array that remembers what it was told to pulse, on steps of 10 mV."""

    gate_voltage_step = 0.01

    def __init__(self, rows: int, columns: int):
        super().__init__(rows, columns)
        self.pulses: list[tuple[FloatArray, BoolArray, BoolArray]] = []

    def program(
        self,
        gate_voltage: Any,
        *,
        reset: Any = None,
        set: Any = None,  # noqa: A002
        **volts: Any,
    ) -> None:
        none, every = np.zeros(self.shape, bool), np.ones(self.shape, bool)
        reset, set_ = none if reset is None else reset, every if set is None else set
        gate = np.broadcast_to(gate_voltage, self.shape).copy()
        self.pulses.append((gate, reset.copy(), set_.copy()))
        super().program(gate_voltage, reset=reset, set=set_, **volts)


def made(rule: str, mapping: MappingConfig = MAPPING, seed: int = 5, **settings: Any) -> UpdateRule:
    return as_rule({"rule": rule, **settings}).make(mapping, np.random.default_rng(seed))


def started(
    rule: str, shape: tuple[int, int] = (1, 5), **settings: Any
) -> tuple[UpdateRule, RecordingArray]:
    made_rule, array = made(rule, **settings), RecordingArray(*shape)
    made_rule.initialise(array)
    made_rule.was_read(array.read_conductance())
    array.pulses.clear()
    return made_rule, array


def ask(rule: UpdateRule, array: Array, change: FloatArray) -> ProgrammedUpdate:
    programmed = rule.change(array, change)
    rule.was_read(array.read_conductance())
    return programmed


@pytest.mark.parametrize("name", [name for name in rule_names() if name not in STEPS])
def test_every_rule_starts_all_cells_and_stays_on_steps_and_within_the_clamps(name: str) -> None:
    rule, array = made(name), RecordingArray(4, 3)
    rule.initialise(array)
    (gate, reset, set_), *more = array.pulses
    assert not more
    assert reset.all()
    assert set_.all()
    rule.was_read(array.read_conductance())
    rng = np.random.default_rng(2)
    for scale in (1e-7, 5e-6, 8e-5):
        for _ in range(3):
            ask(rule, array, rng.normal(0, scale, array.shape))
    for gate, _, set_ in array.pulses:
        assert np.all(np.abs(gate / 0.01 - np.round(gate / 0.01)) < 1e-9)
        assert np.all((gate[set_] > 0.8 - 1e-9) & (gate[set_] < 1.5 + 1e-9))


def test_of_a_block_the_changes_beyond_the_threshold_move_one_step_by_their_sign() -> None:
    rule, array = started("sign-threshold", step=0.07, threshold=1.2)
    # The root mean square is 2.2 uS.
    programmed = ask(rule, array, 1e-6 * np.array([[2.7, -2.6, -3.0, 0.0, 0.9]]))
    gate, reset, set_ = array.pulses[-1]
    np.testing.assert_array_equal(set_, [[True, False, True, False, False]])
    np.testing.assert_array_equal(reset, [[False, False, True, False, False]])
    np.testing.assert_allclose(gate[set_], [1.17, 1.03])
    np.testing.assert_array_equal(programmed.reset, reset)


def test_a_block_that_is_asked_for_nothing_is_not_pulsed_by_signs() -> None:
    rule, array = started("sign-threshold", threshold=0.0)
    ask(rule, array, np.zeros(array.shape))
    assert not array.pulses[-1][2].any()


def test_rounded_pulses_are_whole_steps_and_on_average_what_was_asked() -> None:
    rule, array = started("stochastic-rounding", (120, 60), step=0.05)
    asked = np.array([0.2, -0.6, 1.0, 1.3, 0.0, -2.4])  # steps
    change = np.tile(asked, 10) * 0.05 / 1e4 * np.ones((120, 1))
    ask(rule, array, change)
    gate, reset, set_ = array.pulses[-1]
    steps = np.where(set_, (gate - 1.1) / 0.05, 0.0)
    assert np.all(np.abs(steps - np.round(steps)) < 1e-6)
    np.testing.assert_array_equal(reset, steps < -0.5)
    found = steps.reshape(-1, 6).mean(axis=0)
    fraction = np.abs(asked) % 1.0
    error = np.sqrt(fraction * (1 - fraction) / (steps.size / 6))
    assert np.all(np.abs(found - asked) <= 4 * error + 1e-9)
    assert set_.reshape(-1, 6)[:, 0].mean() == pytest.approx(0.2, abs=4 * error[0])


def test_what_is_too_small_for_a_pulse_adds_up_until_it_is_a_step() -> None:
    rule, array = started("mixed-precision", step=0.05, reread=False)
    change = 1e-6 * np.array([[2.0, -2.0, 0.3, 0.0, 11.0]])  # 20, -20, 3, 0 and 110 mV
    moved = np.zeros(array.shape)
    for _ in range(4):
        before = rule.gate_voltage.copy()  # type: ignore[attr-defined]
        ask(rule, array, change)
        moved += rule.gate_voltage - before  # type: ignore[attr-defined]
    pulses = np.array([set_[0] for _, _, set_ in array.pulses])
    np.testing.assert_array_equal(pulses[:, 0], [False, False, True, False])
    np.testing.assert_array_equal(pulses[:, 2], False)
    np.testing.assert_array_equal(pulses[:, 3], False)
    np.testing.assert_allclose(
        (moved + rule.residual)[0, :4],  # type: ignore[attr-defined]
        [0.08, -0.08, 0.012, 0.0],
        atol=1e-12,
    )
    np.testing.assert_allclose(moved[0, 4], 0.4)  # the clamp; what is beyond it is lost


def test_what_a_read_back_says_a_pulse_missed_is_kept_up_to_a_part_of_a_step() -> None:
    rule, array = started("mixed-precision", step=0.05, keep=0.4, slope=1e-4)
    before = array.read_conductance()
    rule.change(array, 1e-6 * np.array([[5.5, -5.5, 5.5, 0.0, 1.0]]))
    # A step of 50 mV is 5 uS, 5 mV are left: the first falls 1 uS short, the second did as told,
    # the third is stuck.
    read = before + 1e-6 * np.array([[4.0, -5.0, 0.0, 3.0, 0.0]])
    rule.was_read(read)
    np.testing.assert_allclose(
        rule.residual,  # type: ignore[attr-defined]
        [[0.015, -0.005, 0.025, 0.0, 0.01]],
        atol=1e-12,
    )
    rule.was_read(read)  # once more, and nothing moved since
    np.testing.assert_allclose(rule.residual[0, 0], 0.015)  # type: ignore[attr-defined]


def test_a_cell_that_does_not_respond_is_not_pulsed_for_ever() -> None:
    rule, array = started("mixed-precision", step=0.05, keep=0.5, slope=1e-4)
    still = np.full(array.shape, 2e-4)
    rule.was_read(still)
    for change in (6e-6, *(1e-7,) * 10):
        rule.change(array, np.full(array.shape, change))
        rule.was_read(still)
    assert sum(bool(set_[0, 0]) for _, _, set_ in array.pulses) == 1


@pytest.mark.parametrize("rule", ["mixed-precision", "write-verify"])
def test_without_a_law_a_rule_that_compares_asks_for_the_slope(rule: str) -> None:
    class Unknown(RecordingArray):
        stated_law, writable = None, False

    array = Unknown(2, 3)
    with pytest.raises(SettingError, match=r"update\.slope.*Nothing was pulsed"):
        made(rule).initialise(array)
    matrix: Any = SimpleNamespace(blocks=[SimpleNamespace(array=array)])
    with pytest.raises(SettingError, match=r"update\.slope.*Nothing was pulsed"):
        as_rule(rule).claim([matrix], [array])  # before a run begins
    as_rule({"rule": rule, "slope": 1e-4}).claim([matrix], [array])
    assert not array.pulses
    made(rule, slope=1e-4).initialise(array)
    assert len(array.pulses) == 1


def test_cells_that_missed_are_pulsed_again_and_no_others() -> None:
    mapping = MAPPING.model_copy(update={SET_ALL: False})
    wanted = np.zeros((20, 9))
    wanted[::2, 1::2] = 25e-6
    wanted[1::2, ::3] = -25e-6
    asked = wanted != 0.0
    missed: dict[str, FloatArray] = {}
    for name in ("one-shot", "write-verify"):
        with memlab.open_array("emulator:?seed=3&chip=ta-hfo2&non_responsive=0") as whole:
            array, rule = whole[3:23, 5:14], made(name, mapping)
            rule.initialise(array)
            before = array.read_conductance()
            rule.was_read(before)
            started_with = array.counts.set
            rule.change(array, wanted)
            after = array.read_conductance()
            sets = array.counts.set - started_with
            missed[name] = (after - before - 1e4 * 9.8e-5 * wanted)[asked]
            assert np.abs(after - before)[~asked].max() < 1e-6
            most = np.count_nonzero(asked) * (1 if name == "one-shot" else 4)
            assert np.count_nonzero(asked) <= sets <= most
    assert np.std(missed["write-verify"]) < 0.6 * np.std(missed["one-shot"])
    assert np.mean(np.abs(missed["write-verify"]) < 6e-6) > 0.9


def test_a_cell_that_never_gets_there_is_pulsed_so_many_times_at_most() -> None:
    class Stuck(RecordingArray):
        def read_conductance(self, *, gain: int = 0) -> FloatArray:
            return np.full(self.shape, 1e-4)

    rule, array = made("write-verify", attempts=2, tolerance=1e-6), Stuck(2, 3)
    rule.initialise(array)
    array.pulses.clear()
    rule.change(array, np.full(array.shape, 1e-5))
    assert len(array.pulses) == 3


def test_errors_go_back_through_fixed_random_weights_of_the_seed() -> None:
    x, target = np.random.default_rng(1).random((1, 4, 3)), np.eye(2)[np.newaxis, [0, 1, 1, 0]]
    found = []
    for seed in (7, 7, 8):
        with memlab.open_array("ideal:") as array:
            network = build([layers.Dense(5, "tanh"), layers.Dense(2)], 3, array, seed=2)
            attach(as_rule({"rule": "feedback-alignment", "scale": 2.0}), network, seed)
            network.initialise()
            value = CrossEntropy()(network.forward(x), target)
            network.backward(value.delta)
            first, second = network.layers
            back = second.matrices[0].backward_weight
            assert np.abs(back).max() <= 2.0 / np.sqrt(back.shape[0])
            assert not np.allclose(back, second.matrices[0].weight)
            hidden = np.tanh(np.concatenate([x, np.ones((1, 4, 1))], -1) @ first.matrices[0].weight)
            delta = value.delta @ back[:5].T * (1 - hidden**2)
            inputs = np.concatenate([x, np.ones((1, 4, 1))], -1)
            by_hand = np.einsum("tbi,tbo->io", inputs, delta)
            np.testing.assert_allclose(first.gradients[0], by_hand, rtol=1e-9)
            found.append(back.copy())
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
