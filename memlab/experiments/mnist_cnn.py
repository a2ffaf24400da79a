"""Handwritten digits with a five-level CNN (Wang et al., Nature Machine Intelligence 1, 434, 2019).

8 x 8 images; 15 kernels 3 x 3 (same, ReLU), 4 kernels 2 x 2 x 15 (same, linear), max-pooling 2 x 2,
dense 64 -> 10 with softmax. No biases: 1,015 weights of two differential pairs each. Batches of
100 in the order of MNIST, 2 epochs over 60,000 images: 1,200 updates.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.datasets import load_mnist_8x8
from memlab.emulator import load_preset
from memlab.experiments.config import (
    ExperimentConfig,
    LogConfig,
    MappingConfig,
    Section,
)
from memlab.experiments.examples import (
    BatchTrainConfig,
    Examples,
    confusion,
    declare_confusion,
    write_confusion,
)
from memlab.experiments.weights import make_planned_matrices
from memlab.mapping import Layout, cnn_plan
from memlab.nn import Conv2D, CrossEntropy, Dense, Flatten, Loss, MaxPool, Network
from memlab.runs import LogLevel, RunFile
from memlab.training import Batch

__all__ = ["PRESETS", "MnistCnnConfig", "MnistCnnExperiment"]

SIDE, CLASSES = 8, 10


class DataConfig(Section):
    """The images."""

    path: str = Field("", description="Data directory or file; the memlab data directory if empty.")
    train: int = Field(60_000, description="Training images, the first ones of MNIST.", ge=1)
    test: int = Field(10_000, description="Test images, the first ones of MNIST.", ge=1)
    peak: float = Field(1.0, description="Grey levels are mapped to -peak..peak.", gt=0)


class MnistCnnConfig(ExperimentConfig):
    """Every number of the experiment."""

    train: BatchTrainConfig
    data: DataConfig = DataConfig()
    log: LogConfig = LogConfig(level=LogLevel.EPOCHS)


def paper() -> MnistCnnConfig:
    """Return the published recipe (experiments reference 2, 3.3 and 5).

    Both cells of a pair move by the full change, and R_vg times the slope of pt-taox-ta is 2.73:
    the effective learning rate is 5.45 times the nominal 0.01.
    """
    return MnistCnnConfig(
        chip=load_preset("pt-taox-ta"),
        train=BatchTrainConfig(epochs=2, optimizer="rmsprop", lr=0.01, decay=0.9, batch=100),
        mapping=MappingConfig(
            layout=Layout.INTERLEAVED,
            siemens_per_weight=1e-4,
            volts_per_siemens=1.5e4,
            gate_initial=1.6,
            gate_minimum=0.5,
            gate_maximum=2.5,
            set_all=False,
        ),
    )


PRESETS = {"paper": paper}


class MnistCnnExperiment:
    """The experiment on an array (see the module's documentation)."""

    name = "mnist-cnn"
    title = "Five-level CNN on 8 x 8 MNIST"

    def __init__(self, config: MnistCnnConfig, array: Array):
        self.config = config
        mnist = load_mnist_8x8(config.data.path or None)
        count, peak = config.data.train, config.data.peak
        self._train = Examples(mnist.x_train[:, np.newaxis], mnist.y_train, peak, CLASSES)
        self._train = self._train.first(count)
        self._test = Examples(mnist.x_test[:, np.newaxis], mnist.y_test, peak, CLASSES)
        self._test = self._test.first(config.data.test)
        self.plan = cnn_plan()
        matrices = make_planned_matrices(self.plan, array, config)
        first = Conv2D(matrices["conv1"], (SIDE, SIDE, 1), (3, 3), "same", activation="relu")
        second = Conv2D(matrices["conv2"], first.output_shape, (2, 2), "same")
        self.network = Network([first, second, MaxPool(2), Flatten(), Dense(matrices["dense"])])
        self.loss: Loss = CrossEntropy()
        self.vectors_per_update = config.train.batch * SIDE * SIDE

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, in the order of MNIST as published."""
        return self._train.batches(self.config.train.batch)

    def declare_results(self, run: RunFile) -> None:
        """Declare what `evaluate` will write."""
        declare_confusion(run, [str(digit) for digit in range(CLASSES)])

    def evaluate(self, run: RunFile) -> dict[str, float]:
        """Classify the test images and as many training images; return accuracies."""
        train = confusion(self.network, self._train.first(len(self._test)))
        return write_confusion(run, train, confusion(self.network, self._test))
