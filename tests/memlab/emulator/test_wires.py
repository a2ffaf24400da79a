"""Wires against Kirchhoff's law alone: a netlist, its Laplacian, and a sparse LU."""

import threading
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from memlab.emulator.blas import one_blas_thread
from memlab.emulator.ladders import invert
from memlab.emulator.wires import cell_voltage, effective_conductance, wire_segments

SHAPES = [(34, 60), (40, 20), (24, 24), (40, 3), (3, 40), (1, 17), (17, 1), (1, 1)]
OHMS = [0.1, 0.3, 1.0, 2.5]


class Network:
    """Resistors between named nodes, some of them at given potentials. Zero ohm joins two nodes."""

    def __init__(self):
        self.joined = {}
        self.branches = []

    def root(self, node):
        while node in self.joined:
            node = self.joined[node]
        return node

    def resistor(self, a, b, ohm):
        if ohm == 0.0:
            a, b = self.root(a), self.root(b)
            # A node of given potential keeps its name.
            if a[0] in "VI":
                a, b = b, a
            self.joined[a] = b
        else:
            self.branches.append((a, b, 1.0 / ohm))

    def cell(self, a, b, siemens):
        self.branches.append((a, b, siemens))

    def solve(self, given):
        """Potentials (nodes, cases) and currents out of the given nodes into the network.

        `given` maps nodes to rows of potentials, one per case. Kirchhoff: at each other node the
        currents sum to zero.
        """
        branches = [(self.root(a), self.root(b), g) for a, b, g in self.branches]
        free = {n: None for a, b, _ in branches for n in (a, b) if n not in given}
        number = {node: k for k, node in enumerate([*free, *given])}
        numbered = [(number[a], number[b], g) for a, b, g in branches]
        a, b, g = (np.array(x) for x in zip(*numbered, strict=True))
        size, split = len(number), len(free)
        laplacian = scipy.sparse.csc_matrix(
            (
                np.concatenate([g, g, -g, -g]),
                (np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])),
            ),
            shape=(size, size),
        )
        fixed = np.array(list(given.values()), dtype=float)
        potential = np.zeros((size, fixed.shape[1]))
        potential[split:] = fixed
        if split:
            A, source = laplacian[:split, :split], -laplacian[:split, split:] @ fixed
            with threadpool_limits(1):
                potential[:split] = splu(A, permc_spec="MMD_AT_PLUS_A").solve(source)
        current = laplacian[split:] @ potential
        place = {node: k - split for node, k in number.items() if k >= split}
        return lambda n: potential[number[self.root(n)]], lambda n: current[place[n]]


def crossbar_network(G, row_ohm, column_ohm, driver, sense, bit_lines=None):
    """V_i -driver- W_i0 - W_i1 ... ; B_0j - B_1j ... -sense- I_j. Arrays of ohm per segment.

    `bit_lines`: those that exist at all; default every one.
    """
    rows, columns = G.shape
    bit_lines = range(rows) if bit_lines is None else bit_lines
    net = Network()
    for i in bit_lines:
        net.resistor(("V", i), ("D", i), driver[i])
        for j in range(columns):
            left = ("W", i, j - 1) if j else ("D", i)
            net.resistor(left, ("W", i, j), row_ohm[j])
    for j in range(columns):
        for i in range(rows):
            below = ("B", i + 1, j) if i + 1 < rows else ("S", j)
            net.resistor(("B", i, j), below, column_ohm[i])
        net.resistor(("S", j), ("I", j), sense[j])
    for i in bit_lines:
        for j in range(columns):
            net.cell(("W", i, j), ("B", i, j), G[i, j])
    return net


def kirchhoff(G, row_ohm, column_ohm, driver=0.0, sense=0.0):
    """Current into each amplifier for one volt at each driver in turn, (rows, columns)."""
    rows, columns = G.shape
    net = crossbar_network(
        G,
        np.broadcast_to(row_ohm, columns),
        np.broadcast_to(column_ohm, rows),
        np.broadcast_to(driver, rows),
        np.broadcast_to(sense, columns),
    )
    given = {("V", i): np.eye(rows)[i] for i in range(rows)}
    given |= {("I", j): np.zeros(rows) for j in range(columns)}
    _, current = net.solve(given)
    return np.array([-current(("I", j)) for j in range(columns)]).T


