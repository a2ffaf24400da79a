"""The airline experiment against a program of its own, and against the published distribution.

Golden numbers: experiments reference 3.1 and 5. The second program (`SecondProgram`) is written
from the equations of section 4 alone and shares no code with `memlab.nn`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from memlab.array.urls import open_array
from memlab.datasets import load_airline
from memlab.experiments.airline import PRESETS, AirlineExperiment
from memlab.nn import Network
from memlab.settings import apply_settings
from memlab.training import Observer, train

FloatArray = npt.NDArray[np.float64]
UNITS = 15


def sigmoid(z: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-z))


class SecondProgram:
    """LSTM 1-15 and dense 15-1 with sigmoid, squared error, momentum; one sequence, no batch.

    Parameters
    ----------
    lstm, dense
        Starting weights, shapes (17, 60) and (16, 1), of [x; h; bias] and [h; bias].
    """

    def __init__(self, lstm: FloatArray, dense: FloatArray, bias: float = 0.2):
        # One matrix per gate: columns are cell input a, input gate i, forget gate f, output gate o.
        self.gates = [lstm[:, k * UNITS : (k + 1) * UNITS].T.copy() for k in range(4)]
        self.dense = dense[:, 0].copy()
        self.bias = bias
        self.steps = [np.zeros_like(gate) for gate in self.gates]
        self.dense_step = np.zeros_like(self.dense)

    def update(self, x: FloatArray, target: FloatArray, lr: float, momentum: float) -> float:
        """Go one step down the gradient of sum (y - t)^2 / 2; return the mean square before."""
        w_a, w_i, w_f, w_o = self.gates
        n = len(x)
        u = np.zeros((n, UNITS + 2))  # [x; h of the step before; bias]
        a, i, f, o = (np.zeros((n, UNITS)) for _ in range(4))
        h = np.zeros((n + 1, UNITS))  # h[t + 1] belongs to step t, h[0] is the start
        c = np.zeros((n + 1, UNITS))
        for t in range(n):
            u[t, 0], u[t, 1 : 1 + UNITS], u[t, -1] = x[t], h[t], self.bias
            a[t] = np.tanh(w_a @ u[t])
            i[t] = sigmoid(w_i @ u[t])
            f[t] = sigmoid(w_f @ u[t])
            o[t] = sigmoid(w_o @ u[t])
            c[t + 1] = i[t] * a[t] + f[t] * c[t]
            h[t + 1] = o[t] * np.tanh(c[t + 1])
        y = sigmoid(h[1:] @ self.dense[:UNITS] + self.bias * self.dense[UNITS])
        error = y - target

        dz = error * y * (1.0 - y)
        da, di, df, do = (np.zeros((n, UNITS)) for _ in range(4))
        dh_recurrent, dc_next = np.zeros(UNITS), np.zeros(UNITS)
        for t in reversed(range(n)):
            dh = dz[t] * self.dense[:UNITS] + dh_recurrent
            tanh_c = np.tanh(c[t + 1])
            dc = dh * o[t] * (1.0 - tanh_c**2) + dc_next
            da[t] = dc * i[t] * (1.0 - a[t] ** 2)
            di[t] = dc * a[t] * i[t] * (1.0 - i[t])
            df[t] = dc * c[t] * f[t] * (1.0 - f[t])
            do[t] = dh * tanh_c * o[t] * (1.0 - o[t])
            du = da[t] @ w_a + di[t] @ w_i + df[t] @ w_f + do[t] @ w_o
            dh_recurrent = du[1 : 1 + UNITS]
            dc_next = dc * f[t]

        for k, delta in enumerate((da, di, df, do)):
            self.steps[k] = momentum * self.steps[k] - lr * (delta.T @ u)
            self.gates[k] = self.gates[k] + self.steps[k]
        gradient = np.append(dz @ h[1:], self.bias * dz.sum())
        self.dense_step = momentum * self.dense_step - lr * gradient
        self.dense = self.dense + self.dense_step
        return float(np.mean(error**2))


class StartingWeights(Observer):
    """Keeps the weights that training starts from."""

    def started(self, network: Network) -> None:
        self.lstm, self.dense = (layer.matrix.weight.copy() for layer in network.layers)


@dataclass(frozen=True)
class Trained:
    """What a training run leaves: losses (mean square), RMSEs in thousands, starting weights."""

    losses: FloatArray
    train_rmse: float
    test_rmse: float
    start: StartingWeights
    experiment: AirlineExperiment


def run(url: str, seed: int, epochs: int = 800, *settings: str) -> Trained:
    """Train on an array without files, as `memlab train airline` does."""
    config = apply_settings(
        PRESETS["paper"](), [f"seed={seed}", f"train.epochs={epochs}", *settings]
    )
    start = StartingWeights()
    with open_array(url, seed=seed, chip=config.chip, point=config.point.make_point()) as array:
        experiment = AirlineExperiment(config, [array])
        losses = train(
            experiment.network,
            experiment.loss,
            config.train.make_optimizer(),
            experiment.batches,
            config.train.epochs,
            [start],
        )
        prediction = experiment.predict()
    rmse = prediction.rmse(prediction.prediction)
    return Trained(np.array(losses), *rmse, start, experiment)


# -- the recipe -----------------------------------------------------------------------------


def test_the_training_sequence_is_the_first_96_of_143_scaled_pairs() -> None:
    experiment = AirlineExperiment(PRESETS["paper"](), [open_array("ideal:")])
    [(x, target)] = experiment.batches(0)
    assert x.shape == target.shape == (96, 1, 1)
    # January, February 1949: 112, 118; December 1956, January 1957: 306, 315; range 104..622.
    assert x[0, 0, 0] == pytest.approx((112 - 104) / 518, rel=1e-14)
    assert target[0, 0, 0] == pytest.approx((118 - 104) / 518, rel=1e-14)
    assert x[95, 0, 0] == pytest.approx((306 - 104) / 518, rel=1e-14)
    assert target[95, 0, 0] == pytest.approx((315 - 104) / 518, rel=1e-14)


def test_last_months_value_has_the_published_rmse() -> None:
    experiment = AirlineExperiment(PRESETS["paper"](), [open_array("ideal:")])
    experiment.network.initialise()
    prediction = experiment.predict()
    assert prediction.prediction.shape == (143,)
    assert prediction.rmse(prediction.persistence) == pytest.approx((23.2, 48.5), abs=0.05)


def test_the_layers_lie_on_the_published_cells() -> None:
    experiment = AirlineExperiment(PRESETS["paper"](), [open_array("ideal:")])
    lstm, dense = (layer.matrix.array for layer in experiment.network.layers)
    np.testing.assert_array_equal(lstm.rows, np.arange(34))
    np.testing.assert_array_equal(lstm.columns, np.arange(60))
    np.testing.assert_array_equal(dense.rows, np.arange(32))
    np.testing.assert_array_equal(dense.columns, [60])


def test_ideal_weights_start_uniform_over_one_by_the_square_root_of_the_inputs() -> None:
    starts = [run("ideal:", seed, 0).start for seed in range(20)]
    lstm = np.array([start.lstm for start in starts])
    dense = np.array([start.dense for start in starts])
    for weights, inputs in ((lstm, 17), (dense, 16)):
        largest = 1 / np.sqrt(inputs)
        assert 0.98 * largest < np.abs(weights).max() <= largest * (1 + 1e-12)
        # Uniform: standard deviation is largest / sqrt(3); 4.5 standard errors of 320 values.
        assert weights.std() == pytest.approx(largest / np.sqrt(3), rel=0.12)
        assert abs(weights.mean()) < 4.5 * largest / np.sqrt(3 * weights.size)
    assert np.unique(lstm).size == lstm.size


# -- the second program ---------------------------------------------------------------------


@pytest.mark.parametrize("updates", [200, pytest.param(800, marks=pytest.mark.slow)])
def test_ideal_updates_have_the_losses_of_a_second_program(updates: int) -> None:
    result = run("ideal:", 1, updates)
    passengers = load_airline().passengers
    scaled = (passengers - 104.0) / 518.0
    second = SecondProgram(result.start.lstm, result.start.dense)
    pairs = scaled[:96], scaled[1:97]
    losses = [second.update(*pairs, lr=0.01, momentum=0.9) for _ in range(updates)]
    assert result.losses.shape == (updates,)
    # They learn, so that agreement means more than standing still.
    assert losses[-1] < losses[0] / 10
    np.testing.assert_allclose(result.losses, losses, rtol=1e-9)


# -- the chip -------------------------------------------------------------------------------


def test_30_updates_on_the_emulated_chip_make_the_loss_fall() -> None:
    losses = run("emulator:", 1, 30).losses
    assert losses.shape == (30,)
    assert losses[-1] < losses[0] / 2


def test_without_programming_noise_nothing_but_the_constant_output_is_learnt() -> None:
    # All cells start alike and noise is the only thing that tells them apart: the LSTM gives zero
    # and gets no gradient. The bias of the dense layer goes down to its clamps and stays there.
    result = run("emulator:", 1, 40, "chip.noise=0")
    lstm, dense = (layer.matrix.weight for layer in result.experiment.network.layers)
    np.testing.assert_array_equal(lstm, np.zeros((17, 60)))
    np.testing.assert_array_equal(dense[:UNITS], np.zeros((UNITS, 1)))
    lowest = -(1.6 - 0.7) * 98e-6 / 1e-4
    assert dense[UNITS, 0] == pytest.approx(lowest, abs=2e-3)
    assert result.losses[-1] == result.losses[-2] == result.losses[-3]
    constant = 1 / (1 + np.exp(-0.2 * lowest))
    scaled = (load_airline().passengers[1:97] - 104.0) / 518.0
    assert result.losses[-1] == pytest.approx(np.mean((constant - scaled) ** 2), rel=1e-3)
    assert result.test_rmse == pytest.approx(107.8, abs=0.1)


# -- the published distribution -------------------------------------------------------------


def assert_same_mean(values: list[float], mean: float, deviation: float, runs: int = 10) -> None:
    """Check that two samples can have one mean: within 3 standard errors of their difference."""
    ours = np.std(values, ddof=1) / np.sqrt(len(values))
    theirs = deviation / np.sqrt(runs)
    assert abs(np.mean(values) - mean) < 3 * np.hypot(ours, theirs)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ideal_weights_end_where_the_published_ones_do() -> None:
    runs = [run("ideal:", seed) for seed in range(1, 11)]
    assert_same_mean([result.train_rmse for result in runs], 29.8, 0.3)
    assert_same_mean([result.test_rmse for result in runs], 78.2, 1.8)
    # The reference gives two digits.
    assert np.mean([result.losses[-1] for result in runs]) == pytest.approx(0.0033, abs=0.0001)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_paper_preset_on_the_emulated_chip_has_the_published_distribution() -> None:
    runs = [run("emulator:", seed) for seed in range(1, 11)]
    assert np.mean([result.train_rmse for result in runs]) == pytest.approx(30.6, abs=4.8)
    assert np.mean([result.test_rmse for result in runs]) == pytest.approx(65.2, abs=6.4)
    losses = [result.losses[-1] for result in runs]
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    assert np.mean(losses) == pytest.approx(0.0035, abs=0.0005 + error)
