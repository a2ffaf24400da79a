"""Losses by hand."""

from math import log

import numpy as np
import pytest

from memlab.nn import CrossEntropy, Loss, SquaredError

OUTPUT = np.array([[[1.0, 2.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, -1.0]]])
"""Two steps, two sequences, two outputs."""


def test_squared_error_sums_half_the_squares_and_reports_their_mean() -> None:
    value = SquaredError()(OUTPUT, np.zeros((2, 2, 2)))
    assert value.total == pytest.approx((1 + 4 + 9 + 1) / 2)
    assert value.mean == pytest.approx((1 + 4 + 9 + 1) / 8)
    np.testing.assert_array_equal(value.delta, OUTPUT)


def test_squared_error_of_the_last_step_ignores_the_earlier_ones() -> None:
    value = SquaredError(last_step=True)(OUTPUT, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert value.total == pytest.approx((4 + 4) / 2)
    assert value.mean == pytest.approx((4 + 4) / 4)
    np.testing.assert_array_equal(value.delta[0], np.zeros((2, 2)))
    np.testing.assert_array_equal(value.delta[1], [[2.0, 0.0], [0.0, -2.0]])


def test_cross_entropy_of_two_even_classes_is_the_logarithm_of_two() -> None:
    value = CrossEntropy()(np.zeros((3, 4, 2)), np.broadcast_to([1.0, 0.0], (3, 4, 2)))
    assert value.total == pytest.approx(12 * log(2))
    assert value.mean == pytest.approx(log(2))
    np.testing.assert_allclose(value.delta, np.broadcast_to([-0.5, 0.5], (3, 4, 2)))


def test_cross_entropy_of_the_last_step_is_softmax_minus_target_there_and_zero_before() -> None:
    logits = np.zeros((3, 1, 2))
    logits[2, 0] = [log(3.0), 0.0]  # softmax 3/4, 1/4
    value = CrossEntropy(last_step=True)(logits, np.array([[0.0, 1.0]]))
    assert value.total == pytest.approx(log(4.0))
    assert value.mean == pytest.approx(log(4.0))
    np.testing.assert_array_equal(value.delta[:2], np.zeros((2, 1, 2)))
    np.testing.assert_allclose(value.delta[2], [[0.75, -0.75]], rtol=1e-14)


def test_cross_entropy_stays_finite_and_exact_for_a_network_that_is_sure_and_wrong() -> None:
    value = CrossEntropy()(np.array([[[1000.0, 0.0]]]), np.array([[[0.0, 1.0]]]))
    assert value.total == 1000.0
    np.testing.assert_array_equal(value.delta, [[[1.0, -1.0]]])


@pytest.mark.parametrize("kind", [SquaredError, CrossEntropy])
@pytest.mark.parametrize(
    ("last_step", "shape"),
    [(False, (2, 2)), (False, (2, 1, 2)), (True, (2, 2, 2)), (True, (1, 2))],
)
def test_a_target_that_would_only_broadcast_is_refused(
    kind: type, last_step: bool, shape: tuple[int, ...]
) -> None:
    loss: Loss = kind(last_step)
    with pytest.raises(ValueError, match="target has shape"):
        loss(OUTPUT, np.zeros(shape))
