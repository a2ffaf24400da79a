"""Every setting of a configuration, for people and programs: value, unit, meaning, what is allowed.

What is listed is what `--set` takes, read from the declaration of each field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from memlab.setting_units import unit_of
from memlab.setting_values import allowed_words, types_of

__all__ = ["SettingRow", "list_settings"]


@dataclass(frozen=True)
class SettingRow:
    """One setting.

    Parameters
    ----------
    name
        As `--set` takes it.
    default
        Where nobody says anything, as a plain value: number, text, true or false, list, None.
    value
        What a run would have now; the default where nothing else was asked for.
    unit
        "1" for none; "" where it is no number.
    meaning
        In a sentence.
    allowed
        Its type and range, or its choices.
    """

    name: str
    default: Any
    value: Any
    unit: str
    meaning: str
    allowed: str


def list_settings(default: BaseModel, now: BaseModel | None = None) -> list[SettingRow]:
    """Return every setting of a configuration; those of a chip come last.

    Parameters
    ----------
    default
        The configuration where nobody says anything.
    now
        One of the same class with what was asked for.
    """
    rows = list(_rows(default, default if now is None else now, ""))
    return sorted(rows, key=lambda row: row.name.partition(".")[0] == "chip")


def _rows(default: BaseModel, now: BaseModel, prefix: str) -> Iterator[SettingRow]:
    if type(now) is not type(default):
        default = _default_like(now, default)
    for name, field in type(now).model_fields.items():
        before, value = getattr(default, name), getattr(now, name)
        if isinstance(before, BaseModel):
            # A whole with a name, as a chip, is a setting too.
            if hasattr(before, "name") and hasattr(value, "name"):
                meaning, allowed = str(field.description), "a preset, or a .toml file of one's own"
                yield SettingRow(prefix + name, before.name, value.name, "", meaning, allowed)
            yield from _rows(before, value, f"{prefix}{name}.")
        else:
            plain, changed = _plain(before), _plain(value)
            about = _unit(field), str(field.description), allowed_words(field)
            yield SettingRow(prefix + name, plain, changed, *about)


def _default_like(now: BaseModel, default: BaseModel) -> BaseModel:
    """Return the defaults of a group of another class, but for what both classes have in common."""
    common = next(one for one in type(default).__mro__ if isinstance(now, one))
    shared = {name: getattr(default, name) for name in getattr(common, "model_fields", {})}
    return type(now)().model_copy(update=shared)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _unit(field: FieldInfo) -> str:
    declared = unit_of(field)
    if declared is not None:
        return declared
    # What counts something has no unit; a quantity must declare one.
    return "1" if int in types_of(field.annotation) else ""