def random_map(rng, shape):
    return rng.uniform(10e-6, 474e-6, shape)


def extreme_map(rng, shape):
    """Open cells, 1 nS and 5 mS side by side; every seventh row and column open."""
    G = rng.choice([0.0, 1e-9, 1e-6, 242e-6, 5e-3], shape)
    if min(shape) > 6:
        G[3::7] = 0.0
        G[:, 4::7] = 0.0
    return G


def low_map(rng, shape):
    return 10.0 ** rng.uniform(-9, -6, shape)


def high_map(rng, shape):
    return np.full(shape, 5e-3)


def assert_same(got, expected, relative=1e-9):
    """Each element by itself, however small: all are sums of positive terms."""
    assert got.shape == expected.shape
    assert np.all(np.isfinite(got))
    np.testing.assert_array_less(-1e-30, got)
    error = np.abs(got - expected)
    tiny = expected.max(initial=0.0) * 1e-15
    assert np.max(error / np.maximum(expected, tiny + 1e-300)) < relative


@pytest.mark.parametrize("ohm", OHMS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("make", [random_map, extreme_map, low_map, high_map])
def test_every_element_is_kirchhoffs(make: Callable, shape, ohm):
    G = make(np.random.default_rng(11), shape)
    assert_same(effective_conductance(G, ohm), kirchhoff(G, ohm, ohm))


@pytest.mark.parametrize(
    "ohm", [pytest.param(ohm, marks=[pytest.mark.slow] * (ohm != 1.0)) for ohm in OHMS]
)
@pytest.mark.parametrize("make", [random_map, extreme_map])
def test_every_element_is_kirchhoffs_at_full_size(make: Callable, ohm):
    G = make(np.random.default_rng(12), (128, 64))
    assert_same(effective_conductance(G, ohm), kirchhoff(G, ohm, ohm))


@pytest.mark.parametrize("shape", [(64, 40), (40, 64), (1, 64), (64, 1)])
@pytest.mark.parametrize("ohm", [1e3, 1e5, (1e5, 0.3), (0.3, 1e5)])
@pytest.mark.parametrize("make", [extreme_map, high_map])
def test_wires_worse_than_cells_neither_overflow_nor_lose_digits(make: Callable, ohm, shape):
    G = make(np.random.default_rng(13), shape)
    pair = ohm if isinstance(ohm, tuple) else (ohm, ohm)
    assert_same(effective_conductance(G, ohm), kirchhoff(G, *pair))


@pytest.mark.parametrize(("make", "ohm"), [(random_map, 0.3), (extreme_map, 1e3), (high_map, 1e5)])
def test_more_columns_than_are_inverted_in_one_piece_are_kirchhoffs(make: Callable, ohm):
    G = make(np.random.default_rng(26), (98, 97))
    assert_same(effective_conductance(G, ohm), kirchhoff(G, ohm, ohm))


@pytest.mark.parametrize("columns", [96, 97, 230])
def test_an_inverse_by_halves_has_the_digits_of_one_in_one_piece(columns):
    """Odd halves, and halves of halves; what lies above the diagonal is not read."""
    G = random_map(np.random.default_rng(27), (columns, columns))
    matrix = np.eye(columns) - 0.5 * (G + G.T) / G.sum()
    inverse = np.asfortranarray(np.where(np.tri(columns, dtype=bool), matrix, np.nan))
    invert(inverse)
    np.testing.assert_allclose(np.tril(inverse), np.tril(np.linalg.inv(matrix)), 1e-13, 1e-16)


@pytest.mark.parametrize("shape", [(90, 75), (75, 90)])
def test_a_line_that_attenuates_beyond_floating_point_stays_exact(shape):
    """One bit line alone divides by 5e4 per cell here, by 1e352 along its length."""
    G = np.full(shape, 5e-3)
    assert_same(effective_conductance(G, 1e7), kirchhoff(G, 1e7, 1e7))


@pytest.mark.parametrize("shape", [(128, 64), (5, 9)])
def test_no_resistance_gives_the_conductance_itself_bit_for_bit(shape):
    G = extreme_map(np.random.default_rng(1), shape)
    for ohm in (0, 0.0, (0.0, 0.0)):
        G_eff = effective_conductance(G, ohm)
        np.testing.assert_array_equal(G_eff, G)
        assert not np.shares_memory(G_eff, G)


@pytest.mark.parametrize("shape", [(30, 11), (11, 30), (1, 9), (9, 1), (1, 1)])
@pytest.mark.parametrize("driver", [0.0, 40.0])
@pytest.mark.parametrize("sense", [0.0, 15.0])
@pytest.mark.parametrize("ohm", [(0.0, 0.0), (0.7, 0.0), (0.0, 0.7), (0.7, 0.2)])
def test_each_resistance_may_be_zero_alone(ohm, sense, driver, shape):
    G = extreme_map(np.random.default_rng(14), shape)
    G_eff = effective_conductance(G, ohm, driver_resistance=driver, sense_resistance=sense)
    assert_same(G_eff, kirchhoff(G, *ohm, driver, sense))


def kirchhoff_by_star_mesh(G, row_ohm, column_ohm, driver, sense):
    """As `kirchhoff`, by replacing one node after the other by the mesh it is equivalent to.

    A star of conductances g_k is the mesh g_j g_k / sum(g). Nothing is ever subtracted: every digit
    survives, even where wires and terminals differ by many orders and a sparse LU keeps few.
    """
    rows, columns = G.shape
    W = np.arange(G.size).reshape(G.shape)
    B = W + G.size
    V = 2 * G.size + np.arange(rows)
    sensed = V[-1] + 1 + np.arange(columns)
    mesh = np.zeros((sensed[-1] + 1,) * 2)
    mesh[W, B] = G
    mesh[W[:, :-1], W[:, 1:]] = 1 / row_ohm
    mesh[B[:-1], B[1:]] = 1 / column_ohm
    mesh[W[:, 0], V] = 1 / (row_ohm + driver)
    mesh[B[-1], sensed] = 1 / (column_ohm + sense)
    mesh += mesh.T
    for node in range(2 * G.size):
        star = mesh[node, node + 1 :]
        ends = np.flatnonzero(star)
        at = node + 1 + ends
        mesh[np.ix_(at, at)] += np.outer(star[ends], star[ends]) / star.sum()
        mesh[at, at] = 0.0
    return mesh[np.ix_(V, sensed)]


@pytest.mark.parametrize("shape", [(20, 8), (8, 20)])
@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("ohm", [0.3, 1e-6])
def test_drivers_and_amplifiers_may_dwarf_the_wires(ohm, scale, shape):
    rng = np.random.default_rng(15)
    G = random_map(rng, shape)
    driver = scale * rng.uniform(0.0, 50.0, shape[0])
    sense = scale * rng.uniform(0.0, 50.0, shape[1])
    G_eff = effective_conductance(G, ohm, driver_resistance=driver, sense_resistance=sense)
    assert_same(G_eff, kirchhoff_by_star_mesh(G, ohm, ohm, driver, sense))


def test_tiny_wires_before_a_large_amplifier_resistance_are_the_limit_of_none():
    G = random_map(np.random.default_rng(16), (40, 12))
    none = effective_conductance(G, 0.0, sense_resistance=1e3)
    some = effective_conductance(G, 1e-12, sense_resistance=1e3)
    np.testing.assert_allclose(some, none, rtol=1e-11)


def test_columns_and_rows_in_between_lengthen_the_wires():
    rng = np.random.default_rng(17)
    shape, rows, columns = (32, 20), np.array([2, 3, 9, 20, 30]), np.array([1, 4, 5, 17])
    G = np.zeros(shape)
    G[np.ix_(rows, columns)] = random_map(rng, (5, 4))
    row_segments, column_segments = wire_segments(rows, columns, shape)
    np.testing.assert_array_equal(row_segments, [2, 3, 1, 12])
    np.testing.assert_array_equal(column_segments, [1, 6, 11, 10, 2])
    G_eff = effective_conductance(
        G[np.ix_(rows, columns)],
        (0.5, 0.3),
        row_segments=row_segments,
        column_segments=column_segments,
    )
    assert_same(G_eff, kirchhoff(G, 0.5, 0.3)[np.ix_(rows, columns)])


def test_every_line_in_use_is_the_array_itself():
    row_segments, column_segments = wire_segments(np.arange(128), np.arange(64), (128, 64))
    np.testing.assert_array_equal(row_segments, np.ones(64))
    np.testing.assert_array_equal(column_segments, np.ones(128))


@pytest.mark.parametrize(
    ("rows", "columns"), [([0, 0], [1]), ([3, 2], [1]), ([-1, 2], [1]), ([1], [4]), ([], [1])]
)
def test_lines_outside_the_array_or_out_of_order_are_refused(rows, columns):
    with pytest.raises(ValueError, match=r"rows|columns"):
        wire_segments(rows, columns, (8, 4))


@pytest.mark.parametrize(
    ("ohm", "expected"), [(0.1, 0.859), (0.3, 0.678), (1.0, 0.407), (2.5, 0.232)]
)
def test_mean_attenuation_is_the_published_one(ohm, expected):
    """For a map that is 242 uS everywhere; of a spread one, the ratio of the mean conductances.

    The mean of the ratios grows with the spread (0.69 at 0.3 ohm for 10 to 474 uS): a small cell
    between large ones gets current through its neighbours.
    """
    even = np.full((128, 64), 242e-6)
    assert np.mean(effective_conductance(even, ohm) / even) == pytest.approx(expected, abs=1e-3)
    spread = np.random.default_rng(18).uniform(10e-6, 474e-6, (128, 64))
    ratio = effective_conductance(spread, ohm).mean() / spread.mean()
    assert ratio == pytest.approx(expected, abs=5e-3)


def test_the_bits_do_not_depend_on_the_number_of_blas_threads():
    G = extreme_map(np.random.default_rng(19), (128, 64))
    results = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads, user_api="blas"):
            results.append(effective_conductance(G, 0.3, sense_resistance=2.0))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_the_bits_do_not_depend_on_other_solves_in_other_python_threads():
    maps = [extreme_map(np.random.default_rng(seed), (96, 64)) for seed in range(6)]
    alone = [effective_conductance(G, 0.3) for G in maps]
    together = [np.empty(0)] * len(maps)

    def solve(k):
        together[k] = effective_conductance(maps[k], 0.3)

    threads = [threading.Thread(target=solve, args=(k,)) for k in range(len(maps))]
    two = threadpool_limits(2, user_api="blas")
    with one_blas_thread():
        pass  # who sets a number keeps other Python threads from it until the end of a context
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    two.restore_original_limits()
    with one_blas_thread():
        pass
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b)


