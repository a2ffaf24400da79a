"""Convolutions, pooling, LSTM variants, GRU and both directions against central differences.

As in `test_gradients`, but of any layer: the loss is the product of the output with a fixed random
array, so that every output entry counts with a weight of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.central_difference import assert_gradient

from memlab.mapping import DifferentialMatrix, Layout
from memlab.nn import (
    GRU,
    LSTM,
    Bidirectional,
    Conv2D,
    ConvLSTM,
    CrossEntropy,
    Dense,
    Flatten,
    Forget,
    LastStep,
    Layer,
    LSTMVariant,
    MaxPool,
    Network,
    ReLU,
    Repeat,
)

FloatArray = npt.NDArray[np.float64]
MakeMatrix = Callable[[int, int], DifferentialMatrix]


@pytest.fixture
def random_matrix(matrix_of: Callable[..., DifferentialMatrix]) -> MakeMatrix:
    """Return a function that makes matrices of random weights, each with a name of its own."""
    rng = np.random.default_rng(11)
    numbers = iter(range(100))

    def make(inputs: int, outputs: int) -> DifferentialMatrix:
        return matrix_of(rng.normal(0.0, 0.7, (inputs, outputs)), f"w{next(numbers)}")

    return make


@pytest.fixture
def check(set_weight: Callable[..., None]) -> Any:
    """Return a function that checks dL/dx and every dL/dW of layers at an input of a shape."""

    def run(layers: Sequence[Layer], shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(2)
        network = Network(layers)
        x = rng.normal(size=shape)
        output = network.forward(x)
        importance = rng.normal(size=output.shape)
        dx = network.backward(importance)
        gradients = [gradient for layer in layers for gradient in layer.gradients]

        def total(moved: FloatArray) -> float:
            return float((network.forward(moved) * importance).sum())

        assert_gradient(dx, total, x)
        for matrix, gradient in zip(network.matrices, gradients, strict=True):
            weight = matrix.weight.copy()

            def total_at_weight(moved: FloatArray, matrix: Any = matrix) -> float:
                set_weight(matrix, moved, Layout.BLOCK)
                return total(x)

            assert_gradient(gradient, total_at_weight, weight)
            set_weight(matrix, weight, Layout.BLOCK)

    return run


@pytest.mark.parametrize("bias", [None, 0.3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (2, 3), (1, 1)])
def test_a_convolution_has_the_gradient_of_central_differences(
    random_matrix: MakeMatrix,
    check: Any,
    kernel: tuple[int, int],
    padding: str,
    stride: int,
    bias: float | None,
) -> None:
    rows = kernel[0] * kernel[1] * 2 + (bias is not None)
    conv = Conv2D(random_matrix(rows, 3), (5, 4, 2), kernel, padding, stride, "tanh", bias)
    check([conv], (1, 2, 5, 4, 2))


def test_the_published_cnn_in_small_has_the_gradient_of_central_differences(
    random_matrix: MakeMatrix, check: Any
) -> None:
    # Two convolutions with several channels: published defect (a) mixes them on the way back.
    check(
        [
            Conv2D(random_matrix(9, 3), (4, 4, 1), (3, 3), "same", activation="relu"),
            Conv2D(random_matrix(12, 2), (4, 4, 3), (2, 2), "same"),
            MaxPool(2),
            Flatten(),
            Dense(random_matrix(8, 3)),
        ],
        (1, 2, 4, 4, 1),
    )


@pytest.mark.parametrize("bias", [None, 0.3])
@pytest.mark.parametrize("forget", list(Forget))
def test_a_conv_lstm_under_pooling_has_the_gradient_of_central_differences(
    random_matrix: MakeMatrix, check: Any, forget: Forget, bias: float | None
) -> None:
    # An image that is not square, two channels, two stacked layers, a dense layer at the end.
    gates = 4 if forget is Forget.GATE else 3
    extra = bias is not None
    check(
        [
            ConvLSTM(
                random_matrix(4 * 2 + 4 * 2 + extra, gates * 2),
                (5, 4, 2),
                (2, 2),
                (2, 2),
                bias,
                LSTMVariant(forget),
            ),
            ConvLSTM(random_matrix(6 * 2 + 2 * 1 + extra, 4 * 1), (4, 3, 2), (3, 2), (1, 2), bias),
            MaxPool(2),
            Flatten(),
            LastStep(),
            Dense(random_matrix(1, 2)),
        ],
        (3, 2, 5, 4, 2),
    )


def variants() -> Iterator[LSTMVariant]:
    flags = (True, False)
    for forget, inp, out, squash_in, squash_out in product(Forget, flags, flags, flags, flags):
        if inp or forget is not Forget.COUPLED:
            yield LSTMVariant(forget, inp, out, squash_in, squash_out)


@pytest.mark.parametrize("peephole", [False, True], ids=["plain", "peephole"])
@pytest.mark.parametrize("variant", list(variants()), ids=str)
def test_every_variant_of_the_lstm_has_the_gradient_of_central_differences(
    random_matrix: MakeMatrix,
    check: Any,
    variant: LSTMVariant,
    peephole: bool,
) -> None:
    gates = len(variant.columns)
    if peephole and gates == 1:
        pytest.skip("there is no gate to look at the cell")
    eyes = random_matrix(2, 3) if peephole else None
    check([LSTM(random_matrix(5, gates * 2), 0.3, variant, eyes)], (3, 2, 2))


# Weights of the state as a matrix has them: (2 kernels, 3), or (4 columns x 3 rows x 2 kernels, 3).
@pytest.mark.parametrize("eyes", [2, 4 * 3 * 2], ids=["for each kernel", "for each place"])
@pytest.mark.parametrize("forget", list(Forget))
def test_a_conv_lstm_with_peepholes_has_the_gradient_of_central_differences(
    random_matrix: MakeMatrix, check: Any, forget: Forget, eyes: int
) -> None:
    if eyes > 2 and forget is Forget.NONE:
        pytest.skip("what is left out is the same for each place")
    variant = LSTMVariant(forget)
    weights = random_matrix(4 + 4 * 2 + 1, len(variant.columns) * 2)
    peephole = random_matrix(eyes, 3)
    check(
        [ConvLSTM(weights, (4, 5, 1), (2, 2), (2, 2), 0.3, variant, peephole)],
        (3, 1, 4, 5, 1),
    )


def test_peepholes_of_a_conv_lstm_look_at_the_own_kernel_and_at_the_own_place(
    random_matrix: MakeMatrix, matrix_of: Callable[..., DifferentialMatrix]
) -> None:
    # One weight alone: of kernel 1 at row 0, column 2 of 3 x 4 places. Rows run fastest.
    weights, x = random_matrix(4 + 4 * 2, 8), np.random.default_rng(0).normal(size=(3, 1, 4, 5, 1))
    plain = ConvLSTM(weights, (4, 5, 1), (2, 2), (2, 2)).forward(x)
    place = np.zeros((4, 3, 2, 3))
    place[2, 0, 1, 2] = 5.0  # the output gate looks at the new state
    eyes = matrix_of(place.reshape(24, 3), "place")
    moved = ConvLSTM(weights, (4, 5, 1), (2, 2), (2, 2), peephole=eyes).forward(x)
    assert list(zip(*np.nonzero(np.abs(moved - plain)[0] > 1e-9), strict=True)) == [(0, 0, 2, 1)]
    kernel = matrix_of([[0.0, 0.0, 0.0], [0.0, 0.0, 5.0]], "kernel")
    moved = ConvLSTM(weights, (4, 5, 1), (2, 2), (2, 2), peephole=kernel).forward(x)
    changed = np.abs(moved - plain)[0, 0] > 1e-9
    assert changed[..., 1].all()
    assert not changed[..., 0].any()


def test_peepholes_of_another_size_are_refused(random_matrix: MakeMatrix) -> None:
    with pytest.raises(ValueError, match=r"peepholes need \(2, 3\) or \(24, 3\) weights"):
        ConvLSTM(random_matrix(12, 8), (4, 5, 1), (2, 2), (2, 2), peephole=random_matrix(12, 3))
    with pytest.raises(ValueError, match=r"peepholes need \(2, 3\) weights"):
        LSTM(random_matrix(5, 8), peephole=random_matrix(3, 3))


def test_a_coupled_gate_without_an_input_gate_is_refused() -> None:
    with pytest.raises(ValueError, match="input gate"):
        LSTMVariant(Forget.COUPLED, input_gate=False)


@pytest.mark.parametrize("bias", [None, 0.3])
def test_stacked_grus_have_the_gradient_of_central_differences(
    random_matrix: MakeMatrix, check: Any, bias: float | None
) -> None:
    extra = bias is not None
    check(
        [
            GRU(random_matrix(3 + extra, 6), random_matrix(2 + extra, 6), bias),
            GRU(random_matrix(2 + extra, 9), random_matrix(3 + extra, 9), bias),
        ],
        (4, 3, 3),
    )


@pytest.mark.parametrize("ends_only", [False, True], ids=["every step", "ends only"])
def test_stacked_bidirectional_layers_have_the_gradient_of_central_differences(
    random_matrix: MakeMatrix, check: Any, ends_only: bool
) -> None:
    check(
        [
            Bidirectional(LSTM(random_matrix(5, 8), 0.3), LSTM(random_matrix(6, 12), 0.3)),
            Bidirectional(
                GRU(random_matrix(5, 6), random_matrix(2, 6)),
                LSTM(random_matrix(6, 4)),
                ends_only=ends_only,
            ),
            Dense(random_matrix(3, 2), "sigmoid"),
        ],
        (4, 2, 2),
    )


def test_one_to_many_and_many_to_one_have_the_gradient_of_central_differences(
    random_matrix: MakeMatrix, check: Any
) -> None:
    one_to_many = [Repeat(4), LSTM(random_matrix(5, 8)), Dense(random_matrix(2, 2), "tanh")]
    check(one_to_many, (1, 3, 3))
    assert one_to_many[0].forward(np.zeros((1, 3, 3))).shape == (4, 3, 3)
    many_to_one = [LSTM(random_matrix(5, 8)), LastStep(), Dense(random_matrix(2, 2), "tanh")]
    check(many_to_one, (4, 3, 3))


def test_keeping_the_last_step_is_a_loss_of_the_last_step_with_fewer_vectors(
    random_matrix: MakeMatrix,
) -> None:
    lstm, dense = LSTM(random_matrix(5, 8)), Dense(random_matrix(2, 3))
    x, target = np.random.default_rng(0).normal(size=(4, 5, 3)), np.eye(3)[[0, 1, 2, 1, 0]]
    results = []
    for layers in ([lstm, dense], [lstm, LastStep(), dense]):
        network = Network(layers)
        before = dense.matrix.array.counts.vmm
        value = CrossEntropy(last_step=True)(network.forward(x), target)
        dx = network.backward(value.delta)
        results.append((dx, lstm.gradient, dense.gradient, dense.matrix.array.counts.vmm - before))
    for a, b in zip(results[0][:3], results[1][:3], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    assert (results[0][3], results[1][3]) == (4 * 5, 5)


@pytest.mark.parametrize("shape", [(2, 3, 5, 4, 3), (2, 4, 6, 1)])
def test_pooling_flattening_and_rectifying_have_the_gradient_of_central_differences(
    check: Any, shape: tuple[int, ...]
) -> None:
    check([ReLU(), MaxPool(2), Flatten()], shape)
    check([MaxPool(3)], shape)


def test_one_of_tied_maxima_gets_the_whole_gradient() -> None:
    # Published defect (c): every tied maximum gets all of it.
    pool = MaxPool(2)
    x = np.array([[1.0, 1.0], [0.0, 1.0]]).reshape(1, 2, 2, 1)
    assert pool.forward(x).item() == 1.0
    dx = pool.backward(np.full((1, 1, 1, 1), 5.0))
    np.testing.assert_array_equal(dx.reshape(2, 2), [[5.0, 0.0], [0.0, 0.0]])


def test_a_flattened_image_runs_down_its_columns_then_through_its_channels() -> None:
    x = np.arange(12.0).reshape(2, 3, 2)  # 2 rows, 3 columns, 2 channels
    np.testing.assert_array_equal(Flatten().forward(x), [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11])


def test_matrices_of_one_name_are_refused(matrix_of: Callable[..., DifferentialMatrix]) -> None:
    with pytest.raises(ValueError, match="one name: w, w"):
        Network([Dense(matrix_of(np.ones((1, 1)))), Dense(matrix_of(np.ones((1, 1))))])
