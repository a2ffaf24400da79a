"""What a setting takes: in words, for people, and as text with its unit, from them.

`5uS` is a number to a setting in S, `1.4V` to one in V; without a unit a number is in SI units.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from math import isfinite
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ValidationError, model_validator
from pydantic.fields import FieldInfo

from memlab.setting_units import OneOf, unit_of

__all__ = ["WithUnits", "allowed_words", "refusal", "types_of", "unit_at", "with_unit"]

_PREFIXES = {
    **{"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12},
    **{"\N{MICRO SIGN}": -6, "\N{GREEK SMALL LETTER MU}": -6},
}
"""Powers of ten."""
_OHMS = str.maketrans({"\N{OHM SIGN}": "ohm", "\N{GREEK CAPITAL LETTER OMEGA}": "ohm"})
_NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)\s*(\D.*)")

_RANGE = {"ge": "from", "gt": "above", "le": "up to", "lt": "below"}
_COUNT = {"min_length": "at least", "max_length": "at most"}
"""Names of pydantic's constraints, and how they are read."""


class WithUnits(BaseModel):
    """Settings whose numbers may be given as text with their unit."""

    @model_validator(mode="before")
    @classmethod
    def _read_units(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: _read(cls.model_fields.get(name), value) for name, value in values.items()}


def _read(field: FieldInfo | None, value: Any) -> Any:
    """Return the numbers of a field that are given with its unit; what is none stays.

    `true` is a word in place of a number, which is refused: pydantic would take it for 1.
    """
    if field is None:
        return value
    if isinstance(value, list | tuple):
        return [_read(field, one) for one in value]
    kinds = {*types_of(field.annotation)}
    if isinstance(value, bool | np.bool_) and {int, float} & kinds and not {bool, str} & kinds:
        return str(value).lower()
    unit = unit_of(field)
    if unit is None:
        return value
    number = with_unit(value, unit) if isinstance(value, str) else None
    return value if number is None else number


def with_unit(text: str, unit: str) -> float | None:
    """Return the number in a text like `5uS`; None where it is not one in this unit."""
    found = _NUMBER.fullmatch(text.strip().translate(_OHMS))
    if found is None or unit == "1" or not found[2].endswith(unit):
        return None
    power = _PREFIXES.get(found[2].removesuffix(unit))
    if power is None:
        return None
    exact = Decimal(found[1]).scaleb(power)
    number = float(exact)
    # What float64 cannot hold, large or small, is none: 1e-400uS is not 0 S.
    return number if isfinite(number) and bool(number) == bool(exact) else None


def refusal(error: ValidationError, model: BaseModel | type[BaseModel]) -> tuple[str, str]:
    """Return the dotted name of what a model refused first, and what it takes.

    What a file says wrong comes before what it does not say.
    """
    first = min(error.errors(), key=lambda one: one["type"] == "missing")
    field = _field_at(model, first["loc"])
    name = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
    own = first["type"] in ("value_error", "assertion_error", "missing", "extra_forbidden")
    if own or field is None:
        return name, first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return name, f"that takes {_takes(field)}"


def unit_at(model: BaseModel | type[BaseModel], place: Sequence[str]) -> str | None:
    """Return the unit of the field of a model, or of one below it, that is at a place."""
    field = _field_at(model, place)
    return None if field is None else unit_of(field)


def _field_at(model: BaseModel | type[BaseModel], place: Sequence[int | str]) -> FieldInfo | None:
    """Return the field of a model, or of one below it, that is at a place.

    Of an instance, groups are of the classes that they have there.
    """
    field: FieldInfo | None = None
    below: Any = model
    for part in place:
        kind = below if isinstance(below, type) else type(below)
        if not issubclass(kind, BaseModel):
            break
        if (field := kind.model_fields.get(str(part))) is None:
            return None
        own = getattr(below, str(part), None)
        below = own if isinstance(own, BaseModel) else next(iter(types_of(field.annotation)))
        if not isinstance(below, type | BaseModel):
            break
    return field


def _takes(field: FieldInfo) -> str:
    allowed, unit = allowed_words(field), unit_of(field)
    if choices_of(field):
        return f"one of {allowed}"
    several = get_origin(field.annotation) is tuple
    example = "5u" if unit in ("S", "s", "A") else ""
    if unit in (None, "1"):
        shown = " ([1, 2])" if several else ""
    elif several:
        shown = f", in {unit} ([1, 2])"
    else:
        shown = f", in {unit}" + (f" ({example}{unit})" if example else "")
    return ("" if allowed == "text" else "a ") + allowed + shown


def allowed_words(field: FieldInfo) -> str:
    """Return type and range of what a field takes, or its choices."""
    if choices := choices_of(field):
        return ", ".join(choices)
    kinds = types_of(field.annotation)
    whole = int in kinds
    what = "whole number" if whole else "number"
    if not whole and float not in kinds:
        return "text"
    limits = _words(field, _RANGE)
    if get_origin(field.annotation) is tuple:
        return f"list of{_words(field, _COUNT)} {what}s{limits}"
    none = ", or null for none" if type(None) in kinds else ""
    return f"{what}{limits}{none}"


def types_of(annotation: Any) -> tuple[Any, ...]:
    """Return the types that a value may have: the members of a union, of a list its items'."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(one for part in get_args(annotation) for one in types_of(part))
    if get_origin(annotation) is tuple:
        return types_of(get_args(annotation)[0])
    return (annotation,)


def choices_of(field: FieldInfo) -> list[str]:
    """Return the words that a field takes; none where it takes numbers or any text."""
    for mark in field.metadata:
        if isinstance(mark, OneOf):
            return list(mark.names())
    choices: list[str] = []
    for kind in types_of(field.annotation):
        if kind is bool:
            choices += ["true", "false"]
        elif get_origin(kind) is Literal:
            choices += map(str, get_args(kind))
        elif isinstance(kind, type) and issubclass(kind, Enum):
            choices += [str(one.value) for one in kind]
    return choices


def _words(field: FieldInfo, constraints: Mapping[str, str]) -> str:
    """Return the constraints of a field in words, each with a space before it."""
    found = [
        f" {word} {getattr(mark, name):g}"
        for name, word in constraints.items()
        for mark in field.metadata
        if getattr(mark, name, None) is not None
    ]
    return "".join(found)
