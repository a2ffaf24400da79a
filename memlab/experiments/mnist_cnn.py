"""Handwritten digits with a five-level CNN (Wang et al. 2019; experiments reference 3.3).

8 x 8 images; 15 kernels 3 x 3 (same, ReLU), 4 kernels 2 x 2 x 15 (same, linear), max-pooling 2 x 2,
dense 64 -> 10 with softmax. No biases: 1,015 weights of two differential pairs each, placed as
published. Batches of 100, 2 epochs over 60,000 images in one order: 1,200 updates.

Preset `paper`: grey levels are volts, -0.2..0.2; the effective learning rate is 5.45 times the
nominal 0.01.

Preset `memlab`: the same devices, batches and epochs; see `digits.in_situ`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from memlab.array import Array
from memlab.datasets import load_mnist_8x8
from memlab.experiments.classification import ClassificationKind, Classifier, Task
from memlab.experiments.digits import (
    SIDE,
    DigitsConfig,
    DigitsDataConfig,
    in_situ,
    published,
    scale_grey,
)
from memlab.experiments.placement import floor_plan
from memlab.experiments.weights import make_planned_matrices
from memlab.kinds import Preset
from memlab.mapping import cnn_plan
from memlab.nn import Conv2D, Dense, Flatten, MaxPool, Network

__all__ = ["PRESETS", "MnistCnnKind"]


def paper() -> DigitsConfig:
    """Return the published recipe (experiments reference 2, 3.3 and 5)."""
    return published(100, DigitsDataConfig(train=60_000, test=10_000, peak=0.2))


def memlab() -> DigitsConfig:
    """Return our recipe on the same devices: 5.45 times 0.004, then 0.0013 in the second epoch."""
    return in_situ(paper(), lr=0.004, lr_final=0.0004)


PRESETS = {
    "paper": Preset(paper, "the published recipe"),
    "memlab": Preset(memlab, "the same with a smaller learning rate that falls"),
}


def _make_task(data: DigitsDataConfig) -> Task:
    mnist = load_mnist_8x8(data.path)
    return Task(
        x_train=scale_grey(mnist.x_train[: data.train, None], data.peak),
        y_train=mnist.y_train[: data.train],
        x_test=scale_grey(mnist.x_test[: data.test, None], data.peak),
        y_test=mnist.y_test[: data.test],
        classes=tuple(map(str, range(10))),
        source="MNIST, central 20 x 20 pixels, bicubic to 8 x 8",
    )


class MnistCnnKind(ClassificationKind):
    """The experiment as a kind of run."""

    name = "mnist-cnn"
    title = "Five-level CNN on 8 x 8 MNIST"
    about = "CNN of five levels, handwritten digits."
    Config = DigitsConfig
    presets: ClassVar = PRESETS

    @classmethod
    def make(cls, config: DigitsConfig, arrays: Sequence[Array]) -> Classifier:
        """Return the experiment, on one array of at least 123 x 59 cells as published."""
        plan = floor_plan(
            "the five-level CNN", cnn_plan().matrices, config.network, arrays, config.mapping.slices
        )
        matrix = make_planned_matrices(plan, arrays, config)
        first = Conv2D(matrix["conv1"], (SIDE, SIDE, 1), (3, 3), "same", activation="relu")
        second = Conv2D(matrix["conv2"], first.output_shape, (2, 2), "same")
        network = Network([first, second, MaxPool(2), Flatten(), Dense(matrix["dense"])])
        task = _make_task(config.data)
        # Reading all 60,000 training images once more would take half as long as an epoch.
        return Classifier(cls.name, config, task, network, looks=config.data.test)
