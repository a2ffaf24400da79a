"""What a virtual board takes for an update of all rows over TCP, against the same in process."""

import statistics
import time

import numpy as np
import pytest

import memlab
from memlab.array.urls import open_board
from memlab.testing import ServedBoard

pytestmark = pytest.mark.benchmark


GAP = (
    "profile of 7.6 ms: 2 check the pulses again, 2 let them act on the chip, 1.5 unpack them, 2 "
    "are the firmware's own: each is fired and entered by itself, so that it has its own fate"
)


def test_128_rows_over_tcp(speed) -> None:
    """Compare the server's processor time with numpy's product of one vector, in turn."""
    rng = np.random.default_rng(1)
    vector, cells, out = np.ones(128), np.ones((128, 64)), np.empty(64)
    with (
        ServedBoard(open_board("emulator:?chip=ta-hfo2&seed=4")) as served,
        memlab.open_array(served.url) as remote,
        memlab.open_array("emulator:?chip=ta-hfo2&seed=4") as local,
    ):
        found = []
        for _ in range(26):
            gate = np.round(rng.uniform(0.7, 1.5, remote.shape), 3)
            whole, client = time.process_time(), time.thread_time()
            remote.program(gate)
            server = time.process_time() - whole - (time.thread_time() - client)
            start = time.thread_time()
            local.program(gate)
            middle = time.thread_time()
            for _call in range(1000):
                np.matmul(vector, cells, out=out)
            product = (time.thread_time() - middle) / 1000
            found.append((server, middle - start, product))
    server, alone, product = (statistics.median(some) for some in zip(*found[1:], strict=True))
    print(f"\n{server * 1e3:.1f} ms of the server, {server / alone:.1f} x in process")
    ratio = statistics.median(server / product for server, _, product in found[1:])
    speed("program over TCP", ratio, limit=7000.0, gap=GAP)
