"""The law of full pulses: as stated, inverted, and measured on chips whose truth is known."""

import numpy as np
import pytest

from memlab.array.ideal import IdealArray
from memlab.array.two_pulses import TwoPulses
from memlab.array.urls import open_array
from memlab.emulator import load_preset
from memlab.errors import DataError, LimitError
from memlab.mapping import SwitchingLaw, measure_switching_law
from memlab.numeric import BoolArray, FloatArray
from memlab.storage import State


def test_the_law_of_li_2019() -> None:
    law = SwitchingLaw.of(load_preset("ta-hfo2"))
    # Li 2019: G = 98 uS/V Vg + 120 uS.
    np.testing.assert_allclose(law.conductance([0.7, 1.0, 1.6]), [188.6e-6, 218e-6, 276.8e-6])
    np.testing.assert_allclose(law.gate_voltage([188.6e-6, 218e-6]), [0.7, 1.0])
    assert law.reset_conductance == 0.0


@pytest.mark.parametrize("saturation", [0.0, 600e-6])
def test_gate_voltage_and_conductance_are_inverse(saturation: float) -> None:
    law = SwitchingLaw(98e-6, 120e-6, set_saturation=saturation)
    gate = np.linspace(0.5, 2.5, 7)
    np.testing.assert_allclose(law.gate_voltage(law.conductance(gate)), gate, rtol=1e-12)


@pytest.mark.parametrize("saturation", [0.0, 213e-6])
def test_a_soft_onset_is_inverted_over_its_whole_range(saturation: float) -> None:
    law = SwitchingLaw(959e-6, -2172e-6, set_saturation=saturation, set_onset=47e-6)
    gate = np.linspace(1.5, 2.9, 30)
    np.testing.assert_allclose(law.gate_voltage(law.conductance(gate)), gate, rtol=1e-9)
    # No level is 0 S or less.
    assert np.isneginf(law.gate_voltage(np.array([0.0, -1e-6]))).all()
    # Where the line crosses 0 S: 47 uS log 2 = 32.58 uS, 213 uS (1 - exp(-32.58 / 213)) = 30.21 uS.
    crossing = law.conductance(2172 / 959)
    assert crossing == pytest.approx(30.21e-6 if saturation else 32.58e-6, abs=0.01e-6)


def test_no_gate_voltage_reaches_the_saturation() -> None:
    law = SwitchingLaw(98e-6, 120e-6, set_saturation=600e-6)
    # 600 uS (1 - exp(-365 / 600)), by hand: 273.4 uS.
    assert law.conductance(2.5) == pytest.approx(273.4e-6, abs=0.1e-6)
    assert np.isinf(law.gate_voltage(np.array([600e-6, 700e-6]))).all()


def test_a_law_without_slope_is_refused() -> None:
    with pytest.raises(ValueError, match="slope"):
        SwitchingLaw(0.0, 120e-6)


@pytest.mark.parametrize(
    ("chip", "slope", "offset", "noise"),
    [("ta-hfo2", 98e-6, 120e-6, 4e-6), ("pt-taox-ta", 200e-6 / 1.1, 0.0, 10e-6)],
)
def test_the_measured_law_is_that_of_the_chip(
    chip: str, slope: float, offset: float, noise: float
) -> None:
    cells = 2048
    with open_array(f"emulator:?chip={chip}&seed=5") as array:
        law = measure_switching_law(array, 0.5, 2.5, most=cells)
        assert array.counts.reset == 5 * cells
        assert array.counts.set == 4 * cells
    # The median of n normal deviates has a standard deviation of 1.25 noise / sqrt(n); a line
    # through 4 of them over 2 V has one of 0.67 of that in the slope (per V), and of 1.13 of it
    # in the offset at 0 V. Four of these; at most 11 % of the cells do not respond.
    one = 4 * 1.25 * noise / np.sqrt(0.85 * cells)
    assert law.set_slope == pytest.approx(slope, abs=0.67 * one)
    assert law.set_offset == pytest.approx(offset, abs=1.13 * one)
    # After a RESET the normal deviate is cut at zero, so that its median is zero.
    assert law.reset_conductance == pytest.approx(0.0, abs=one)


def test_one_cell_is_enough_and_no_other_is_pulsed() -> None:
    only = np.zeros((128, 64), bool)
    only[17, 42] = True
    with open_array("emulator:?chip=ideal") as array:
        array.program(1.0)
        law = measure_switching_law(array, 0.5, 2.5, cells=only)
        np.testing.assert_array_equal(array.read_conductance() < 1e-6, only)
    assert law.set_slope == pytest.approx(98e-6, rel=1e-3)


