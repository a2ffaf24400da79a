"""Limits raise, name what was asked and which limit refused it, and never clip."""

import math
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.board import Selection
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_array, open_board
from memlab.chip.limits import Limits, OperatingPoint
from memlab.errors import DeviceError, LimitError

LIMITS = Limits()
NOT_A_VOLTAGE = [math.nan, math.inf, -math.inf]


class TestDefaults:
    def test_the_operating_point_is_the_published_one(self) -> None:
        # Experiments reference 1 and 2: SET 2.5 V, RESET 1.7 V, gates 5 V, read 0.2 V.
        point = OperatingPoint()
        assert (point.set_voltage, point.reset_voltage, point.read_voltage) == (2.5, 1.7, 0.2)
        assert (point.reset_gate_voltage, point.read_gate_voltage) == (5.0, 5.0)
        assert (point.set_width, point.reset_width) == (1e-6, 1e-6)

    def test_the_limits_are_those_that_are_written_down(self) -> None:
        assert (LIMITS.read_voltage, LIMITS.gate_voltage, LIMITS.set_gate_voltage) == (0.2, 5, 2.5)
        assert (LIMITS.set_voltage, LIMITS.reset_voltage) == (3.0, 3.0)
        # Board reference 2: the fast timer makes 0.16 us and more.
        assert LIMITS.minimum_width == pytest.approx(0.16e-6, rel=0.05)
        assert LIMITS.maximum_width == 4.42e-6
        assert (LIMITS.cell_current, LIMITS.pulse_energy) == (1.2e-3, 15e-9)
        assert (LIMITS.row_current, LIMITS.set_row_current) == (10e-3, 10e-3)
        assert (LIMITS.reset_row_current, LIMITS.forming_gate_voltage) == (50e-3, 1.6)

    @pytest.mark.parametrize("settings", [LIMITS, OperatingPoint()])
    def test_nobody_changes_them_behind_an_open_array(self, settings: object) -> None:
        with pytest.raises(FrozenInstanceError):
            settings.read_voltage = 1.0  # type: ignore[attr-defined]

    def test_the_default_operating_point_is_within_the_default_limits(self) -> None:
        LIMITS.check_point(OperatingPoint())

    def test_both_published_gate_ranges_are_within_the_limits(self) -> None:
        # 0.7..1.6 V (Li 2019), 0.5..2.5 V (Wang 2019).
        LIMITS.check_set(np.array([0.5, 0.7, 1.6, 2.5]), 2.5)


class TestRead:
    @pytest.mark.parametrize("voltage", [0.2, -0.2, 0.0, -0.0, 1e-300])
    def test_voltages_up_to_the_limit_pass(self, voltage: float) -> None:
        LIMITS.check_read(np.array([[0.1, voltage]]))

    @pytest.mark.parametrize("voltage", [math.nextafter(0.2, 1), math.nextafter(-0.2, -1), 5.0])
    @pytest.mark.parametrize("place", [0, 3, 5])
    def test_one_voltage_beyond_it_is_found_wherever_it_is(
        self, voltage: float, place: int
    ) -> None:
        voltages = np.zeros((2, 3))
        voltages.flat[place] = voltage
        told = repr(voltage).removesuffix(".0")
        with pytest.raises(LimitError, match=f"{told} V .*limits.read_voltage"):
            LIMITS.check_read(voltages)

    @pytest.mark.parametrize("voltage", NOT_A_VOLTAGE)
    def test_nan_and_infinity_are_refused_and_named(self, voltage: float) -> None:
        for others in (0.0, 9.0):
            with pytest.raises(LimitError, match=r"nan|inf"):
                LIMITS.check_read(np.array([others, voltage, others]))

    def test_no_voltages_are_no_violation(self) -> None:
        LIMITS.check_read(np.zeros((0, 128)))


class TestSet:
    @pytest.mark.parametrize("gate", [0.0, 2.5])
    def test_the_ends_of_the_range_pass(self, gate: float) -> None:
        LIMITS.check_set(np.array([gate]), 3.0)

    @pytest.mark.parametrize("gate", [math.nextafter(2.5, 3), -1e-9, *NOT_A_VOLTAGE])
    def test_a_gate_voltage_outside_is_refused(self, gate: float) -> None:
        with pytest.raises(LimitError, match=r"SET gate voltage .*limits\.set_gate_voltage"):
            LIMITS.check_set(np.array([1.0, gate, 1.0]), 2.5)

    @pytest.mark.parametrize("voltage", [3.01, -0.1, *NOT_A_VOLTAGE])
    def test_an_amplitude_outside_is_refused_even_without_cells(self, voltage: float) -> None:
        with pytest.raises(LimitError, match=r"SET voltage .*limits\.set_voltage"):
            LIMITS.check_set(np.zeros(0), voltage)


class TestReset:
    def test_the_ends_of_the_range_pass(self) -> None:
        LIMITS.check_reset(5.0, 3.0)
        LIMITS.check_reset(0.0, 0.0)

    @pytest.mark.parametrize("voltage", [3.01, -0.1, *NOT_A_VOLTAGE])
    def test_an_amplitude_outside_is_refused(self, voltage: float) -> None:
        with pytest.raises(LimitError, match=r"RESET voltage .*limits\.reset_voltage"):
            LIMITS.check_reset(5.0, voltage)

    @pytest.mark.parametrize("gate", [5.01, -0.1, *NOT_A_VOLTAGE])
    def test_a_gate_voltage_outside_is_refused(self, gate: float) -> None:
        with pytest.raises(LimitError, match=r"RESET gate voltage .*limits\.gate_voltage"):
            LIMITS.check_reset(gate, 1.7)


