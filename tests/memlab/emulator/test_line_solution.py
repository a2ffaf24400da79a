"""Driven and floating lines against Kirchhoff's law alone: a sparse matrix of all nodes."""

import itertools

import numpy as np
import pytest
from support.nodal import nodal_solution
from threadpoolctl import threadpool_limits

from memlab.emulator.line_solution import solve_lines
from memlab.emulator.wires import effective_conductance

SHAPES = [(32, 32), (5, 7), (7, 5), (1, 4), (4, 1), (1, 1)]
SCHEMES = ["V/2", "V/3", "grounded", "floating"]


def cells(shape: tuple[int, int], seed: int = 3) -> np.ndarray:
    """Conductances over two decades, some cells open."""
    rng = np.random.default_rng(seed)
    G = 10.0 ** rng.uniform(-6.0, -4.0, shape)
    G[rng.random(shape) < 0.05] = 0.0
    return G


def bias(scheme: str, shape: tuple[int, int], volts: float) -> tuple[np.ndarray, np.ndarray]:
    """SET of the cell in the middle of the first row but one."""
    row, column = min(1, shape[0] - 1), shape[1] // 2
    others = {
        "V/2": (volts / 2, volts / 2),
        "V/3": (2 * volts / 3, volts / 3),
        "grounded": (0.0, 0.0),
        "floating": (np.nan, np.nan),
    }[scheme]
    rows, columns = np.full(shape[0], others[0]), np.full(shape[1], others[1])
    rows[row], columns[column] = 0.0, volts
    return rows, columns


def agrees(G, ohm, rows, columns, driver=0.0, sense=0.0, rel=1e-9) -> None:
    found = solve_lines(G, ohm, rows, columns, driver_resistance=driver, sense_resistance=sense)
    pair = ohm if isinstance(ohm, tuple) else (ohm, ohm)
    cell, into, out = nodal_solution(G, pair, rows, columns, driver, sense)
    largest = np.abs(cell).max()
    np.testing.assert_allclose(found.cell_voltage, cell, rtol=0, atol=rel * largest)
    most = max(np.abs(into).max(), np.abs(out).max())
    np.testing.assert_allclose(found.row_current, into, rtol=rel, atol=1e-4 * rel * most)
    np.testing.assert_allclose(found.column_current, out, rtol=rel, atol=1e-4 * rel * most)
    power = np.nansum(rows * into) - np.nansum(columns * out)
    assert found.power == pytest.approx(power, rel=rel)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ohm", [0.0, 1.0, 0.01, 25.0, (0.3, 4.0), (0.0, 2.0), (2.0, 0.0)], ids=str)
def test_voltages_and_currents_are_those_of_all_nodes(scheme, shape, ohm) -> None:
    agrees(cells(shape), ohm, *bias(scheme, shape, 2.0))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_resistances_of_drivers_are_in_the_network(scheme) -> None:
    shape = (5, 7)
    agrees(cells(shape), 1.0, *bias(scheme, shape, -1.7), driver=30.0, sense=70.0)
    agrees(cells(shape), 0.0, *bias(scheme, shape, -1.7), driver=30.0, sense=70.0)


@pytest.mark.parametrize("floats", list(itertools.product([False, True], repeat=4)), ids=str)
def test_any_lines_may_float(floats) -> None:
    rng = np.random.default_rng(sum(floats))
    G = cells((5, 7))
    rows, columns = rng.uniform(-1, 1, 5), rng.uniform(-1, 1, 7)
    rows[[0, 3]] = np.where(floats[:2], np.nan, rows[[0, 3]])
    columns[[2, 6]] = np.where(floats[2:], np.nan, columns[[2, 6]])
    agrees(G, 1.0, rows, columns)


def test_one_driven_row_and_column_are_enough_and_without_wires_too() -> None:
    rows, columns = bias("floating", (5, 7), 1.0)
    for ohm in (0.0, 1e-3):
        found = solve_lines(cells((5, 7)), ohm, rows, columns)
        assert found.row_current[1] == pytest.approx(-found.power, rel=1e-9)
    # By hand: 2 x 2 equal cells, one row and one column driven. Cell beside three in series.
    found = solve_lines(np.full((2, 2), 1e-4), 0.0, [0.0, np.nan], [3.0, np.nan])
    np.testing.assert_allclose(found.cell_voltage, [[3.0, 1.0], [1.0, -1.0]], rtol=1e-12)
    np.testing.assert_allclose(found.column_current, [-4e-4, 0.0], rtol=1e-12)


def test_lines_that_nothing_joins_to_a_driver_are_at_zero() -> None:
    G = np.array([[1e-4, 0.0, 0.0], [0.0, 2e-4, 3e-4]])
    found = solve_lines(G, 1.0, [0.5, np.nan], [0.0, np.nan, np.nan])
    np.testing.assert_array_equal(found.cell_voltage[1, 1:], 0.0)
    assert found.column_current[0] == pytest.approx(0.5 / (1e4 + 3.0), rel=1e-12)


def test_a_read_is_the_transfer_matrix_of_the_same_network() -> None:
    G, rows = cells((5, 7)), np.random.default_rng(1).uniform(-0.2, 0.2, 5)
    found = solve_lines(G, 1.0, rows, np.zeros(7))
    np.testing.assert_allclose(
        found.column_current, rows @ effective_conductance(G, 1.0), rtol=1e-12
    )


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    G = cells((40, 70))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(solve_lines(G, 1.0, *bias("V/3", G.shape, 2.0)).cell_voltage)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("rows", "columns", "reason"),
    [
        ([0.0] * 4, [0.0] * 7, r"shapes \(5,\) and \(7,\)"),
        ([0.0] * 5, [[0.0] * 7], "shapes"),
        ([np.inf] * 5, [0.0] * 7, "finite"),
        ([np.nan] * 5, [np.nan] * 7, "all lines float"),
    ],
)
def test_lines_that_make_no_sense_are_refused(rows, columns, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        solve_lines(cells((5, 7)), 1.0, rows, columns)
