"""SETs with amplitudes of their own: how cells without gates are brought to levels."""

import numpy as np
import pytest

import memlab
from drivers.board import PulseKind
from memlab.array.ideal import IdealArray
from memlab.array.set_control import SetControl
from memlab.array.switching_law import SwitchingLaw
from memlab.chip.limit_changes import LimitChanges
from memlab.emulator import load_preset
from memlab.errors import LimitError, SettingError

SAME = "emulator:?chip=passive-tiox&seed=7&shape=7x9&noise=0&spread.threshold=0&non_responsive=0"
GATED = "emulator:?chip=ideal&seed=7&shape=7x9"


@pytest.fixture
def array():
    with memlab.open_array(SAME) as opened:
        yield opened


def test_cells_of_a_row_with_different_amplitudes_are_pulsed_one_after_the_other(array):
    volts = np.array([[2.0, 1.8, 2.0, np.nan, 1.8], [1.5, 1.5, 1.5, 1.5, 1.5]])
    mask = ~np.isnan(volts)
    part = array[[1, 4], 2:7]
    pulses = part.pulse_batch(0.0, reset=mask & False, set=mask, set_voltage=volts)
    able = array.board.capabilities
    sent = [
        (int(row), round(float(able.column.decode(code)), 3), np.flatnonzero(columns).tolist())
        for row, code, columns in zip(
            pulses.row, pulses.amplitude_code, pulses.columns, strict=True
        )
    ]
    assert sent == [(1, 1.8, [3, 6]), (4, 1.5, [2, 3, 4, 5, 6]), (1, 2.0, [2, 4])]


def test_higher_amplitudes_leave_higher_conductances(array):
    part = array[2:4, 1:4]
    volts = np.array([[1.5, 1.8, 2.2], [1.8, 2.2, 1.5]])
    part.program(0.0, reset=np.ones(part.shape, bool), set_voltage=volts)
    found = part.read_conductance()
    law = [load_preset("passive-tiox").set_from_reset(v, 1e-6) for v in (1.5, 1.8, 2.2)]
    assert found[0] == pytest.approx(law, rel=0.1)
    assert found[1] == pytest.approx([law[1], law[2], law[0]], rel=0.1)


def test_a_set_amplitude_beyond_its_limit_is_refused_and_nothing_is_pulsed(array):
    volts = np.full((7, 9), 2.0)
    volts[5, 3] = 2.7
    with pytest.raises(LimitError, match=r"SET voltage 2\.7 V .*2\.6 V"):
        array.program(0.0, set_voltage=volts)
    for wrong in (np.nan, -0.5):
        volts[5, 3] = wrong
        with pytest.raises(LimitError, match="SET voltage"):
            array.program(0.0, set_voltage=volts)
    assert array.board.pulsed == 0
    volts[5, 3] = 2.7
    others = np.ones((7, 9), bool)
    others[5, 3] = False
    array.program(0.0, set=others, set_voltage=volts)
    assert array.board.pulsed > 0


def test_amplitudes_are_those_of_the_operating_point_where_nobody_says_them(array):
    every = np.ones(array.shape, bool)
    one = array.pulse_batch(0.0, reset=~every, set=every)
    other = array.pulse_batch(0.0, reset=~every, set=every, set_voltage=2.2)
    np.testing.assert_array_equal(one.amplitude_code, other.amplitude_code)
    assert (one.kind == PulseKind.SET).all()


def test_program_to_takes_gate_voltages_where_there_are_gates_and_amplitudes_elsewhere(array):
    assert array.control is SetControl.AMPLITUDE
    assert array.control_range((0.7, 1.6)) == (1.1, 2.2)
    assert array.control_range((0.7, 1.6), (1.4, 0.0)) == (1.4, 2.2)
    array[1:3].program_to(np.full((2, 9), 1.9))
    with memlab.open_array(GATED) as gated:
        assert gated.control is SetControl.GATE
        assert gated.control_range((0.7, 1.6), (1.4, 0.0)) == (0.7, 1.6)
        gated.program_to(1.2)
        assert gated.read_conductance().mean() == pytest.approx(98e-6 * 1.2 + 120e-6, rel=0.01)
    with pytest.raises(LimitError, match="no gates"):
        array.program(1.2)


def test_amplitudes_are_checked_behind_gates_and_without_a_board_too():
    with memlab.open_array(GATED) as gated, pytest.raises(LimitError, match="SET voltage"):
        gated.program(1.2, set_voltage=3.5)
    with pytest.raises(LimitError, match="SET voltage"):
        IdealArray(3, 2).program(1.2, set_voltage=3.5)
    with pytest.raises(SettingError, match="set_voltage"):
        IdealArray(3, 2).program(1.2, set_voltage=np.ones((2, 3)))


def test_messages_about_cells_without_gates_name_none():
    limits = LimitChanges(pulse_energy=1e-9)
    with pytest.raises(LimitError, match=r"RESET of 1\.7 V for 1 us could put") as refused:
        memlab.open_array(SAME, limits=limits)
    assert "on the gate" not in str(refused.value)


def test_the_stated_law_of_a_chip_without_gates_is_one_of_amplitudes(array):
    law = array.stated_law
    levels = [load_preset("passive-tiox").set_from_reset(v, 1e-6) for v in (1.1, 2.2)]
    assert law.conductance([1.1, 2.2]) == pytest.approx(levels, abs=15e-6)
    assert law.gate_voltage(law.conductance(1.7)) == pytest.approx(1.7)
    with pytest.raises(SettingError, match="amplitudes choose no level"):
        SwitchingLaw.of_amplitudes(load_preset("passive-tiox"), (0.4, 0.9), 1e-6)
