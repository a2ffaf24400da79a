"""Chip presets: what a chip is made of, each number with its unit and its source.

A preset is a TOML file; `ChipPreset` says what may stand in it. `extends` names presets or parts
whose values a file starts from (later ones win, its own values win over all), and the table
`[sources]` says where single numbers come from. The built-in ones lie in `memlab/emulator/presets`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from drivers.known_names import at_place, near_names, unknown
from memlab.chip.budget_changes import BudgetChanges
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.point_changes import PointChanges
from memlab.chip.shape import PUBLISHED, parse_shape, shape_text
from memlab.emulator.cells.conduction import NonlinearityParameters, TransistorParameters
from memlab.emulator.cells.defects import DefectParameters
from memlab.emulator.cells.drift import DriftParameters
from memlab.emulator.cells.fluctuation import ReadNoiseParameters
from memlab.emulator.cells.forming import FormingParameters
from memlab.emulator.cells.relaxation import RelaxationParameters
from memlab.emulator.cells.switching import (
    ResetParameters,
    SetParameters,
    progress,
    soft_level,
)
from memlab.emulator.cells.variability import SpreadParameters
from memlab.emulator.cells.wear import WearParameters
from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.passive import PassiveParameters
from memlab.emulator.profile import BoardProfile, WireParameters
from memlab.errors import SettingError
from memlab.setting_values import refusal
from memlab.storage import require_file

__all__ = [
    "BUILT_IN",
    "FRESH",
    "PASSIVE",
    "ChipPreset",
    "ParameterRow",
    "leaves",
    "load_preset",
    "preset_rows",
    "timing_settings",
]

BUILT_IN = ("ideal", "ta-hfo2", "pt-taox-ta", "ta-hfo2-full", "pt-taox-ta-full", "worst-case")
PASSIVE = ("passive-tiox",)
"""Presets of arrays without transistors."""
FRESH = ("fresh-ta-hfo2", "fresh-pt-taox-ta", "fresh-ta-hfo2-full", "fresh-pt-taox-ta-full")
"""Presets whose cells are unformed; else as the others."""


_LARGEST, _DEEPEST = 1 << 20, 8
"""Bytes of a preset, and tables within each other; ours have 3 kB and three."""


def _required(unit: str, description: str, *, ge: float, le: float | None = None) -> Any:
    return Field(description=description, json_schema_extra={"unit": unit}, ge=ge, le=le)


def _one_shape(text: str) -> str:
    try:
        return shape_text(parse_shape(text))
    except SettingError as error:
        raise ValueError(str(error)) from error


class ChipPreset(Parameters):
    """The parameters of one kind of chip and its board, in SI units.

    The seven at the top are the device models published with Li 2019 and Wang 2019; every group
    below is one effect, off unless a preset switches it on. `limits` says what such a chip may see
    where that is not the default (`memlab.Limits`), `point` with which voltages it is used,
    and `budgets` how often cells may be pulsed.
    """

    name: str = Field(description="Name of the preset.")
    source: str = Field(description="Where the numbers come from.")
    shape: Annotated[str, AfterValidator(_one_shape)] = Field(
        shape_text(PUBLISHED),
        description="Rows and columns, for example 64x64.",
        json_schema_extra={
            "unit": "1",
            "source": "Li 2019, Wang 2019: 128 x 64",
            "pattern": "^[1-9][0-9]*x[1-9][0-9]*$",
        },
    )
    set_slope: Annotated[
        float, _required("S/V", "Conductance after SET per volt of gate voltage.", ge=0, le=5e-3)
    ]
    set_offset: Annotated[
        float,
        _required("S", "Conductance after SET, extrapolated to 0 V gate.", ge=-5e-3, le=5e-3),
    ]
    reset_conductance: Annotated[
        float, _required("S", "Mean conductance after a full RESET.", ge=0, le=5e-3)
    ]
    noise: Annotated[
        float,
        _required("S", "Standard deviation added to a cell by each pulse it receives.", ge=0),
    ]
    non_responsive: Annotated[
        float,
        _required("1", "Fraction of cells that no pulse changes (they stay at 0 S).", ge=0, le=1),
    ]
    set_saturation: float = quantity(
        0.0, "S", "Level s of the saturating SET law s (1 - exp(-linear / s)); 0: linear.", le=5e-3
    )
    set_onset: float = quantity(
        0.0,
        "S",
        "Scale s of the soft onset s log(1 + exp(linear / s)) of the SET law, before it saturates; "
        "0: linear, also below 0 S.",
        le=5e-3,
    )
    temperature: float = quantity(
        300.0, "K", "Of chip and board.", source="room temperature", ge=1.0, le=1000.0
    )
    set: SetParameters = SetParameters()
    reset: ResetParameters = ResetParameters()
    spread: SpreadParameters = SpreadParameters()
    defects: DefectParameters = DefectParameters()
    forming: FormingParameters = FormingParameters()
    wear: WearParameters = WearParameters()
    drift: DriftParameters = DriftParameters()
    relaxation: RelaxationParameters = RelaxationParameters()
    read_noise: ReadNoiseParameters = ReadNoiseParameters()
    nonlinearity: NonlinearityParameters = NonlinearityParameters()
    transistor: TransistorParameters = TransistorParameters()
    passive: PassiveParameters = PassiveParameters()
    wires: WireParameters = WireParameters()
    board: BoardProfile = Field(default_factory=BoardProfile)
    limits: LimitChanges = LimitChanges()
    point: PointChanges = PointChanges()
    budgets: BudgetChanges = BudgetChanges()

    @model_validator(mode="after")
    def _one_relaxation(self) -> Self:
        if self.relaxation.times and (self.drift.relaxation or self.drift.relaxation_mean):
            raise ValueError(
                "relaxation.times holds a measured relaxation: drift.relaxation and "
                "drift.relaxation_mean must be 0"
            )
        return self

    @model_validator(mode="after")
    def _passive_cells(self) -> Self:
        if self.passive.scheme == "none":
            return self
        if not (self.set.rate and self.reset.rate):
            raise ValueError("cells of a passive array need set.rate and reset.rate, above 0")
        for name in ("transistor.slope", "set.stop_voltage", "nonlinearity.voltage"):
            if self.parameter(name):
                raise ValueError(
                    f"a passive array has ohmic cells without transistors: {name} must be 0"
                )
        return self

    @property
    def lines(self) -> tuple[int, int]:
        """(rows, columns) of such a chip."""
        return parse_shape(self.shape)

    def set_from_reset(self, voltage: float, width: float) -> float:
        """Return what a SET (V, s) leaves of a typical cell without a gate after a RESET, in S."""
        part = float(progress(self.set, np.asarray(voltage), np.asarray(width)))
        return self.reset_conductance + part * self._span

    def increment(self, voltage: float, width: float) -> float:
        """Return by how much (S) a pulse (V, s) moves a typical cell without a gate, halfway up.

        SETs have positive voltages, RESETs negative ones, as the change that is returned.
        """
        law = self.set if voltage > 0.0 else self.reset
        part = float(progress(law, np.asarray(abs(voltage)), np.asarray(width)))
        return 0.5 * float(np.sign(voltage)) * part * self._span

    @property
    def _span(self) -> float:
        """From where RESETs of cells without gates end to where SETs do, in S."""
        level = float(soft_level(np.asarray(self.set_offset), self.set_onset, self.set_saturation))
        return max(level - self.reset_conductance, 0.0)

    def parameter(self, name: str) -> float:
        """Return a number by its name, a nested one by its dotted name."""
        node: Any = self
        for part in name.split("."):
            node = getattr(node, part)
        return float(node)

    def replace(self, /, **changes: object) -> ChipPreset:
        """Return a copy with some parameters changed, a nested one by its dotted name.

        Raises
        ------
        SettingError
            If there is no such parameter, or its value is not allowed.
        """
        values = self.model_dump()
        for name, value in changes.items():
            _put(values, name, value, f"chip {self.name!r}")
        return _validate(values, f"chip {self.name!r}")


@dataclass(frozen=True)
class ParameterRow:
    """One parameter of a preset, for people to read."""

    name: str
    value: float | int | str | tuple[Any, ...]
    unit: str
    description: str
    source: str


def load_preset(name: str) -> ChipPreset:
    """Load a built-in preset by name, or a preset of one's own by the path of its TOML file.

    Raises
    ------
    SettingError
        If there is no such preset, or it holds a wrong or unknown parameter.
    """
    return _validate(_document(name)[0], f"chip {name!r}")


def timing_settings(profile: str) -> list[str]:
    """Return `chip.board.timing.*=value` settings of a board profile.

    Parameters
    ----------
    profile
        `plain` (one serial bus), `parallel` (16 data lines), or the path of a TOML file with a
        table `[board.timing]`.
    """
    parts = {"plain": "parts/board-timing", "parallel": "parts/board-timing-parallel"}
    if profile not in parts and not profile.endswith(".toml"):
        raise SettingError(f"{unknown('board profile', profile, parts)}, or a .toml file")
    board = _document(parts.get(profile, profile))[0].get("board")
    timing = board.get("timing") if isinstance(board, dict) else None
    if not timing or not isinstance(timing, dict):
        raise SettingError(f"board profile {profile!r} has no table [board.timing]")
    return [f"chip.board.timing.{key}={value}" for key, value in timing.items()]


def preset_rows(name: str) -> list[ParameterRow]:
    """Return every parameter of a preset with value, unit, meaning and source.

    The source is the one that a file gives for this very number; else, for the device model at the
    top, that of the file which sets it; else where the law comes from. Errors as in `load_preset`.
    """
    values, sources = _document(name)
    sources = _document("parts/board-timing")[1] | sources
    rows = []
    for key, field, value in _fields(_validate(values, f"chip {name!r}")):
        if value is None:  # a limit or voltage that is as by default
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        source = sources.get(key, str(extra.get("source", "")))
        unit, description = str(extra.get("unit", "")), str(field.description)
        rows.append(ParameterRow(key, value, unit, description, source))
    return rows


def _fields(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _fields(value, f"{prefix}{name}.")
        else:
            yield prefix + name, field, value


def _document(
    name: str, base: Path | None = None, below: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read a preset and what it extends; return its values and its sources.

    `base` is the folder of the file that names it, `below` the chain of files that led here.
    """
    values = _parse(_text(name, base), name)
    merged: dict[str, Any] = {}
    sources: dict[str, str] = {}
    extends = values.pop("extends", [])
    own_sources = values.pop("sources", {})
    if not isinstance(own_sources, dict) or not all(
        isinstance(source, str) for source in own_sources.values()
    ):
        raise SettingError(f"chip {name!r}: sources: must be a table of names and texts")
    parents = [extends] if isinstance(extends, str) else extends
    if not isinstance(parents, list) or not all(isinstance(parent, str) for parent in parents):
        raise SettingError(f"chip {name!r}: extends: must be a list of presets, not {extends!r}")
    if name.endswith(".toml"):
        base = Path(name).parent if base is None else (base / name).parent
        # Not its parent's: a virtual board's serial number, and so its passport, follow from it.
        values.setdefault("name", re.sub(r"[^A-Za-z0-9._-]", "-", Path(name).stem))
    chain = (*below, name)
    for parent in parents:
        if Path(parent).name in (Path(link).name for link in chain):
            raise SettingError(f"chip {name!r}: extends: {' -> '.join((*chain, parent))} is a loop")
        parent_values, parent_sources = _document(parent, base, chain)
        merged = _merge(merged, parent_values)
        sources |= parent_sources
    # A source belongs to the number beside it: a file that changes the number drops it.
    for key, _ in leaves(values):
        sources.pop(key, None)
        if "." not in key and "source" in values:
            sources[key] = str(values["source"])
    return _merge(merged, values), sources | own_sources


