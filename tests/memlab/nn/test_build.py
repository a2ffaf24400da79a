"""Networks from descriptions: what layers ask for, where they come to lie, and that they work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from memlab import nn, open_array
from memlab.array import Array
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.mapping import TA_HFO2, Copies, DifferentialMatrix
from memlab.nn import layers

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gate:
    """A layer of one's own: y = x W sigmoid(x V), without bias."""

    units: int

    def weights(self, shape: tuple[int, ...]) -> Mapping[str, tuple[int, int]]:
        (features,) = shape
        return {"value": (features, self.units), "gate": (features, self.units)}

    def make(self, shape: tuple[int, ...], weights: Mapping[str, DifferentialMatrix]) -> nn.Layer:
        return GateLayer(weights["value"], weights["gate"])


class GateLayer:
    def __init__(self, value: DifferentialMatrix, gate: DifferentialMatrix):
        self.matrices: Sequence[DifferentialMatrix] = (value, gate)
        self.gradients: Sequence[FloatArray] = ()

    def forward(self, x: FloatArray) -> FloatArray:
        value, gate = self.matrices
        self.x, self.v, self.g = x, value.multiply(x), 1 / (1 + np.exp(-gate.multiply(x)))
        return self.v * self.g

    def backward(self, dy: FloatArray) -> FloatArray:
        value, gate = self.matrices
        dv, dz = dy * self.g, dy * self.v * self.g * (1 - self.g)
        flat = self.x.reshape(-1, self.x.shape[-1])
        self.gradients = tuple(flat.T @ d.reshape(-1, d.shape[-1]) for d in (dv, dz))
        return dv @ value.weight.T + dz @ gate.weight.T


CASES = {
    "dense": ([layers.Dense(7, "tanh"), layers.Dense(3, bias=None)], 5, 1, 3),
    "lstm": ([layers.LSTM(3), layers.LSTM(2, peephole=True), layers.Dense(3)], 5, 4, 3),
    "coupled lstm": (
        [layers.LSTM(3, variant=nn.LSTMVariant(forget=nn.Forget.COUPLED)), layers.Dense(2)],
        1,
        4,
        2,
    ),
    "gru": ([layers.GRU(3, bias=0.5), layers.LastStep(), layers.Dense(2)], 2, 3, 2),
    "both ways": (
        [layers.Bidirectional(layers.GRU(2)), layers.Bidirectional(layers.LSTM(3), ends_only=True)],
        3,
        4,
        6,
    ),
    "conv": (
        [
            layers.Conv2D(4, (2, 3), padding="same", activation="relu"),
            layers.MaxPool(2),
            layers.Conv2D(2, (1, 2), stride=2, bias=None),
            layers.Flatten(),
            layers.Dense(3),
        ],
        (7, 5, 2),
        1,
        3,
    ),
    "conv lstm": (
        [layers.ConvLSTM(2, (2, 3), (3, 1)), layers.Flatten(), layers.LastStep(), layers.Dense(3)],
        (4, 5, 1),
        3,
        3,
    ),
    "conv lstm with peepholes": (
        [
            layers.ConvLSTM(2, (2, 3), (3, 1), peephole="place"),
            layers.ConvLSTM(1, (2, 2), (1, 1), peephole="kernel"),
            layers.Flatten(),
            layers.LastStep(),
            layers.Dense(2),
        ],
        (4, 5, 1),
        3,
        2,
    ),
    "phased lstm": (
        [layers.PhasedLSTM(3, (2.0, 5.0), 0.6, 0.1, timed=True), layers.Dense(2)],
        2,
        5,
        2,
    ),
    "one to many": ([layers.Repeat(4), layers.ReLU(), layers.LSTM(2)], 3, 1, 2),
    "one's own": ([Gate(3), layers.Dense(2)], 5, 2, 2),
}


def two_arrays(kind: str) -> list[Array]:
    """Return 40 x 13 and 26 x 9 cells: most of the cases have to be folded, or lie on both."""
    if kind == "ideal":
        return [IdealArray(52, 17), IdealArray(90, 20)]
    urls = ("emulator:?chip=ta-hfo2&seed=5", "emulator:?chip=ta-hfo2&seed=6")
    return [open_array(urls[0])[3:55, 40:57], open_array(urls[1])[20:110, 2:22]]


@pytest.mark.parametrize("kind", ["ideal", "emulator"])
@pytest.mark.parametrize("case", CASES)
def test_a_network_is_placed_and_learns_what_it_is_told(case: str, kind: str) -> None:
    description, shape, steps, outputs = CASES[case]
    arrays = two_arrays(kind)
    network = nn.build(description, shape, arrays, seed=3)
    assert nn.output_shape(description, shape, steps)[1:] == (outputs,)
    network.initialise()
    cells = np.zeros((2, 90, 20), int)
    for block in network.blocks:
        array = arrays[block.array_number]
        rows = np.searchsorted(array.rows, block.array.rows)
        columns = np.searchsorted(array.columns, block.array.columns)
        cells[block.array_number][np.ix_(rows, columns)] += 1
    assert cells.max() == 1
    assert cells.sum() == 2 * sum(m.shape[0] * m.shape[1] for m in network.matrices)

    rng = np.random.default_rng(4)
    sample = (shape,) if isinstance(shape, int) else shape
    x = rng.normal(size=(steps, 6, *sample))
    output = network.forward(x)
    assert output.shape == (nn.output_shape(description, shape, steps)[0], 6, outputs)
    loss = nn.SquaredError()
    target = np.zeros_like(output)
    dx = network.backward(loss(output, target).delta)
    assert dx.shape == x.shape
    if kind == "ideal":
        check_gradients(network, x, target)
    before = [matrix.weight.copy() for matrix in network.matrices]
    network.update(nn.SGD(1e4))  # a cell waits for 30 mV
    assert all(
        not np.array_equal(matrix.weight, old)
        for matrix, old in zip(network.matrices, before, strict=True)
    )


