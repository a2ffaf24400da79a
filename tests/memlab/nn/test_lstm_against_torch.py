"""LSTM and optimizers against PyTorch in float64 (values: tests/golden/make_lstm_golden.py).

PyTorch stacks the gates i, f, g, o in the rows of `weight_ih` and `weight_hh`; here the columns are
a (its g), i, f, o. Its bias is a parameter, ours a constant input times a row of weights, so our
row is bias / input, and our gradient is theirs times the input.
"""

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from memlab.mapping import DifferentialMatrix
from memlab.nn import (
    LSTM,
    SGD,
    Adam,
    CrossEntropy,
    Dense,
    Layer,
    Network,
    Optimizer,
    RMSprop,
    SquaredError,
)

FloatArray = npt.NDArray[np.float64]
GOLDEN = Path(__file__).parents[2] / "golden"
STORED = json.loads((GOLDEN / "lstm_golden.json").read_text())
BIAS = 0.2


def to_columns(torch_rows: npt.ArrayLike) -> FloatArray:
    """Turn rows i, f, g, o into columns a, i, f, o."""
    i, f, g, o = np.split(np.asarray(torch_rows), 4)
    return np.concatenate([g, i, f, o]).T


def lstm_rows(
    values: dict[str, Any], layer: int, bias_row: Callable[..., FloatArray]
) -> FloatArray:
    """Stack input, recurrent and bias rows of one torch LSTM layer."""
    names = ["weight_ih", "weight_hh"]
    blocks = [to_columns(values[f"lstm.{name}_l{layer}"]) for name in names]
    if f"lstm.bias_ih_l{layer}" in values:
        both = [to_columns(values[f"lstm.bias_{which}_l{layer}"]) for which in ("ih", "hh")]
        blocks.append(bias_row(*both)[np.newaxis])
    return np.vstack(blocks)


def linear_rows(values: dict[str, Any], scale: float) -> FloatArray:
    blocks = [np.asarray(values["linear.weight"]).T]
    if "linear.bias" in values:
        blocks.append(scale * np.asarray(values["linear.bias"])[np.newaxis])
    return np.vstack(blocks)


def check_against_torch(case: dict[str, Any], matrix_of: Callable[..., DifferentialMatrix]) -> None:
    parameters, gradients = case["parameters"], case["gradients"]
    bias = BIAS if case["bias"] else None

    def weight_row(ih: FloatArray, hh: FloatArray) -> FloatArray:
        return (ih + hh) / BIAS

    def gradient_row(ih: FloatArray, hh: FloatArray) -> FloatArray:
        return ih * BIAS  # torch gives the same gradient to both of its biases

    layers: list[Layer] = []
    wanted: list[FloatArray] = []
    for k in range(case["layers"]):
        layers.append(LSTM(matrix_of(lstm_rows(parameters, k, weight_row), f"lstm{k}"), bias))
        wanted.append(lstm_rows(gradients, k, gradient_row))
    if "linear.weight" in parameters:
        activation = "sigmoid" if case["loss"] == "squared error" else "linear"
        layers.append(
            Dense(matrix_of(linear_rows(parameters, 1 / BIAS), "dense"), activation, bias)
        )
        wanted.append(linear_rows(gradients, BIAS))
    network = Network(layers)
    output = network.forward(np.array(case["x"]))
    target = np.array(case["target"])
    if case["loss"] == "dot":
        total, delta = float((output * target).sum()), target
    else:
        loss = SquaredError() if case["loss"] == "squared error" else CrossEntropy(last_step=True)
        value = loss(output, target)
        total, delta = value.total, value.delta
    dx = network.backward(delta)

    agree = {"rtol": 1e-10, "atol": 1e-13}
    np.testing.assert_allclose(output, case["output"], **agree)
    assert total == pytest.approx(case["total"], rel=1e-10)
    np.testing.assert_allclose(dx, case["dx"], **agree)
    for layer, gradient in zip(layers, wanted, strict=True):
        np.testing.assert_allclose(layer.gradient, gradient, **agree)


@pytest.mark.parametrize("name", list(STORED["networks"]))
def test_an_lstm_agrees_with_the_stored_values_of_torch_forward_and_backward(
    name: str, matrix_of: Callable[..., DifferentialMatrix]
) -> None:
    check_against_torch(STORED["networks"][name], matrix_of)


def test_an_lstm_agrees_with_torch_itself_forward_and_backward(
    matrix_of: Callable[..., DifferentialMatrix],
) -> None:
    pytest.importorskip("torch", reason="torch is not installed; the stored values were checked")
    make = runpy.run_path(str(GOLDEN / "make_lstm_golden.py"))["make_networks"]
    for seed in (1, 2, 3):
        for case in make(seed).values():
            check_against_torch(case, matrix_of)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("sgd", SGD(0.01, 0.9)),
        ("rmsprop", RMSprop(0.01, 0.9, 1e-8)),
        ("adam", Adam(0.01)),
        ("adam, other constants", Adam(0.01, 0.8, 0.95, 0.25)),
    ],
)
def test_an_optimizer_makes_the_steps_of_torch(name: str, optimizer: Optimizer) -> None:
    gradients = np.array(STORED["optimizers"]["gradients"])
    steps = [optimizer.step("w", gradient) for gradient in gradients]
    np.testing.assert_allclose(steps, STORED["optimizers"][name], rtol=1e-12)
