"""What slipped past the limits: NaN in a limit, rounding after the check, masks numpy drops."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.watched_board import WatchedBoard

from drivers.board import Capabilities
from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.array.urls import open_board
from memlab.chip.limits import Limits, OperatingPoint
from memlab.errors import LimitError, SettingError
from memlab.mapping.write_verify import WriteVerify, write_verify
from memlab.passport.budgets import Budgets
from memlab.passport.pulses import RowPulses
from memlab.passport.totals import Totals, count

NAMES = [field.name for field in fields(Limits)]


NO_NUMBERS = ["3", None, True, 1j, [1.0], np.array([0.1, 0.1]), np.zeros((9, 9)), 10**400, 10**5000]


class Stepped(WatchedBoard):
    """A board whose wire carries gate voltages of two decimals and inputs of two."""

    @property
    def capabilities(self) -> Capabilities:
        able = super().capabilities
        return replace(able, gate_voltage_step=0.01, input_voltage_step=0.01)


def board() -> WatchedBoard:
    return WatchedBoard(open_board("emulator:?chip=ideal&seed=4"))


@pytest.fixture(params=["board", "ideal"])
def array(request: pytest.FixtureRequest) -> Array:
    return BoardArray(board()) if request.param == "board" else IdealArray(128, 64)


class TestLimitsThemselves:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
    def test_a_limit_is_a_finite_number(self, name: str, value: float) -> None:
        limits = Limits(**{name: value})
        for make in (lambda: BoardArray(board(), limits), lambda: IdealArray(8, 4, limits)):
            with pytest.raises(LimitError, match=rf"limits\.{name} must be"):
                make()

    @pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
    def test_a_limit_is_a_number_at_all(self, value: Any) -> None:
        with pytest.raises(LimitError, match=r"limits\.set_voltage"):
            IdealArray(8, 4, Limits(set_voltage=value))

    def test_numbers_of_numpy_are_numbers(self) -> None:
        limits = Limits(set_voltage=np.float32(2.5), read_voltage=np.float64(0.2))
        IdealArray(8, 4, limits)

    def test_widths_must_leave_something(self) -> None:
        with pytest.raises(LimitError, match=r"minimum_width .* limits\.maximum_width"):
            IdealArray(8, 4, Limits(minimum_width=2e-6, maximum_width=1e-6))

    @pytest.mark.parametrize("name", NAMES)
    def test_a_limit_that_turned_nan_later_still_refuses(self, name: str) -> None:
        """A check must not read `x > limit`: that is False for NaN, and lets everything pass."""

        def use(array: BoardArray) -> None:
            if name == "forming_gate_voltage":
                array.check_forming(1.0)
            array.vmm(np.full(128, 0.1))
            array.program_row(3, 1.2)
            array.reset_row(3)
            array.with_operating_point(set_voltage=2.4, read_voltage=0.1)

        limits = Limits()
        array = BoardArray(board(), limits)
        object.__setattr__(limits, name, math.nan)
        with pytest.raises(LimitError):
            use(array)

    def test_a_budget_that_is_nan_refuses(self) -> None:
        pulses = RowPulses(
            row=np.array([1]),
            kind=np.zeros(1, np.uint8),
            columns=np.ones((1, 3), bool),
            amplitude=np.array([2.5]),
            width=np.array([1e-6]),
            gate_voltage=np.ones((1, 3)),
        )
        asked = count(pulses, (4, 3))
        for name in ("set", "pulses", "energy"):
            with pytest.raises(LimitError, match="budget"):
                Budgets(**{name: math.nan}).check(Totals.zero((4, 3)), asked, pulses, "here")


class TestPointsThemselves:
    @pytest.mark.parametrize("name", [field.name for field in fields(OperatingPoint)])
    @pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
    def test_an_operating_point_is_made_of_numbers(self, name: str, value: Any) -> None:
        point = OperatingPoint(**{name: value})
        makes: list[Callable[[], object]] = [
            lambda: BoardArray(board(), point=point),
            lambda: IdealArray(8, 4, point=point),
            lambda: Limits().check_point(point),
        ]
        for make in makes:
            with pytest.raises(LimitError, match=rf"^operating point: {name} must be a .*number"):
                make()

    def test_a_view_at_another_point_is_asked_too(self) -> None:
        changes: dict[str, Any] = {"set_voltage": "2.5"}
        with pytest.raises(LimitError, match="set_voltage"):
            BoardArray(board()).with_operating_point(**changes)

    def test_numbers_of_numpy_are_numbers(self) -> None:
        point = OperatingPoint(set_voltage=np.float32(2.5), read_voltage=np.float64(0.2))
        BoardArray(board(), point=point)
        BoardArray(board(), point=replace(point, reset_gate_voltage=5))

    @pytest.mark.parametrize(
        "beyond", [0.2000001, math.nextafter(0.2, 1.0), float(np.float32(0.2))]
    )
    def test_what_is_barely_beyond_a_limit_does_not_read_as_the_limit(self, beyond: float) -> None:
        limits = Limits(read_voltage=0.2, set_voltage=0.2, maximum_width=0.2)
        fine = OperatingPoint(set_voltage=0.1)
        for name in ("read_voltage", "set_voltage", "set_width"):
            with pytest.raises(LimitError, match=f" {beyond!r} "):
                limits.check_point(replace(fine, **{name: beyond}))


class TestRounding:
    """`rounding=nearest` rounds what was asked; limits are about what the chip sees."""

    # The largest SET current that 2.006 V on the gate allows at 2.5 V: 2.01 V is beyond.
    LIMITS = Limits(cell_current=2.5 * 182e-6 * 2.006)

    def test_a_gate_voltage_that_rounds_beyond_a_coupled_limit_is_refused(self) -> None:
        watched = Stepped(open_board("emulator:?chip=ideal"))
        array = BoardArray(watched, self.LIMITS, rounding=True)
        with pytest.raises(LimitError, match="set current"):
            array.program_row(3, 2.0055)  # becomes 2.01
        with pytest.raises(LimitError, match="set current"):
            array.check_set(2.0055)
        assert not watched.pulses
        array.program_row(3, 2.0045)  # becomes 2.00
        assert watched.pulses

    def test_one_beyond_a_limit_is_not_rounded_into_it(self) -> None:
        watched = Stepped(open_board("emulator:?chip=ideal"))
        array = BoardArray(watched, Limits(set_gate_voltage=2.0), rounding=True)
        with pytest.raises(LimitError, match="set_gate_voltage"):
            array.program_row(3, 2.004)
        assert not watched.pulses

    def test_forming_gates_round_first(self) -> None:
        watched = Stepped(open_board("emulator:?chip=ideal"))
        array = BoardArray(watched, Limits(forming_gate_voltage=1.606), rounding=True)
        with pytest.raises(LimitError, match="forming gate"):
            array.check_forming(1.6055)
        array.check_forming(1.604)

    def test_inputs_round_before_the_read_limit(self) -> None:
        watched = Stepped(open_board("emulator:?chip=ideal"))
        point = OperatingPoint(read_voltage=0.1)
        array = BoardArray(watched, Limits(read_voltage=0.106), point, rounding=True)
        with pytest.raises(LimitError, match="read_voltage"):
            array.vmm(np.full(128, 0.1055))
        assert not watched.vectors
        array.vmm(np.full(128, 0.104))

    def test_the_width_that_the_timer_makes_counts(self) -> None:
        """0.16 us + n ticks of 4.17 ns: 1.0016 us is asked, 1.0017 us is made."""
        timer_width = 0.16e-6 + 202 / 240e6
        asked = timer_width - 1.5e-9
        energy = 2.5**2 * (98e-6 * 1.2 + 120e-6)
        limits = Limits(pulse_energy=energy * (timer_width - 0.5e-9), cell_current=1.0)
        watched = board()
        point = OperatingPoint(set_width=asked, reset_width=0.2e-6)
        array = BoardArray(watched, limits, point)
        with pytest.raises(LimitError, match="pulse energy"):
            array.program_row(3, 1.2)
        assert not watched.pulses


def masked(size: int, hidden: int, value: float) -> npt.NDArray[np.float64]:
    return np.ma.masked_array(np.full(size, value), mask=np.arange(size) == hidden)


class TestMaskedArrays:
    """numpy drops the mask of a masked array in most conversions: here it is refused."""

    def test_in_gate_voltages(self, array: Array) -> None:
        with pytest.raises(SettingError, match="masked"):
            array.program_row(3, masked(64, 5, 1.2))
        with pytest.raises(SettingError, match="masked"):
            array.program(np.ma.masked_greater(np.linspace(0, 2, 64), 1.5))
        assert array.counts.set == 0

    def test_in_masks(self, array: Array) -> None:
        columns = np.ma.masked_array(np.ones(64, bool), mask=np.arange(64) == 5)
        for action in (
            lambda: array.program_row(3, 1.2, columns=columns),
            lambda: array.reset_row(3, columns=columns),
            lambda: array.program(1.2, set=np.ma.masked_array(np.ones((128, 64), bool), mask=True)),
            lambda: array.program(1.2, reset=columns),
            lambda: array.check_set(1.2, cells=columns),
        ):
            with pytest.raises(SettingError, match="masked"):
                action()
        assert array.counts.set == array.counts.reset == 0

    def test_in_vectors(self, array: Array) -> None:
        with pytest.raises(SettingError, match="masked"):
            array.vmm(masked(128, 5, 0.1))
        assert array.counts.vmm == 0

    def test_in_lists_of_lines(self, array: Array) -> None:
        with pytest.raises((SettingError, IndexError), match="masked"):
            array[np.ma.masked_array([1, 2, 3], mask=[False, True, False]), 0:4]

    def test_in_targets(self, array: Array) -> None:
        from memlab.mapping.switching import SwitchingLaw

        law = SwitchingLaw(98e-6, 120e-6, 0.0)
        target = np.ma.masked_array(np.full((128, 64), 200e-6), mask=False)
        target[3, 5] = np.ma.masked
        with pytest.raises(SettingError, match="masked"):
            write_verify(array, target, law, WriteVerify(tolerance=5e-6))
        assert array.counts.set == array.counts.reset == 0

    def test_a_masked_array_that_hides_nothing_is_an_array(self, array: Array) -> None:
        array.program_row(3, np.ma.masked_array(np.full(64, 1.2), mask=False))
        assert array.counts.set == 64


class TestWhatIsNoVoltage:
    @pytest.mark.parametrize(
        "value",
        [1.2 + 0j, np.full(64, 1.2 + 1j), "1.2", np.full(64, "1.2"), True, np.ones(64, bool), None],
    )
    def test_only_real_numbers_are(self, array: Array, value: Any) -> None:
        with pytest.raises(SettingError, match="gate_voltage"):
            array.program_row(3, value)
        assert array.counts.set == 0

    def test_a_shape_that_does_not_fit_is_one_line(self, array: Array) -> None:
        with pytest.raises(SettingError, match=r"gate_voltage has shape \(5,\)"):
            array.program_row(3, np.full(5, 1.2))
        with pytest.raises(SettingError, match=r"gate_voltage has shape \(3, 64\)"):
            array.program(np.full((3, 64), 1.2))
        with pytest.raises(SettingError, match=r"set has shape \(5,\)"):
            array.program(1.2, set=np.ones(5, bool))


class TestOneRow:
    @pytest.mark.parametrize("row", [slice(None), [1, 2], np.arange(3), np.ones(128, bool), None])
    def test_program_row_and_reset_row_take_one_row(self, array: Array, row: Any) -> None:
        for action in (lambda: array.program_row(row, 1.2), lambda: array.reset_row(row)):
            with pytest.raises(SettingError, match="one row"):
                action()
        assert array.counts.set == array.counts.reset == 0

    @pytest.mark.parametrize("row", [1.0, "1", True, (1, 2), Ellipsis])
    def test_nothing_else_is_a_row(self, array: Array, row: Any) -> None:
        with pytest.raises(SettingError, match="one row"):
            array.program_row(row, 1.2)
        assert array.counts.set == 0

    def test_integers_of_numpy_are_rows(self, array: Array) -> None:
        array.program_row(np.int64(3), 1.2)
        array.program_row(-1, 1.2)
        assert array.counts.set == 128
        with pytest.raises(IndexError):
            array.program_row(128, 1.2)
