"""The phased LSTM against its equations, written out step by step, and central differences."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from support.central_difference import central_difference

from memlab import nn
from memlab.array.ideal import IdealArray
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix, Layout
from memlab.nn import PhasedLSTM, layers
from memlab.nn.phased import drawn_phases

FloatArray = npt.NDArray[np.float64]
MatrixOf = Callable[..., DifferentialMatrix]
PERIOD, SHIFT, RATIO, LEAK = np.array([3.0, 7.5]), np.array([0.4, 2.0]), 0.5, 0.2
RNG = np.random.default_rng(3)
WEIGHT = RNG.normal(size=(3 + 2 + 1, 8))
X = RNG.normal(size=(9, 2, 3))


def sigmoid(z: FloatArray) -> FloatArray:
    return 1 / (1 + np.exp(-z))


def gate(time: float, unit: int) -> float:
    phase = ((time - SHIFT[unit]) % PERIOD[unit]) / PERIOD[unit]
    if phase < RATIO / 2:
        return 2 * phase / RATIO
    if phase < RATIO:
        return 2 - 2 * phase / RATIO
    return LEAK * phase


def written_out(x: FloatArray, times: FloatArray) -> FloatArray:
    """Return h of the paper's equations."""
    steps, batch, _ = x.shape
    h, c = np.zeros((2, batch, 2))
    outputs = []
    for t in range(steps):
        k = np.array([[gate(times[t, b], unit) for unit in range(2)] for b in range(batch)])
        z = np.concatenate([x[t], h, np.full((batch, 1), 0.3)], axis=1) @ WEIGHT
        a, i, f, o = np.tanh(z[:, :2]), *(sigmoid(z[:, j : j + 2]) for j in (2, 4, 6))
        new = f * c + i * a
        h = k * o * np.tanh(new) + (1 - k) * h
        c = k * new + (1 - k) * c
        outputs.append(h)
    return np.array(outputs)


def test_it_is_the_equations_of_the_paper_at_steps_and_at_stamped_times(
    matrix_of: MatrixOf,
) -> None:
    steps = np.tile(np.arange(9.0)[:, np.newaxis], (1, 2))
    layer = PhasedLSTM(matrix_of(WEIGHT), PERIOD, SHIFT, RATIO, LEAK, 0.3)
    np.testing.assert_allclose(layer.forward(X), written_out(X, steps), rtol=1e-12)
    times = np.cumsum(RNG.uniform(0.1, 4.0, (9, 2)), axis=0)
    layer = PhasedLSTM(matrix_of(WEIGHT), PERIOD, SHIFT, RATIO, LEAK, 0.3, timed=True)
    stamped = np.concatenate([X, times[..., np.newaxis]], axis=-1)
    np.testing.assert_allclose(layer.forward(stamped), written_out(X, times), rtol=1e-12)


@pytest.mark.parametrize("timed", [False, True])
def test_its_gradient_is_that_of_central_differences(
    matrix_of: MatrixOf, set_weight: Callable[..., None], timed: bool
) -> None:
    matrix = matrix_of(WEIGHT)
    layer = PhasedLSTM(matrix, PERIOD, SHIFT, RATIO, LEAK, 0.3, timed=timed)
    x = np.concatenate([X, 1.3 * np.arange(18.0).reshape(9, 2, 1)], axis=-1) if timed else X
    importance = RNG.normal(size=(9, 2, 2))
    layer.forward(x)
    dx = layer.backward(importance)
    assert dx.shape == x.shape
    assert not timed or not dx[..., -1].any()

    def total(values: FloatArray) -> float:
        return float((layer.forward(values) * importance).sum())

    def with_weight(weight: FloatArray) -> float:
        set_weight(matrix, weight, Layout.BLOCK)
        return total(x)

    features, stamps = x[..., : X.shape[-1]], x[..., X.shape[-1] :]
    slope = central_difference(
        lambda moved: total(np.concatenate([moved, stamps], -1)), features, 1e-5
    )
    assert dx[..., : X.shape[-1]] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    slope = central_difference(with_weight, WEIGHT, 1e-5)
    assert layer.gradient == pytest.approx(slope, rel=1e-5, abs=1e-7)
    assert np.abs(layer.gradient).max() > 0.1


def test_a_closed_unit_keeps_what_it_has(matrix_of: MatrixOf) -> None:
    layer = PhasedLSTM(matrix_of(WEIGHT), [100.0, 100.0], [0.0, 50.0], 0.1, 0.0, 0.3)
    h = layer.forward(X)
    assert not h[:, :, 1].any()
    assert np.abs(np.diff(h[1:, :, 0], axis=0)).min() > 0


def test_periods_are_drawn_between_their_limits_and_by_seed() -> None:
    period, shift = drawn_phases(200, (2.0, 50.0), 4)
    assert 2.0 <= period.min() < 2.5
    assert 40.0 < period.max() <= 50.0
    # Log-uniform: as many below the geometric mean as above it; 200 draws, 5 deviations.
    assert abs((period < 10.0).sum() - 100) < 36
    assert np.all((shift >= 0) & (shift < period))
    np.testing.assert_array_equal(period, drawn_phases(200, (2.0, 50.0), 4)[0])
    assert not np.array_equal(period, drawn_phases(200, (2.0, 50.0), 5)[0])


@pytest.mark.parametrize("wrong", [{"open_ratio": 0.0}, {"leak": -0.1}, {"open_ratio": np.nan}])
def test_what_is_out_of_range_is_refused(matrix_of: MatrixOf, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PhasedLSTM(matrix_of(WEIGHT), PERIOD, SHIFT, bias=0.3, **wrong)
    with pytest.raises(ValueError, match="of each of the 2 units"):
        PhasedLSTM(matrix_of(WEIGHT), [1.0], SHIFT, bias=0.3)
    with pytest.raises(SettingError, match="period="):
        nn.build([layers.PhasedLSTM(2, period=(5.0, 2.0))], 3, IdealArray(20, 20))
