"""A network of one's own as a kind of run: two moons, with a metric of its own.

Copy this file, and change data, layers and metric. In the `pyproject.toml` of your package

    [project.entry-points."memlab.kinds.experiment"]
    moons = "own_network:Moons"

makes it a kind like the built-in ones, once the package is installed:

    memlab train moons --settings
    memlab train moons --set network.units=6 --set train.patience=5
    memlab estimate moons
    memlab sweep moons --seeds 5
    memlab runs resume moons.h5
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab import Array, nn
from memlab.emulator import load_preset
from memlab.experiments.classification import (
    BatchTrainConfig,
    ClassificationConfig,
    ClassificationKind,
    Classifier,
    Task,
)
from memlab.mapping import TA_HFO2, MappingConfig
from memlab.nn import layers
from memlab.runs import Findings, Quantity, RunFile
from memlab.setting_units import Unitless
from memlab.settings import ChipSetting, Section

FloatArray = npt.NDArray[np.float64]

MARGIN = Quantity("test_margin", "1", "Lead of the right moon's score, mean over the test points")


class MoonsData(Section):
    """The points."""

    points: int = Field(200, description="Points to train on, and as many to test.", ge=2)
    noise: Unitless = Field(0.1, description="Standard deviation around the half circles.", ge=0)


class MoonsNetwork(Section):
    """The network."""

    units: int = Field(12, description="Hidden units.", ge=1)


class MoonsConfig(ClassificationConfig):
    """Every number of it; what is not here is what every training has."""

    chip: ChipSetting = Field(load_preset("ta-hfo2"), description="Chip of the emulator.")
    train: BatchTrainConfig = BatchTrainConfig(
        epochs=15, optimizer="adam", lr=0.05, batch=20, shuffle=True, curve=False
    )
    mapping: MappingConfig = TA_HFO2
    data: MoonsData = MoonsData()
    network: MoonsNetwork = MoonsNetwork()


class MoonsExperiment(Classifier):
    """The network with its data."""

    def evaluate(self, run: RunFile) -> Findings:
        """Return the accuracies of every classification, and the metric of our own."""
        findings = super().evaluate(run)
        score, label = self.predict(self.task.x_test), self.task.y_test
        lead = score[np.arange(len(label)), label] - score[np.arange(len(label)), 1 - label]
        error = float(lead.std(ddof=1) / np.sqrt(len(lead)))
        findings.add(MARGIN, float(lead.mean()), error, n=len(lead), of="test points")
        return findings


class Moons(ClassificationKind):
    """The kind: its name, its settings, what it finds, and how it is made."""

    name = "moons"
    title = "Two moons"
    about = "Dense layers, on which of two interleaved half circles a point lies."
    Config = MoonsConfig
    quantities: ClassVar = (MARGIN, *ClassificationKind.quantities)

    @classmethod
    def make(cls, config: MoonsConfig, arrays: Sequence[Array]) -> MoonsExperiment:
        """Return the experiment on its arrays; nothing is pulsed yet."""
        description = [layers.Dense(config.network.units, "tanh"), layers.Dense(2)]
        network = nn.build(
            description,
            2,
            arrays,
            mapping=config.mapping,
            read_voltage=config.point.read_voltage,
            seed=config.seed,
        )
        (x, y), (x_test, y_test) = (
            moons(config.data.points, config.data.noise, [config.seed, k]) for k in range(2)
        )
        # One time step: (time, points, features).
        task = Task(x[np.newaxis], y, x_test[np.newaxis], y_test, ("upper", "lower"), "drawn")
        return MoonsExperiment(cls.name, config, task, network)


def moons(
    count: int, noise: float, seed: Sequence[int]
) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Return points, (count, 2), of two interleaved half circles, and on which they lie."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    angle, side = np.pi * rng.random(count), 1 - 2 * label
    points = np.stack([label + side * np.cos(angle), label / 2 + side * np.sin(angle)], axis=1)
    points += noise * rng.standard_normal(points.shape) - [0.5, 0.25]
    return points, label.astype(np.uint8)
