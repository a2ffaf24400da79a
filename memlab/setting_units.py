"""Types of settings with a unit: volts, siemens, seconds.

A field says its unit by its type, `read_voltage: Volts = Field(0.2, description="...", gt=0)`, and
in no other way; what has no unit is a `Unitless`. `memlab.setting_list` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

__all__ = [
    "Amperes",
    "Ohms",
    "OneOf",
    "Seconds",
    "Siemens",
    "Unitless",
    "Volts",
    "VoltsPerSiemens",
    "in_unit",
    "unit_of",
]


def in_unit(unit: str) -> Any:
    """Return what makes a type a number in this unit: `Annotated[float, in_unit("V")]`."""
    return Field(json_schema_extra={"unit": unit})


def unit_of(field: FieldInfo) -> str | None:
    """Return the unit that a field declares; None where it declares none."""
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, dict) else None
    return None if unit is None else str(unit)


@dataclass(frozen=True)
class OneOf:
    """Says of a text that it is one of some names, which are looked up when somebody asks.

    Parameters
    ----------
    names
        Returns them.
    """

    names: Callable[[], Iterable[str]]


Volts = Annotated[float, in_unit("V")]
Seconds = Annotated[float, in_unit("s")]
Siemens = Annotated[float, in_unit("S")]
Amperes = Annotated[float, in_unit("A")]
Ohms = Annotated[float, in_unit("ohm")]
VoltsPerSiemens = Annotated[float, in_unit("V/S")]
Unitless = Annotated[float, in_unit("1")]
"""A number without a unit."""
