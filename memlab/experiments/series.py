"""Which class a labelled series is of: UCR and UEA sets, spoken words, series of one's own.

An LSTM and a dense layer whose last step decides, as in `memlab.experiments.wafer`, on any series
that `memlab.datasets.load_series` reads. A preset is a data set with the settings that were found
for it on seeds 101 and 102, on parts of the *training* series:

- `ecg`: ECG200 (Olszewski 2001): a heartbeat of 96 values, normal or of an infarction;
- `vowels`: JapaneseVowels (Kudo, Toyama and Shimbo 1999; UCI, CC BY 4.0): who of nine men speaks,
  from 7 to 29 frames of twelve cepstral coefficients;
- `spoken-digits`: the Free Spoken Digit Dataset (CC BY-SA 4.0), or any folder of recordings.

The chip is `ta-hfo2`, and learns as Li 2019 does (`memlab.experiments.gait`): both cells of a pair
move by the full change.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.datasets import LogMel, Series, load_series
from memlab.emulator import load_preset
from memlab.errors import DataError
from memlab.experiments.classification import (
    BatchTrainConfig,
    ClassificationConfig,
    ClassificationKind,
    Classifier,
    Task,
)
from memlab.experiments.weights import make_planned_matrices
from memlab.kinds import Preset
from memlab.mapping import LI_2019, Request, place
from memlab.nn import LSTM, Dense, Network
from memlab.setting_units import Seconds, Unitless
from memlab.settings import Section

__all__ = ["PRESETS", "SeriesConfig", "SeriesKind"]

_LOGGER = logging.getLogger(__name__)


class SeriesDataConfig(Section):
    """The series, and what of them a time step shows."""

    series: str = Field(
        "ECG200", description="Set: NAME_TRAIN and NAME_TEST in the data directory or a package."
    )
    path: str = Field(
        "", description="Data directory, file, or folder of recordings; empty for the usual one."
    )
    classes: str = Field("", description="Only these classes, between spaces; empty: all.")
    split: Literal["given", "random", "group"] = Field(
        "given", description="given (else random), random, or group: speakers that are held out."
    )
    steps: int = Field(
        0, description="Time steps that a series is averaged into; 0: all, zeros go before.", ge=0
    )
    values: int = Field(1, description="Successive values that one time step shows.", ge=1)
    standardise: bool = Field(
        True, description="Standardise each channel with the training series."
    )


class SoundConfig(Section):
    """What is taken from recordings: logarithms of power in mel bands."""

    bands: int = Field(16, description="Bands.", ge=1)
    window: Seconds = Field(0.025, description="Length of a window.", gt=0)
    hop: Seconds = Field(0.010, description="From one window to the next.", gt=0)
    highest: float = Field(
        4000.0,
        description="Upper end of the last band.",
        gt=0,
        json_schema_extra={"unit": "Hz"},
    )

    def make(self) -> LogMel:
        """Return what reads recordings so."""
        return LogMel(self.bands, self.window, self.hop, self.highest)


class SeriesNetworkConfig(Section):
    """The network."""

    units: int = Field(8, description="LSTM units.", ge=1)
    bias: Unitless = Field(1.0, description="Value of the constant bias input.")


class SeriesConfig(ClassificationConfig):
    """Every number of the experiment."""

    data: SeriesDataConfig = SeriesDataConfig()
    sound: SoundConfig = SoundConfig()
    network: SeriesNetworkConfig = SeriesNetworkConfig()


def ecg() -> SeriesConfig:
    """Return a heartbeat in twelve steps of eight values; a cell is pulsed only when it is due."""
    return SeriesConfig(
        chip=load_preset("ta-hfo2"),
        train=BatchTrainConfig(
            epochs=120,
            optimizer="adam",
            lr=0.02,
            lr_final=1e-3,
            batch=20,
            shuffle=True,
            balance=True,
            curve=False,
        ),
        mapping=LI_2019.model_copy(update={"set_all": False, "threshold": 0.05}),
        data=SeriesDataConfig(steps=12, values=8),
    )


def vowels() -> SeriesConfig:
    """Return utterances frame by frame."""
    config = ecg()
    train = {"epochs": 40, "optimizer": "rmsprop", "lr": 0.01, "balance": False}
    return config.model_copy(
        update={
            "train": config.train.model_copy(update=train),
            "mapping": LI_2019,
            "data": SeriesDataConfig(series="JapaneseVowels"),
            "network": SeriesNetworkConfig(units=12),
        }
    )


def spoken_digits() -> SeriesConfig:
    """Return words in 20 steps of equal parts."""
    config = vowels()
    return config.model_copy(
        update={
            "train": config.train.model_copy(update={"epochs": 15, "batch": 50}),
            "mapping": ecg().mapping,
            "data": SeriesDataConfig(series="spoken-digits", steps=20),
            "network": SeriesNetworkConfig(units=16),
        }
    )


PRESETS = {
    "ecg": Preset(ecg, "ECG200, one heartbeat: normal or of an infarction"),
    "vowels": Preset(vowels, "JapaneseVowels, who of nine speaks"),
    "spoken-digits": Preset(spoken_digits, "recordings of single words, in mel bands"),
}


def make_task(series: Series, data: SeriesDataConfig, seed: int) -> Task:
    """Return the series alike long, standardised with those of training, and split."""
    test, loaded = series.test(data.split, seed), series.x
    for one in sorted(set(series.y[test].tolist()) - set(series.y[~test].tolist())):
        _LOGGER.warning(
            "class %s is in the test series only: it cannot be learnt", series.classes[one]
        )
    with np.errstate(over="ignore", invalid="ignore"):
        if data.standardise:
            train = [one for one, held in zip(series.x, test, strict=True) if not held]
            joined = np.concatenate(train)
            mean, spread = joined.mean(axis=0), np.maximum(joined.std(axis=0), 1e-6)
            series = series.with_values([(one - mean) / spread for one in series.x])
        x = series.frames(data.steps, data.values)
    # A spread that is infinite would leave finite values: zeros.
    if not np.isfinite(x).all() or (data.standardise and not np.isfinite(spread).all()):
        raise DataError(
            f"{series.source}: values too large to be standardised or averaged, up to "
            f"{max(np.abs(one).max() for one in loaded):.3g}; scale them first"
        )
    return Task(
        x_train=x[:, ~test],
        y_train=series.y[~test],
        x_test=x[:, test],
        y_test=series.y[test],
        classes=series.classes,
        source=f"{series.source}; split {data.split}",
    )


class SeriesKind(ClassificationKind):
    """The experiment as a kind of run."""

    name = "series"
    title = "LSTM on labelled series"
    about = "LSTM, which class a series is of: ECG, speech, UCR and UEA sets, your own."
    Config = SeriesConfig
    presets: ClassVar = PRESETS

    @classmethod
    def make(cls, config: SeriesConfig, arrays: Sequence[Array]) -> Classifier:
        """Return the experiment, its matrices folded onto the arrays as far as they must be."""
        data = config.data
        series = load_series(
            data.series, data.path, classes=data.classes.split(), sound=config.sound.make()
        )
        task = make_task(series, data, config.seed)
        features, units = task.x_train.shape[-1], config.network.units
        plan = place(
            [
                Request("lstm", features + units + 1, 4 * units, slices=config.mapping.slices),
                Request("dense", units + 1, len(task.classes), slices=config.mapping.slices),
            ],
            [array.shape for array in arrays],
        )
        matrix = make_planned_matrices(plan, arrays, config)
        bias = config.network.bias
        network = Network([LSTM(matrix["lstm"], bias), Dense(matrix["dense"], "linear", bias)])
        return Classifier(cls.name, config, task, network)
