"""Other simulators, as ratios to numpy's products in one run, where they are installed.

    python -m pip install aihwkit          # brings PyTorch
    python -m pip install git+https://github.com/sandialabs/cross-sim
    python -m pytest -n 0 -m benchmark -s tests/benchmarks

What they compute differs from what memlab does: CrossSim has no codes by default, aihwkit 32-bit
floats, noise of its own and no board. Its tiles in C++ are of one version of PyTorch, and take
about 16 products of one vector; those in PyTorch, which run on any, take 120.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.speed_table import paired
from threadpoolctl import threadpool_limits

from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from memlab.numeric import FloatArray

pytestmark = pytest.mark.benchmark

VECTORS = pytest.mark.parametrize("vectors", [1, 100, 6400])


def products(vectors: int, make: Callable[[FloatArray], Callable[[FloatArray], object]]) -> float:
    """Return the time of another's product over numpy's."""
    array = BoardArray(EmulatedBoard(load_preset("ta-hfo2"), seed=1))
    array.program(np.random.default_rng(0).uniform(0.7, 1.6, array.shape))
    volts = np.random.default_rng(1).uniform(-0.1, 0.1, (vectors, 128))
    conductance = array.read_conductance()
    out, product = np.empty((vectors, 64)), make(conductance)
    calls = max(1, 1000 // vectors)

    def multiply() -> None:
        for _ in range(calls):
            product(volts)

    with threadpool_limits(1):
        return (
            paired(multiply, lambda: np.matmul(volts, conductance, out=out), 9, calls=calls) / calls
        )


@VECTORS
def test_products_of_crosssim(vectors: int, speed) -> None:
    simulator = pytest.importorskip("simulator", reason="CrossSim is not installed")

    def make(conductance: FloatArray) -> Callable[[FloatArray], object]:
        core = simulator.AnalogCore(conductance.T, params=simulator.CrossSimParameters())
        return lambda volts: (core @ volts.T).T

    name = "one vector" if vectors == 1 else f"{vectors:,} vectors"
    speed.peer(name, "CrossSim", products(vectors, make))


@pytest.fixture
def aihwkit(one_torch_thread: None) -> Any:
    """Its layers, and their settings: tiles in PyTorch."""
    layers = pytest.importorskip("aihwkit.nn", reason="aihwkit is not installed")
    configs = pytest.importorskip("aihwkit.simulator.configs")
    return layers, {"rpu_config": configs.TorchInferenceRPUConfig()}


@VECTORS
def test_products_of_aihwkit(vectors: int, aihwkit: Any, speed) -> None:
    import torch

    layers, how = aihwkit

    def make(conductance: FloatArray) -> Callable[[FloatArray], object]:
        layer = layers.AnalogLinear(*conductance.shape, bias=False, **how)
        scale = np.abs(conductance).max()
        layer.set_weights(torch.tensor(conductance.T / scale, dtype=torch.float32))
        layer.eval()

        def multiply(volts: FloatArray) -> object:
            with torch.no_grad():
                return layer(torch.from_numpy(volts).float()).numpy() * scale

        return multiply

    name = {1: "one vector, noise", 100: "100 vectors", 6400: "6,400 vectors, noise"}[vectors]
    speed.peer(name, "aihwkit", products(vectors, make))


def step_of(network: Any, loss: Callable[[Any], Any], x: Any) -> Callable[[], None]:
    """Return what trains a network of aihwkit with a batch, once each time."""
    optim = pytest.importorskip("aihwkit.optim")
    optimizer = optim.AnalogSGD(network.parameters(), lr=0.01, momentum=0.9)
    optimizer.regroup_param_groups(network)

    def step() -> None:
        optimizer.zero_grad()
        loss(network(x)).backward()
        optimizer.step()

    return step


def test_an_airline_epoch_of_aihwkit(aihwkit: Any, speed) -> None:
    """Train an LSTM of 15 units and a dense layer with 96 months; 16.5 ms with tiles in C++."""
    import torch

    layers, how = aihwkit
    lstm = layers.AnalogRNN(layers.AnalogLSTMCell, 1, 15, bias=True, **how)
    dense = layers.AnalogLinear(15, 1, bias=True, **how)

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.dense = lstm, dense

        def forward(self, x: Any) -> Any:
            return torch.sigmoid(self.dense(self.lstm(x)[0]))

    x, target = torch.rand(96, 1, 1), torch.rand(96, 1, 1)
    step = step_of(Network(), lambda y: ((y - target) ** 2).mean(), x)
    vector, cells, out = np.ones(128), np.ones((128, 64)), np.empty(64)
    one = paired(step, lambda: np.matmul(vector, cells, out=out), 5, calls=10_000)
    speed.peer("airline epoch", "aihwkit", one)


def test_a_mnist_cnn_batch_of_aihwkit(aihwkit: Any, speed) -> None:
    """Train the five-level CNN with 100 images."""
    import torch

    layers, how = aihwkit
    network = torch.nn.Sequential(
        layers.AnalogConv2d(1, 15, 3, padding=1, bias=False, **how),
        torch.nn.ReLU(),
        layers.AnalogConv2d(15, 4, 2, padding=1, bias=False, **how),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        layers.AnalogLinear(64, 10, bias=False, **how),
    )
    target = torch.randint(0, 10, (100,))
    step = step_of(
        network, lambda y: torch.nn.functional.cross_entropy(y, target), torch.rand(100, 1, 8, 8)
    )
    vectors, cells, out = np.ones((6400, 128)), np.ones((128, 64)), np.empty((6400, 64))
    with threadpool_limits(1):
        one = paired(step, lambda: np.matmul(vectors, cells, out=out), 15, calls=5)
    speed.peer("mnist-cnn batch", "aihwkit", one)
