"""The signal chain, against exact rational arithmetic and against codes worked out by hand.

    V = (code - 32768) * 10/65536,    I = sum V G,    V_adc = -I R, clipped,
    ADC code = 32768 + V_adc * 6553.6

(board reference 0.1), with R = 1e3 .. 1e6 V/A, a clip level of 2.5 V, and automatic gain that steps
up while the current is below 2.2 V / R of the next gain.
"""

from dataclasses import replace
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.board import AUTO_GAIN, Samples, Selection
from drivers.converter import CodeRange, Codes
from drivers.published_board import Span
from memlab.array.board_array import BoardArray
from memlab.chip.limits import Limits
from memlab.emulator import EmulatedBoard, load_preset
from memlab.emulator.drive import ExactDrive
from memlab.emulator.front_end import ColumnErrors, ColumnSettling
from memlab.emulator.grid import coarser_bits, grid_volts
from memlab.emulator.readout import Operands
from memlab.emulator.signal_chain import SignalChain

RESISTANCE = {1: 10**3, 2: 10**4, 3: 10**5, 4: 10**6}
STEP = Fraction(10, 65536)
SIEMENS = Fraction(1, 2**33)
AMPERE = Fraction(1, 2**53)
"""The grids of the design: 2^-20 V, 2^-33 S, and so 2^-53 A."""


@cache  # made in a test, not at import: what makes a chain is under test too
def chain() -> SignalChain:
    return SignalChain(EmulatedBoard(load_preset("ideal"), seed=0).capabilities)


def adc_code(current: Fraction, gain: int) -> int:
    """Return the code of a current, exactly; Python rounds a fraction's half to even, as rint."""
    volts = max(Fraction(-5, 2), min(Fraction(5, 2), -current * RESISTANCE[gain]))
    return 32768 + round(volts / STEP)


def automatic_gain(current: Fraction) -> int:
    return 1 + sum(abs(current) < Fraction(22, 10) / RESISTANCE[gain] for gain in (2, 3, 4))


def board_with(conductance: float, row: int = 7, column: int = 9) -> EmulatedBoard:
    """Return a noise-free board whose one cell that is not 0 has this conductance."""
    preset = load_preset("ideal").replace(set_slope=0.0, set_offset=conductance)
    board = EmulatedBoard(preset, seed=0)
    BoardArray(board, Limits(read_voltage=1.0))[row, column].program(1.0)
    return board


IDEAL = ColumnErrors(np.array([[-float(R / STEP)] for R in RESISTANCE.values()]), None, None, None)


class OneStep:
    """A drive whose only row is always at one step of the grid of voltages, 2^-20 V."""

    unit, largest = 2.0**-20, 1.0

    def fill(self, code: Codes, out: npt.NDArray[np.float64]) -> None:
        out[...] = 1.0


def digitise(current: list[int], gain: int) -> Samples:
    """Digitise what flows through one row of cells of so many whole 2^-33 S, in 2^-53 A."""
    cells = np.array([current], np.float64)
    operands = replace(operands_of(None), linear=cells, column_conductance=cells[0] / 2**33)
    out = Samples(np.empty(cells.shape, np.uint16), np.empty(cells.shape, np.uint8))
    chip = chain().unchanging(operands, IDEAL, OneStep())
    chain().measure(np.zeros((1, 1), np.uint16), chip, gain, out)
    return out


class TestOneCell:
    # 0.2 V is row code 34079: 1311 steps. 100 uS is 858993 grid steps (of 858993.46).
    @pytest.mark.parametrize(
        ("gain", "code"),
        [
            (1, 32768 - 131),  # 1311 * 1e-4 * 1e3 = 131.1 codes
            (2, 32768 - 1311),
            (3, 32768 - 13110),
            (4, 32768 - 16384),  # 20 V, clipped at 2.5 V
            (AUTO_GAIN, 32768 - 13110),  # 20.004 uA is below 22 uA
        ],
    )
    def test_100_us_at_the_read_voltage(self, gain: int, code: int) -> None:
        samples = board_with(100e-6).read(Selection(np.array([7]), np.array([9])), 34079, gain)
        assert samples.code.tolist() == [[code]]
        assert samples.gain.tolist() == [[gain or 3]]

    def test_1_ms_at_the_read_voltage_just_fits_gain_2(self) -> None:
        # Board reference 3.1. 1e-3 * 1311 * 1e4 = 13110 codes: 2.0004 V.
        samples = board_with(1e-3).read(Selection(np.array([7]), np.array([9])), 34079)
        assert (samples.code.item(), samples.gain.item()) == (32768 - 13110, 2)

    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    @pytest.mark.parametrize("row_code", [34079, 31457, 32769, 32768, 33333])
    @pytest.mark.parametrize("conductance", [0.76e-9, 1e-6, 77.7e-6, 218e-6, 5e-3])
    def test_every_gain_meets_exact_arithmetic(
        self, conductance: float, row_code: int, gain: int
    ) -> None:
        steps = round(Fraction(conductance) / SIEMENS)
        current = (row_code - 32768) * STEP * steps * SIEMENS
        samples = board_with(conductance).read(
            Selection(np.array([7]), np.array([9])), row_code, gain
        )
        assert samples.code.item() == adc_code(current, gain)

    def test_only_the_line_of_the_cell_carries_its_current(self) -> None:
        board = board_with(100e-6, row=120, column=60)
        samples = board.read(Selection(np.arange(128), np.arange(64)), 34079, 2)
        assert np.argwhere(samples.code != 32768).tolist() == [[120, 60]]