class TestWidth:
    @pytest.mark.parametrize("width", [0.16e-6, 1e-6, 4.42e-6])
    def test_what_the_fast_timer_can_make_passes(self, width: float) -> None:
        LIMITS.check_width(width)

    @pytest.mark.parametrize("width", [0.0, 0.159e-6, 4.43e-6, -1e-6, 1.0, *NOT_A_VOLTAGE])
    def test_other_widths_are_refused(self, width: float) -> None:
        with pytest.raises(LimitError, match=r"limits\.minimum_width, limits\.maximum_width"):
            LIMITS.check_width(width)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=9),
    st.floats(0.0, 5.0),
)
def test_a_batch_passes_exactly_if_every_voltage_would_pass_alone(
    voltages: list[float], limit: float
) -> None:
    limits = Limits(read_voltage=limit)
    allowed = all(-limit <= voltage <= limit for voltage in voltages)
    try:
        limits.check_read(np.array(voltages))
    except LimitError:
        assert not allowed
    else:
        assert allowed


class TestOpening:
    @pytest.mark.parametrize(
        "changes",
        [
            {"read_voltage": 0.21},
            {"read_voltage": math.nan},
            {"read_gate_voltage": 5.1},
            {"read_gate_voltage": -0.1},
            {"set_voltage": 3.1},
            {"reset_voltage": 3.1},
            {"reset_gate_voltage": 5.1},
            {"set_width": 5e-6},
            {"reset_width": 0.0},
        ],
        ids=str,
    )
    def test_no_array_opens_at_an_operating_point_beyond_its_limits(
        self, changes: dict[str, float]
    ) -> None:
        point = replace(OperatingPoint(), **changes)
        with pytest.raises(LimitError, match="outside"):
            open_array("emulator:?chip=ideal", point=point)

    @pytest.mark.parametrize(
        "limits",
        [
            Limits(read_voltage=5.0),
            Limits(gate_voltage=10.0),
            Limits(set_voltage=5.0),
            Limits(maximum_width=5e-6),
            Limits(minimum_width=0.1e-6),
            Limits(read_voltage=math.nan),
        ],
        ids=str,
    )
    def test_no_array_opens_with_limits_that_the_board_cannot_hold(self, limits: Limits) -> None:
        with pytest.raises(LimitError):
            open_array("emulator:?chip=ideal", limits=limits)

    def test_other_limits_are_those_of_the_array(self) -> None:
        limits = Limits(read_voltage=0.3, set_gate_voltage=1.6)
        with open_array("emulator:?chip=ideal", limits=limits) as array:
            array[:2].vmm([0.3, -0.3])
            with pytest.raises(LimitError, match=r"0\.\.1\.6 V"):
                array.program_row(0, 1.7)

    def test_the_board_holds_the_same_limits_in_codes(self) -> None:
        board = open_board("emulator:?chip=ideal")
        array = BoardArray(board, Limits(read_voltage=0.1), OperatingPoint(read_voltage=0.1))
        one_cell = Selection(np.array([0]), np.array([0]))
        # 0.1 V is 655.36 steps of 10 V / 65536.
        assert array.board.vmm(one_cell, np.array([[32768 + 655]], np.uint16))
        with pytest.raises(LimitError, match=str(32768 + 656)):
            array.board.vmm(one_cell, np.array([[32768 + 656]], np.uint16))


@pytest.mark.parametrize(
    "use",
    [
        lambda array: array.vmm([0.3, 0.0]),
        lambda array: array.program_row(0, 3.0),
        lambda array: array.program(np.array([[3.0], [1.0]]), reset=np.ones((2, 64), bool)),
    ],
)
def test_what_a_limit_refuses_does_not_reach_the_board(
    use: Callable[[BoardArray], object],
) -> None:
    # A closed board answers every call with DeviceError, so LimitError must have come before.
    array = open_array("emulator:?chip=ideal")
    assert isinstance(array, BoardArray)
    array.close()
    with pytest.raises(LimitError):
        use(array[:2])
    with pytest.raises(DeviceError):
        array[:2].vmm([0.2, 0.0])


def test_a_configuration_that_breaks_its_own_limits_is_refused() -> None:
    with open_array("emulator:?chip=ideal") as array:
        assert isinstance(array, BoardArray)
        board = array.board
        config = board._config
        with pytest.raises(LimitError, match="read gate code"):
            replace(config, read_gate_code=65535)
        with pytest.raises(LimitError, match="idle row code"):
            replace(config, idle_row_code=0)


def test_a_read_below_one_dac_step_is_refused() -> None:
    with open_array("emulator:?chip=ideal", point=OperatingPoint(read_voltage=5e-5)) as array:
        with pytest.raises(LimitError, match="DAC step"):
            array.read_conductance()


def test_the_read_gate_of_an_open_board_cannot_change() -> None:
    with open_array("emulator:?chip=ideal") as array:
        with pytest.raises(ValueError, match="another OperatingPoint"):
            array.with_operating_point(read_gate_voltage=4.0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_ideal_array_refuses_what_is_not_a_number(bad: float) -> None:
    with open_array("ideal:?rows=4&columns=3") as array:
        with pytest.raises(LimitError):
            array.vmm([0.1, bad, 0.0, 0.0])
        with pytest.raises(LimitError):
            array.program(bad)
        assert (array.read_conductance() == 0).all()
