"""Convolution, pooling, GRU and both directions against PyTorch in float64.

Values: tests/golden/make_layers_golden.py. PyTorch's images are (batch, channel, height, width),
ours (batch, height, width, channel); its recurrent weights have the gates in their rows, i, f, g,
o for the LSTM (ours: a, i, f, o with a its g) and r, z, n for the GRU. Its biases are parameters,
ours a constant input times a row of weights.
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
from memlab.nn import GRU, LSTM, Bidirectional, Conv2D, Layer, MaxPool, Network

FloatArray = npt.NDArray[np.float64]
MatrixOf = Callable[..., DifferentialMatrix]
GOLDEN = Path(__file__).parents[2] / "golden"
STORED = json.loads((GOLDEN / "layers_golden.json").read_text())["cases"]
IMAGES = [name for name, case in STORED.items() if "module" not in case]
SEQUENCES = [name for name, case in STORED.items() if "module" in case]
BIAS = 0.5
AGREE = {"rtol": 1e-10, "atol": 1e-12}


def channels_last(images: npt.ArrayLike) -> FloatArray:
    return np.moveaxis(np.asarray(images), 1, -1)


def kernel_rows(values: dict[str, Any], bias_scale: float) -> FloatArray:
    """Put (kernels, channels, rows, columns) with row fastest, then column, then channel."""
    weight = np.asarray(values["weight"])
    rows = [weight.transpose(1, 3, 2, 0).reshape(-1, weight.shape[0])]
    if "bias" in values:
        rows.append(bias_scale * np.asarray(values["bias"])[np.newaxis])
    return np.vstack(rows)


def check_images(case: dict[str, Any], matrix_of: MatrixOf) -> None:
    x = channels_last(case["x"])
    layer: Conv2D | MaxPool = MaxPool(2)
    if "kernel" in case:
        bias = BIAS if case["bias"] else None
        matrix = matrix_of(kernel_rows(case["parameters"], 1 / BIAS))
        layer = Conv2D(
            matrix, x.shape[1:], case["kernel"], case["padding"], case["stride"], bias=bias
        )
    np.testing.assert_allclose(layer.forward(x), channels_last(case["output"]), **AGREE)
    dx = layer.backward(channels_last(case["importance"]))
    np.testing.assert_allclose(dx, channels_last(case["dx"]), **AGREE)
    if isinstance(layer, Conv2D):
        np.testing.assert_allclose(layer.gradient, kernel_rows(case["gradients"], BIAS), **AGREE)


def gate_columns(rows: npt.ArrayLike, module: str) -> FloatArray:
    """Turn rows of gates into columns of gates."""
    if module == "GRU":
        return np.asarray(rows).T
    i, f, g, o = np.split(np.asarray(rows), 4)
    return np.concatenate([g, i, f, o]).T


def recurrent_weights(
    values: dict[str, Any], module: str, suffix: str, *, gradient: bool
) -> list[FloatArray]:
    """Return the weights (or gradients) of one layer and direction in our layout."""
    names = ("ih", "hh")
    weights = [gate_columns(values[f"weight_{which}_{suffix}"], module) for which in names]
    if f"bias_ih_{suffix}" not in values:
        return weights if module == "GRU" else [np.vstack(weights)]
    scale = BIAS if gradient else 1 / BIAS
    biases = [
        scale * gate_columns(values[f"bias_{which}_{suffix}"], module)[np.newaxis]
        for which in names
    ]
    if module == "GRU":
        return [np.vstack(pair) for pair in zip(weights, biases, strict=True)]
    # Our LSTM has one bias for torch's two, which have the same gradient.
    return [np.vstack([*weights, biases[0] if gradient else biases[0] + biases[1]])]


def check_sequences(case: dict[str, Any], matrix_of: MatrixOf) -> None:
    module, bias = case["module"], BIAS if case["bias"] else None
    wanted: list[FloatArray] = []

    def layer_of(suffix: str) -> Layer:
        weights = recurrent_weights(case["parameters"], module, suffix, gradient=False)
        wanted.extend(recurrent_weights(case["gradients"], module, suffix, gradient=True))
        matrices = [matrix_of(weight, f"{suffix}_{k}") for k, weight in enumerate(weights)]
        return GRU(*matrices, bias) if module == "GRU" else LSTM(*matrices, bias)

    layers: list[Layer] = []
    for k in range(case.get("num_layers", 1)):
        layer = layer_of(f"l{k}")
        if case.get("bidirectional"):
            layer = Bidirectional(layer, layer_of(f"l{k}_reverse"))
        layers.append(layer)
    network = Network(layers)
    np.testing.assert_allclose(network.forward(np.array(case["x"])), case["output"], **AGREE)
    np.testing.assert_allclose(network.backward(np.array(case["importance"])), case["dx"], **AGREE)
    gradients = [gradient for layer in layers for gradient in layer.gradients]
    for gradient, expected in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(gradient, expected, **AGREE)


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_layer_agrees_with_the_stored_values_of_torch(
    name: str, matrix_of: MatrixOf
) -> None:
    check_images(STORED[name], matrix_of)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_recurrent_layer_agrees_with_the_stored_values_of_torch(
    name: str, matrix_of: MatrixOf
) -> None:
    check_sequences(STORED[name], matrix_of)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_the_layers_agree_with_torch_itself(matrix_of: MatrixOf) -> None:
    pytest.importorskip("torch", reason="torch is not installed; the stored values were checked")
    make = runpy.run_path(str(GOLDEN / "make_layers_golden.py"))["make_cases"]
    for seed in (1, 2, 3):
        for case in make(seed).values():
            (check_sequences if "module" in case else check_images)(case, matrix_of)