def _parse(text: str, name: str) -> dict[str, Any]:
    """Return the tables of a TOML file; not deeper than those of a preset, which is walked."""
    try:
        values = tomllib.loads(text)
        if _depth(values) > _DEEPEST:
            raise RecursionError
    except RecursionError as error:
        raise SettingError(
            f"chip preset {name!r} has tables or lists within each other more than {_DEEPEST} deep"
        ) from error
    except ValueError as error:  # also of an integer with thousands of digits
        raise SettingError(f"chip preset {name!r} is not valid TOML: {error}") from error
    return values


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _text(name: str, base: Path | None) -> str:
    if name.endswith(".toml"):
        path = Path(name) if base is None else base / name
        try:
            require_file(path)
            with path.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise SettingError(f"{name!r} is no chip preset: it has more than {_LARGEST} bytes")
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except OSError as error:
            raise SettingError(f"cannot read the chip preset {name!r}: {error.strerror}") from error
        except ValueError as error:  # no text
            raise SettingError(f"chip preset {name!r} is not valid TOML: {error}") from error
    file = resources.files("memlab.emulator").joinpath("presets", *f"{name}.toml".split("/"))
    if name in (*BUILT_IN, *FRESH, *PASSIVE) or (name.startswith("parts/") and file.is_file()):
        return file.read_text(encoding="utf-8")
    raise SettingError(
        f"{unknown('chip', name, (*BUILT_IN, *FRESH, *PASSIVE))}, or a path to a .toml file"
    )


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def leaves(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is in nested tables, each with its dotted name."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _put(values: dict[str, Any], name: str, value: object, what: str) -> None:
    *groups, last = name.split(".")
    node: Any = values
    for group in groups:
        node = node.get(group) if isinstance(node, dict) else None
    if not isinstance(node, dict) or (groups and last not in node):
        raise SettingError(_no_parameter(name, values, what))
    node[last] = value


def _validate(values: dict[str, Any], what: str) -> ChipPreset:
    try:
        return ChipPreset.model_validate(values)
    except ValidationError as error:
        # What a file says wrong comes before what it does not say.
        first = min(error.errors(), key=lambda one: one["type"] == "missing")
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = load_preset("ideal").model_dump()
            raise SettingError(_no_parameter(key, known, what)) from error
        raise SettingError(
            f"{what}: {': '.join(filter(None, refusal(error, ChipPreset)))}"
        ) from error


def _no_parameter(name: str, values: dict[str, Any], what: str) -> str:
    near = near_names(name, values)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return (
        f"{what}: {name}: no such parameter; {hint}there are {at_place(name, values)} "
        "(memlab chip show NAME lists all)"
    )
