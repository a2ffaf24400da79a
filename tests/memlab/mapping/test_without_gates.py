"""Cells without gates are brought to levels, and trained, by the amplitudes of their SETs."""

from collections.abc import Iterator

import numpy as np
import pytest

import memlab
from memlab.array.board_array import BoardArray
from memlab.errors import DataError, LimitError, SettingError
from memlab.mapping import (
    LI_2019,
    TA_HFO2,
    OneShotUpdate,
    WriteVerify,
    measure_switching_law,
    write_verify,
)
from memlab.mapping.levels import Amplitudes

SAME = "emulator:?chip=passive-tiox&seed=7&shape=8x7&noise=0&spread.threshold=0&non_responsive=0"


@pytest.fixture
def array() -> Iterator[BoardArray]:
    with memlab.open_array(SAME) as opened:
        assert isinstance(opened, BoardArray)
        yield opened


def rule(**amplitudes: float) -> OneShotUpdate:
    return OneShotUpdate(
        1e4, 1.0, 0.7, 1.6, set_all=True, amplitudes=Amplitudes(**{"step": 0.1, **amplitudes})
    )


def test_a_rule_starts_in_the_middle_of_the_amplitudes(array: BoardArray) -> None:
    programmed = rule(minimum=1.4, maximum=2.0).initialise(array[1:3, 2:5])
    np.testing.assert_allclose(programmed.gate_voltage, np.full((2, 3), 1.7))
    assert programmed.reset.all()
    found = array.read_conductance()
    assert found[1:3, 2:5] == pytest.approx(
        np.full((2, 3), array.simulation.law.set_from_reset(1.7, 1e-6)), rel=0.05
    )
    assert array.counts.set == array.counts.reset == 6


def test_cells_whose_amplitude_comes_to_another_step_are_reset_and_set_and_no_others(
    array: BoardArray,
) -> None:
    part, update = array[1:3, 2:5], rule(minimum=1.4, maximum=2.0, volts_per_siemens=1e4)
    update.initialise(part)
    before = array.counts.set
    change = np.array([[4e-6, 0.0, -20e-6], [14e-6, 90e-6, 0.0]])  # 40 mV, 0, 200 mV, ...
    programmed = update.change(part, change)
    np.testing.assert_allclose(programmed.gate_voltage, [[1.7, 1.7, 1.5], [1.8, 2.0, 1.7]])
    np.testing.assert_array_equal(programmed.reset, [[False, False, True], [True, True, False]])
    assert array.counts.set - before == 3
    # What is remembered is exact: twice 40 mV is a step.
    programmed = update.change(part, np.where(change == 4e-6, 4e-6, 0.0))
    assert programmed.gate_voltage[0, 0] == pytest.approx(1.8)
    assert programmed.reset.tolist() == [[True, False, False], [False, False, False]]


def test_a_rule_goes_on_from_its_state(array: BoardArray) -> None:
    part, update, other = array[1:3, 2:5], rule(), rule()
    update.initialise(part)
    other.restore(update.state())
    change = np.array([[9e-6, 0.0, -20e-6], [14e-6, 90e-6, 0.0]])
    one = update.change(part, change)
    two = other.change(part, change)
    np.testing.assert_array_equal(one.gate_voltage, two.gate_voltage)
    np.testing.assert_array_equal(one.reset, two.reset)


def test_a_weight_moves_by_what_was_asked_for_by_the_law_of_the_chip(array: BoardArray) -> None:
    levels = rule().levels(array)
    assert levels.volts_per_siemens * array.stated_law.set_slope == pytest.approx(0.5)
    assert (levels.minimum, levels.maximum, levels.anew) == (1.1, 2.2, True)


def test_what_chooses_no_levels_is_refused_before_anything_is_pulsed(
    array: BoardArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError, match="set_minimum"):
        rule(minimum=2.3).initialise(array)
    with pytest.raises(SettingError, match="set_minimum"):
        WriteVerify(set_minimum=2.3).control_range(array)
    monkeypatch.setattr(BoardArray, "stated_law", None)
    with pytest.raises(SettingError, match=r"set_volts_per_siemens.*Nothing was pulsed"):
        LI_2019.realise([], [array], 0.2, 1)
    known = LI_2019.model_copy(update={"set_volts_per_siemens": 5e3})
    assert known.realise([], [array], 0.2, 1) == {}
    assert array.board.pulsed == 0


def test_write_and_verify_resets_before_each_set_and_reaches_targets(array: BoardArray) -> None:
    target = np.full((4, 3), np.nan)
    target[:3, :2] = [[20e-6, 80e-6], [35e-6, 60e-6], [50e-6, 5e-6]]
    part = array[2:6, 1:4]
    result = write_verify(part, target, array.stated_law, WriteVerify(tolerance=3e-6, attempts=30))
    assert result.done.sum() == 6
    assert (result.reset >= result.set).all()
    assert result.set[np.isnan(target)].sum() == 0
    assert np.abs(result.error[:3, :2]).max() < 6e-6


def test_targets_beyond_the_amplitudes_are_refused_in_their_words(array: BoardArray) -> None:
    with pytest.raises(LimitError, match=r"1\.5 to 2\.2 V of SET amplitude .*Nothing was"):
        write_verify(array, 400e-6, array.stated_law, WriteVerify(set_minimum=1.5))
    assert array.board.pulsed == 0


def test_a_law_of_amplitudes_is_measured_as_the_chip_states_it(array: BoardArray) -> None:
    stated = array.stated_law
    law = measure_switching_law(array[1:7, 2:6], 0.5, 2.5)
    assert law.set_slope == pytest.approx(stated.set_slope, rel=0.1)
    assert law.reset_conductance == pytest.approx(5e-6, rel=0.1)
    with pytest.raises(DataError, match=r"0\.5 to 1 V of SET amplitude"):
        measure_switching_law(array[1:7, 2:6], 0.5, 2.5, (0.5, 1.0))


def test_recipes_for_chips_with_gates_hold_without(array: BoardArray) -> None:
    for config in (LI_2019, TA_HFO2):
        update = config.make_rule(np.random.default_rng(1))
        update.initialise(array[0:2, 0:3])
        assert update.change(array[0:2, 0:3], np.full((2, 3), 30e-6)).reset.all()


@pytest.mark.parametrize("unselected", ["grounded", "floating"])
def test_products_of_a_block_are_those_of_its_cells_as_they_are_read_back(unselected: str) -> None:
    """Sneak currents are in both: the network is linear, and the load is the same."""
    url = f"{SAME}&passive.unselected={unselected}&wires.resistance=20"
    with memlab.open_array(url) as array:
        everywhere = np.ones(array.shape, bool)
        volts = np.random.default_rng(2).uniform(1.5, 2.2, array.shape)
        array.program_to(np.round(volts, 1), reset=everywhere)
        block = array[1:7, 2:5]
        matrix = block.read_conductance()
        vectors = np.random.default_rng(3).uniform(-0.2, 0.2, (4, 6))
        np.testing.assert_allclose(block.vmm(vectors), vectors @ matrix, atol=6e-8)
        if unselected == "floating":  # what others do not ground flows through more cells
            assert (matrix > array.read_conductance()[1:7, 2:5] * 1.001).any()
