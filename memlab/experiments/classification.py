"""What the classification experiments share: batches, accuracies, and what the run file keeps.

The test set is looked at after every epoch, for the curve only: the reported accuracy is that of
the last epoch, never of the best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.experiments.config import ExperimentConfig, TrainConfig
from memlab.experiments.experiment import Samples
from memlab.experiments.kind import ExperimentKind
from memlab.experiments.metrics import (
    BALANCED_ACCURACY,
    MAJORITY_TEST_ACCURACY,
    TEST_ACCURACY,
    TRAIN_ACCURACY,
    in_software,
)
from memlab.nn import CrossEntropy, Loss, Network
from memlab.numeric import FloatArray
from memlab.runs import Findings, Run, RunFile
from memlab.storage import State
from memlab.training import Batch, EpochResult, Observer

if TYPE_CHECKING:
    from memlab.figures.declared import Part

__all__ = [
    "BatchTrainConfig",
    "ClassificationConfig",
    "ClassificationKind",
    "Classifier",
    "Task",
    "accuracy",
    "balanced_accuracy",
]

LabelArray = npt.NDArray[np.uint8]

EVALUATION_BATCH = 512


class BatchTrainConfig(TrainConfig):
    """How long and how fast to train, batch by batch."""

    batch: int = Field(50, description="Sequences per update.", ge=1)
    shuffle: bool = Field(
        False, description="New order of the sequences in each epoch, else one order for all."
    )
    balance: bool = Field(False, description="Weigh each class by one over its frequency.")
    curve: bool = Field(True, description="Measure the test accuracy after every epoch.")


class ClassificationConfig(ExperimentConfig):
    """What every classification experiment has."""

    train: BatchTrainConfig


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be learnt.

    Parameters
    ----------
    x_train, x_test
        Inputs, shape (time, sequences, ...).
    y_train, y_test
        Class of each sequence, from 0, shape (sequences,).
    classes
        Names of the classes.
    source
        Where the data come from.
    """

    x_train: FloatArray
    y_train: LabelArray
    x_test: FloatArray
    y_test: LabelArray
    classes: tuple[str, ...]
    source: str