def test_blas_gets_its_threads_back():
    from threadpoolctl import threadpool_info

    def threads():
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        assert set(threads()) == {2}
        with one_blas_thread(), one_blas_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {2}


def test_the_map_is_left_alone_and_its_layout_does_not_matter():
    G = random_map(np.random.default_rng(20), (30, 20))
    G.flags.writeable = False
    expected = effective_conductance(G, 0.3)
    np.testing.assert_array_equal(effective_conductance(np.asfortranarray(G), 0.3), expected)
    np.testing.assert_array_equal(effective_conductance(np.repeat(G, 2, 1)[:, ::2], 0.3), expected)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"conductance": np.full((3, 2), -1e-6)}, "conductance"),
        ({"conductance": np.full((3, 2), np.nan)}, "conductance"),
        ({"conductance": np.full(3, 1e-6)}, "conductance"),
        ({"conductance": np.empty((0, 2))}, "conductance"),
        ({"wire_resistance": -0.3}, "wire_resistance"),
        ({"wire_resistance": np.inf}, "wire_resistance"),
        ({"driver_resistance": np.ones(2)}, "driver_resistance"),
        ({"sense_resistance": np.ones(3)}, "sense_resistance"),
        ({"sense_resistance": -1.0}, "sense_resistance"),
        ({"row_segments": np.ones(3)}, "row_segments"),
        ({"column_segments": np.ones(2)}, "column_segments"),
    ],
)
def test_wrong_input_is_refused_by_name(change, named):
    arguments = {"conductance": np.full((3, 2), 1e-6), "wire_resistance": 0.3} | change
    with pytest.raises(ValueError, match=named):
        effective_conductance(**arguments)