class TestDac:
    @pytest.mark.parametrize(
        ("span", "code", "volts"),
        # Board reference 1.3: minimum + code * range / 65536.
        [
            (Span.BIPOLAR_5, 0, Fraction(-5)),
            (Span.BIPOLAR_5, 32768, Fraction(0)),
            (Span.BIPOLAR_5, 34079, 1311 * STEP),
            (Span.BIPOLAR_5, 65535, 5 - STEP),
            (Span.UNIPOLAR_10, 32768, Fraction(5)),
            (Span.UNIPOLAR_5, 1, Fraction(5, 65536)),
            (Span.BIPOLAR_10, 1, -10 + 2 * STEP),
            (Span.BIPOLAR_2_5, 65535, Fraction(5, 2) - STEP / 2),
        ],
    )
    def test_voltages_are_whole_steps_of_the_grid(
        self, span: Span, code: int, volts: Fraction
    ) -> None:
        assert (volts * 2**20).denominator == 1
        assert grid_volts(np.array([code], np.uint16), span).item() == volts * 2**20

    @pytest.mark.parametrize(
        ("amperes", "bits"),
        # Sums are exact below 1 A on the finest grid, below 2 A on one of half as many steps.
        [(0.0, 0), (0.3, 0), (0.99, 0), (1.0, 1), (1.99, 1), (2.0, 2), (3.9, 2), (4.0, 3)],
    )
    def test_the_grid_of_an_array_is_as_fine_as_its_sums_allow(
        self, amperes: float, bits: int
    ) -> None:
        assert coarser_bits(amperes) == bits


class TestClip:
    @pytest.mark.parametrize("gain", [1, 2, 3, 4])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_amplifier_clips_at_2_5_volts_of_either_sign(self, gain: int, sign: int) -> None:
        # 2.5 V is 16384 codes; the amplifier inverts.
        full = int(Fraction(5, 2) / RESISTANCE[gain] / AMPERE)
        code_current = int(STEP / RESISTANCE[gain] / AMPERE)
        samples = digitise([sign * (full - code_current), sign * full, sign * 2 * full], gain)
        expected = [32768 - sign * 16383, 32768 - sign * 16384, 32768 - sign * 16384]
        assert samples.code.tolist() == [expected]

    def test_automatic_gain_clips_too(self) -> None:
        samples = digitise([2**53 - 1, 1 - 2**53], AUTO_GAIN)
        assert samples.code.tolist() == [[16384, 49152]]
        assert samples.gain.tolist() == [[1, 1]]


