"""What a virtual board takes for an update of all rows over TCP."""

import statistics
import threading
import time

import numpy as np
import pytest

import memlab
from memlab.array.urls import open_board
from memlab.testing import ServedBoard

pytestmark = pytest.mark.benchmark


GAP = (
    "profile: 19 % unpack the pulses, 16 % let them act on the chip, 14 % check them again, 12 % "
    "take turns at the board, 10 % tell of them, the rest is the firmware's and the port's own: "
    "each pulse is fired and entered by itself, so that it has its own fate"
)


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="needs clocks of threads")
def test_128_rows_over_tcp(speed) -> None:
    """Compare the processor time of the server's thread with numpy's product, in turn."""
    rng = np.random.default_rng(1)
    vector, cells, out = np.ones(128), np.ones((128, 64)), np.empty(64)
    before = set(threading.enumerate())
    with ServedBoard(open_board("emulator:?chip=ta-hfo2&seed=4")) as served:
        (thread,) = set(threading.enumerate()) - before
        clock = time.pthread_getcpuclockid(thread.ident)
        found = []
        with memlab.open_array(served.url) as array:
            for _ in range(26):
                gate = np.round(rng.uniform(0.7, 1.5, array.shape), 3)
                start = time.clock_gettime(clock)
                array.program(gate)
                server = time.clock_gettime(clock) - start
                start = time.thread_time()
                for _call in range(1000):
                    np.matmul(vector, cells, out=out)
                found.append((server, server * 1000 / (time.thread_time() - start)))
    server, ratio = (statistics.median(some) for some in zip(*found[1:], strict=True))
    print(f"\n{server * 1e3:.1f} ms of the server")
    speed("program over TCP", ratio, limit=3900.0, gap=GAP)
