"""What an array adds where there is a board below: codes, gains, limits, an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drivers.board import Capabilities, Samples
from memlab.array import Measurement
from memlab.array.board_array import BoardArray
from memlab.chip.limit_changes import LimitChanges
from memlab.errors import DeviceError, LimitError, SaturationWarning
from memlab.testing.arrays.voltages import (
    COLUMNS,
    GATE,
    ArrayFixtures,
)
from memlab.testing.boards.codes import Words

Steps = Callable[..., Any]
Volts = Callable[[float], float]


def current(words: Words, measured: Measurement) -> Any:
    """Return currents in A as the raw codes of a measurement say."""
    assert measured.adc_code is not None
    assert measured.gain is not None
    return words.current(Samples(measured.adc_code, measured.gain))


class OnBoard(ArrayFixtures):
    """Codes, gains, saturation and limits."""

    @pytest.fixture
    def able(self, array: BoardArray) -> Capabilities:
        """What the board can do."""
        return array.board.capabilities

    @pytest.fixture
    def noise(self, exact: bool) -> int:
        """How many times the resolution a reading may be off for its noise."""
        return 0 if exact else 40

    @pytest.fixture
    def board_array(self, array: BoardArray, gated: bool) -> BoardArray:
        """Return a 3 x 4 view, SET as `view`."""
        view = array[2:5, COLUMNS]
        view.program(GATE if gated else 0.0, reset=np.ones(view.shape, bool))
        return view

    @pytest.fixture
    def words(self, able: Capabilities) -> Words:
        """Return the codes of the board."""
        return Words(able)

    def test_sets_of_a_row_may_have_amplitudes_of_their_own_and_each_cell_has_one_pulse(
        self, board_array: BoardArray, able: Capabilities, gated: bool
    ) -> None:
        high = board_array.operating_point.set_voltage
        low = round(0.9 * high, 2)
        volts = np.array([[high, low, high, low], [low] * 4, [high] * 4])
        gate, none = GATE if gated else 0.0, np.zeros(board_array.shape, bool)
        pulses = board_array.pulse_batch(gate, reset=none, set=~none, set_voltage=volts)
        asked = np.full((able.rows, able.columns), np.nan)
        asked[np.ix_(board_array.rows, board_array.columns)] = volts
        hit = np.zeros(asked.shape, int)
        for k in range(len(pulses)):
            row, columns = int(pulses.row[k]), pulses.columns[k]
            hit[row, columns] += 1
            sent = float(able.column.decode(pulses.amplitude_code[k]))
            assert np.abs(asked[row, columns] - sent).max() <= able.column.step
        assert (hit == ~np.isnan(asked)).all()
        before = board_array.counts.set
        board_array.program(gate, set_voltage=volts)
        assert board_array.counts.set - before == volts.size
        volts[1, 2] = board_array.limits.set_voltage + 0.1
        with pytest.raises(LimitError, match="SET voltage"):
            board_array.program(gate, set_voltage=volts)
        assert board_array.counts.set - before == volts.size

    def test_a_measurement_carries_its_raw_codes(
        self, board_array: BoardArray, steps: Steps, words: Words
    ) -> None:
        voltage = steps((2, 5, 3))
        measured = board_array.measure_vmm(voltage, gain=words.gain)
        assert measured.adc_code is not None
        assert measured.dac_code is not None
        assert measured.adc_code.shape == (2, 5, 4)
        assert measured.adc_code.dtype == words.able.sense.dtype
        np.testing.assert_array_equal(measured.gain, np.full((2, 5, 4), words.gain))
        steps_up = np.rint(voltage / words.able.row.step)
        np.testing.assert_array_equal(measured.dac_code, words.zero + steps_up)
        np.testing.assert_allclose(measured.value, current(words, measured), rtol=1e-14)

    def test_conductance_is_current_over_the_voltage_that_the_dac_makes(
        self, board_array: BoardArray, words: Words
    ) -> None:
        measured = board_array.measure_conductance(gain=words.gain)
        # On the published board 0.2 V is 1310.72 steps: the DAC makes 1311 of them.
        volts = np.rint(0.2 / words.able.row.step) * words.able.row.step
        np.testing.assert_allclose(measured.value, current(words, measured) / volts, rtol=1e-14)

    def test_a_read_is_a_vmm_of_one_hot_vectors(
        self, board_array: BoardArray, multiplies: None, words: Words, noise: int, resolution: float
    ) -> None:
        read = current(words, board_array.measure_conductance(gain=words.gain))
        multiplied = current(words, board_array.measure_vmm(0.2 * np.eye(3), gain=words.gain))
        assert np.abs(read - multiplied).max() <= noise * resolution

    def test_fixed_and_automatic_gain_agree_within_a_code(
        self, board_array: BoardArray, steps: Steps, words: Words, noise: int, resolution: float
    ) -> None:
        voltage = steps((20, 3))
        automatic = board_array.vmm(voltage)
        for gain in range(1, words.gain + 1):
            step = max(resolution, abs(words.able.current_per_code[gain - 1]))
            difference = np.abs(board_array.vmm(voltage, gain=gain) - automatic).max()
            assert difference <= (1 + noise) * step * (1 + 1e-3)

    @pytest.fixture
    def narrow(self, board_array: BoardArray, words: Words) -> int:
        """Return a gain that cells clip at, and none in RESET does; skip where there is none."""
        most = [words.able.clip / R for R in words.able.transimpedance]
        for gain in words.gains:
            if 0.2 * 50e-6 < most[gain - 1] < 0.2 * 180e-6:
                return gain
        pytest.skip("this board has no range that the cells of the suite leave")

    def test_saturation_is_flagged_counted_and_warned_of(
        self, board_array: BoardArray, narrow: int
    ) -> None:
        # On the published board: 0.2 V on 189 uS and more is above the 25 uA at which 100 kohm
        # make 2.5 V.
        board_array.reset_row(1)
        with pytest.warns(SaturationWarning, match="saturated"):
            measured = board_array.measure_conductance(gain=narrow)
        assert measured.saturated.tolist() == [[True] * 4, [False] * 4, [True] * 4]
        assert board_array.counts.saturated == 8
        with pytest.warns(SaturationWarning, match="saturated"):
            board_array.vmm([[0.2, 0.0, 0.0], [0.0, 0.0, 0.0]], gain=narrow)
        assert board_array.counts.saturated == 12

    def test_a_saturated_reading_is_a_lower_bound(
        self, board_array: BoardArray, words: Words, narrow: int
    ) -> None:
        true = board_array.read_conductance()
        with pytest.warns(SaturationWarning):
            bound = board_array.read_conductance(gain=words.gains[-1])
        assert (bound < true).all()

    def test_a_gain_that_does_not_exist_is_refused(
        self, board_array: BoardArray, words: Words
    ) -> None:
        for gain in (-1, words.gains[-1] + 1):
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
        gated: bool,
        conductance_tolerance: float,
    ) -> None:
        if not gated and reason in ("set_gate_voltage", "gate_voltage"):
            reason = f"{reason}|no gates"
        before = board_array.read_conductance()
        counts = vars(board_array.counts).copy()
        with pytest.raises(LimitError, match=reason):
            use(board_array)
        change = np.abs(board_array.read_conductance() - before).max()
        assert change <= conductance_tolerance
        assert vars(board_array.counts) == counts

    def test_a_gate_voltage_that_is_not_used_is_not_checked(
        self, board_array: BoardArray, volts: Volts
    ) -> None:
        gate = np.array([volts(1.0), np.nan, 9.9, volts(1.0)])
        board_array.program_row(0, gate, columns=np.array([True, False, False, True]))
        assert np.isfinite(board_array.read_conductance()).all()

    def test_values_exactly_at_their_limits_are_allowed(
        self, open_array: Callable[..., BoardArray]
    ) -> None:
        # Limits lowered to harmless values, so that the pulses at them are harmless too.
        limits = LimitChanges(set_gate_voltage=0.8, set_voltage=2.5, reset_voltage=1.7)
        with open_array(limits=limits) as array:
            view = array[2:5, COLUMNS]
            gated = array.board.capabilities.gate is not None
            view.program_row(0, 0.8 if gated else 0.0)
            view.program_row(0, view.gate_voltage_step)  # 0 V, or the least that can be asked for
            view.reset_row(0)
            assert view.vmm([0.2, -0.2, 0.2]).shape == (4,)
            with pytest.raises(LimitError, match=r"set_gate_voltage|no gates"):
                view.program_row(0, 0.8001)

    @pytest.mark.parametrize(
        "use",
        [
            lambda array, _: array.read_conductance(),
            lambda array, _: array.vmm(np.zeros(3)),
            lambda array, volts: array.program_row(0, volts(1.0)),
            lambda array, _: array.reset_row(0),
        ],
        ids=["read", "vmm", "program_row", "reset_row"],
    )
    def test_no_view_of_a_closed_array_is_used(
        self, board_array: BoardArray, volts: Volts, use: Callable[[BoardArray, Volts], object]
    ) -> None:
        board_array[:2].close()
        with pytest.raises(DeviceError, match="closed"):
            use(board_array, volts)

    def test_an_exception_closes_the_board(self, board_array: BoardArray) -> None:
        def fail_while_open() -> None:
            with board_array:
                raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            fail_while_open()
        with pytest.raises(DeviceError, match="closed"):
            board_array.read_conductance()

    def test_the_operating_point_is_that_of_the_view(self, board_array: BoardArray) -> None:
        point = board_array.operating_point
        gentle = board_array.with_operating_point(read_voltage=0.1)
        assert gentle.operating_point == replace(point, read_voltage=0.1)
        assert gentle[:2, 1:].operating_point == gentle.operating_point
        assert board_array.operating_point == point
