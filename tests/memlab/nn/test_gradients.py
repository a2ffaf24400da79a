"""Every layer, loss and combination against central differences through the ideal array.

The differences are of fourth order, (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h: with h = 1e-4 the
truncation (h^4 f5 / 30) and the rounding (1e-16 f / h) both stay near 1e-12 of the loss, so that
agreement to 1e-7 of the gradient is a statement about the gradient and not about h.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.central_difference import assert_gradient

from memlab.mapping import DifferentialMatrix, Layout
from memlab.nn import LSTM, CrossEntropy, Dense, Layer, Loss, Network, SquaredError

FloatArray = npt.NDArray[np.float64]
STEPS = 4


@dataclass(frozen=True)
class Spec:
    """A layer: `lstm` or the name of a dense layer's activation, its sizes and its bias."""

    kind: str
    inputs: int
    outputs: int
    bias: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        rows = self.inputs + (self.bias is not None)
        if self.kind == "lstm":
            return rows + self.outputs, 4 * self.outputs
        return rows, self.outputs

    def build(self, matrix: DifferentialMatrix) -> Layer:
        if self.kind == "lstm":
            return LSTM(matrix, self.bias)
        return Dense(matrix, self.kind, self.bias)


def target_for(loss: Any, outputs: int, batch: int, rng: np.random.Generator) -> FloatArray:
    shape = (batch,) if loss.last_step else (STEPS, batch)
    if isinstance(loss, CrossEntropy):
        return np.eye(outputs)[rng.integers(outputs, size=shape)]
    return rng.normal(size=(*shape, outputs))


LOSSES = [
    SquaredError(),
    SquaredError(last_step=True),
    CrossEntropy(),
    CrossEntropy(last_step=True),
]
LOSS_NAMES = ["squared", "squared last step", "cross-entropy", "cross-entropy last step"]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=LOSS_NAMES)


@pytest.fixture
def check(matrix_of: Callable[..., DifferentialMatrix], set_weight: Callable[..., None]) -> Any:
    """Return a function that checks dL/dx and dL/dW of every matrix of a network."""

    def run(
        specs: Sequence[Spec], loss: Loss, batch: int = 3, layout: Layout = Layout.BLOCK
    ) -> None:
        rng = np.random.default_rng(1997)
        weights = [rng.normal(0.0, 0.8, spec.shape) for spec in specs]
        network = Network(
            [
                spec.build(matrix_of(weight, f"w{k}", layout))
                for k, (spec, weight) in enumerate(zip(specs, weights, strict=True))
            ]
        )
        x = rng.normal(size=(STEPS, batch, specs[0].inputs))
        target = target_for(loss, specs[-1].outputs, batch, rng)

        value = loss(network.forward(x), target)
        dx = network.backward(value.delta)
        gradients = [layer.gradient for layer in network.layers]

        def total_at_input(moved: FloatArray) -> float:
            return loss(network.forward(moved), target).total

        assert_gradient(dx, total_at_input, x)
        for layer, weight, gradient in zip(network.layers, weights, gradients, strict=True):

            def total_at_weight(moved: FloatArray, matrix: Any = layer.matrix) -> float:
                set_weight(matrix, moved, layout)
                return loss(network.forward(x), target).total

            assert_gradient(gradient, total_at_weight, weight)
            set_weight(layer.matrix, weight, layout)

    return run


@every_loss
@pytest.mark.parametrize("outputs", [2, 3])
def test_the_delta_of_a_loss_is_the_gradient_of_its_total(loss: Any, outputs: int) -> None:
    rng = np.random.default_rng(3)
    output = rng.normal(size=(STEPS, 2, outputs))
    target = target_for(loss, outputs, 2, rng)
    delta = loss(output, target).delta
    assert_gradient(delta, lambda moved: loss(moved, target).total, output)


@every_loss
@pytest.mark.parametrize("bias", [None, 0.2, -1.5])
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "softmax"])
def test_a_dense_layer_has_the_gradient_of_central_differences(
    check: Any, activation: str, bias: float | None, loss: Loss
) -> None:
    check([Spec(activation, 4, 3, bias)], loss)


@every_loss
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("bias", [None, 0.2])
def test_an_lstm_has_the_gradient_of_central_differences(
    check: Any, bias: float | None, batch: int, loss: Loss
) -> None:
    check([Spec("lstm", 2, 3, bias)], loss, batch)


@every_loss
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("bias", [None, 0.2])
def test_stacked_lstms_under_a_dense_layer_have_the_gradient_of_central_differences(
    check: Any, bias: float | None, batch: int, loss: Loss
) -> None:
    last = "linear" if isinstance(loss, CrossEntropy) else "sigmoid"
    check([Spec("lstm", 1, 2, bias), Spec("lstm", 2, 2, bias), Spec(last, 2, 2, bias)], loss, batch)


@pytest.mark.parametrize(
    "specs",
    [
        [Spec("lstm", 1, 4, 0.2), Spec("sigmoid", 4, 1, 0.2)],
        [Spec("lstm", 3, 2), Spec("softmax", 2, 3)],
        [Spec("tanh", 3, 4, 0.2), Spec("lstm", 4, 2, 0.2), Spec("linear", 2, 3)],
        [Spec("tanh", 3, 5), Spec("sigmoid", 5, 4, 1.0), Spec("linear", 4, 2)],
    ],
    ids=["airline", "gait", "dense below", "perceptron"],
)
def test_mixed_networks_have_the_gradient_of_central_differences(
    check: Any, specs: list[Spec]
) -> None:
    check(specs, SquaredError())


@pytest.mark.parametrize("layout", list(Layout))
def test_gradients_do_not_depend_on_where_the_cells_of_a_pair_lie(
    check: Any, layout: Layout
) -> None:
    check([Spec("lstm", 2, 2, 0.2), Spec("tanh", 2, 2, 0.2)], SquaredError(), layout=layout)
