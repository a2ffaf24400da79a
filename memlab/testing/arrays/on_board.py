"""What an array adds where there is a board below: codes, gains, limits, an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from memlab.array.board_array import BoardArray
from memlab.chip.limits import Limits, OperatingPoint
from memlab.errors import DeviceError, LimitError, SaturationWarning
from memlab.testing.arrays.voltages import (
    CODE_CONDUCTANCE,
    CODE_CURRENT,
    COLUMNS,
    GATE,
    ArrayFixtures,
    steps,
)


class OnBoard(ArrayFixtures):
    """Codes, gains, saturation and limits."""

    @pytest.fixture
    def code_tolerance(self, exact: bool) -> int:
        """ADC codes at gain 2 by which an untouched cell may seem to change."""
        return 0 if exact else 40

    @pytest.fixture
    def board_array(self, open_array: Callable[..., BoardArray]) -> Iterator[BoardArray]:
        """Yield a 3 x 4 view, SET as `view`."""
        with open_array() as array:
            view = array[2:5, COLUMNS]
            view.program(GATE, reset=np.ones(view.shape, bool))
            yield view

    def test_a_measurement_carries_its_raw_codes(self, board_array: BoardArray) -> None:
        voltage = steps((2, 5, 3))
        measured = board_array.measure_vmm(voltage, gain=2)
        assert measured.adc_code is not None
        assert measured.dac_code is not None
        assert measured.adc_code.shape == (2, 5, 4)
        assert measured.adc_code.dtype == np.uint16
        np.testing.assert_array_equal(measured.gain, np.full((2, 5, 4), 2))
        # Codes by hand, from the span of +/-5 V and the 10 kohm of gain 2.
        np.testing.assert_array_equal(measured.dac_code, 32768 + np.rint(voltage * 6553.6))
        current = -(measured.adc_code.astype(float) - 32768) * 10 / 65536 / 1e4
        np.testing.assert_allclose(measured.value, current, rtol=1e-14)

    def test_conductance_is_current_over_the_voltage_that_the_dac_makes(
        self, board_array: BoardArray
    ) -> None:
        measured = board_array.measure_conductance(gain=2)
        assert measured.adc_code is not None
        current = -(measured.adc_code.astype(float) - 32768) * 10 / 65536 / 1e4
        # 0.2 V is 1310.72 steps: the DAC makes 1311 of them.
        np.testing.assert_allclose(measured.value, current / (1311 * 10 / 65536), rtol=1e-14)

    def test_a_read_is_a_vmm_of_one_hot_vectors(
        self, board_array: BoardArray, code_tolerance: int
    ) -> None:
        read = board_array.measure_conductance(gain=2).adc_code
        multiplied = board_array.measure_vmm(0.2 * np.eye(3), gain=2).adc_code
        assert read is not None
        assert multiplied is not None
        assert np.abs(read.astype(int) - multiplied).max() <= code_tolerance

    def test_fixed_and_automatic_gain_agree_within_a_code(
        self, board_array: BoardArray, code_tolerance: int
    ) -> None:
        voltage = steps((20, 3))
        automatic = board_array.vmm(voltage)
        for gain, step in ((1, 152.6e-9), (2, CODE_CURRENT)):
            difference = np.abs(board_array.vmm(voltage, gain=gain) - automatic).max()
            assert difference <= (1 + code_tolerance) * step

    def test_saturation_is_flagged_counted_and_warned_of(self, board_array: BoardArray) -> None:
        # 0.2 V on 189 uS and more is above the 25 uA at which 100 kohm make 2.5 V.
        board_array.reset_row(1)
        with pytest.warns(SaturationWarning, match="saturated"):
            measured = board_array.measure_conductance(gain=3)
        assert measured.saturated.tolist() == [[True] * 4, [False] * 4, [True] * 4]
        assert board_array.counts.saturated == 8
        with pytest.warns(SaturationWarning, match="saturated"):
            board_array.vmm([[0.2, 0.0, 0.0], [0.0, 0.0, 0.0]], gain=3)
        assert board_array.counts.saturated == 12

    def test_a_saturated_reading_is_a_lower_bound(self, board_array: BoardArray) -> None:
        true = board_array.read_conductance()
        with pytest.warns(SaturationWarning):
            bound = board_array.read_conductance(gain=4)
        assert (bound < true).all()

    @pytest.mark.parametrize("gain", [-1, 5])
    def test_a_gain_that_does_not_exist_is_refused(
        self, board_array: BoardArray, gain: int
    ) -> None:
        with pytest.raises(DeviceError, match="gain"):
            board_array.vmm(np.zeros(3), gain=gain)

    @pytest.mark.parametrize(
        ("use", "reason"),
        [
            (lambda array: array.vmm([0.0, 0.0, 0.2001]), "read_voltage"),
            (lambda array: array.vmm([0.0, -0.2001, 0.0]), "read_voltage"),
            (lambda array: array.vmm([0.0, np.nan, 0.0]), "read_voltage"),
            (lambda array: array.vmm([0.0, -np.inf, 0.0]), "read_voltage"),
            (lambda array: array.program_row(0, 2.51), "set_gate_voltage"),
            (lambda array: array.program_row(0, -0.01), "set_gate_voltage"),
            (lambda array: array.program_row(0, [1.0, 1.0, np.nan, 1.0]), "set_gate_voltage"),
            (lambda array: array.program_row(0, np.inf), "set_gate_voltage"),
            (
                lambda array: array.program(
                    np.where(np.arange(12).reshape(3, 4) == 11, 2.6, 1.6),
                    reset=np.ones((3, 4), bool),
                ),
                "set_gate_voltage",
            ),
            (
                lambda array: array.with_operating_point(set_voltage=3.01).program_row(0, 1.0),
                "set_voltage",
            ),
            (
                lambda array: array.with_operating_point(reset_voltage=3.01).reset_row(0),
                "reset_voltage",
            ),
            (
                lambda array: array.with_operating_point(reset_voltage=np.nan).reset_row(0),
                "reset_voltage",
            ),
            (
                lambda array: array.with_operating_point(reset_gate_voltage=5.01).reset_row(0),
                "gate_voltage",
            ),
            (
                lambda array: array.with_operating_point(set_width=4.5e-6).program_row(0, 1.0),
                "width",
            ),
            (
                lambda array: array.with_operating_point(reset_width=0.1e-6).reset_row(0),
                "width",
            ),
            (
                lambda array: array.with_operating_point(read_voltage=0.21).read_conductance(),
                "read_voltage",
            ),
        ],
    )
    def test_a_limit_raises_says_which_and_leaves_the_cells_alone(
        self,
        board_array: BoardArray,
        use: Callable[[BoardArray], object],
        reason: str,
        code_tolerance: int,
    ) -> None:
        before = board_array.read_conductance()
        counts = vars(board_array.counts).copy()
        with pytest.raises(LimitError, match=reason):
            use(board_array)
        change = np.abs(board_array.read_conductance() - before).max()
        assert change <= code_tolerance * CODE_CONDUCTANCE
        assert vars(board_array.counts) == counts

    def test_a_gate_voltage_that_is_not_used_is_not_checked(self, board_array: BoardArray) -> None:
        gate = np.array([1.0, np.nan, 9.9, 1.0])
        board_array.program_row(0, gate, columns=np.array([True, False, False, True]))
        assert np.isfinite(board_array.read_conductance()).all()

    def test_values_exactly_at_their_limits_are_allowed(
        self, open_array: Callable[..., BoardArray]
    ) -> None:
        # Limits lowered to harmless values, so that the pulses at them are harmless too.
        limits = Limits(set_gate_voltage=0.8, set_voltage=2.5, reset_voltage=1.7)
        with open_array(limits=limits) as array:
            view = array[2:5, COLUMNS]
            view.program_row(0, 0.8)
            view.program_row(0, view.gate_voltage_step)  # 0 V, or the least that can be asked for
            view.reset_row(0)
            assert view.vmm([0.2, -0.2, 0.2]).shape == (4,)
            with pytest.raises(LimitError, match="set_gate_voltage"):
                view.program_row(0, 0.8001)

    @pytest.mark.parametrize(
        "use",
        [
            lambda array: array.read_conductance(),
            lambda array: array.vmm(np.zeros(3)),
            lambda array: array.program_row(0, 1.0),
            lambda array: array.reset_row(0),
        ],
        ids=["read", "vmm", "program_row", "reset_row"],
    )
    def test_no_view_of_a_closed_array_is_used(
        self, board_array: BoardArray, use: Callable[[BoardArray], object]
    ) -> None:
        board_array[:2].close()
        with pytest.raises(DeviceError, match="closed"):
            use(board_array)

    def test_an_exception_closes_the_board(self, board_array: BoardArray) -> None:
        def fail_while_open() -> None:
            with board_array:
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()
        with pytest.raises(DeviceError, match="closed"):
            board_array.read_conductance()

    def test_the_operating_point_is_that_of_the_view(self, board_array: BoardArray) -> None:
        gentle = board_array.with_operating_point(read_voltage=0.1)
        assert gentle.operating_point == OperatingPoint(read_voltage=0.1)
        assert gentle[:2, 1:].operating_point == gentle.operating_point
        assert board_array.operating_point == OperatingPoint()
