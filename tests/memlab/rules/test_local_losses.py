"""Errors that stay within a layer."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

import memlab
from memlab.nn import CrossEntropy, Network, layers
from memlab.nn.build import build
from memlab.rules.local_losses import LocalLosses

X = np.random.default_rng(1).random((1, 6, 4, 4, 1))
TARGET = np.eye(3)[np.newaxis, [0, 1, 2, 1, 0, 2]]


@pytest.fixture
def network() -> Iterator[Network]:
    described = [
        layers.Conv2D(2, (3, 3), activation="tanh"),
        layers.MaxPool(2),
        layers.Flatten(),
        layers.Dense(5, "tanh"),
        layers.Dense(3),
    ]
    with memlab.open_array("ideal:") as array:
        built = build(described, (4, 4, 1), array, seed=3)
        built.initialise()
        yield built


def gradients(network: Network) -> list[np.ndarray]:
    value = CrossEntropy()(network.forward(X), TARGET)
    network.backward(value.delta, partial(CrossEntropy(), target=TARGET))
    return [one.copy() for layer in network.layers for one in layer.gradients]


def test_the_last_layer_learns_as_by_back_propagation_and_the_others_do_not(
    network: Network,
) -> None:
    exact = gradients(network)
    network.credit = LocalLosses(np.random.default_rng(5))
    local = gradients(network)
    np.testing.assert_array_equal(local[-1], exact[-1])
    for one, other in zip(local[:-1], exact[:-1], strict=True):
        assert one.shape == other.shape
        assert np.abs(one).max() > 0.0
        assert not np.allclose(one, other)


def test_a_hidden_gradient_is_that_of_its_own_loss(network: Network) -> None:
    network.credit = credit = LocalLosses(np.random.default_rng(5))
    found = gradients(network)
    for layer, end, number in ((0, 3, 0), (3, 4, 1)):
        (matrix,) = network.layers[layer].matrices
        drawn = credit._drawn[end]

        def loss(end: int = end, drawn: np.ndarray = drawn) -> float:
            y = X
            for one in network.layers[:end]:
                y = one.forward(y)
            return CrossEntropy()(y.reshape(1, 6, -1) @ drawn, TARGET).total

        whole = matrix.weight.copy()
        for place in ((0, 0), (whole.shape[0] - 1, whole.shape[1] - 1)):
            ends = []
            for sign in (1.0, -1.0):
                weight = whole.copy()
                weight[place] += sign * 1e-5
                matrix.update(weight - matrix.weight)
                ends.append(loss())
            matrix.update(whole - matrix.weight)
            by_difference = (ends[0] - ends[1]) / 2e-5
            assert found[number][place] == pytest.approx(by_difference, rel=1e-4, abs=1e-7)


def test_an_upper_layer_has_no_say_in_what_a_lower_one_learns(network: Network) -> None:
    network.credit = LocalLosses(np.random.default_rng(5))
    before = gradients(network)
    (top,) = network.layers[-1].matrices
    top.update(0.1 * np.arange(top.shape[0] * top.shape[1]).reshape(top.shape) ** 0.5)
    after = gradients(network)
    for one, other in zip(before[:-1], after[:-1], strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.allclose(before[-1], after[-1])


def test_what_is_drawn_is_that_of_the_seed(network: Network) -> None:
    found = []
    for seed in (5, 5, 6):
        network.credit = LocalLosses(np.random.default_rng(seed))
        found.append(gradients(network)[0])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_without_targets_there_are_no_losses_of_ones_own(network: Network) -> None:
    network.credit = LocalLosses(np.random.default_rng(5))
    value = CrossEntropy()(network.forward(X), TARGET)
    with pytest.raises(ValueError, match="judge"):
        network.backward(value.delta)
