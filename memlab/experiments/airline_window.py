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
from pydantic import Field

from memlab.array import Array
from memlab.experiments import airline
from memlab.experiments.airline import Forecast, NetworkConfig, SeriesConfig
from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.passengers import (
    Encoding,
    PassengerKind,
)
from memlab.kinds import Preset
from memlab.nn import SquaredError
from memlab.numeric import FloatArray
from memlab.training import Batch

__all__ = ["PRESETS", "AirlineWindowConfig", "AirlineWindowExperiment", "AirlineWindowKind"]


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


class AirlineWindowExperiment(Forecast):
    """The airline-window experiment on an array (see the module's documentation)."""

    def __init__(self, config: AirlineWindowConfig, arrays: Sequence[Array]):
        steps, loss = config.network.steps, SquaredError(last_step=True)
        super().__init__(config, arrays, AirlineWindowKind.name, loss, before=steps - 1)
        windows = np.lib.stride_tricks.sliding_window_view(self._series.x, steps)
        self._x = np.ascontiguousarray(windows.T)[:, :, np.newaxis]
        self._target = self._series.target[steps - 1 :, np.newaxis]

    def batches(self, epoch: int) -> list[Batch]:
        """Return the one batch of an epoch: the training windows, but for those held out."""
        return [(self._x[:, : self._trained], self._target[: self._trained])]

    def validate(self) -> float:
        """Return the mean squared error of the last training windows, which are held out."""
        held_out = slice(self._trained, self._training)
        return self.loss(self.network.forward(self._x[:, held_out]), self._target[held_out]).mean

    def outputs(self) -> FloatArray:
        """Return what follows each window."""
        return self.network.forward(self._x)[-1, :, 0]


class AirlineWindowKind(PassengerKind):
    """The experiment as a kind of run."""

    name = "airline-window"
    title = "LSTM on windows of airline passengers"
    about = "LSTM, airline passengers from windows of three months."
    Config = AirlineWindowConfig
    presets: ClassVar = PRESETS

    @classmethod
    def make(cls, config: AirlineWindowConfig, arrays: Sequence[Array]) -> AirlineWindowExperiment:
        """Return the experiment on an array."""
        return AirlineWindowExperiment(config, arrays)