def kirchhoff_pulse(G, row, row_voltage, column_voltage, ohm, driver, sense, bit_lines=None):
    """Voltage across the cells of one pulsed row; the other bit lines float, or do not exist."""
    rows, columns = G.shape
    net = crossbar_network(
        G,
        np.full(columns, ohm[0]),
        np.full(rows, ohm[1]),
        np.full(rows, driver),
        np.full(columns, sense),
        bit_lines,
    )
    given = {("V", row): [row_voltage]}
    given |= {("I", j): [v] for j, v in enumerate(np.broadcast_to(column_voltage, columns))}
    at, _ = net.solve(given)
    return np.array([at(("B", row, j)) - at(("W", row, j)) for j in range(columns)])[:, 0]


@pytest.mark.parametrize("ohm", [(0.3, 0.3), (2.5, 0.4), (0.0, 0.3), (0.3, 0.0), (1e5, 1e3)])
@pytest.mark.parametrize("terminals", [(0.0, 0.0), (30.0, 12.0)])
@pytest.mark.parametrize(("row_voltage", "column_voltage"), [(0.0, 2.5), (1.7, 0.0), (1.2, 0.4)])
def test_a_pulsed_row_gets_kirchhoffs_voltages(row_voltage, column_voltage, terminals, ohm):
    G = extreme_map(np.random.default_rng(21), (9, 12))
    driver, sense = terminals
    got = cell_voltage(
        G, ohm, row_voltage, column_voltage, driver_resistance=driver, sense_resistance=sense
    )
    for row in range(9):
        expected = kirchhoff_pulse(
            G, row, row_voltage, column_voltage, ohm, driver, sense, bit_lines=[row]
        )
        np.testing.assert_allclose(got[row], expected, rtol=1e-9, atol=1e-13)


