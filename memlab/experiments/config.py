"""Configurations: every number of an experiment, with its description, checked before a run."""

from __future__ import annotations

import math
from dataclasses import fields
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from memlab.chip.limit_changes import LimitChanges
from memlab.errors import SettingError
from memlab.mapping import MappingConfig, WriteVerify
from memlab.mapping.settings import LargestAmplitude, SmallestAmplitude
from memlab.nn import SGD, Adam, Cosine, Geometric, Optimizer, RMSprop, Schedule, Step
from memlab.rules import UpdateSetting
from memlab.rules.one_shot import OneShot
from memlab.runs import LogLevel
from memlab.setting_units import Seconds, Siemens, Unitless, Volts, in_unit
from memlab.settings import ChipSetting, LinkConfig, PointConfig, Section
from memlab.training import Restart

__all__ = [
    "ExperimentConfig",
    "LawSource",
    "LogConfig",
    "MappingConfig",
    "Method",
    "PairPlacement",
    "TrainConfig",
    "TransferConfig",
    "WriteVerifyConfig",
]


class TrainConfig(Section):
    """How long and how fast to train."""

    epochs: int = Field(description="Passes over the training data.", ge=0)
    optimizer: Literal["sgd", "rmsprop", "adam"] = Field(description="sgd, rmsprop or adam.")
    lr: Unitless = Field(
        description="Nominal learning rate; see `mapping` for the effective one.", gt=0
    )
    schedule: Literal["constant", "geometric", "step", "cosine"] = Field(
        "geometric", description="How the learning rate falls: constant, geometric, step or cosine."
    )
    lr_final: Annotated[float | None, in_unit("1")] = Field(
        None,
        description="Learning rate that the last epoch nears, by geometric (none: it stays) or "
        "cosine (none: 0).",
        gt=0,
    )
    lr_every: int = Field(
        10, description="Epochs after which step multiplies the learning rate by lr_factor.", ge=1
    )
    lr_factor: Unitless = Field(0.1, description="Of a step of the learning rate.", gt=0, le=1)
    momentum: Unitless = Field(0.0, description="Momentum of sgd.", ge=0, lt=1)
    decay: Unitless = Field(0.9, description="Decay of rmsprop.", ge=0, lt=1)
    beta1: Unitless = Field(0.9, description="Decay of the mean of adam.", ge=0, lt=1)
    beta2: Unitless = Field(0.999, description="Decay of the mean square of adam.", ge=0, lt=1)
    validation: Unitless = Field(
        0.0,
        description="Part of the training data that is held out of training; 0: a fifth where "
        "there is patience, else nothing.",
        ge=0,
        lt=1,
    )
    patience: int = Field(
        0,
        description="Epochs without a new lowest loss of what is held out, after which training "
        "stops; 0: it never does.",
        ge=0,
    )
    restarts: int = Field(
        0, description="Times that training begins anew, at most, where it has not learnt.", ge=0
    )
    restart_after: int = Field(
        20, description="Epochs after which `restart_loss` decides about that.", ge=1
    )
    restart_loss: Unitless = Field(
        0.0, description="Mean training loss of that epoch above which it begins anew.", ge=0
    )

    def held_out(self, samples: int) -> int:
        """Return how many of some training samples are held out, rounded up.

        Raises
        ------
        SettingError
            If none would be left to train on.
        """
        part = self.validation or (0.2 if self.patience else 0.0)
        count = math.ceil(part * samples)
        if count >= samples:
            raise SettingError(
                f"train.validation={part:g} holds out {count} of {samples} training samples, and "
                "none is left to train on; choose less"
            )
        return count

    def make_optimizer(self) -> Optimizer:
        """Return a new optimizer with these settings."""
        if self.optimizer == "sgd":
            return SGD(self.lr, self.momentum)
        if self.optimizer == "adam":
            return Adam(self.lr, self.beta1, self.beta2)
        return RMSprop(self.lr, self.decay)

    def check_schedule(self) -> None:
        """Raise `SettingError` if a learning rate that should fall would rise.

        No validator: settings come one by one, and `lr` may be the first of both.
        """
        falls = self.schedule in ("cosine", "geometric")
        if falls and self.lr_final is not None and self.lr_final > self.lr:
            raise SettingError(
                f"train.lr_final={self.lr_final:g} is above train.lr={self.lr:g}, and by "
                f"train.schedule={self.schedule} the learning rate falls; give a smaller "
                "train.lr_final, or train.schedule=constant"
            )

    def make_schedule(self) -> Schedule | None:
        """Return how the learning rate falls; None for a constant one."""
        if self.schedule == "step":
            return Step(self.lr_every, self.lr_factor)
        if self.schedule == "cosine":
            return Cosine(self.lr_final or 0.0)
        if self.schedule == "constant" or self.lr_final is None:
            return None
        return Geometric(self.lr_final)

    def make_restart(self) -> Restart | None:
        """Return when training begins anew; None for never."""
        if not self.restarts:
            return None
        return Restart(self.restarts, self.restart_after, self.restart_loss)