class Classifier:
    """An experiment that ends in classes: cross-entropy on the last step of a linear output.

    Parameters
    ----------
    name
        Of the experiment.
    config
        Its settings.
    task
        What is to be learnt.
    network
        Ends in a linear layer with one output for each class.
    looks
        How many training sequences, the first ones, the training accuracy is measured on; all of
        them if None.
    """

    def __init__(
        self,
        name: str,
        config: ClassificationConfig,
        task: Task,
        network: Network,
        *,
        looks: int | None = None,
    ):
        self.name = name
        self.config = config
        self.task = task
        self.network = network
        self._looks = slice(looks)
        self.loss: Loss = CrossEntropy(last_step=True)
        self._rng = np.random.default_rng([config.seed, 1])
        drawn = self._rng.permutation(task.y_train.size)
        # The first drawn train: without any that is held out, all of them in this order.
        trained = drawn.size - config.train.held_out(drawn.size)
        self._order, self._held_out = drawn[:trained], drawn[trained:]
        batch = min(config.train.batch, trained)
        self.updates_per_epoch = -(-trained // config.train.batch)
        self.vectors_per_update = task.x_train.shape[0] * batch
        classes = len(task.classes)
        weight = np.ones(classes)
        if config.train.balance:
            counts = np.bincount(task.y_train, minlength=classes)
            weight = task.y_train.size / (classes * np.maximum(counts, 1))
        # The loss takes targets of any sum: a class weight is a target above or below one.
        self._target = np.diag(weight)[task.y_train]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch; the last one may be smaller."""
        if self.config.train.shuffle and epoch:
            self._order = self._rng.permutation(self._order)
        size = self.config.train.batch
        for start in range(0, self._order.size, size):
            picked = self._order[start : start + size]
            yield self.task.x_train[:, picked], self._target[picked]

    def validate(self) -> float:
        """Return the mean cross-entropy of the training sequences that are held out."""
        total = 0.0
        for start in range(0, self._held_out.size, EVALUATION_BATCH):
            picked = self._held_out[start : start + EVALUATION_BATCH]
            output = self.network.forward(self.task.x_train[:, picked])
            total += self.loss(output, self._target[picked]).total
        return total / self._held_out.size

    def state(self) -> State:
        """Return the order of the sequences, and where its generator stands."""
        return {"order": self._order, "rng": self._rng.bit_generator.state}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self._order, self._rng.bit_generator.state = state["order"], state["rng"]

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the scores of sequences on the array, shape (sequences, classes)."""
        parts = [
            self.network.forward(x[:, start : start + EVALUATION_BATCH])[-1]
            for start in range(0, x.shape[1], EVALUATION_BATCH)
        ]
        return np.concatenate(parts)

    def declare_results(self, run: RunFile) -> list[Observer]:
        """Declare what `evaluate` writes; return the observer that records the curve."""
        task = self.task
        run.group("test", "NXdata", {"signal": "score", "source": task.source})
        run.scale("test/sequence", np.arange(task.y_test.size), "1", "Test sequence, from 0")
        run.scale("test/class", np.array(task.classes), "1", "Class")
        run.scale("test/true_class", np.array(task.classes), "1", "Class, of rows")
        each = ("test/sequence",)
        run.declare("test/label", "u1", each, "1", "True class")
        run.declare("test/predicted", "u1", each, "1", "Class with the largest score")
        run.declare("test/score", "f8", (*each, "test/class"), "1", "Output of the array")
        cells = ("test/true_class", "test/class")
        run.declare("test/confusion", "i8", cells, "1", "Sequences by true and predicted class")
        if not self.config.train.curve:
            return []
        run.group("accuracy", "NXdata", {"signal": "test"})
        run.scale("accuracy/epoch", None, "1", "Finished epochs")
        text = "Test accuracy, for the curve only"
        run.declare("accuracy/test", "f8", ("accuracy/epoch",), "1", text, 64)
        return [_Curve(self, run)]

    def evaluate(self, run: RunFile) -> Findings:
        """Classify all sequences on the array, write the test ones, and return accuracies."""
        task = self.task
        train = self.predict(task.x_train[:, self._looks]).argmax(axis=-1)
        score = self.predict(task.x_test)
        test = score.argmax(axis=-1)
        confusion = np.zeros((len(task.classes),) * 2, np.int64)
        np.add.at(confusion, (task.y_test, test), 1)
        run.write("test/label", task.y_test)
        run.write("test/predicted", test)
        run.write("test/score", score)
        run.write("test/confusion", confusion)
        findings, n = Findings(), task.y_test.size
        seen = accuracy(task.y_train[self._looks], train)
        findings.add(TRAIN_ACCURACY, seen, n=train.size, of="sequences of training")
        findings.add(TEST_ACCURACY, accuracy(task.y_test, test), n=n, of="sequences of test")
        balanced = balanced_accuracy(task.y_test, test)
        findings.add(BALANCED_ACCURACY, balanced, n=n, of="sequences of test")
        often = np.bincount(task.y_train).argmax()
        majority = accuracy(task.y_test, np.full(n, often))
        findings.add(MAJORITY_TEST_ACCURACY, majority, n=n, of="sequences of test")
        return findings

    def samples(self) -> Samples:
        """Return how many sequences it trains on."""
        return Samples(self._order.size, "sequences", self._held_out.size)


class _Curve(Observer):
    """Records the test accuracy after every epoch."""

    def __init__(self, experiment: Classifier, run: RunFile):
        self._experiment = experiment
        self._run = run

    def epoch_finished(self, result: EpochResult) -> None:
        """Classify the test sequences; the log of training must not hear of it."""
        task = self._experiment.task
        with self._experiment.network.unheard():
            found = accuracy(task.y_test, self._experiment.predict(task.x_test).argmax(axis=-1))
        self._run.append("accuracy/epoch", [result.epoch + 1])
        self._run.append("accuracy/test", [found])


def accuracy(label: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]) -> float:
    """Return the fraction of right predictions."""
    return float(np.mean(label == predicted))


def balanced_accuracy(label: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]) -> float:
    """Return the mean over the classes of the fraction of each that is found."""
    return float(np.mean([np.mean(predicted[label == one] == one) for one in np.unique(label)]))


class ClassificationKind(ExperimentKind):
    """An experiment that ends in classes."""

    quantities: ClassVar = (
        TEST_ACCURACY,
        TRAIN_ACCURACY,
        BALANCED_ACCURACY,
        MAJORITY_TEST_ACCURACY,
        *map(in_software, (TEST_ACCURACY, TRAIN_ACCURACY, BALANCED_ACCURACY)),
        *ExperimentKind.quantities,
    )
    loss_name = "Cross-entropy"

    @classmethod
    def draw_results(cls, run: Run) -> list[Part]:
        """Return how the accuracy grew beside the loss, and the confusion matrix."""
        from memlab.experiments.pictures.classification import class_parts

        return class_parts(run, cls.loss_name)

    @classmethod
    def summarise(cls, findings: Findings) -> list[str]:
        """Return the accuracies, and of how many sequences they are."""
        train, test, balanced = (
            findings[one] for one in (TRAIN_ACCURACY, TEST_ACCURACY, BALANCED_ACCURACY)
        )
        beside = [
            f"the class most frequent in training alone: test {findings[one].value:.2%}"
            for one in (MAJORITY_TEST_ACCURACY,)
            if one in findings  # not in older files
        ]
        return [
            f"accuracy: train {train.value:.2%}, test {test.value:.2%},"
            f" test balanced {balanced.value:.2%}",
            *beside,
            f"of {train.n} {train.of} and {test.n} {test.of}",
        ]