def check_gradients(network: nn.Network, x: FloatArray, target: FloatArray) -> None:
    """Compare one derivative of every matrix with a difference of losses."""
    step = 1e-5
    for matrix, gradient in zip(
        [m for layer in network.layers for m in layer.matrices],
        [g.copy() for layer in network.layers for g in layer.gradients],
        strict=True,
    ):
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        total = []
        for sign in (1, -2):
            change = np.zeros(matrix.shape)
            change[place] = sign * step
            matrix.update(change)
            total.append(nn.SquaredError()(network.forward(x), target).total)
        change[place] = step
        matrix.update(change)
        assert (total[0] - total[1]) / (2 * step) == pytest.approx(gradient[place], rel=1e-4)


def test_peepholes_of_an_unknown_kind_are_refused() -> None:
    description = [layers.ConvLSTM(2, peephole="gate")]  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"peephole.*gate.*kernel"):
        nn.build(description, (4, 4, 1), two_arrays("ideal"))


def test_names_say_what_the_weights_are_and_never_meet_those_of_folded_blocks() -> None:
    description = [
        layers.Dense(9),
        layers.Dense(9),
        layers.Dense(4, name="out"),
        layers.Bidirectional(layers.LSTM(2, peephole=True)),
        layers.GRU(1),
    ]
    network = nn.build(description, 60, two_arrays("ideal"))
    assert [matrix.name for matrix in network.matrices] == [
        "dense",
        "dense2",
        "out",
        "lstm_ahead",
        "lstm_ahead_peephole",
        "lstm_back",
        "lstm_back_peephole",
        "gru_input",
        "gru_recurrent",
    ]
    names = [block.name for block in network.blocks]
    assert "dense_1" in names
    assert len(set(names)) == len(names)


def test_settings_of_the_mapping_reach_the_cells() -> None:
    mapping = TA_HFO2.model_copy(update={"gate_initial": 1.3, "layout": "interleaved"})
    with open_array("emulator:?chip=ideal") as array:
        network = nn.build([layers.Dense(3)], 4, array, mapping=mapping, copies=Copies(beside=2))
        network.initialise()
        (block,) = network.blocks
        assert block.array.shape == (10, 6)
        assert block.layout == "interleaved"
        np.testing.assert_array_equal(block.programmed.gate_voltage, np.full((10, 6), 1.3))


def test_one_list_describes_several_networks_that_know_nothing_of_each_other() -> None:
    description = [layers.MaxPool(2), layers.Flatten(), layers.Dense(2)]
    first, second = (nn.build(description, (4, 4, 1), IdealArray(10, 2)) for _ in range(2))
    rng = np.random.default_rng(1)
    for network in (first, second):
        network.initialise()
    x = rng.normal(size=(1, 3, 4, 4, 1))
    first.forward(x)
    second.forward(-x[:, :2])
    dx = first.backward(np.ones((1, 3, 2)))
    np.testing.assert_array_equal(
        dx != 0,
        x
        == np.maximum.reduceat(np.maximum.reduceat(x, [0, 2], axis=2), [0, 2], axis=3)
        .repeat(2, axis=2)
        .repeat(2, axis=3),
    )


@pytest.mark.parametrize(
    ("description", "shape", "message"),
    [
        ([layers.Conv2D(2)], 5, r"layer 0 \(Conv2D\).*takes images"),
        ([layers.Dense(2), layers.LSTM(2)], (3, 3, 1), r"layer 0 \(Dense\).*put Flatten\(\)"),
        ([layers.Conv2D(2, (9, 9))], (3, 3, 1), r"layer 0 \(Conv2D\).*no patch"),
        ([layers.Dense(2), layers.MaxPool()], 3, r"layer 1 \(MaxPool\) does not take"),
        ([layers.Dense(2, "softplus")], 3, r"layer 0 \(Dense\).*softplus"),
        ([layers.Dense], 3, r"layer 0 \(type\) is no layer"),
        (["dense"], 3, r"layer 0 \(str\) is no layer: it needs weights\(\) and make\(\)"),
        ([layers.Dense(2, name="a/b")], 3, r"called 'a/b': take letters"),
        ([layers.GRU(2, name="a"), layers.Dense(1, name="a_input")], 3, "two weight matrices"),
        ([layers.Dense(400)], 3, "no room: dense"),
        ([layers.LSTM(0)], 3, "at least 1 of each"),
        ([], 3, "no layer has weights"),
        ([layers.LastStep()], 3, "no layer has weights"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_layer_and_the_reason(
    description: list[nn.LayerLike], shape: int, message: str
) -> None:
    array = IdealArray(20, 30)
    with pytest.raises(SettingError, match=message):
        nn.build(description, shape, array)
    assert array.counts.vmm == 0


def test_a_layer_that_has_its_cells_already_is_refused() -> None:
    network = nn.build([layers.Dense(2)], 3, IdealArray(20, 30))
    with pytest.raises(SettingError, match="weights that lie somewhere already"):
        nn.build(network.layers, 3, IdealArray(20, 30))
