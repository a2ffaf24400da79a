"""What the two experiments with 8 x 8 digits share (Wang et al. 2019)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.emulator import load_preset
from memlab.experiments.classification import BatchTrainConfig, ClassificationConfig
from memlab.experiments.config import LogConfig, MappingConfig
from memlab.experiments.placement import PlacedSection
from memlab.mapping import Layout
from memlab.numeric import FloatArray
from memlab.runs import LogLevel
from memlab.setting_units import Unitless
from memlab.settings import Section

__all__ = [
    "SIDE",
    "DigitsConfig",
    "DigitsDataConfig",
    "in_situ",
    "published",
    "scale_grey",
]


SIDE = 8
"""Height and width of an image."""


class DigitsDataConfig(Section):
    """The images."""

    path: str = Field("", description="File or data directory; empty for the usual one.")
    train: int = Field(description="Training examples at most, the first ones.", ge=1)
    test: int = Field(description="Test examples at most, the first ones.", ge=1)
    peak: Unitless = Field(description="Grey levels 0..255 become numbers -peak..peak.", gt=0)


class DigitsConfig(ClassificationConfig):
    """Every number of an experiment with digits."""

    data: DigitsDataConfig
    network: PlacedSection = PlacedSection()
    log: LogConfig = LogConfig(level=LogLevel.EPOCHS)


def published(batch: int, data: DigitsDataConfig) -> DigitsConfig:
    """Return how Wang 2019 trains on some data: RMSprop, both cells of a pair by the full change.

    R_vg times the slope of pt-taox-ta is 2.73 and both cells move: the effective learning rate is
    5.45 times the nominal 0.01.
    """
    train = BatchTrainConfig(
        epochs=2, optimizer="rmsprop", lr=0.01, decay=0.9, batch=batch, curve=False
    )
    mapping = MappingConfig(
        layout=Layout.INTERLEAVED,
        siemens_per_weight=1e-4,
        volts_per_siemens=1.5e4,
        gate_initial=1.6,
        gate_minimum=0.5,
        gate_maximum=2.5,
        set_all=False,
    )
    chip = load_preset("pt-taox-ta")
    return DigitsConfig(chip=chip, train=train, mapping=mapping, data=data)


def scale_grey(images: npt.NDArray[np.uint8], peak: float) -> FloatArray:
    """Map grey levels of (sequences, time, height, width) to (time, sequences, ..., 1)."""
    by_time = images.swapaxes(0, 1)[..., np.newaxis]
    return np.multiply(by_time, 2.0 * peak / 255.0, dtype=np.float64) - peak


def in_situ(config: DigitsConfig, lr: float, lr_final: float | None = None) -> DigitsConfig:
    """Return our way to train a published network on the same devices, batches and epochs.

    What differs, and why: every pulse draws 10 uS of new programming noise, so a weight stands for
    four times the conductance, learning is slower, and a cell waits until its gate voltage has
    moved by 0.05 V (9 uS) since its last pulse. First gate voltages are random within 0.2 V, so
    that a chip without noise learns too. The effective learning rate is 5.45 times the nominal
    one, as published.
    """
    train = config.train.model_copy(update={"lr": lr, "lr_final": lr_final})
    mapping = config.mapping.model_copy(
        update={"siemens_per_weight": 4e-4, "threshold": 0.05, "gate_spread": 0.2}
    )
    data = config.data.model_copy(update={"peak": 1.0})
    return config.model_copy(update={"train": train, "mapping": mapping, "data": data})