class TestAutomaticGain:
    @pytest.mark.parametrize(("threshold", "gain"), [("2.2e-4", 2), ("2.2e-5", 3), ("2.2e-6", 4)])
    @pytest.mark.parametrize("sign", [1, -1])
    def test_the_gain_changes_at_2_2_volts_of_the_next(
        self, threshold: str, gain: int, sign: int
    ) -> None:
        # Board reference 0.1 and 3.1. No threshold is a whole number of 2^-53 A.
        below = int(Fraction(threshold) / AMPERE)
        samples = digitise([sign * below, sign * (below + 1)], AUTO_GAIN)
        assert samples.gain.tolist() == [[gain, gain - 1]]
        expected = [adc_code(sign * below * AMPERE, gain)]
        expected += [adc_code(sign * (below + 1) * AMPERE, gain - 1)]
        assert samples.code.tolist() == [expected]

    def test_gain_1_is_not_left_upwards_between_2_2_and_2_5_ma(self) -> None:
        currents = [int(Fraction(text) / AMPERE) for text in ("2.19e-3", "2.21e-3", "2.49e-3")]
        samples = digitise(currents, AUTO_GAIN)
        assert samples.gain.tolist() == [[1, 1, 1]]
        # 2.19 V, 2.21 V and 2.49 V at 6553.6 codes per volt.
        assert samples.code.tolist() == [[32768 - 14352, 32768 - 14483, 32768 - 16318]]

    def test_no_current_is_read_at_the_highest_gain(self) -> None:
        samples = digitise([0], AUTO_GAIN)
        assert (samples.code.item(), samples.gain.item()) == (32768, 4)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1 - 2**53, 2**53 - 1) | st.integers(-(2**41), 2**41) | st.integers(-(2**30), 2**30),
    st.sampled_from([AUTO_GAIN, 1, 2, 3, 4]),
)
def test_any_current_is_digitised_as_exact_arithmetic_would(current: int, gain: int) -> None:
    used = gain or automatic_gain(current * AMPERE)
    exact = -current * AMPERE * RESISTANCE[used] / STEP
    samples = digitise([current], gain)
    assert samples.gain.item() == used
    if abs(exact - round(exact)) < Fraction(1, 2) - Fraction(1, 10**9):
        assert samples.code.item() == adc_code(current * AMPERE, used)
    else:
        # The scale of gain 3 and 4 may round where two codes are equally near.
        assert abs(samples.code.item() - adc_code(current * AMPERE, used)) <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([AUTO_GAIN, 1, 2, 3, 4]))
def test_a_vmm_of_many_cells_meets_exact_arithmetic(seed: int, gain: int) -> None:
    rng = np.random.default_rng(seed)
    board = EmulatedBoard(load_preset("pt-taox-ta"), seed)
    BoardArray(board, Limits(read_voltage=1.0)).program(rng.uniform(0.0, 2.5, (128, 64)))
    rows = np.sort(rng.choice(128, 19, replace=False))
    columns = np.sort(rng.choice(64, 3, replace=False))
    codes = rng.integers(32768 - 6553, 32768 + 6554, (2, 19)).astype(np.uint16)
    samples = board.vmm(Selection(rows, columns), codes, gain)
    conductance = board.chip.conductance
    for k in range(2):
        for c, column in enumerate(columns):
            current = sum(
                (int(codes[k, r]) - 32768)
                * STEP
                * round(conductance[row, column] * 2**33)
                * SIEMENS
                for r, row in enumerate(rows)
            )
            used = gain or automatic_gain(current)
            assert samples.gain[k, c] == used
            assert samples.code[k, c] == adc_code(current, used)


def small_board(**changes: float) -> EmulatedBoard:
    """Return a board of 5 x 3 cells, no two alike: 125.1 to 194.8 uS."""
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    board = EmulatedBoard(load_preset("ideal").replace(**dotted), 2, (5, 3))
    gate = 1e-4 * np.arange(500, 8001, 535).reshape(5, 3) + 0.002
    BoardArray(board).program(gate)
    return board


SMALL = Selection(np.arange(5), np.arange(3))


@pytest.mark.parametrize("offset", [0.0, 1e-12], ids=["ideal lines", "lines on a finer grid"])
@pytest.mark.parametrize("vectors", [1, 3])
def test_the_energy_of_a_product_is_that_of_every_cell_of_every_vector(
    vectors: int, offset: float
) -> None:
    board = small_board(board__dac__offset=offset)
    code = np.array([[32868, 32468, 34079, 32768, 31457], [33000] * 5, [31500, *[32768] * 4]])
    board.vmm(SMALL, code[:vectors].astype(np.uint16), AUTO_GAIN)
    # V^2 G, for the 0.16 us and 1020 ticks of a read pulse.
    watts = sum(
        ((int(one) - 32768) * 10 / 65536) ** 2 * siemens
        for vector in code[:vectors]
        for one, row in zip(vector, board.chip.conductance, strict=True)
        for siemens in row
    )
    assert board.energy.vmm == pytest.approx(watts * (0.16e-6 + 1020 / 240e6), rel=1e-9)


