"""What every group of parameters is: frozen numbers with unit, range, meaning and source."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from memlab.setting_values import WithUnits

__all__ = ["ASSUMED", "Parameters", "quantity"]

ASSUMED = "assumed: no published number for this chip"
"""Source of a number that is a choice of this project, to be replaced by a measurement."""

_MOST = {"V": 100.0, "A": 10.0, "S": 1.0, "S/V": 1.0, "S/decade": 1.0, "ohm": 1e6, "LSB": 65536.0}
"""Of quantities that do not say it: more than any chip or board has, and numbers stay finite."""


class Parameters(WithUnits):
    """A group of parameters in SI units; unknown names are refused.

    Every effect has one group, whose defaults switch the effect off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def quantity(
    default: float,
    unit: str,
    description: str,
    *,
    source: str = ASSUMED,
    ge: float | None = 0.0,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """Declare a number: its default, unit ("1" for none), meaning, source and range."""
    return Field(
        default,
        description=description,
        json_schema_extra={"unit": unit, "source": source},
        ge=None if gt is not None else ge,
        gt=gt,
        le=_MOST.get(unit) if le is None else le,
    )
