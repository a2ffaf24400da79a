"""Every update rule on cells without gates: amplitudes are what it moves."""

import numpy as np
import pytest

import memlab
from memlab.mapping import LI_2019
from memlab.rules import load_rule, rule_names

SAME = "emulator:?chip=passive-tiox&seed=7&shape=8x7&noise=0&spread.threshold=0&non_responsive=0"

OTHER_PULSES = ("forward-only", "increments", "tiki-taka")
"""Rules that lower cells and never raise one, or move them by steps (`test_tiki_taka`)."""


@pytest.mark.parametrize("name", [name for name in rule_names() if name not in OTHER_PULSES])
def test_a_rule_raises_what_is_to_rise_and_lowers_what_is_to_fall(name: str) -> None:
    with memlab.open_array(SAME) as array:
        part = array[1:5, 2:5]
        rule = load_rule(name)().make(LI_2019, np.random.default_rng(1))
        rule.initialise(part)
        before = part.read_conductance()
        rule.was_read(before)
        wanted = np.zeros(part.shape)
        wanted[0], wanted[2, :2] = 60e-6, -60e-6
        programmed = rule.change(part, wanted)
        moved = part.read_conductance() - before
    assert (moved[0] > 3e-6).all()
    assert (moved[2, :2] < -3e-6).all()
    assert np.abs(moved[wanted == 0.0]).max() < 2e-6
    assert programmed.reset[wanted != 0.0].all()
    assert not programmed.reset[wanted == 0.0].any()
    assert 1.1 <= programmed.gate_voltage.min() < programmed.gate_voltage.max() <= 2.2


@pytest.mark.parametrize("name", [name for name in rule_names() if name != "tiki-taka"])
def test_a_rule_goes_on_from_its_state_as_the_first_did(name: str) -> None:
    def two(stop: bool) -> list[np.ndarray]:
        found = []
        with memlab.open_array(SAME) as array:
            part, draws = array[1:5, 2:5], np.random.default_rng(3)
            rule = load_rule(name)().make(LI_2019, np.random.default_rng(1))
            rule.initialise(part)
            for k in range(4):
                if stop and k == 2:
                    state = rule.state()
                    rule = load_rule(name)().make(LI_2019, np.random.default_rng(1))
                    rule.restore(state)
                found.append(rule.change(part, draws.normal(0.0, 2e-5, part.shape)).gate_voltage)
                rule.was_read(part.read_conductance())
        return found

    np.testing.assert_array_equal(two(False), two(True))
