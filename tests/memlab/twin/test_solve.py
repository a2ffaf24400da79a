"""Parameters are found where the numbers bend, and what is not found is in the error."""

import numpy as np
import numpy.typing as npt
import pytest

from memlab.twin.solve import solve

FloatArray = npt.NDArray[np.float64]


def factor(number: int) -> FloatArray:
    return 1.0 + 0.02 * np.random.default_rng(number).standard_normal(2)


def bent(x: FloatArray, number: int) -> FloatArray:
    """Numbers as of a variance: they vanish with it, and move little there."""
    return np.array([x[0] ** 2 / 8.0 + 0.1 * x[1], x[1] ** 2 + 0.3 * x[0]]) * factor(number)


@pytest.mark.parametrize("truth", [(1.0, 0.7), (0.5, 1.1), (9.0, 0.6), (4.0, 1.0)])
def test_a_solution_far_from_the_guess_is_found(truth: tuple[float, float]) -> None:
    target = bent(np.array(truth), 10_000) / factor(10_000)
    found = solve(bent, target, np.array([16.0, 1.2]), np.zeros(2))
    assert found.distance < 1.0
    assert (np.abs(found.x - truth) < 4.5 * found.error).all(), (found.x, found.error)
    # 2 % of the numbers, of which a tenth or more is of the parameter.
    assert (found.error < 0.5 * np.array([16.0, 1.2])).all()


def test_a_parameter_that_ends_at_its_lowest_value_gets_there() -> None:
    def numbers(x: FloatArray, number: int) -> FloatArray:
        noise = 0.1 * np.random.default_rng(number).standard_normal(2)
        return x + np.array([0.0, 0.2 * x[0]]) + noise

    found = solve(numbers, np.array([-1.0, 3.0]), np.array([2.0, 2.0]), np.zeros(2))
    assert found.x[0] == pytest.approx(0.0, abs=0.05)
    assert found.x[1] == pytest.approx(3.0, abs=0.3)


def test_what_rests_at_its_lowest_value_takes_no_error_from_the_others() -> None:
    def numbers(x: FloatArray, number: int) -> FloatArray:
        noise = np.array([0.1, 1e-6]) * np.random.default_rng(number).standard_normal(2)
        # The second number hardly scatters, is larger than wanted, and moves with the first.
        return np.array([x[0], np.maximum(x[1], 0.0) + 0.1 * x[0]]) + noise

    found = solve(numbers, np.array([2.0, -0.5]), np.array([1.0, 0.0]), np.zeros(2))
    assert found.x[1] == 0.0
    assert found.x[0] == pytest.approx(2.0, abs=0.3)
    assert 0.05 < found.error[0] < 0.2


def test_what_no_parameter_can_match_is_in_the_error() -> None:
    def numbers(x: FloatArray, number: int) -> FloatArray:
        noise = 0.01 * np.random.default_rng(number).standard_normal(1)
        return x / (1.0 + x) + noise

    found = solve(numbers, np.array([2.0]), np.array([0.5]), np.zeros(1))
    assert found.distance > 1.0
    assert found.error[0] > 0.3
