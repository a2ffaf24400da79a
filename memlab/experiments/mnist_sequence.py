"""Sequences of digits with a ConvLSTM (Wang et al. 2019; experiments reference 3.4).

Three 8 x 8 frames show the digits 1, 2 and 3 in one of six orders, the class. ConvLSTM with 5 input
kernels 3 x 3 (valid) and 5 recurrent kernels 2 x 2 x 5 (same) for each of four gates, max-pooling
2 x 2, dense 45 -> 6 with softmax on the last step. No biases: 850 weights of two differential pairs
each, placed as published. 5,958 sequences in batches of 50, 2 epochs: 240 updates.

Preset `paper`: effective learning rate 5.45 times the nominal 0.01. Preset `memlab`: the same
devices, batches and epochs; see `digits.in_situ`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from memlab.array import Array
from memlab.datasets import load_mnist_8x8, make_digit_sequences
from memlab.datasets.digit_sequences import CLASSES
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
from memlab.mapping import conv_lstm_plan
from memlab.nn import ConvLSTM, Dense, Flatten, LastStep, MaxPool, Network

__all__ = ["PRESETS", "MnistSequenceKind"]


def paper() -> DigitsConfig:
    """Return the published recipe (experiments reference 2, 3.4 and 5)."""
    return published(50, DigitsDataConfig(train=5_958, test=1_010, peak=1.0))


def memlab() -> DigitsConfig:
    """Return our recipe on the same devices: effective learning rate 5.45 times 0.003."""
    return in_situ(paper(), lr=0.003)


PRESETS = {
    "paper": Preset(paper, "the published recipe"),
    "memlab": Preset(memlab, "the same with a smaller learning rate"),
}


def _make_task(data: DigitsDataConfig, seed: int) -> Task:
    sequences = make_digit_sequences(load_mnist_8x8(data.path), seed)
    return Task(
        x_train=scale_grey(sequences.x_train[: data.train], data.peak),
        y_train=sequences.y_train[: data.train],
        x_test=scale_grey(sequences.x_test[: data.test], data.peak),
        y_test=sequences.y_test[: data.test],
        classes=tuple("".join(map(str, order)) for order in CLASSES),
        source=f"MNIST 1, 2, 3 in six orders, drawn with seed {seed}; 8 x 8",
    )


class MnistSequenceKind(ClassificationKind):
    """The experiment as a kind of run."""

    name = "mnist-sequence"
    title = "ConvLSTM on sequences of three digits"
    about = "ConvLSTM, the order of three digits."
    Config = DigitsConfig
    presets: ClassVar = PRESETS

    @classmethod
    def make(cls, config: DigitsConfig, arrays: Sequence[Array]) -> Classifier:
        """Return the experiment, on one array of 128 x 64 cells as published."""
        plan = floor_plan(
            "the ConvLSTM", conv_lstm_plan().matrices, config.network, arrays, config.mapping.slices
        )
        matrix = make_planned_matrices(plan, arrays, config)
        network = Network(
            [
                ConvLSTM(matrix["conv_lstm"], (SIDE, SIDE, 1), (3, 3), (2, 2)),
                LastStep(),
                MaxPool(2),
                Flatten(),
                Dense(matrix["dense"]),
            ]
        )
        task = _make_task(config.data, config.seed)
        return Classifier(cls.name, config, task, network)
