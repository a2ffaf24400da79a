"""Airline passengers with an LSTM (Li et al., Nature Machine Intelligence 1, 49-57, 2019).

144 months give 143 pairs (month t in, month t + 1 out); the first 96 pairs train, the other 47
test. One sequence is one batch: one update per epoch. LSTM with 15 units and bias on 34 x 60 cells
at row 0, column 0; dense layer with bias on 32 x 1 cells at column 60. Both presets use these same
devices, the same one-shot update and the same operating point.

Preset `paper`: the months scaled to [0, 1] over the whole series, sigmoid output. It is worse than
persistence, as is the published code: a sigmoid cannot leave the range it was trained on, and the
test months do.

Preset `memlab`: what changes is only what the network is asked. Input is the change of the
logarithm since the month before, output (linear) the change to the month after, both with mean and
standard deviation of the training months taken out; the forecast is the last known month times the
predicted ratio. The network sees one month at a time and has to find the year by itself. SGD with
momentum 0.9, nominal learning rate 0.001 falling geometrically to 0.0001 over 400 updates. No test
month enters scaling, fitting or the choice of these numbers: they were chosen by training on pairs
1 to 72 and judging pairs 73 to 96 (18 thousand, where persistence has 33). The result is that of
the last update.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.datasets import load_airline
from memlab.emulator import load_preset
from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.experiment import SameBatches, Samples
from memlab.experiments.passengers import (
    TRAINING_PAIRS,
    Encoding,
    PassengerKind,
    Prediction,
    encode,
)
from memlab.experiments.placement import PlacedSection, floor_plan
from memlab.experiments.weights import make_planned_matrices
from memlab.kinds import Preset
from memlab.mapping import LI_2019, MatrixPlan
from memlab.nn import LSTM, Dense, Loss, Network, SquaredError
from memlab.numeric import FloatArray
from memlab.runs import Findings, RunFile
from memlab.setting_units import Unitless
from memlab.settings import Section
from memlab.training import Batch, Observer

__all__ = ["PRESETS", "AirlineConfig", "AirlineExperiment", "AirlineKind", "Forecast"]


class NetworkConfig(PlacedSection):
    """The network."""

    units: int = Field(15, description="LSTM units.", ge=1)
    bias: Unitless = Field(0.2, description="Value of the constant bias input.")
    output: Literal["sigmoid", "linear"] = Field(
        "sigmoid", description="Activation of the output: sigmoid or linear."
    )


class SeriesConfig(Section):
    """The series."""

    encoding: Encoding = Field(
        Encoding.LEVEL, description="What the network sees: level or log-change."
    )


class AirlineConfig(ExperimentConfig):
    """Every number of the airline experiment."""

    network: NetworkConfig = NetworkConfig()
    series: SeriesConfig = SeriesConfig()


def paper() -> AirlineConfig:
    """Return the published recipe (experiments reference 2, 3.1 and 5).

    Both cells of a pair move by the full change and R_vg times the slope of ta-hfo2 is one, so
    the effective learning rate is twice the nominal 0.01.
    """
    return AirlineConfig(
        chip=load_preset("ta-hfo2"),
        train=TrainConfig(epochs=800, optimizer="sgd", lr=0.01, momentum=0.9),
        mapping=LI_2019,
    )


def memlab() -> AirlineConfig:
    """Return our recipe on the same devices (see the module's documentation)."""
    return paper().model_copy(
        update={
            "train": TrainConfig(epochs=400, optimizer="sgd", lr=1e-3, lr_final=1e-4, momentum=0.9),
            "network": NetworkConfig(output="linear"),
            "series": SeriesConfig(encoding=Encoding.LOG_CHANGE),
        }
    )


PRESETS = {
    "paper": Preset(paper, "the published recipe, worse than persistence as published"),
    "memlab": Preset(memlab, "forecasts the change of the logarithm, and beats persistence"),
}


def make_network(
    config: ExperimentConfig, network: NetworkConfig, arrays: Sequence[Array]
) -> Network:
    """Return LSTM and dense layer with bias: one number in, one number out at each step."""
    units = network.units
    published = (
        MatrixPlan.placed("lstm", (1 + units + 1, 4 * units), (0, 0)),
        MatrixPlan.placed("dense", (units + 1, 1), (0, 4 * units)),
    )
    plan = floor_plan(
        f"the LSTM of {units} units", published, network, arrays, config.mapping.slices
    )
    matrix = make_planned_matrices(plan, arrays, config)
    return Network(
        [
            LSTM(matrix["lstm"], network.bias),
            Dense(matrix["dense"], network.output, network.bias),
        ]
    )


class Forecast(SameBatches, ABC):
    """What the airline experiments share: one batch in order of time, the verdict in passengers.

    Parameters
    ----------
    config, arrays
        As of the kind.
    name, loss
        Of the experiment.
    before
        Months that are seen before the first that is predicted, beside the one just before it.
    """

    def __init__(
        self,
        config: Any,
        arrays: Sequence[Array],
        name: str,
        loss: Loss,
        before: int = 0,
    ):
        self.name, self.config, self.loss = name, config, loss
        self._before = before
        self._data = load_airline()
        self._series = encode(self._data.passengers, config.series.encoding)
        self.network = make_network(config, config.network, arrays)
        self._training = TRAINING_PAIRS - before
        self._held_out = config.train.held_out(self._training)
        self._trained = self._training - self._held_out
        self.vectors_per_update = (before + 1) * self._trained
        self.updates_per_epoch = 1

    @abstractmethod
    def outputs(self) -> FloatArray:
        """Return what the array gives for every month, shape (months,)."""

    def predict(self) -> Prediction:
        """Predict every month from the true months before it, on the array."""
        return Prediction.make(self._data, self._series.decode(self.outputs()))

    def declare_results(self, run: RunFile) -> list[Observer]:
        """Declare what `evaluate` will write; nothing is to be observed."""
        Prediction.declare(run, self._data.month[self._before + 1 :])
        return []

    def evaluate(self, run: RunFile) -> Findings:
        """Predict, write the prediction, and return RMSEs in thousands of passengers."""
        return self.predict().write(run)

    def samples(self) -> Samples:
        """Return how many months it trains on, each the last that is seen."""
        return Samples(self._trained, "months", self._held_out)


class AirlineExperiment(Forecast):
    """The airline experiment on an array (see the module's documentation)."""

    def __init__(self, config: AirlineConfig, arrays: Sequence[Array]):
        super().__init__(config, arrays, AirlineKind.name, SquaredError())
        self._x = self._series.x[:, np.newaxis, np.newaxis]
        self._target = self._series.target[:, np.newaxis, np.newaxis]

    def batches(self, epoch: int) -> list[Batch]:
        """Return the one batch of an epoch: the training sequence, but for what is held out."""
        return [(self._x[: self._trained], self._target[: self._trained])]

    def validate(self) -> float:
        """Return the mean squared error of the last pairs of training, which are held out."""
        output = self.network.forward(self._x[:TRAINING_PAIRS])
        held_out = slice(self._trained, TRAINING_PAIRS)
        return self.loss(output[held_out], self._target[held_out]).mean

    def outputs(self) -> FloatArray:
        """Return what follows each month of the whole sequence."""
        return self.network.forward(self._x)[:, 0, 0]


class AirlineKind(PassengerKind):
    """The experiment as a kind of run."""

    name = "airline"
    title = "LSTM on 144 months of airline passengers"
    about = "LSTM, 144 months of airline passengers: forecasts the next one."
    Config = AirlineConfig
    presets: ClassVar = PRESETS

    @classmethod
    def make(cls, config: AirlineConfig, arrays: Sequence[Array]) -> AirlineExperiment:
        """Return the experiment on an array."""
        return AirlineExperiment(config, arrays)