def test_set_and_reset_have_opposite_signs_and_lose_most_far_from_the_sources():
    G = np.full((128, 64), 500e-6)
    set_voltage = cell_voltage(G, 0.3, 0.0, 2.5)
    reset_voltage = cell_voltage(G, 0.3, 1.7, 0.0)
    assert np.all(set_voltage > 0)
    assert np.all(reset_voltage < 0)
    assert np.all(np.diff(set_voltage, axis=1) < 0)  # farther along the bit line
    assert np.all(np.diff(set_voltage, axis=0) > 0)  # nearer to the TE ends
    np.testing.assert_allclose(reset_voltage / -1.7, set_voltage / 2.5, rtol=1e-12)


def test_without_resistance_every_cell_gets_the_whole_pulse_bit_for_bit():
    G = random_map(np.random.default_rng(22), (34, 60))
    np.testing.assert_array_equal(cell_voltage(G, 0.0, 0.0, 2.5), np.full((34, 60), 2.5))
    np.testing.assert_array_equal(cell_voltage(G, 0.0, 1.7, 0.0), np.full((34, 60), -1.7))


def test_voltages_may_differ_by_row_by_column_and_by_pulse():
    rng = np.random.default_rng(23)
    G, row_voltage = random_map(rng, (6, 4)), rng.uniform(0, 1, 6)
    by_pulse = rng.uniform(1, 2, (6, 4))
    got = cell_voltage(G, 0.3, row_voltage, by_pulse)
    for row in range(6):
        alone = cell_voltage(G, 0.3, row_voltage[row], by_pulse[row])
        np.testing.assert_allclose(got[row], alone[row], rtol=1e-13)


@pytest.mark.parametrize(("row_voltage", "column_voltage"), [(0.0, 2.5), (1.7, 0.0)])
def test_floating_rows_change_a_pulse_by_little(row_voltage, column_voltage):
    """What `cell_voltage` leaves out: currents from TE line to TE line through rows that float."""
    G = random_map(np.random.default_rng(24), (34, 60))
    alone = cell_voltage(G, 0.3, row_voltage, column_voltage)
    for row in (0, 17, 33):
        full = kirchhoff_pulse(G, row, row_voltage, column_voltage, (0.3, 0.3), 0.0, 0.0)
        assert np.max(np.abs(alone[row] / full - 1)) < 1e-4


def test_memory_does_not_hold_a_matrix_per_row():
    """One 64 x 64 block for each of 1,000 rows would be 33 MB; the result is 0.5 MB."""
    G = random_map(np.random.default_rng(25), (1000, 64))
    effective_conductance(G[:64], 0.3)  # finds the BLAS libraries
    tracemalloc.start()
    effective_conductance(G, 0.3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6
