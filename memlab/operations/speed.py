"""How fast a board is, from the program's side: products, maps, latency and the link itself.

Only reads: rows at random within the read limit. Numbers include everything that a script pays
for, from volts to amperes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from memlab.array.board_array import BoardArray

__all__ = ["BENCH_UNITS", "BenchResult", "run_bench"]

BENCH_UNITS = {
    "vmm_per_second": "vectors/s, mean of `vectors`",
    "goodput": "byte/s, mean of `vectors`",
    "latency_median": "s, of `calls`",
    "latency_p99": "s, of `calls`",
    "map_seconds": "s, of one map",
    "bytes_up": "byte, for `vectors`",
    "bytes_down": "byte, for `vectors`",
    "echo_goodput": "byte/s",
}
"""Of the numbers of a `BenchResult` by name."""


@dataclass(frozen=True)
class BenchResult:
    """What was measured.

    Parameters
    ----------
    vectors
        Vectors of the batch, over all rows and columns.
    calls
        Calls with a single vector.
    vmm_per_second
        Vectors of such a batch per second, with inputs of 256 levels and fixed gain.
    goodput
        Bytes of row codes in plus ADC codes out per second, two each, with inputs of any code.
    latency_median, latency_p99
        Seconds of a call with a single vector.
    map_seconds
        Seconds for a conductance map, fixed gain.
    bytes_up, bytes_down
        Bytes on the wire for the batch of 256 levels; None without a wire that counts.
    echo_goodput
        Payload bytes per second, both directions together, of the bare link; None without MLP/1.
    """

    vectors: int
    calls: int
    vmm_per_second: float
    goodput: float
    latency_median: float
    latency_p99: float
    map_seconds: float
    bytes_up: int | None = None
    bytes_down: int | None = None
    echo_goodput: float | None = None


def run_bench(
    array: BoardArray, rng: np.random.Generator, *, vectors: int = 6400, calls: int = 200
) -> BenchResult:
    """Measure the speed of a board with its own array.

    Parameters
    ----------
    array
        The whole array; nothing is programmed.
    rng
        Draws the vectors.
    vectors
        Size of the batch; the published airline run multiplies 6,400.
    calls
        Calls with one vector, for the latency.
    """
    step = array.input_voltage_step or array.board.capabilities.row.step
    largest = int(array.operating_point.read_voltage / step)
    coarse = step * max(1, largest // 128)
    shape = vectors, array.shape[0]
    levels = rng.integers(-128, 128, shape) * coarse
    voltage = rng.integers(-largest, largest + 1, shape) * step
    wire = array.board.wire
    array.vmm(voltage[:1], gain=1)
    before = (wire.bytes_sent, wire.bytes_received) if wire else None
    start = time.perf_counter()
    array.vmm(levels, gain=1)
    seconds = time.perf_counter() - start
    up = wire.bytes_sent - before[0] if wire and before else None
    down = wire.bytes_received - before[1] if wire and before else None
    start = time.perf_counter()
    array.vmm(voltage, gain=1)
    wide_seconds = time.perf_counter() - start
    start = time.perf_counter()
    array.measure_conductance(gain=1)
    map_seconds = time.perf_counter() - start
    latencies = []
    for k in range(calls):
        start = time.perf_counter()
        array.vmm(voltage[k % vectors], gain=1)
        latencies.append(time.perf_counter() - start)
    echo = None
    if wire is not None:
        start = time.perf_counter()
        moved = wire.echo(2000)
        echo = 2 * moved / (time.perf_counter() - start)
    return BenchResult(
        vectors=vectors,
        calls=calls,
        vmm_per_second=vectors / seconds,
        goodput=2 * vectors * sum(array.shape) / wide_seconds,
        latency_median=float(np.median(latencies)),
        latency_p99=float(np.quantile(latencies, 0.99)),
        map_seconds=map_seconds,
        bytes_up=up,
        bytes_down=down,
        echo_goodput=echo,
    )
