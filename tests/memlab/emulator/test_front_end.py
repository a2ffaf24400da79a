"""The analogue front end against the formulas of `memlab.emulator.front_end`."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from drivers.board import AUTO_GAIN, Selection
from drivers.converter import CodeRange, Converter
from drivers.published_board import Span
from memlab.emulator.front_end import DacLines
from memlab.emulator.normal import NormalSource
from memlab.emulator.profile import DacParameters
from memlab.errors import LimitError
from tests.memlab.emulator.effects import ALL, SIGMAS, assert_fraction, assert_mean, make

STEP = 10 / 65536
MANY = 4000
ALL_OF_5 = Selection(np.arange(5), np.arange(4))


def spread_over_channels(sample: np.ndarray, expected: float) -> None:
    assert abs(sample.std() - expected) < SIGMAS * expected / math.sqrt(2 * sample.size)


class TestDacLines:
    def test_a_line_has_its_own_offset_and_gain(self) -> None:
        array, board = make(board__dac__offset=2e-3, board__dac__gain=5e-3, read_voltage=1.0)
        record = board.calibration
        spread_over_channels(record.row_offset, 2e-3)
        spread_over_channels(record.row_gain, 5e-3)
        array.program(1.25)
        # Other lines at 0 V drive their offsets too: one row and one column at a time.
        for row in (0, 77):
            view = array[row, 3]
            current = view.vmm(np.array([[0.5], [-0.25]]), gain=2)[:, 0]
            made = np.rint(np.array([0.5, -0.25]) / STEP) * STEP
            true = made * (1 + record.row_gain[row]) + record.row_offset[row]
            np.testing.assert_allclose(current, true * board.chip.conductance[row, 3], atol=8e-9)

    def test_the_inl_is_a_bow_of_the_given_size(self) -> None:
        _, board = make(board__dac__inl=1e-3)
        lines, size = board._front_end.rows, board.calibration.row_inl
        codes = np.arange(0, 65536, 16, dtype=np.uint16)[:, np.newaxis].repeat(128, 1)
        error = lines.volts(codes, Span.BIPOLAR_5, np.arange(128)) - Span.BIPOLAR_5.decode(codes)
        np.testing.assert_allclose(np.abs(error).max(axis=0), np.abs(size), atol=2**-20)
        assert np.abs(error[0]).max() <= 2**-20

    @pytest.mark.parametrize("zero_code", [40000, 20000, 0])
    def test_all_errors_together_on_a_span_of_unequal_sides(self, zero_code: int) -> None:
        span = Converter("uneven", STEP, zero_code, CodeRange(0, 65535))
        parameters = DacParameters(offset=4e-3, gain=7e-3, inl=2e-3)
        dac = DacLines(parameters, 5, np.random.default_rng(3))
        assert not dac.exact
        lines = np.array([4, 0, 2])
        code = np.array([[0, 9000, 65535], [41000, 65535, 0], [zero_code] * 3], np.uint16)
        full = max(zero_code, 65536 - zero_code) * STEP
        expected = np.empty((3, 3))
        for i, j in np.ndindex(3, 3):
            line, nominal = lines[j], (int(code[i, j]) - zero_code) * STEP
            u = nominal / full
            bow = 1.5 * math.sqrt(3) * (u**3 - u)
            expected[i, j] = nominal * (1 + dac.gain[line]) + dac.offset[line] + dac.inl[line] * bow
        found = dac.volts(code, span, lines)
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.501 * 2**-20)
        assert (found * 2**20 == np.rint(found * 2**20)).all()

    @pytest.mark.parametrize("one", ["offset", "gain", "inl"])
    def test_lines_with_one_error_only_are_not_exact(self, one: str) -> None:
        parameters = DacParameters(**{one: 5e-3})
        dac = DacLines(parameters, 2, np.random.default_rng(1))
        assert not dac.exact
        made = dac.volts(np.array([[50000, 50000]], np.uint16), Span.BIPOLAR_5, np.arange(2))
        assert (np.abs(made - (50000 - 32768) * STEP) > 1e-4).all()
        for other in {"offset", "gain", "inl"} - {one}:
            assert not getattr(dac, other).any()

    def test_gate_and_column_lines_err_too(self) -> None:
        array, board = make(board__dac__offset=10e-3)
        array.program(1.25)
        # A gate's offset is one for its column, and moves the level by slope times offset.
        level = board.chip.conductance
        np.testing.assert_array_equal(level, level[:1].repeat(128, axis=0))
        spread_over_channels(level[0], 98e-6 * 10e-3)

    def test_the_channels_of_rows_columns_and_gates_have_nothing_in_common(self) -> None:
        array, board = make(
            board__dac__offset=10e-3, board__dac__gain=5e-3, board__dac__inl=1e-3, shape=(12, 7)
        )
        front = board._front_end
        for error in ("offset", "gain", "inl"):
            rows, columns, gates = (
                getattr(lines, error) for lines in (front.rows, front.columns, front.gates)
            )
            assert (rows.shape, columns.shape, gates.shape) == ((12,), (7,), (7,))
            assert np.unique(np.concatenate([rows, columns, gates])).size == 26, error
        array.program(1.25)
        made = front.gates.volts(np.full(7, 8192, np.uint16), Span.UNIPOLAR_10, np.arange(7))
        assert np.abs(made - 1.25).min() > 1e-4
        # 8192 of 65536 steps of 10 V are 1.25 V: the level is that of what the gate makes.
        level = 98e-6 * made + 120e-6
        np.testing.assert_allclose(board.chip.conductance, np.tile(level, (12, 1)), rtol=1e-6)

    def test_a_line_that_has_not_settled_is_short_of_its_step(self) -> None:
        array, _ = make(board__dac__settling=5e-6)  # sampled after 10 us: exp(-2)
        array.program(1.25)
        current = array[0].vmm(np.array([[0.0], [0.2], [0.2], [-0.2]]), gain=2)[:, 0]
        steps = np.array([0.0, 0.2, 0.2, -0.2]) - math.exp(-2) * np.array([0.0, 0.2, 0.0, -0.4])
        np.testing.assert_allclose(current, 242.5e-6 * steps, atol=3e-8)


class TestSettlingOfTheColumns:
    HOLD = 10e-6 + 0.16e-6 + 900 / 240e6
    """From the step of the rows to the sample."""

    @staticmethod
    def capacitance(tau: float) -> float:
        """Return that with which 10 kohm settles with this time constant (board reference 3)."""
        pole = 1 / (2 * math.pi * tau)
        return 500e6 / (2 * math.pi * 1e4 * pole**2)

    @pytest.mark.parametrize("gain", [1, 2, 3])
    def test_a_column_that_has_not_settled_is_short_of_its_step(self, gain: int) -> None:
        array, _ = make(
            board__amplifier__column_capacitance=self.capacitance(self.HOLD / 2), set_offset=0.0
        )
        array.program(0.8)
        made = [round(v / STEP) * STEP for v in (0.0, 0.2, 0.2, -0.1)]
        current = array[0].vmm(np.array([[0.0], [0.2], [0.2], [-0.1]]), gain=gain)[:, 0]
        # The time constant goes with the square root of the transimpedance.
        left = math.exp(-2 * 10 ** ((2 - gain) / 2))
        G = 98e-6 * round(0.8 * 6553.6) / 6553.6
        expected = G * (np.array(made) - left * np.diff(made, prepend=0.0))
        np.testing.assert_allclose(current, expected, atol=0.51 * STEP / 10 ** (2 + gain))

    def test_pulses_and_ground_let_it_settle(self) -> None:
        array, board = make(board__amplifier__column_capacitance=self.capacitance(self.HOLD))
        array.program(1.25)
        first = array[0].vmm(np.array([0.2]), gain=2)
        second = array[0].vmm(np.array([0.2]), gain=2)
        assert (second > 1.3 * first).all()
        board.ground()
        np.testing.assert_array_equal(array[0].vmm(np.array([0.2]), gain=2), first)

    @pytest.mark.parametrize("gain", [AUTO_GAIN, 3])
    def test_a_batch_may_be_cut_anywhere(self, gain: int) -> None:
        codes = np.random.default_rng(1).integers(32600, 32900, (300, 128)).astype(np.uint16)
        changes = {
            "board__amplifier__column_capacitance": self.capacitance(self.HOLD / 4),
            "board__adc__inl": 2.0,
            "read_noise__flicker": 0.01,
        }
        boards = [make("ta-hfo2-full", **changes) for _ in range(2)]
        for array, _ in boards:
            array.program(1.25)
        whole = boards[0][1].vmm(ALL, codes, gain)
        cuts = [0, 1, 2, 127, 128, 129, 255, 300]
        parts = [boards[1][1].vmm(ALL, codes[a:b], gain) for a, b in pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate([p.code for p in parts]), whole.code)
        np.testing.assert_array_equal(np.concatenate([p.gain for p in parts]), whole.gain)

    def test_the_bandwidth_of_a_gain_limits_its_noise(self) -> None:
        spread = {}
        for capacitance in (0.0, 100e-12, 10e-9):
            array, _ = make(
                board__amplifier__thermal_bandwidth=1.571e6,
                board__amplifier__column_capacitance=capacitance,
            )
            code = array[:1].measure_vmm(np.zeros((MANY, 1)), gain=4).adc_code
            spread[capacitance] = code.astype(float).std()
        # Board reference 3.1: 0.9 MHz at 1 Mohm and 100 pF; a tenth of that with 10 nF.
        for capacitance, pole in ((100e-12, 0.892e6), (10e-9, 89.2e3)):
            bandwidth = min(1.571e6, math.pi / 2 * pole)
            volts = math.sqrt(4 * 1.380649e-23 * 300 * 1e6 * bandwidth)
            codes = np.arange(-9, 10)
            share = np.diff(norm.cdf(np.arange(-9.5, 10) * STEP / volts))
            expected = math.sqrt(share @ codes**2)
            assert spread[capacitance] == pytest.approx(expected, rel=0.02)  # 256,000 readings
        assert spread[10e-9] < spread[100e-12] < spread[0.0]


class TestAdcNonlinearity:
    def test_a_channel_has_a_bow_of_the_given_size(self) -> None:
        _, board = make(board__adc__inl=20.0, board__amplifier__clip=5.0)
        size = board._front_end._adc_inl
        spread_over_channels(size, 20.0)
        u = np.linspace(-0.9, 0.9, 61)
        found = np.empty((u.size, 64))
        for k, part in enumerate(u):
            for column in range(64):
                board.inject(column, -part * 5.0 / 1e3)
            code = board.vmm(ALL, np.full((1, 128), 32768, np.uint16), 1).code[0]
            found[k] = code.astype(float) - 32768 - part * 32768
        bow = (u**3 - u) * 1.5 * math.sqrt(3)
        np.testing.assert_allclose(found, bow[:, np.newaxis] * size, atol=0.51)
        # At 1 / sqrt(3) of full scale it is as large as it gets.
        assert np.abs(bow).max() == pytest.approx(1.0, abs=2e-3)

    def test_the_clip_stays_where_it_is(self) -> None:
        _, board = make(board__adc__inl=20.0)
        for column in range(64):
            board.inject(column, 1.0)
        code = board.vmm(ALL, np.full((1, 128), 32768, np.uint16), 1).code
        np.testing.assert_array_equal(code, 32768 - 16384)


class TestAmplifier:
    def test_an_offset_grows_with_the_conductance_of_the_column(self) -> None:
        array, board = make(board__amplifier__offset=0.5e-3)
        offset = board.calibration.amplifier_offset
        spread_over_channels(offset, 0.5e-3)
        array.program(1.25)
        for rows in (1, 16):
            measured = array[:rows].measure_vmm(np.zeros(rows), gain=2)
            volts = (measured.adc_code.astype(float) - 32768) * STEP
            expected = offset * (1 + 1e4 * rows * 242.5e-6)
            np.testing.assert_allclose(volts, expected, atol=0.51 * STEP)

    def test_feedback_resistors_differ(self) -> None:
        array, board = make(board__amplifier__mismatch=0.02)
        R = board.calibration.transimpedance
        spread_over_channels(R / np.array([[1e3], [1e4], [1e5], [1e6]]) - 1, 0.02)
        array.program(1.25)
        for gain in (1, 2):
            code = array[0].measure_vmm(np.array([0.2]), gain=gain).adc_code
            volts = (32768 - code.astype(float)) * STEP
            made = round(0.2 / STEP) * STEP
            np.testing.assert_allclose(volts, R[gain - 1] * made * 242.5e-6, atol=0.51 * STEP)

    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    def test_thermal_noise_by_gain(self, gain: int) -> None:
        _, board = make(board__amplifier__thermal_bandwidth=1e12, temperature=330.0)
        code = board.vmm(ALL, np.full((MANY, 128), 32768, np.uint16), gain).code.astype(float)
        R = 10.0 ** (gain + 2)
        expected = math.sqrt(4 * 1.380649e-23 * 330 * R * 1e12) / STEP
        assert_mean(code, 32768)
        spread_over_channels(code, math.hypot(expected, 1 / math.sqrt(12)))

    def test_noise_in_1_mhz_is_what_the_reference_says(self) -> None:
        # The noise bandwidth of a single pole at 1 MHz is pi/2 MHz.
        _, board = make(board__amplifier__thermal_bandwidth=1e6 * math.pi / 2)
        operands = board._readout.operands(ALL, 5.0)
        variance = board._front_end.column_errors(ALL.columns, operands).variance
        assert variance is not None
        # Board reference 3, in LSB.
        np.testing.assert_allclose(np.sqrt(variance[:, 0]), [0.03, 0.11, 0.33, 1.06], atol=0.005)

    def test_voltage_noise_appears_times_the_noise_gain(self) -> None:
        changes = {"board__amplifier__thermal_bandwidth": 1e6}
        array, board = make(board__amplifier__voltage_noise=40e-9, **changes)
        array.program(1.25)
        code = board.vmm(ALL, np.full((MANY, 128), 32768, np.uint16), 2).code.astype(float)
        gain = 1 + 1e4 * 128 * 242.5e-6
        variance = (40e-9 * gain) ** 2 * 1e6 + 4 * 1.380649e-23 * 300 * 1e4 * 1e6
        spread_over_channels(code, math.sqrt(variance / STEP**2 + 1 / 12))

    @pytest.mark.parametrize(
        ("voltage_noise", "bandwidth", "cells", "capacitance"),
        [
            (40e-9, 1e6, 0.0, 0.0),
            (0.0, 0.0, 3e6, 0.0),
            (40e-9, 1e6, 3e6, 0.0),
            (40e-9, 1e6, 3e6, 2e-9),
            (40e-9, 3e6, 1e6, 200e-12),
        ],
    )
    def test_the_variance_is_that_of_the_formula(
        self, voltage_noise: float, bandwidth: float, cells: float, capacitance: float
    ) -> None:
        _, board = make(
            shape=(5, 3),
            temperature=330.0,
            read_noise__bandwidth=cells,
            board__adc__noise=0.7,
            board__amplifier__thermal_bandwidth=bandwidth,
            board__amplifier__voltage_noise=voltage_noise,
            board__amplifier__column_capacitance=capacitance,
        )
        # Of columns whose noise gain is far from 1 at some gain, and near it at another.
        G = np.array([2e-7, 3e-5, 7e-4])
        variance = board._front_end._noise(G)
        assert variance is not None
        thermal = 4 * 1.380649e-23 * 330.0
        for k, R in enumerate((1e3, 1e4, 1e5, 1e6)):
            # Board reference 3: the pole lies at the root of GBW / (2 pi R C).
            pole = math.sqrt(500e6 / (2 * math.pi * R * capacitance)) if capacitance else math.inf
            for column, siemens in enumerate(G):
                own = min(bandwidth, math.pi / 2 * pole) * (
                    thermal * R + (voltage_noise * (1 + R * siemens)) ** 2
                )
                of_cells = min(cells, math.pi / 2 * pole) * thermal * R**2 * siemens
                expected = 0.7**2 + (own + of_cells) / STEP**2
                found = np.broadcast_to(variance, (4, 3))[k, column]
                assert found == pytest.approx(expected, rel=1e-12)

    def test_columns_have_their_own_errors_whichever_were_asked_for_before(self) -> None:
        _, board = make(
            board__amplifier__offset=0.5e-3,
            board__amplifier__mismatch=0.02,
            board__adc__offset=3.0,
            board__adc__inl=2.0,
            shape=(5, 4),
        )
        front, record = board._front_end, board.calibration
        board.inject(2, 3e-6)
        injected = np.array([0.0, 0.0, 3e-6, 0.0])
        first, second = np.array([0, 2]), np.array([1, 2, 3])
        G = np.array([1e-3, 2e-3, 3e-3, 5e-3])
        for columns in (first, second, second, first):
            operands = replace(
                board._readout.operands(ALL_OF_5, 5.0), column_conductance=G[columns]
            )
            errors = front.column_errors(columns, operands)
            scale = -record.transimpedance[:, columns] / STEP
            np.testing.assert_allclose(errors.scale, scale, rtol=1e-12)
            offset = record.amplifier_offset[columns] / STEP + record.adc_offset[columns]
            np.testing.assert_allclose(errors.offset, offset, rtol=1e-12)
            current = injected[columns] - record.amplifier_offset[columns] * G[columns]
            np.testing.assert_allclose(errors.current, current, rtol=1e-12)
            bow = 1.5 * math.sqrt(3) * front._adc_inl[columns]
            np.testing.assert_allclose(errors.bow, bow, rtol=1e-12)
            assert errors.variance is None


class TestAdc:
    def test_noise_in_codes(self) -> None:
        _, board = make(board__adc__noise=1.7)
        code = board.vmm(ALL, np.full((MANY, 128), 32768, np.uint16), AUTO_GAIN).code.astype(float)
        assert_mean(code, 32768)
        spread_over_channels(code, math.hypot(1.7, 1 / math.sqrt(12)))

    def test_offsets(self) -> None:
        _, board = make(board__adc__offset=20.0)
        offset = board.calibration.adc_offset
        spread_over_channels(offset, 20.0)
        code = board.read(ALL, 32768, 1).code.astype(float) - 32768
        np.testing.assert_allclose(code, np.rint(offset)[np.newaxis].repeat(128, 0))

    def test_beyond_the_range_the_codes_stick_at_its_ends(self) -> None:
        array, board = make(board__amplifier__clip=8.0, read_voltage=1.0)
        array.program(1.25)
        codes = np.array([[31000] * 128, [34500] * 128], np.uint16)
        code = board.vmm(ALL, codes, 3).code
        np.testing.assert_array_equal(code[0], 65535)
        np.testing.assert_array_equal(code[1], 0)


class TestCalibration:
    def test_what_is_static_can_be_undone(self) -> None:
        array, board = make(
            board__dac__offset=2e-3,
            board__dac__gain=3e-3,
            board__dac__inl=5e-4,
            board__amplifier__offset=0.5e-3,
            board__amplifier__mismatch=0.01,
            board__adc__offset=5.0,
        )
        record = board.calibration
        array.program(1.25)
        conductance = board.chip.conductance
        rng = np.random.default_rng(0)
        wanted = rng.uniform(-0.15, 0.15, (20, 16))
        rows = np.arange(16)
        request = record.request(np.hstack([wanted, np.zeros((20, 112))]))[:, :16]
        measured = array[:16].measure_vmm(request)
        assert measured.adc_code is not None
        assert measured.gain is not None
        raw = np.abs(measured.value - wanted @ conductance[rows]).max()
        current = record.current(
            measured.adc_code, measured.gain, measured.sense, conductance[rows].sum(axis=0)
        )
        left = np.abs(current - wanted @ conductance[rows]).max()
        # Half a DAC step on each of 16 rows, adding up at random, and half a step of the ADC.
        bound = 242.5e-6 * 5 * 16**0.5 * STEP / math.sqrt(12) + 152.6e-9
        assert left < bound < raw / 5

    def test_request_is_the_inverse_of_row_voltage(self) -> None:
        _, board = make("worst-case")
        record = board.calibration
        wanted = np.random.default_rng(0).uniform(-2, 2, (5, 128))
        np.testing.assert_allclose(record.row_voltage(record.request(wanted)), wanted, atol=1e-9)


class TestNormalSource:
    def test_the_distribution_is_normal(self) -> None:
        source = NormalSource(np.random.SFC64(1))
        z = source.deviates(np.empty((5000, 61), np.float32)).value.astype(float)
        assert_mean(z, 0.0)
        spread_over_channels(z, 1.0)
        for x in (-2.5, -1.0, 0.3, 2.0, 3.0):
            assert_fraction(z < x, 0.5 * (1 + math.erf(x / math.sqrt(2))))

    def test_a_batch_may_be_cut_anywhere(self) -> None:
        whole = NormalSource(np.random.SFC64(1)).deviates(np.empty((50, 61), np.float32)).value
        source = NormalSource(np.random.SFC64(1))
        parts = [source.deviates(np.empty((n, 61), np.float32)).value for n in (1, 30, 19)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


class TestLargeArrays:
    def test_1024_by_1024_cells_work(self) -> None:
        array, board = make("ta-hfo2", shape=(1024, 1024))
        array[[0, 1000, 1023]].program(1.25)
        read = array[[0, 1000, 1023]].read_conductance(gain=2)
        np.testing.assert_allclose(
            read, board.chip.conductance[[0, 1000, 1023]], atol=0.51 * STEP / 1e4 / 0.2
        )

    def test_sums_that_would_not_be_exact_are_refused(self) -> None:
        # 7,000 cells of 5 mS at 1 V on the coarsest grid of lines with errors, 2^-15 V.
        with pytest.raises(LimitError, match=r"at most 6399 rows .* lower limits.read_voltage"):
            make(shape=(7000, 1), read_voltage=1.0, board__dac__offset=1e-6)
