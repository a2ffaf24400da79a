"""What the airline experiments share: the series as network inputs, and the verdict in passengers.

144 months give 143 pairs (month t in, month t + 1 out); the first 96 pairs train, the rest test.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from memlab.datasets import Airline
from memlab.experiments.kind import ExperimentKind
from memlab.experiments.metrics import (
    NAIVE_TEST_RMSE,
    NAIVE_TRAIN_RMSE,
    TEST_RMSE,
    TRAIN_RMSE,
    in_software,
)
from memlab.numeric import FloatArray
from memlab.runs import Findings, Run, RunFile

if TYPE_CHECKING:
    from memlab.figures.declared import Part

__all__ = ["TRAINING_PAIRS", "EncodedSeries", "Encoding", "PassengerKind", "Prediction", "encode"]


TRAINING_PAIRS = 96


class Encoding(StrEnum):
    """What of the series the network sees and predicts."""

    LEVEL = "level"
    """Passengers, scaled to [0, 1] over the whole series, test months included (as published)."""
    LOG_CHANGE = "log-change"
    """Change of the logarithm since the month before, with mean and standard deviation of the
    training months taken out; a forecast is the last month times the predicted ratio."""


@dataclass(frozen=True, eq=False)
class EncodedSeries:
    """The 143 pairs as the network sees them.

    Parameters
    ----------
    x, target
        Input of month t and wanted output, shape (143,).
    base, scale, logarithmic
        How outputs become passengers, see `decode`.
    """

    x: FloatArray
    target: FloatArray
    base: FloatArray
    scale: float
    logarithmic: bool

    def decode(self, output: FloatArray) -> FloatArray:
        """Return thousands of passengers for outputs of the last `len(output)` pairs."""
        value = output * self.scale + self.base[len(self.base) - len(output) :]
        return np.exp(value) if self.logarithmic else value


def encode(passengers: FloatArray, encoding: Encoding) -> EncodedSeries:
    """Encode the series, shape (144,), for a network."""
    if encoding is Encoding.LEVEL:
        low, high = float(passengers.min()), float(passengers.max())
        level = (passengers - low) / (high - low)
        base = np.full(len(passengers) - 1, low)
        return EncodedSeries(level[:-1], level[1:], base, high - low, False)
    logarithm = np.log(passengers)
    change = np.diff(logarithm)
    # The changes that training targets are; nothing of the test months enters.
    mean, scale = float(change[:TRAINING_PAIRS].mean()), float(change[:TRAINING_PAIRS].std())
    target = (change - mean) / scale
    # Nothing came before the first month: it shows the mean change.
    x = np.concatenate([[0.0], target[:-1]])
    return EncodedSeries(x, target, logarithm[:-1] + mean, scale, True)


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted and true passengers (thousands), one entry for each month predicted.

    Parameters
    ----------
    month, passengers, prediction, persistence
        The last is the month before.
    training
        How many of the first months were used in training.
    """

    month: tuple[str, ...]
    passengers: FloatArray
    prediction: FloatArray
    persistence: FloatArray
    training: int = TRAINING_PAIRS

    @classmethod
    def make(cls, data: Airline, prediction: FloatArray) -> Prediction:
        """Put a prediction of the last `len(prediction)` months beside the data."""
        first = len(data.passengers) - len(prediction)
        return cls(
            month=data.month[first:],
            passengers=data.passengers[first:],
            prediction=prediction,
            persistence=data.passengers[first - 1 : -1],
            training=TRAINING_PAIRS + 1 - first,
        )

    def rmse(self, guess: FloatArray) -> tuple[float, float]:
        """Return the RMSE (thousands) of a guess on the training and on the test months."""
        squares = (guess - self.passengers) ** 2
        return (
            float(np.sqrt(squares[: self.training].mean())),
            float(np.sqrt(squares[self.training :].mean())),
        )

    @staticmethod
    def declare(run: RunFile, month: tuple[str, ...]) -> None:
        """Declare what `write` will write."""
        run.group("prediction", "NXdata", {"signal": "predicted"})
        run.scale("prediction/month", month, "1", "Month predicted")
        for name, text in (
            ("predicted", "Predicted thousands of passengers, after training"),
            ("passengers", "True thousands of passengers"),
            ("persistence", "Thousands of passengers of the month before"),
        ):
            run.declare(f"prediction/{name}", "f8", ("prediction/month",), "1e3", text)
        text = "1 for months used in training"
        run.declare("prediction/training", "u1", ("prediction/month",), "1", text)

    def write(self, run: RunFile) -> Findings:
        """Write the prediction, and return RMSEs in thousands of passengers."""
        run.write("prediction/predicted", self.prediction)
        run.write("prediction/passengers", self.passengers)
        run.write("prediction/persistence", self.persistence)
        run.write("prediction/training", np.arange(len(self.month)) < self.training)
        findings = Findings()
        parts = (self.training, "training"), (len(self.month) - self.training, "test")
        for guess, quantities in (
            (self.prediction, (TRAIN_RMSE, TEST_RMSE)),
            (self.persistence, (NAIVE_TRAIN_RMSE, NAIVE_TEST_RMSE)),
        ):
            for quantity, value, (n, part) in zip(quantities, self.rmse(guess), parts, strict=True):
                findings.add(quantity, value, n=n, of=f"months of {part}")
        return findings


class PassengerKind(ExperimentKind):
    """An experiment that ends in predicted months."""

    quantities: ClassVar = (
        TEST_RMSE,
        TRAIN_RMSE,
        NAIVE_TEST_RMSE,
        NAIVE_TRAIN_RMSE,
        *map(in_software, (TEST_RMSE, TRAIN_RMSE)),
        *ExperimentKind.quantities,
    )
    loss_name = "Mean squared error"

    @classmethod
    def draw_results(cls, run: Run) -> list[Part]:
        """Return the months as predicted beside the loss."""
        from memlab.experiments.pictures.passengers import prediction_parts

        return prediction_parts(run, cls.loss_name)

    @classmethod
    def summarise(cls, findings: Findings) -> list[str]:
        """Return the errors beside those of persistence."""
        train, test, naive_train, naive_test = (
            findings[one].value
            for one in (TRAIN_RMSE, TEST_RMSE, NAIVE_TRAIN_RMSE, NAIVE_TEST_RMSE)
        )
        of = " and ".join(f"{findings[q].n} {findings[q].of}" for q in (TRAIN_RMSE, TEST_RMSE))
        return [
            "                       train    test    (RMSE, thousand passengers)",
            f"array             {train:10.1f} {test:7.1f}",
            f"persistence       {naive_train:10.1f} {naive_test:7.1f}",
            f"of {of}",
        ]
