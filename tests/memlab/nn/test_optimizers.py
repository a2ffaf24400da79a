"""Optimizers by hand, with the published conventions (experiments reference 4 and 5)."""

from math import sqrt

import numpy as np
import pytest

from memlab.array.ideal import IdealArray
from memlab.mapping import DifferentialMatrix, OneShotUpdate
from memlab.nn import SGD, Adam, Dense, Network, RMSprop


def test_sgd_repeats_momentum_times_its_last_step_and_adds_the_new_one() -> None:
    sgd = SGD(lr=0.1, momentum=0.9)
    steps = [float(sgd.step("w", np.array([g]))[0]) for g in (1.0, 2.0, 0.0)]
    # -0.1;  0.9 * -0.1 - 0.2;  0.9 * -0.29
    assert steps == pytest.approx([-0.1, -0.29, -0.261], rel=1e-14)


def test_sgd_without_momentum_goes_down_the_gradient() -> None:
    sgd = SGD(lr=0.5)
    for _ in range(2):
        np.testing.assert_array_equal(sgd.step("w", np.array([2.0, -4.0])), [-1.0, 2.0])


def test_rmsprop_starts_with_the_learning_rate_over_the_square_root_of_a_tenth() -> None:
    step = RMSprop(lr=0.01, decay=0.9).step("w", np.array([3.0, -1e-3]))
    np.testing.assert_allclose(step, [-0.01 / sqrt(0.1), 0.01 / sqrt(0.1)], rtol=1e-4)


def test_rmsprop_by_hand() -> None:
    rmsprop = RMSprop(lr=0.01, decay=0.9, eps=0.5)
    first = float(rmsprop.step("w", np.array([2.0]))[0])
    second = float(rmsprop.step("w", np.array([-1.0]))[0])
    assert first == pytest.approx(-0.01 * 2.0 / (sqrt(0.4) + 0.5), rel=1e-14)
    assert second == pytest.approx(0.01 / (sqrt(0.9 * 0.4 + 0.1) + 0.5), rel=1e-14)


def test_adam_by_hand() -> None:
    adam = Adam(lr=0.01, beta1=0.5, beta2=0.75, eps=0.5)
    first = float(adam.step("w", np.array([2.0]))[0])
    second = float(adam.step("w", np.array([-1.0]))[0])
    # m = 1, v = 1, divided by 0.5 and 0.25; then m = 0, v = 0.75 + 0.25 by 0.75 and 0.4375.
    assert first == pytest.approx(-0.01 * 2.0 / (2.0 + 0.5), rel=1e-14)
    assert second == pytest.approx(0.0, abs=1e-17)
    third = float(adam.step("w", np.array([4.0]))[0])
    # m = 2 by 0.875, v = 0.75 + 4 by 1 - 0.75^3 = 0.578125.
    assert third == pytest.approx(-0.01 * (2 / 0.875) / (sqrt(4.75 / 0.578125) + 0.5), rel=1e-14)


def test_rmsprop_leaves_a_weight_without_gradient_alone() -> None:
    np.testing.assert_array_equal(RMSprop(lr=0.01).step("w", np.zeros(3)), np.zeros(3))


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), RMSprop(0.1), Adam(0.1)])
def test_each_matrix_has_a_state_of_its_own(optimizer: SGD | RMSprop | Adam) -> None:
    gradient = np.array([1.0])
    alone = optimizer.step("a", gradient)
    np.testing.assert_array_equal(optimizer.step("b", gradient), alone)
    # Another gradient: under one that stays, all steps of Adam are of one size.
    again = optimizer.step("a", -0.5 * gradient)
    assert not np.array_equal(again, type(optimizer)(0.1, 0.9).step("a", -0.5 * gradient))


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), RMSprop(0.1), Adam(0.1)])
def test_the_state_does_not_follow_arrays_that_the_caller_changes_later(
    optimizer: SGD | RMSprop | Adam,
) -> None:
    gradient = np.array([1.0, 2.0])
    optimizer.step("w", gradient)
    expected = optimizer.step("w", np.array([1.0, 2.0])).copy()
    fresh = type(optimizer)(0.1, 0.9)
    fresh.step("w", gradient)
    gradient[:] = 7.0
    np.testing.assert_array_equal(fresh.step("w", np.array([1.0, 2.0])), expected)


def test_momentum_remembers_the_step_that_was_asked_for_and_not_the_clamped_one() -> None:
    rule = OneShotUpdate(1e4, initial=1.0, minimum=0.5, maximum=1.5)
    layer = Dense(DifferentialMatrix("w", IdealArray(2, 1), 1e-4, 0.2, rule))
    network, sgd = Network([layer]), SGD(lr=1.0, momentum=0.5)
    network.initialise()
    # One volt per unit of weight: the first step asks for +2 V and gets +0.5 V (clamped).
    layer.gradient = np.array([[-2.0]])
    network.update(sgd)
    np.testing.assert_allclose(layer.matrix.programmed.gate_voltage, [[1.5], [0.5]])
    # 0.5 * 2 - 1.25 = -0.25; had the clamped step been remembered: 0.5 * 0.5 - 1.25 = -1.
    layer.gradient = np.array([[1.25]])
    network.update(sgd)
    np.testing.assert_allclose(layer.matrix.programmed.gate_voltage, [[1.25], [0.75]])


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), RMSprop(0.1), Adam(0.1)])
def test_an_optimizer_that_is_reset_takes_its_first_step_again(
    optimizer: SGD | RMSprop | Adam,
) -> None:
    first = optimizer.step("w", np.array([2.0])).copy()
    optimizer.step("w", np.array([-1.0]))
    assert not np.allclose(optimizer.step("w", np.array([2.0])), first, rtol=1e-3)
    optimizer.reset()
    np.testing.assert_array_equal(optimizer.step("w", np.array([2.0])), first)
