"""Configurations: every number of an experiment, with its description, checked before a run.

`--set train.lr=0.02` changes one of them; a wrong key or value is refused in one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from memlab.emulator import ChipPreset, load_preset
from memlab.errors import SettingError
from memlab.limits import OperatingPoint
from memlab.mapping import Layout, OneShotUpdate
from memlab.nn import SGD, Optimizer, RMSprop
from memlab.runs import LogLevel

__all__ = [
    "ExperimentConfig",
    "LinkConfig",
    "LogConfig",
    "MappingConfig",
    "PointConfig",
    "Section",
    "TrainConfig",
    "apply_settings",
    "setting_names",
]


class Section(BaseModel):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TrainConfig(Section):
    """How long and how fast to train."""

    epochs: int = Field(description="Passes over the training data.", ge=0)
    optimizer: Literal["sgd", "rmsprop"] = Field(description="sgd or rmsprop.")
    lr: float = Field(
        description="Nominal learning rate; see `mapping` for the effective one.", gt=0
    )
    lr_final: float | None = Field(
        None, description="Learning rate that the last epoch nears, falling geometrically.", gt=0
    )
    momentum: float = Field(0.0, description="Momentum of sgd.", ge=0, lt=1)
    decay: float = Field(0.9, description="Decay of rmsprop.", ge=0, lt=1)

    def make_optimizer(self) -> Optimizer:
        """Return a new optimizer with these settings."""
        if self.optimizer == "sgd":
            return SGD(self.lr, self.momentum)
        return RMSprop(self.lr, self.decay)


class MappingConfig(Section):
    """How weights become conductances and changes become pulses."""

    layout: Layout = Field(description="Order of the rows of a pair: block or interleaved.")
    siemens_per_weight: float = Field(description="R_gw in S.", gt=0)
    volts_per_siemens: float = Field(description="R_vg in V/S.", gt=0)
    gate_initial: float = Field(description="First gate voltage in V.", ge=0)
    gate_minimum: float = Field(description="Smallest gate voltage in V.", ge=0)
    gate_maximum: float = Field(description="Largest gate voltage in V.", ge=0)
    gate_spread: float = Field(
        0.0,
        description="First gate voltages lie this far around gate_initial at random, in V.",
        ge=0,
    )
    set_all: bool = Field(description="SET every cell at each update, or only changed ones.")
    threshold: float = Field(
        0.0, description="Gate voltage change in V below which a cell waits; 0: never.", ge=0
    )

    @model_validator(mode="after")
    def _gate_range(self) -> Self:
        if not self.gate_minimum <= self.gate_initial <= self.gate_maximum:
            raise ValueError("gate_minimum <= gate_initial <= gate_maximum must hold (V)")
        if self.threshold and self.set_all:
            raise ValueError("a threshold needs set_all=false: otherwise every cell is SET anyway")
        return self

    def make_rule(self, rng: np.random.Generator) -> OneShotUpdate:
        """Return a new update rule with these settings; `rng` draws first gate voltages."""
        return OneShotUpdate(
            self.volts_per_siemens,
            self.gate_initial,
            self.gate_minimum,
            self.gate_maximum,
            set_all=self.set_all,
            threshold=self.threshold,
            spread=self.gate_spread,
            rng=rng,
        )


class PointConfig(Section):
    """Voltages (V) and widths (s) of reading and programming; see `memlab.OperatingPoint`."""

    read_voltage: float = Field(0.2, description="Row voltage of read and VMM in V.", gt=0)
    read_gate_voltage: float = Field(5.0, description="Gate voltage of read and VMM in V.", gt=0)
    set_voltage: float = Field(2.5, description="SET amplitude in V.", gt=0)
    reset_voltage: float = Field(1.7, description="RESET amplitude in V.", gt=0)
    reset_gate_voltage: float = Field(5.0, description="Gate voltage of RESET in V.", gt=0)
    set_width: float = Field(1e-6, description="SET pulse width in s.", gt=0)
    reset_width: float = Field(1e-6, description="RESET pulse width in s.", gt=0)

    def make_point(self) -> OperatingPoint:
        """Return the operating point with these settings."""
        return OperatingPoint(**self.model_dump())


class LogConfig(Section):
    """What the run file records."""

    level: LogLevel = Field(LogLevel.ALL, description="all, epochs or off.")


class LinkConfig(Section):
    """The link to the real board, for what a run would take there; it changes no code."""

    baudrate: float = Field(3e6, description="Bits per second.", gt=0)
    turnaround: float = Field(
        1e-3, description="Seconds from request to answer (board reference 4.3: USB).", ge=0
    )


def _as_preset(value: object) -> object:
    return load_preset(value) if isinstance(value, str) else value


class ExperimentConfig(Section):
    """What every experiment has."""

    seed: int = Field(1, description="Seed of everything random in the run.", ge=0)
    chip: Annotated[ChipPreset, BeforeValidator(_as_preset)] = Field(
        description="Chip of the emulator: the name of a preset, or chip.noise and so on."
    )
    train: TrainConfig
    mapping: MappingConfig
    point: PointConfig = PointConfig()
    log: LogConfig = LogConfig()
    link: LinkConfig = LinkConfig()


Config = TypeVar("Config", bound=Section)


def apply_settings(config: Config, settings: Iterable[str]) -> Config:
    """Return the configuration with `key=value` settings applied, in order.

    Raises
    ------
    SettingError
        If a setting has no `=`, names no field, or its value is not allowed.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise SettingError(f"--set {setting!r}: write key=value, for example train.lr=0.02")
        config = _apply(config, key.strip(), _value(text.strip()))
    return config


def setting_names(config: Section) -> list[str]:
    """Return every key that `apply_settings` takes."""
    return [*_keys(config.model_dump()), "chip"]


def _apply(config: Config, key: str, value: Any) -> Config:
    values = config.model_dump()
    *path, last = key.split(".")
    node: Any = values
    for part in path:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        names = sorted(_keys(values), key=lambda name: name.startswith("chip."))
        near = get_close_matches(key, names, n=1)
        hint = f"did you mean {near[0]}? Settings: " if near else "choose one of "
        raise SettingError(f"--set {key}: no such setting; {hint}{', '.join(names)}")
    if isinstance(node[last], dict) and key != "chip":
        raise SettingError(
            f"--set {key}: that is a group; set one of {', '.join(_keys(node[last], key + '.'))}"
        )
    node[last] = value
    try:
        return type(config).model_validate(values)
    except ValidationError as error:
        raise SettingError(f"--set {key}={value}: {error.errors()[0]['msg']}") from error


def _keys(values: dict[str, Any], prefix: str = "") -> list[str]:
    names: list[str] = []
    for key, value in values.items():
        names += _keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
    return names


def _value(text: str) -> Any:
    """Read a value as JSON where it is JSON (numbers, true, false), else as text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
