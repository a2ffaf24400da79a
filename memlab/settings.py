"""Settings: every number with its description, checked before anything is touched.

`--set train.lr=0.02` changes one of them; a wrong key or value is refused in one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from drivers.known_names import at_place, dotted_names, near_names
from memlab.chip.limits import OperatingPoint
from memlab.emulator import ChipPreset, load_preset
from memlab.errors import SettingError
from memlab.setting_units import Seconds, Volts, in_unit
from memlab.setting_values import WithUnits, refusal, unit_at

__all__ = [
    "ChipSetting",
    "Choice",
    "LinkConfig",
    "PointConfig",
    "Section",
    "apply_settings",
    "merge_settings",
    "setting_names",
    "setting_unit",
]


class Section(WithUnits):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Choice(Section):
    """A group whose members depend on one of them: another choice comes with its own defaults.

    Where it is a member, its type says how the class of a choice is found.
    """

    chosen_by: ClassVar[str]
    """Name of the member that chooses."""


class PointConfig(Section):
    """Voltages and widths of reading and programming; see `memlab.OperatingPoint`."""

    read_voltage: Volts = Field(0.2, description="Row voltage of read and VMM.", gt=0)
    read_gate_voltage: Volts = Field(5.0, description="Gate voltage of read and VMM.", gt=0)
    set_voltage: Volts = Field(2.5, description="SET amplitude.", gt=0)
    reset_voltage: Volts = Field(1.7, description="RESET amplitude.", gt=0)
    reset_gate_voltage: Volts = Field(5.0, description="Gate voltage of RESET.", gt=0)
    set_width: Seconds = Field(1e-6, description="SET pulse width.", gt=0)
    reset_width: Seconds = Field(1e-6, description="RESET pulse width.", gt=0)

    def make_point(self) -> OperatingPoint:
        """Return the operating point with these settings."""
        return OperatingPoint(**self.model_dump())


class LinkConfig(Section):
    """The link to the real board, for what a run would take there; it changes no code."""

    baudrate: Annotated[float, in_unit("bit/s")] = Field(3e6, description="Of the link.", gt=0)
    turnaround: Seconds = Field(
        1e-3, description="From request to answer (board reference 4.3: USB).", ge=0
    )


def _as_preset(value: object) -> object:
    """Return the preset of a name; anything else as it is."""
    return load_preset(value) if isinstance(value, str) else value


ChipSetting = Annotated[ChipPreset, BeforeValidator(_as_preset)]
"""Type of a setting that is a chip; the name of a preset is one too."""

Config = TypeVar("Config", bound=Section)


def apply_settings(config: Config, settings: Iterable[str]) -> Config:
    """Return the configuration with `key=value` settings applied, in order.

    A whole, such as `chip=ta-hfo2`, comes before its parts wherever it stands: it would undo them.
    So does what chooses among groups, such as `update.rule=one-shot`.

    Raises
    ------
    SettingError
        If a setting has no `=`, names no field, or its value is not allowed.
    """
    split = []
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise SettingError(f"--set {setting!r}: write key=value, for example train.lr=0.02")
        split.append((key.strip(), text.strip()))
    choosers = _choosers(config)
    for key, text in sorted(split, key=lambda pair: (pair[0].count("."), pair[0] not in choosers)):
        config = _apply(config, key, _value(text))
    return config


def _choosers(config: Section) -> dict[str, str]:
    """Return the names of settings that choose a group, and of the groups."""
    members = {name: getattr(config, name) for name in type(config).model_fields}
    return {
        f"{name}.{one.chosen_by}": name for name, one in members.items() if isinstance(one, Choice)
    }


def merge_settings(config: Config, values: Mapping[str, Any], where: str) -> Config:
    """Return the configuration with nested values put over its own, checked as a whole.

    Parameters
    ----------
    config
        What is not given stays as it is here.
    values
        Any part of the settings; a chip may be the name of a preset.
    where
        Where they come from, for the error.

    Raises
    ------
    SettingError
        If a name is no setting, or a value is not allowed.
    """
    for key, name in _choosers(config).items():
        group = values.get(name)
        if isinstance(group, Mapping) and key.rpartition(".")[2] in group:
            config = _apply(config, key, group[key.rpartition(".")[2]], where)
    whole = config.model_dump()
    _merge(whole, values, "", whole, where)
    try:
        return type(config).model_validate(whole)
    except ValidationError as error:
        name, said = refusal(error, config)
        raise SettingError(f"{where}: {name}: {said}".replace(": : ", ": ")) from error


def _merge(
    node: dict[str, Any], values: Mapping[str, Any], prefix: str, whole: dict[str, Any], where: str
) -> None:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if name not in node:
            raise SettingError(f"{where}: {key}: no such setting; {_what_there_is(key, whole)}")
        if isinstance(node[name], dict) and isinstance(value, Mapping):
            _merge(node[name], value, f"{key}.", whole, where)
        elif isinstance(node[name], dict) and key != "chip":
            raise SettingError(
                f"{where}: {key}: that is a group; set one of {at_place(key, whole)}"
            )
        else:
            node[name] = value


def setting_names(config: Section) -> list[str]:
    """Return every key that `apply_settings` takes."""
    values = config.model_dump()
    return dotted_names(values) + (["chip"] if "chip" in values else [])


def setting_unit(config: Section, key: str) -> str | None:
    """Return the unit of a setting; None where it has none, or is none."""
    return unit_at(config, key.split("."))


def _apply(config: Config, key: str, value: Any, where: str = "--set") -> Config:
    values = config.model_dump()
    *path, last = key.split(".")
    node: Any = values
    for part in path:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict) or last not in node:
        raise SettingError(f"--set {key}: {_no_such(key, config, values)}")
    if isinstance(node[last], dict) and key != "chip":
        raise SettingError(f"--set {key}: that is a group; set one of {at_place(key, values)}")
    before = node[last]
    if isinstance(value, int) and abs(value) >= 2**63:
        raise SettingError(f"--set {key}={value}: a whole number must be below 2**63")
    if key in _choosers(config) and value != before:
        node.clear()
    node[last] = value
    try:
        return type(config).model_validate(values)
    except ValidationError as error:
        said = refusal(error, config)[1]
        shown = str(value).lower() if isinstance(value, bool) else value
        raise SettingError(f"{where} {key}={shown}: {said}") from error


def _no_such(key: str, config: Section, values: dict[str, Any]) -> str:
    """Say what there is instead; of a choice, what it alone has."""
    for chooser, group in _choosers(config).items():
        if key.startswith(f"{group}."):
            own = values[group]
            # The group's name is not spelt: all its settings would be alike.
            near = [f"{group}.{name}" for name in near_names(key.removeprefix(f"{group}."), own)]
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            return (
                f"no such setting of {chooser}={own[chooser.rpartition('.')[2]]}; {hint}there are "
                f"{at_place(key, values)} (others with another {chooser})"
            )
    return f"no such setting; {_what_there_is(key, values)}"


def _what_there_is(key: str, values: dict[str, Any]) -> str:
    near = near_names(key, values)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    there = at_place(key, values)
    groups = [name for name in values if isinstance(values[name], dict) and name != "chip"]
    if key.startswith("chip."):
        there += " (memlab chip show NAME lists all of a chip)"
    elif groups and "." not in key:
        there += f" (--set {groups[0]}=? lists the group {groups[0]})"
    return f"{hint}there are {there}"


def _value(text: str) -> Any:
    """Read a value as JSON where it is JSON (numbers, true, false), else as text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