class TestNoiseOfTheCells:
    """Squares of voltages times variances, in whole numbers: exact like the product itself."""

    @pytest.mark.parametrize("largest", [1.0, 3.0, 1311.0, 4096.0, 209715.0, 1048700.0])
    @pytest.mark.parametrize("rows", [1, 3, 128])
    def test_sums_are_exact_and_as_fine_as_they_can_be(self, rows: int, largest: float) -> None:
        variance = np.random.default_rng(1).uniform(1e-16, 9e-12, (rows, 2))
        drive = ExactDrive(Span.BIPOLAR_5, CodeRange(32768, 32768))
        drive.largest, drive.unit = largest, 2.0**-20
        made = chain()._in_units(IDEAL, drive.unit)
        tables = chain()._with_cells(made, operands_of(variance), drive)
        assert tables.of_cells is not None
        square = np.rint(largest**2 * tables.square_scale)
        sums = square * tables.of_cells.sum(axis=0)
        assert (tables.of_cells == np.rint(tables.of_cells)).all()
        assert sums.max() < 2**53
        # A power of two to spare in each of: squares, rows, the largest cell.
        assert square * rows * tables.of_cells.max() >= 2**48
        if largest**2 > 2**24:
            assert 2**23 < square <= 2**24, "squares keep 24 bits"
        # In squared units of current, 2^-33 S times the unit of voltage.
        whole = sums * tables.of_cells_unit
        np.testing.assert_allclose(
            whole, largest**2 * variance.sum(axis=0) * 2.0**66, rtol=2e-6 * rows
        )

    def test_a_chain_that_has_measured_much_goes_by_what_it_measures_now(self) -> None:
        rng = np.random.default_rng(7)
        some, other = (rng.uniform(1e-16, 9e-12, (3, 2)) for _ in range(2))
        scale = IDEAL.scale
        errors = [
            ColumnErrors(scale * k, np.array([k, 2.0]), np.array([k * 1e-9, 0.0]), scale**2)
            for k in (1.0, 1.5)
        ]
        drives = [ExactDrive(Span.BIPOLAR_5, CodeRange(32768, 32768)) for _ in range(3)]
        for drive, largest, unit in zip(drives, (1311.0, 9e6, 1311.0), (1, 1, 4), strict=True):
            drive.largest, drive.unit = largest, unit * 2.0**-20
        settlings = [None] + [
            ColumnSettling(part * np.arange(1.0, 5.0), np.arange(2), np.zeros(2))
            for part in (0.125, 0.0625)
        ]
        one = SignalChain(EmulatedBoard(load_preset("ideal"), seed=0).capabilities)
        for _ in range(80):
            operands = operands_of((some, other, None)[rng.integers(3)])
            settling = settlings[rng.integers(3)]
            of_columns, drive = errors[rng.integers(2)], drives[rng.integers(3)]
            found = one._in_units(of_columns, drive.unit, settling)
            found = one._with_cells(found, operands, drive)
            made = chain()._in_units(of_columns, drive.unit, settling)
            fresh = chain()._with_cells(made, operands, drive)
            for name in (
                *("scale", "offset", "current", "sigma", "variance"),
                *("unsettled", "square_scale", "of_cells", "of_cells_unit"),
            ):
                np.testing.assert_array_equal(getattr(found, name), getattr(fresh, name), name)

    def test_a_chip_without_variance_has_none(self) -> None:
        drive = ExactDrive(Span.BIPOLAR_5, CodeRange(26214, 39322))
        made = chain()._in_units(IDEAL, drive.unit)
        for variance in (None, np.zeros((3, 2))):
            assert chain()._with_cells(made, operands_of(variance), drive) is made

    def test_it_is_the_same_on_the_grid_of_lines_with_errors(self) -> None:
        code = np.random.default_rng(3).integers(31457, 34080, (200, 5)).astype(np.uint16)
        seen = [
            small_board(read_noise__white=0.05, board__dac__offset=offset).vmm(SMALL, code, 2)
            for offset in (0.0, 1e-12)
        ]
        apart = seen[0].code.astype(int) - seen[1].code
        # The same deviates times the same variances, rounded otherwise: a code seldom differs.
        assert np.abs(apart).max() <= 1
        assert np.count_nonzero(apart) < 10
        quiet = small_board().vmm(SMALL, code, 2).code.astype(int)
        assert (seen[0].code != quiet).mean() > 0.9


def operands_of(variance: npt.NDArray[np.float64] | None) -> Operands:
    """Return operands of which nothing but this variance (S^2) matters."""
    one = np.ones((1, 1))
    return Operands(one, None, 0.0, 0.0, 1.0, None, variance, one[0], one[0])
