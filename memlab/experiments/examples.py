"""What the experiments that sort things into classes have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.experiments.config import TrainConfig
from memlab.nn import Network
from memlab.runs import RunFile
from memlab.training import Batch

__all__ = ["BatchTrainConfig", "Examples", "confusion", "declare_confusion", "write_confusion"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

BATCH = 200
"""Examples per forward pass when a network is evaluated; more would only use more memory."""


class BatchTrainConfig(TrainConfig):
    """How long and how fast to train, in batches."""

    batch: int = Field(description="Examples per update.", ge=1)


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and their classes.

    Parameters
    ----------
    x
        Grey levels 0..255, examples on the first axis: (examples, time, height, width).
    y
        Class of each example, shape (examples,).
    peak
        What 0..255 is mapped to: -peak..+peak.
    classes
        Number of classes.
    """

    x: npt.NDArray[np.uint8]
    y: npt.NDArray[np.uint8]
    peak: float
    classes: int

    def __len__(self) -> int:
        return len(self.y)

    def first(self, count: int) -> Examples:
        """Return the first examples, at most `count`."""
        return Examples(self.x[:count], self.y[:count], self.peak, self.classes)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield batches of `size` examples in order; the last may be smaller."""
        for start in range(0, len(self), size):
            yield self.batch(start, size)

    def batch(self, start: int, size: int) -> Batch:
        """Return inputs (time, n, height, width, 1) and one-hot targets (1, n, classes)."""
        grey = self.x[start : start + size].swapaxes(0, 1)[..., np.newaxis]
        target = np.eye(self.classes)[self.y[start : start + size]]
        x = np.multiply(grey, 2.0 * self.peak / 255.0, dtype=np.float64) - self.peak
        return x, target[np.newaxis]


def confusion(network: Network, examples: Examples) -> IntArray:
    """Return how many examples of each class (row) the network takes for each class (column)."""
    counts = np.zeros((examples.classes, examples.classes), np.int64)
    for x, target in examples.batches(BATCH):
        taken_for = network.forward(x)[-1].argmax(axis=-1)
        np.add.at(counts, (target[-1].argmax(axis=-1), taken_for), 1)
    return counts


def declare_confusion(run: RunFile, names: Sequence[str]) -> None:
    """Declare the confusion matrices that `write_confusion` writes."""
    run.group("confusion", "NXdata", {"signal": "test", "axes": ["true", "predicted"]})
    run.scale("confusion/true", names, "1", "True class")
    run.scale("confusion/predicted", names, "1", "Class that the network chose")
    axes = ("confusion/true", "confusion/predicted")
    run.declare("confusion/train", "i8", axes, "1", "Training examples, after training")
    run.declare("confusion/test", "i8", axes, "1", "Test examples, after training")


def write_confusion(run: RunFile, train: IntArray, test: IntArray) -> dict[str, float]:
    """Write both confusion matrices and return `train_accuracy` and `test_accuracy`."""
    run.write("confusion/train", train)
    run.write("confusion/test", test)
    return {
        "train_accuracy": float(np.trace(train) / max(train.sum(), 1)),
        "test_accuracy": float(np.trace(test) / max(test.sum(), 1)),
    }
