"""Differential matrices: the arithmetic on an ideal array, the error bound on an emulated board.

Golden numbers: experiments reference 2 and 5 (R_gw, R_vg, slopes), board reference 0.1 and 1 (DAC
and ADC steps, gains, the 2.2 V rule).
"""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memlab
from memlab.array.board_array import BoardArray
from memlab.array.ideal import IdealArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.mapping import DifferentialMatrix, DirectUpdate, Layout, OneShotUpdate, UpdateRule

FloatArray = npt.NDArray[np.float64]
READ_VOLTAGE, SIEMENS_PER_WEIGHT = 0.2, 1e-4

ROW_STEP = 10 / 2**16  # V, -5..5 V DAC
GATE_STEP = 10 / 2**16  # V, 0..10 V DAC
ADC_STEP = 152.588e-6  # V
SIEMENS_STEP = 2.0**-33  # S, the emulator's conductance grid


def ideal_matrix(start: FloatArray, layout: Layout = Layout.BLOCK) -> DifferentialMatrix:
    array = IdealArray(*start.shape)
    matrix = DifferentialMatrix(
        "w", array, SIEMENS_PER_WEIGHT, READ_VOLTAGE, DirectUpdate(start), layout
    )
    matrix.initialise()
    return matrix


def emulated(
    rows: int, columns: int, rule: UpdateRule, chip: str = "ideal", seed: int = 1, **changes: float
) -> tuple[DifferentialMatrix, EmulatedBoard]:
    board = EmulatedBoard(load_preset(chip).replace(**changes), seed)
    array = BoardArray(board)[3 : 3 + rows, 4 : 4 + columns]
    return DifferentialMatrix("w", array, SIEMENS_PER_WEIGHT, READ_VOLTAGE, rule), board


def li_rule() -> OneShotUpdate:
    return OneShotUpdate(1.02e4, initial=1.0, minimum=0.7, maximum=1.6)


# -- the arithmetic -------------------------------------------------------------------------