class Method(StrEnum):
    """Where a network is trained."""

    IN_SITU = "in-situ"
    """On the array, with pulses after every batch."""
    EX_SITU = "ex-situ"
    """In software; the array gets the trained weights."""
    LAYER_BY_LAYER = "layer-by-layer"
    """In software, and again after each layer that the array got, on what it makes of it."""


class LawSource(StrEnum):
    """Where the law of a SET comes from."""

    CHIP = "chip"
    """The chip preset."""
    MEASURED = "measured"
    """Pulses to some of the cells."""


class PairPlacement(StrEnum):
    """Where the cells of a pair lie in the window of conductances."""

    CENTRED = "centred"
    """Both around its middle: half of the difference each."""
    LOW = "low"
    """One at its lower end, the other above it by the whole difference."""


class WriteVerifyConfig(Section):
    """How cells are brought to target conductances; see `memlab.mapping.WriteVerify`."""

    tolerance: Siemens = Field(5e-6, description="Allowed deviation of a cell.", gt=0)
    relative_tolerance: Unitless = Field(
        0.0, description="The same as a fraction of the target; the wider one counts.", ge=0
    )
    release: Unitless = Field(
        2.0, description="A finished cell is pulsed again beyond so many tolerances.", ge=1
    )
    attempts: int = Field(20, description="Times that a cell is pulsed, at most.", ge=1)
    rounds: int = Field(60, description="Batches of pulses, at most.", ge=1)
    correction: Unitless = Field(
        0.5, description="Part of a cell's last miss that its next SET makes up for.", ge=0, le=1
    )
    gate_minimum: Volts = Field(0.5, description="Smallest gate voltage of a SET.", ge=0)
    gate_maximum: Volts = Field(2.5, description="Largest gate voltage of a SET.", ge=0)
    set_minimum: SmallestAmplitude = 0.0
    set_maximum: LargestAmplitude = 0.0
    law: LawSource = Field(LawSource.CHIP, description="Law of a SET: chip or measured.")

    @model_validator(mode="after")
    def _gate_range(self) -> Self:
        if not self.gate_minimum < self.gate_maximum:
            raise ValueError("gate_minimum < gate_maximum must hold (V)")
        return self

    def make_settings(self) -> WriteVerify:
        """Return the settings of the write-and-verify."""
        names = (field.name for field in fields(WriteVerify))
        return WriteVerify(**{name: getattr(self, name) for name in names})


class TransferConfig(WriteVerifyConfig):
    """How weights trained in software are placed and written."""

    clip: Unitless = Field(
        0.0, description="Share of the weights, the largest, that may be cut off.", ge=0, lt=1
    )
    placement: PairPlacement = Field(
        PairPlacement.LOW, description="Cells of a pair in the window: centred or low."
    )
    readings: int = Field(
        1,
        description="Readings of all slices so far whose mean says what is left for the next one.",
        ge=1,
    )
    noise_aware: Unitless = Field(
        0.0,
        description="Train in software with weights as cells would hold them, other ones at each "
        "update: so many times the programming noise of the chip, and its stuck cells; 0: exact.",
        ge=0,
    )
    tuning_epochs: int | None = Field(
        None,
        description="Layer by layer: epochs in software after each layer that is written, but the "
        "last; null: as many as train.epochs.",
        ge=0,
    )
    age: Seconds = Field(
        0.0,
        description="Simulated time between the last pulse and what is inferred, on the emulator.",
        ge=0,
        le=3e8,
    )
    read_scaling: bool = Field(
        False,
        description="Scale products by what known vectors have lost since the weights were "
        "written; or take them as they are.",
    )
    source: str = Field(
        "", description="Run file to take the trained weights from; empty: train in software."
    )


class LogConfig(Section):
    """What the run file records."""

    level: LogLevel = Field(LogLevel.ALL, description="all, epochs or off.")


class ExperimentConfig(Section):
    """What every experiment has."""

    seed: int = Field(1, description="Seed of everything random in the run.", ge=0)
    method: Method = Field(Method.IN_SITU, description="in-situ, ex-situ or layer-by-layer.")
    weights: str = Field(
        "",
        description="File of weights to start from, .npz or a run; ex situ they are transferred. "
        "Empty: none.",
    )
    chip: ChipSetting = Field(
        description="Chip of the emulator: the name of a preset, or chip.noise and so on."
    )
    train: TrainConfig
    mapping: MappingConfig
    update: UpdateSetting = OneShot()
    point: PointConfig = PointConfig()
    limits: LimitChanges = LimitChanges()
    transfer: TransferConfig = TransferConfig()
    log: LogConfig = LogConfig()
    link: LinkConfig = LinkConfig()
