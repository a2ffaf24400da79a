"""Airline passengers from windows of three months (Smagulova and James 2019; reference 3.5).

N = 1 input, M = 4 units, 3 time steps: three months in, the next month out, from the last step.
LSTM with bias on 12 x 16 cells at row 0, column 0; dense layer with bias on 10 x 1 cells at
column 16. The survey's software RMSE is 10.05 % of the scale (104 to 622 thousand, so 52 thousand),
its voltage-mode circuit has 10.99 %, its current-mode circuit 47.33 %; the persistence of the test
months, which it does not give, is 9.4 %.

Windows whose target is among the first 97 months train (94 of them), in one batch: one update per
epoch. The survey gives no recipe of training in situ: pairs, update and operating point are those
of Li 2019. Preset `memlab` predicts changes of the logarithm, as in `airline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.array import Array
from memlab.datasets import load_airline
from memlab.experiments import airline
from memlab.experiments.airline import NetworkConfig, SeriesConfig, make_network
from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.experiment import SameBatches, Samples
from memlab.experiments.passengers import (
    TRAINING_PAIRS,
    Encoding,
    PassengerKind,
    Prediction,
    encode,
)
from memlab.kinds import Preset
from memlab.nn import Loss, SquaredError
from memlab.runs import Findings, RunFile
from memlab.training import Batch, Observer

__all__ = ["PRESETS", "AirlineWindowConfig", "AirlineWindowExperiment", "AirlineWindowKind"]

FloatArray = npt.NDArray[np.float64]


class WindowNetworkConfig(NetworkConfig):
    """The network."""

    units: int = Field(4, description="LSTM units.", ge=1)
    steps: int = Field(3, description="Months that the network sees.", ge=1, le=48)


class AirlineWindowConfig(ExperimentConfig):
    """Every number of the airline-window experiment."""

    network: WindowNetworkConfig = WindowNetworkConfig()
    series: SeriesConfig = SeriesConfig()


def paper() -> AirlineWindowConfig:
    """Return the survey's network, with the recipe of Li 2019."""
    base = airline.PRESETS["paper"]()
    return AirlineWindowConfig(chip=base.chip, train=base.train, mapping=base.mapping)


def memlab() -> AirlineWindowConfig:
    """Return our recipe on the same devices."""
    config = paper()
    return config.model_copy(
        update={
            "train": TrainConfig(epochs=800, optimizer="sgd", lr=1e-3, lr_final=1e-4, momentum=0.9),
            "network": WindowNetworkConfig(output="linear"),
            "series": SeriesConfig(encoding=Encoding.LOG_CHANGE),
        }
    )


PRESETS = {
    "paper": Preset(
        paper, "the survey's network with the published recipe, worse than persistence"
    ),
    "memlab": Preset(memlab, "forecasts the change of the logarithm, and beats persistence"),
}


class AirlineWindowExperiment(SameBatches):
    """The airline-window experiment on an array (see the module's documentation)."""

    name = "airline-window"
    title = "LSTM on windows of airline passengers"

    def __init__(self, config: AirlineWindowConfig, arrays: Sequence[Array]):
        self.config = config
        steps = config.network.steps
        self._data = load_airline()
        self._series = encode(self._data.passengers, config.series.encoding)
        windows = np.lib.stride_tricks.sliding_window_view(self._series.x, steps)
        self._x = np.ascontiguousarray(windows.T)[:, :, np.newaxis]
        self._target = self._series.target[steps - 1 :, np.newaxis]
        self._training = TRAINING_PAIRS - (steps - 1)
        self.network = make_network(config, config.network, arrays)
        self.loss: Loss = SquaredError(last_step=True)
        self._held_out = config.train.held_out(self._training)
        self._trained = self._training - self._held_out
        self.vectors_per_update = steps * self._trained
        self.updates_per_epoch = 1

    def batches(self, epoch: int) -> list[Batch]:
        """Return the one batch of an epoch: the training windows, but for those held out."""
        return [(self._x[:, : self._trained], self._target[: self._trained])]

    def validate(self) -> float:
        """Return the mean squared error of the last training windows, which are held out."""
        held_out = slice(self._trained, self._training)
        return self.loss(self.network.forward(self._x[:, held_out]), self._target[held_out]).mean

    def predict(self) -> Prediction:
        """Predict the month after every window, on the array."""
        output = self.network.forward(self._x)[-1, :, 0]
        return Prediction.make(self._data, self._series.decode(output))

    def declare_results(self, run: RunFile) -> list[Observer]:
        """Declare what `evaluate` will write; nothing is to be observed."""
        Prediction.declare(run, self._data.month[self.config.network.steps :])
        return []

    def evaluate(self, run: RunFile) -> Findings:
        """Predict, write the prediction, and return RMSEs in thousands of passengers."""
        return self.predict().write(run)

    def samples(self) -> Samples:
        """Return how many windows it trains on, each by its last month."""
        return Samples(self._trained, "months", self._held_out)


class AirlineWindowKind(PassengerKind):
    """The experiment as a kind of run."""

    name = AirlineWindowExperiment.name
    title = AirlineWindowExperiment.title
    about = "LSTM, airline passengers from windows of three months."
    Config = AirlineWindowConfig
    presets: ClassVar = PRESETS

    @classmethod
    def make(cls, config: AirlineWindowConfig, arrays: Sequence[Array]) -> AirlineWindowExperiment:
        """Return the experiment on an array."""
        return AirlineWindowExperiment(config, arrays)