@pytest.mark.parametrize("layout", list(Layout))
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_multiplying_on_an_ideal_array_is_the_matrix_product(
    layout: Layout, data: st.DataObject
) -> None:
    inputs, outputs = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 5))
    batch = data.draw(st.lists(st.integers(1, 4), max_size=2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    start = rng.uniform(0.0, 400e-6, (2 * inputs, outputs))
    x = rng.normal(size=(*batch, inputs)) * 10.0 ** rng.integers(-12, 12, size=(*batch, 1))
    x[rng.random(batch) < 0.3] = 0.0
    halves = start.reshape(2, inputs, outputs)
    if layout is Layout.INTERLEAVED:
        halves = halves.reshape(inputs, 2, outputs).swapaxes(0, 1)
    weight = (halves[0] - halves[1]) / SIEMENS_PER_WEIGHT

    product = ideal_matrix(start, layout).multiply(x)

    assert product.shape == (*batch, outputs)
    # Each side of the subtraction carries its own rounding: the scale is that of the sides.
    scale = np.abs(x).max(axis=-1, keepdims=True) * inputs * 400e-6 / SIEMENS_PER_WEIGHT
    assert (np.abs(product - x @ weight) <= 1e-14 * scale).all()


def test_a_vector_of_zeros_gives_zeros_also_between_others() -> None:
    matrix = ideal_matrix(np.array([[300e-6], [200e-6], [200e-6], [250e-6]]))  # W = 1, -0.5
    product = matrix.multiply(np.array([[0.0, 0.0], [2.0, 2.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(product[[0, 2]], np.zeros((2, 1)))
    assert product[1, 0] == pytest.approx(1.0, rel=1e-14)


def test_the_largest_input_of_each_vector_is_driven_at_the_read_voltage_with_its_sign() -> None:
    matrix = ideal_matrix(np.zeros((4, 1)))
    seen: list[FloatArray] = []
    measure = matrix.array._measure_vmm
    matrix.array._measure_vmm = lambda voltage, gain: (  # type: ignore[method-assign]
        seen.append(voltage.copy()),
        measure(voltage, gain),
    )[1]
    matrix.multiply(np.array([[5.0, -10.0], [1e-3, 5e-4]]))
    np.testing.assert_allclose(
        seen[0], [[0.1, -0.2, -0.1, 0.2], [0.2, 0.1, -0.2, -0.1]], rtol=1e-14
    )


def test_the_arrays_of_the_caller_are_not_modified() -> None:
    start = np.full((4, 2), 200e-6)
    matrix = ideal_matrix(start)
    x, change = np.array([[3.0, 0.0]]), np.array([[0.1, -0.1], [0.0, 0.2]])
    kept = [array.copy() for array in (start, x, change)]
    matrix.multiply(x)
    matrix.update(change)
    for array, before in zip((start, x, change), kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("layout", list(Layout))
def test_an_update_on_an_ideal_array_moves_the_weight_by_exactly_what_was_asked(
    layout: Layout,
) -> None:
    rng = np.random.default_rng(4)
    matrix = ideal_matrix(rng.uniform(100e-6, 300e-6, (6, 4)), layout)
    before, change = matrix.weight.copy(), rng.normal(size=(3, 4))
    matrix.update(change)
    np.testing.assert_allclose(matrix.weight - before, change, rtol=1e-13, atol=1e-14)


def test_a_matrix_on_an_array_of_its_own_begins_at_its_corner() -> None:
    matrix = ideal_matrix(np.full((6, 2), 200e-6))
    assert matrix.shape == (3, 2)
    assert (matrix.name, matrix.copies, len(matrix.blocks)) == ("w", 1, 1)
    (tile,) = matrix.plan.tiles
    assert (tile.rows, tile.columns) == (slice(0, 6), slice(0, 2))
    assert (tile.pairs, tile.outputs) == (range(3), range(2))


def test_an_odd_number_of_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of rows"):
        DifferentialMatrix("w", IdealArray(5, 2), 1e-4, 0.2, li_rule())


# -- the bit-accurate board -----------------------------------------------------------------


def transimpedance(current: FloatArray) -> FloatArray:
    """Return the amplifier (V/A) that automatic gain takes: the largest that stays below 2.2 V."""
    resistance = np.full(current.shape, 1e3)
    for larger in (1e4, 1e5, 1e6):
        resistance[np.abs(current) * larger < 2.2] = larger
    return resistance


def random_matrix(
    inputs: int, outputs: int, spread: float
) -> tuple[DifferentialMatrix, EmulatedBoard, FloatArray]:
    """Return a matrix on a noise-free chip with weights within 2 `spread`, and its cells (S)."""
    rng = np.random.default_rng(inputs)
    matrix, board = emulated(2 * inputs, outputs, li_rule())
    matrix.initialise()
    sign = rng.choice([-1.0, 1.0], (inputs, outputs))
    matrix.update(sign * rng.uniform(0.5 * spread, spread, (inputs, outputs)))
    cells = board.chip.conductance[3 : 3 + 2 * inputs, 4 : 4 + outputs]
    assert np.abs(cells[:inputs] - cells[inputs:]).min() > 0.9 * spread * SIEMENS_PER_WEIGHT
    return matrix, board, cells


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (17, 59), (60, 3)])
@pytest.mark.parametrize("spread", [0.01, 0.25])
def test_quantisation_of_a_product_stays_within_the_steps_of_the_dac_and_the_adc(
    inputs: int, outputs: int, spread: float
) -> None:
    matrix, _, cells = random_matrix(inputs, outputs, spread)
    weight = (cells[:inputs] - cells[inputs:]) / SIEMENS_PER_WEIGHT
    x = np.random.default_rng(8).normal(size=(200, inputs))
    x[:5] = 0.0
    scale = np.abs(x).max(axis=1, keepdims=True)

    error = np.abs(matrix.multiply(x) - x @ weight)

    # A row voltage is off by half a DAC step, and so is that of its partner with the other sign:
    # times the difference of the two cells. A cell is off by half a step of the grid, times its
    # voltage; the current by half an ADC step over the amplifier.
    in_row = ROW_STEP / 2 * np.abs(cells[:inputs] - cells[inputs:]).sum(axis=0)
    in_cells = 2 * inputs * SIEMENS_STEP / 2 * READ_VOLTAGE * 1.001
    exact = x @ weight / np.where(scale == 0.0, 1.0, scale) * READ_VOLTAGE * SIEMENS_PER_WEIGHT
    # Near a threshold either gain may be taken: allow the coarser one.
    in_adc = ADC_STEP / 2 / transimpedance(np.abs(exact) + in_row + in_cells)
    bound = scale / (READ_VOLTAGE * SIEMENS_PER_WEIGHT) * (in_row + in_cells + in_adc)
    assert (error <= bound * (1 + 1e-6)).all()
    # The bound says something: errors come near it.
    assert error.max() > bound.max() / 20


@pytest.mark.parametrize("spread", [0.01, 0.25])
def test_quantisation_of_the_weights_read_back_stays_within_the_steps_of_the_adc(
    spread: float,
) -> None:
    matrix, _, cells = random_matrix(17, 60, spread)
    true = (cells[:17] - cells[17:]) / SIEMENS_PER_WEIGHT
    driven = READ_VOLTAGE - ROW_STEP / 2  # V, at least
    # 218 uS at 0.2 V is 44 uA: 1e4 V/A by the 2.2 V rule.
    per_cell = ADC_STEP / 2 / 1e4 / driven + SIEMENS_STEP / 2
    assert np.abs(matrix.reading.value - cells).max() <= per_cell
    error = np.abs(matrix.weight - true)
    assert error.max() <= 2 * per_cell / SIEMENS_PER_WEIGHT
    assert error.max() > 0.0


def test_weights_are_those_read_back_and_not_those_asked_for() -> None:
    matrix, board = emulated(34, 60, li_rule(), "ta-hfo2")
    matrix.initialise()
    matrix.update(np.full((17, 60), 0.1))
    cells = board.chip.conductance[3:37, 4:64]
    true = (cells[:17] - cells[17:]) / SIEMENS_PER_WEIGHT
    np.testing.assert_allclose(matrix.weight, true, atol=2e-3)
    # 4 uS of noise in each cell of a pair: sqrt(2) * 0.04 around the noise-free 0.2.
    assert matrix.weight.std() == pytest.approx(0.0566, rel=0.1)


def test_weights_of_cells_that_do_not_respond_stay_zero_whatever_is_asked() -> None:
    matrix, _ = emulated(34, 60, li_rule(), non_responsive=1.0)
    matrix.initialise()
    matrix.update(np.full((17, 60), 0.2))
    assert matrix.programmed.gate_voltage.max() > 1.1
    np.testing.assert_array_equal(matrix.weight, np.zeros((17, 60)))


@pytest.mark.parametrize(
    ("chip", "rule", "factor"),
    [
        # Li 2019: 2 * 98e-6 S/V * 1.02e4 V/S
        ("ta-hfo2", OneShotUpdate(1.02e4, 1.0, 0.7, 1.6), 1.9992),
        # Wang 2019: 2 * 200e-6/1.1 S/V * 1.5e4 V/S
        ("pt-taox-ta", OneShotUpdate(1.5e4, 1.6, 0.5, 2.5), 5.4545),
    ],
)
def test_both_cells_of_a_pair_move_so_that_a_weight_changes_by_twice_the_slope_ratio(
    chip: str, rule: OneShotUpdate, factor: float
) -> None:
    matrix, _ = emulated(34, 50, rule, chip, noise=0.0, non_responsive=0.0)
    rng = np.random.default_rng(5)
    matrix.initialise()
    for _ in range(2):  # from the uniform start, and from where that led
        change = rng.uniform(-0.1, 0.1, (17, 50))
        before = matrix.weight
        matrix.update(change)
        assert matrix.programmed.gate_voltage.min() > rule.minimum
        assert matrix.programmed.gate_voltage.max() < rule.maximum
        moved = matrix.weight - before
        slope = (moved * change).sum() / (change**2).sum()
        assert slope == pytest.approx(factor, rel=1e-3)
        # Four readings (38 nS each at 1e4 V/A) and four gate codes lie in each difference.
        gate = GATE_STEP / 2 * 2e-4
        step = 4 * (ADC_STEP / 2 / 1e4 / 0.1999 + gate) / SIEMENS_PER_WEIGHT
        np.testing.assert_allclose(moved, factor * change, atol=step + 1e-4 * factor)


def test_a_zero_update_moves_no_weight_of_a_chip_without_noise() -> None:
    with memlab.open_array("emulator:?chip=ideal") as array:
        matrix = DifferentialMatrix("w", array[:10, :7], SIEMENS_PER_WEIGHT, 0.2, li_rule())
        matrix.initialise()
        matrix.update(np.full((5, 7), 0.1))
        before = matrix.weight
        matrix.update(np.zeros((5, 7)))
        assert np.abs(before).min() > 0.19
        np.testing.assert_array_equal(matrix.weight, before)