def test_cells_that_do_not_respond_are_no_law() -> None:
    with (
        open_array("emulator:?chip=ideal&non_responsive=1") as array,
        pytest.raises(DataError, match="responds"),
    ):
        measure_switching_law(array, 0.5, 2.5)


def test_a_gate_voltage_beyond_the_limit_is_refused_before_any_pulse() -> None:
    with open_array("emulator:?chip=ideal") as array:
        with pytest.raises(LimitError, match="set_gate_voltage"):
            measure_switching_law(array, 0.5, 2.6)
        assert (array.counts.set, array.counts.reset) == (0, 0)


class LawArray(IdealArray):
    """3 x 4 cells with laws of their own, that remember what they were told."""

    gate_voltage_step = 0.3

    def __init__(self) -> None:
        super().__init__(3, 4)
        self.pulses: list[tuple[FloatArray, BoolArray, BoolArray]] = []

    def _program(self, asked: TwoPulses) -> None:
        gate_voltage, reset, set_ = asked.gate_voltage, asked.reset, asked.set
        self.pulses.append((gate_voltage.copy(), reset.copy(), set_.copy()))
        level = 1e-6 * (np.arange(12.0).reshape(3, 4) ** 2 + 100.0 * gate_voltage + 20.0)
        self.write(np.where(set_, level, np.where(reset, level / 10.0, self.read_conductance())))


ALLOWED = np.array([[0, 1, 1, 1], [1, 0, 0, 1], [0, 0, 1, 1]], bool)


def test_the_law_is_a_line_through_the_medians_of_cells_that_are_evenly_picked() -> None:
    array = LawArray()
    law = measure_switching_law(array, 0.6, 2.1, cells=ALLOWED, most=4)
    # The first, third, fifth and last of seven.
    probed = np.zeros((3, 4), bool)
    probed.flat[[1, 3, 7, 11]] = True
    # 2.1, 1.6, 1.1 and 0.6 V in steps of 0.3 V: 1.6 becomes 1.5, 1.1 becomes 1.2. Then a RESET.
    told = [(2.1, probed), (1.5, probed), (1.2, probed), (0.6, probed), (0.0, ~probed & probed)]
    assert len(array.pulses) == len(told)
    for (gate, reset, set_), (volts, wanted) in zip(array.pulses, told, strict=True):
        np.testing.assert_allclose(gate, np.full((3, 4), volts), atol=1e-12)
        np.testing.assert_array_equal(reset, probed)
        np.testing.assert_array_equal(set_, wanted)
    # Squares 1, 9, 49 and 121: a median of 29.
    assert law.set_slope == pytest.approx(100e-6, rel=1e-9)
    assert law.set_offset == pytest.approx(49e-6, rel=1e-9)
    assert law.reset_conductance == pytest.approx(4.9e-6, rel=1e-9)


@pytest.mark.parametrize("after", range(6))
def test_a_measurement_that_goes_on_pulses_no_cell_again_and_finds_the_same(after: int) -> None:
    states: list[State] = []
    whole = measure_switching_law(LawArray(), 0.6, 2.1, cells=ALLOWED, keeper=states.append)
    assert [len(state["readings"]) for state in states] == list(range(6))
    array, more = LawArray(), list[State]()
    law = measure_switching_law(
        array, 0.6, 2.1, cells=ALLOWED, resumed=states[after], keeper=more.append
    )
    assert law == whole
    assert len(array.pulses) == 5 - after
    assert [len(state["readings"]) for state in more] == list(range(after, 6))


def test_a_narrow_range_of_gates_is_enough_where_its_ends_differ() -> None:
    # 98 uS/V: 26.5 uS between the ends, 17.6 uS from the second gate to the last.
    law = measure_switching_law(IdealArray(2, 3), 0.6, 0.87)
    assert law.set_slope == pytest.approx(98e-6, rel=1e-9)
    with pytest.raises(DataError, match="none of 6 cells responds"):
        measure_switching_law(IdealArray(2, 3), 0.6, 0.8)  # 19.6 uS


def test_cells_that_do_not_move_are_no_part_of_the_law() -> None:
    array = LawArray()
    program = array._program

    def stuck(asked: TwoPulses) -> None:
        program(asked)
        cells = array.read_conductance()
        cells[:, 2:] = 900e-6
        array.write(cells)

    array._program = stuck  # type: ignore[method-assign]
    law = measure_switching_law(array, 0.6, 2.1)
    # Of 0, 1, 16, 25, 64 and 81.
    assert law.set_offset == pytest.approx(20e-6 + 20.5e-6, rel=1e-9)
    assert law.reset_conductance == pytest.approx(4.05e-6, rel=1e-9)
