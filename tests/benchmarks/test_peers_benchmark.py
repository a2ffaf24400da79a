"""Products of 128 x 64 cells in other simulators, as ratios to numpy's, where they are installed.

    python -m pip install aihwkit          # brings PyTorch
    python -m pip install git+https://github.com/sandialabs/cross-sim
    python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_peers_benchmark.py

In one run with `Array.vmm` on the same voltages. What they compute differs: CrossSim has no codes
by default, aihwkit 32-bit floats and noise of its own; so nothing is asserted. Of 1, 100 and 6,400
vectors CrossSim takes 10 to 12, 2 and 3 times as long as numpy, aihwkit 1.1.0 (tiles in PyTorch)
120, 20 and 6, memlab 16 to 19, 4.5 and 3.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.numeric import FloatArray

pytestmark = [pytest.mark.benchmark, pytest.mark.parametrize("vectors", [1, 100, 6400])]


def compare(name: str, vectors: int, make: Callable[[FloatArray], Callable[[FloatArray], object]]):
    """Print the medians of times over those of numpy's product, all in turn."""
    array = BoardArray(EmulatedBoard(load_preset("ta-hfo2"), seed=1))
    array.program(np.random.default_rng(0).uniform(0.7, 1.6, array.shape))
    volts = np.random.default_rng(1).uniform(-0.1, 0.1, (vectors, 128))
    conductance = array.read_conductance()
    out = np.empty((vectors, 64))
    products = (lambda v: np.matmul(v, conductance, out=out), make(conductance), array.vmm)
    calls, ratios = max(1, 2000 // vectors), []
    with threadpool_limits(1):
        for _ in range(15):
            times = []
            for product in products:
                start = time.thread_time()
                for _ in range(calls):
                    product(volts)
                times.append(time.thread_time() - start)
            ratios.append((times[1] / times[0], times[2] / times[0]))
    them, us = (statistics.median(some) for some in zip(*ratios, strict=True))
    print(f"\n{vectors} vectors: {name} {them:.1f} x the product, memlab {us:.1f} x")


def test_aihwkit(vectors: int) -> None:
    linear = pytest.importorskip("aihwkit.nn", reason="aihwkit is not installed").AnalogLinear
    configs, torch = map(pytest.importorskip, ("aihwkit.simulator.configs", "torch"))
    torch.set_num_threads(1)
    # Its tiles in C++ are of one version of PyTorch; those in PyTorch run on any.
    config = configs.TorchInferenceRPUConfig()

    def make(conductance: FloatArray) -> Callable[[FloatArray], object]:
        layer = linear(*conductance.shape, bias=False, rpu_config=config)
        scale = np.abs(conductance).max()
        layer.set_weights(torch.tensor(conductance.T / scale, dtype=torch.float32))
        layer.eval()

        def multiply(volts: FloatArray) -> object:
            with torch.no_grad():
                return layer(torch.from_numpy(volts).float()).numpy() * scale

        return multiply

    compare("aihwkit", vectors, make)


def test_crosssim(vectors: int) -> None:
    simulator = pytest.importorskip("simulator", reason="CrossSim is not installed")

    def make(conductance: FloatArray) -> Callable[[FloatArray], object]:
        core = simulator.AnalogCore(conductance.T, params=simulator.CrossSimParameters())
        return lambda volts: (core @ volts.T).T

    compare("CrossSim", vectors, make)
