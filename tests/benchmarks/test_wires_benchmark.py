"""The wire solver against scipy's sparse LU, and its time and memory; all on one BLAS thread."""

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import splu
from support.speed_table import GOALS, paired, profiled
from threadpoolctl import threadpool_limits

from memlab.emulator.wires import cell_voltage, effective_conductance

pytestmark = pytest.mark.benchmark

OHM = 0.3
ORDERINGS = ["COLAMD", "MMD_AT_PLUS_A", "MMD_ATA", "NATURAL"]

LAPACK = (
    "60 inverses of 34 x 34 take LAPACK alone 0.62 ms, and their products with the rows before "
    "take 0.2 of BLAS: about what the goal leaves for all"
)


def cells(shape):
    return np.random.default_rng(1).uniform(10e-6, 474e-6, shape)


def best(call: Callable, repeats=7):
    """Least of several times, in s."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def sparse_lu(G, ohm, ordering):
    """Assemble without a loop, factor, and one adjoint solve per column."""
    columns = G.shape[1]
    n, g = G.size, 1.0 / ohm
    W = np.arange(n).reshape(G.shape)
    B = W + n
    own_w, own_b = G + 2 * g, G + 2 * g
    own_w[:, -1] -= g
    own_b[0] -= g
    one_way = [(W, B, -G), (W[:, 1:], W[:, :-1], -g), (B[1:], B[:-1], -g)]
    entries = [(W, W, own_w), (B, B, own_b), *one_way, *[(b, a, v) for a, b, v in one_way]]
    value = np.concatenate([np.broadcast_to(v, a.shape).ravel() for a, _, v in entries])
    i = np.concatenate([a.ravel() for a, _, _ in entries])
    j = np.concatenate([b.ravel() for _, b, _ in entries])
    A = scipy.sparse.csc_matrix((value, (i, j)), shape=(2 * n, 2 * n))
    lu = splu(A, permc_spec=ordering, diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    out = np.zeros((2 * n, columns))
    out[B[-1], np.arange(columns)] = g
    return lu.solve(out)[W[:, 0]] * g


def best_ordering(G):
    """Return the ordering with which splu is fastest."""
    return min(ORDERINGS, key=lambda name: best(lambda: sparse_lu(G, OHM, name), 2))


@pytest.mark.parametrize(
    ("shape", "limit"), [((128, 64), 9.0), ((34, 60), 5.0), ((60, 34), 4.5)], ids=str
)
def test_transfer_matrix_against_sparse_lu(shape, limit, speed):
    G = cells(shape)

    def ours():
        return effective_conductance(G, OHM)

    with threadpool_limits(1):
        ordering = best_ordering(G)
        np.testing.assert_allclose(ours(), sparse_lu(G, OHM, ordering), 1e-9)
        ratio = 1.0 / paired(ours, lambda: sparse_lu(G, OHM, ordering), 15)
        print(f"\n{shape[0]} x {shape[1]}: {ratio:.1f} x faster than splu ({ordering})")
        if (row := f"wires {shape[0]} x {shape[1]}") in GOALS:
            speed(row, ratio, limit=limit, gap=lambda: f"{profiled(ours)}; {LAPACK}")
    assert ratio >= limit


def test_a_square_of_256_against_sparse_lu_of_the_published_chip(speed):
    G, published = cells((256, 256)), cells((128, 64))

    def ours():
        return effective_conductance(G, OHM)

    with threadpool_limits(1):
        ordering = best_ordering(published)
        ratio = paired(ours, lambda: sparse_lu(published, OHM, ordering), 9)
        speed("wires 256 x 256", ratio, limit=3.5, gap=lambda: profiled(ours))


def test_voltages_of_an_update():
    G = cells((34, 60))
    seconds = best(lambda: cell_voltage(G, OHM, 0.0, 2.5), 50)
    print(f"\ncell_voltage, 34 pulses of 60 cells: {seconds * 1e3:.2f} ms")


@pytest.mark.timeout(900)
def test_a_large_array(speed):
    G = cells((1024, 1024))
    tracemalloc.start()
    start = time.perf_counter()
    G_eff = effective_conductance(G, OHM)
    seconds = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.all(np.isfinite(G_eff))
    print(f"\n1024 x 1024: {seconds:.0f} s; memory beside the map of 8 MB")
    speed("wires memory", peak / 1e6, limit=200.0)
