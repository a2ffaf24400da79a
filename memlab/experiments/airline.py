"""Airline passengers with an LSTM (Li et al., Nature Machine Intelligence 1, 49-57, 2019).

144 months give 143 pairs (month t in, month t + 1 out), scaled to [0, 1] over the whole series;
the first 96 pairs train, the other 47 test. One sequence is one batch: one update per epoch.
LSTM with 15 units and bias on 34 x 60 cells at row 0, column 0; dense layer with bias and sigmoid
on 32 x 1 cells at column 60.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.array import Array
from memlab.datasets import Airline, load_airline
from memlab.emulator import load_preset
from memlab.errors import SettingError
from memlab.experiments.config import ExperimentConfig, MappingConfig, Section, TrainConfig
from memlab.experiments.weights import make_matrix
from memlab.mapping import Layout
from memlab.nn import LSTM, Dense, Loss, Network, SquaredError
from memlab.runs import RunFile
from memlab.training import Batch

__all__ = ["PRESETS", "AirlineConfig", "AirlineExperiment"]

FloatArray = npt.NDArray[np.float64]

TRAINING_PAIRS = 96


class NetworkConfig(Section):
    """The network."""

    units: int = Field(15, description="LSTM units.", ge=1)
    bias: float = Field(0.2, description="Value of the constant bias input.")


class AirlineConfig(ExperimentConfig):
    """Every number of the airline experiment."""

    network: NetworkConfig = NetworkConfig()


def paper() -> AirlineConfig:
    """Return the published recipe (experiments reference 2, 3.1 and 5).

    Both cells of a pair move by the full change and R_vg times the slope of ta-hfo2 is one, so
    the effective learning rate is twice the nominal 0.01.
    """
    return AirlineConfig(
        chip=load_preset("ta-hfo2"),
        train=TrainConfig(epochs=800, optimizer="sgd", lr=0.01, momentum=0.9),
        mapping=MappingConfig(
            layout=Layout.BLOCK,
            siemens_per_weight=1e-4,
            volts_per_siemens=1.02e4,
            gate_initial=1.0,
            gate_minimum=0.7,
            gate_maximum=1.6,
            set_all=True,
        ),
    )


PRESETS = {"paper": paper}


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted and true passengers (thousands) of months 2 to 144, shape (143,)."""

    month: tuple[str, ...]
    passengers: FloatArray
    prediction: FloatArray
    persistence: FloatArray

    def rmse(self, guess: FloatArray) -> tuple[float, float]:
        """Return the RMSE (thousands) of a guess on the training and on the test months."""
        squares = (guess - self.passengers) ** 2
        return (
            float(np.sqrt(squares[:TRAINING_PAIRS].mean())),
            float(np.sqrt(squares[TRAINING_PAIRS:].mean())),
        )


class AirlineExperiment:
    """The airline experiment on an array (see the module's documentation)."""

    name = "airline"
    title = "LSTM on 144 months of airline passengers"

    def __init__(self, config: AirlineConfig, array: Array):
        self.config = config
        self._data: Airline = load_airline()
        low, high = self._data.passengers.min(), self._data.passengers.max()
        self._low, self._range = float(low), float(high - low)
        scaled = (self._data.passengers - low) / self._range
        self._x = scaled[:-1, np.newaxis, np.newaxis]
        self._target = scaled[1:, np.newaxis, np.newaxis]
        self.network = self._build(array)
        self.loss: Loss = SquaredError()
        self.vectors_per_update = TRAINING_PAIRS
        self.updates_per_epoch = 1

    def batches(self, epoch: int) -> list[Batch]:
        """Return the one batch of an epoch: the whole training sequence."""
        return [(self._x[:TRAINING_PAIRS], self._target[:TRAINING_PAIRS])]

    def predict(self) -> Prediction:
        """Predict every month from the true months before it, on the array."""
        passengers = self._data.passengers
        output = self.network.forward(self._x)[:, 0, 0]
        return Prediction(
            month=self._data.month[1:],
            passengers=passengers[1:],
            prediction=output * self._range + self._low,
            persistence=passengers[:-1],
        )

    def declare_results(self, run: RunFile) -> None:
        """Declare what `evaluate` will write."""
        run.group("prediction", "NXdata", {"signal": "predicted", "axes": "month"})
        run.scale("prediction/month", self._data.month[1:], "1", "Month predicted")
        month = ("prediction/month",)
        for name, text in (
            ("predicted", "Predicted thousands of passengers, after training"),
            ("passengers", "True thousands of passengers"),
            ("persistence", "Thousands of passengers of the month before"),
        ):
            run.declare(f"prediction/{name}", "f8", month, "1e3", text)
        run.declare("prediction/training", "u1", month, "1", "1 for months used in training")

    def evaluate(self, run: RunFile) -> dict[str, float]:
        """Predict, write the prediction, and return RMSEs in thousands of passengers."""
        prediction = self.predict()
        run.write("prediction/predicted", prediction.prediction)
        run.write("prediction/passengers", prediction.passengers)
        run.write("prediction/persistence", prediction.persistence)
        run.write("prediction/training", np.arange(len(prediction.month)) < TRAINING_PAIRS)
        train_rmse, test_rmse = prediction.rmse(prediction.prediction)
        naive_train, naive_test = prediction.rmse(prediction.persistence)
        return {
            "train_rmse": train_rmse,
            "test_rmse": test_rmse,
            "persistence_train_rmse": naive_train,
            "persistence_test_rmse": naive_test,
        }

    def _build(self, array: Array) -> Network:
        config, units = self.config, self.config.network.units
        bias = config.network.bias
        rng = np.random.default_rng(config.seed)
        inputs = 1 + units + 1
        needed = 2 * inputs, 4 * units + 1
        if needed[0] > array.shape[0] or needed[1] > array.shape[1]:
            raise SettingError(
                f"network.units={units} needs {needed[0]} x {needed[1]} cells; the array has "
                f"{array.shape[0]} x {array.shape[1]}"
            )
        recurrent = array[: 2 * inputs, : 4 * units]
        readout = array[: 2 * (units + 1), 4 * units : 4 * units + 1]
        return Network(
            [
                LSTM(make_matrix("lstm", recurrent, config, rng), bias),
                Dense(make_matrix("dense", readout, config, rng), "sigmoid", bias),
            ]
        )
