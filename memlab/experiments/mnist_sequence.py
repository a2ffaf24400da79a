"""Sequences of digits with a ConvLSTM (Wang et al., Nature Machine Intelligence 1, 434, 2019).

Three 8 x 8 frames show the digits 1, 2 and 3 in one of six orders, the class. ConvLSTM with 5 input
kernels 3 x 3 (valid) and 5 recurrent kernels 2 x 2 x 5 (same) for each of four gates, max-pooling
2 x 2, dense 45 -> 6 with softmax on the last step. No biases: 850 weights of two differential pairs
each. 5,958 sequences in batches of 50.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from memlab.array import Array
from memlab.datasets import load_mnist_8x8, make_digit_sequences
from memlab.datasets.digit_sequences import CLASSES
from memlab.emulator import load_preset
from memlab.experiments.config import ExperimentConfig, LogConfig, MappingConfig, Section
from memlab.experiments.examples import (
    BatchTrainConfig,
    Examples,
    confusion,
    declare_confusion,
    write_confusion,
)
from memlab.experiments.weights import make_planned_matrices
from memlab.mapping import Layout, conv_lstm_plan
from memlab.nn import ConvLSTM, CrossEntropy, Dense, Flatten, LastStep, Loss, MaxPool, Network
from memlab.runs import LogLevel, RunFile
from memlab.training import Batch

__all__ = ["PRESETS", "MnistSequenceConfig", "MnistSequenceExperiment"]

SIDE = 8


class DataConfig(Section):
    """The sequences."""

    path: str = Field("", description="Data directory or file; the memlab data directory if empty.")
    train: int = Field(5_958, description="Training sequences at most.", ge=1)
    test: int = Field(1_010, description="Test sequences at most.", ge=1)
    peak: float = Field(1.0, description="Grey levels are mapped to -peak..peak.", gt=0)


class MnistSequenceConfig(ExperimentConfig):
    """Every number of the experiment."""

    train: BatchTrainConfig
    data: DataConfig = DataConfig()
    log: LogConfig = LogConfig(level=LogLevel.EPOCHS)


def paper() -> MnistSequenceConfig:
    """Return the published recipe (experiments reference 2, 3.4 and 5).

    As for mnist-cnn, the effective learning rate is 5.45 times the nominal 0.01.
    """
    return MnistSequenceConfig(
        chip=load_preset("pt-taox-ta"),
        train=BatchTrainConfig(epochs=2, optimizer="rmsprop", lr=0.01, decay=0.9, batch=50),
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


class MnistSequenceExperiment:
    """The experiment on an array (see the module's documentation)."""

    name = "mnist-sequence"
    title = "ConvLSTM on sequences of three digits"

    def __init__(self, config: MnistSequenceConfig, array: Array):
        self.config = config
        mnist = load_mnist_8x8(config.data.path or None)
        sequences = make_digit_sequences(mnist, config.seed)
        peak, classes = config.data.peak, len(CLASSES)
        train = Examples(sequences.x_train, sequences.y_train, peak, classes)
        test = Examples(sequences.x_test, sequences.y_test, peak, classes)
        self._train, self._test = train.first(config.data.train), test.first(config.data.test)
        self.plan = conv_lstm_plan()
        matrices = make_planned_matrices(self.plan, array, config)
        self.network = Network(
            [
                ConvLSTM(matrices["conv_lstm"], (SIDE, SIDE, 1), (3, 3), (2, 2)),
                LastStep(),
                MaxPool(2),
                Flatten(),
                Dense(matrices["dense"]),
            ]
        )
        self.loss: Loss = CrossEntropy()
        self.vectors_per_update = config.train.batch * 36

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, always in the same order."""
        return self._train.batches(self.config.train.batch)

    def declare_results(self, run: RunFile) -> None:
        """Declare what `evaluate` will write."""
        declare_confusion(run, ["".join(map(str, order)) for order in CLASSES])

    def evaluate(self, run: RunFile) -> dict[str, float]:
        """Classify all training and test sequences; return accuracies."""
        train = confusion(self.network, self._train)
        return write_confusion(run, train, confusion(self.network, self._test))
