"""The operating point of one chip: what of it is not the default, in its TOML file.

    [point]
    read_voltage = 0.1       # V
    set_voltage = 2.8

It is what commands begin with; their `--config` and `--set point.read_voltage=0.15` come after it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from memlab.chip.limits import OperatingPoint
from memlab.setting_units import in_unit

__all__ = ["PointChanges"]

_Voltage = Annotated[float | None, in_unit("V")]
_Width = Annotated[float | None, in_unit("s")]


class PointChanges(BaseModel):
    """Voltages and widths of reading and programming, where they are not the default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    read_voltage: _Voltage = Field(None, description="Row voltage of read and VMM.", gt=0)
    read_gate_voltage: _Voltage = Field(None, description="Gate voltage of read and VMM.", gt=0)
    set_voltage: _Voltage = Field(None, description="SET amplitude.", gt=0)
    reset_voltage: _Voltage = Field(None, description="RESET amplitude.", gt=0)
    reset_gate_voltage: _Voltage = Field(None, description="Gate voltage of RESET.", gt=0)
    set_width: _Width = Field(None, description="SET pulse width.", gt=0)
    reset_width: _Width = Field(None, description="RESET pulse width.", gt=0)

    def given(self) -> dict[str, float]:
        """Return what is there, by name."""
        return self.model_dump(exclude_none=True)

    def settings(self) -> tuple[str, ...]:
        """Return what is there as settings of a run."""
        return tuple(f"point.{name}={value!r}" for name, value in self.given().items())

    def over(self, point: OperatingPoint) -> OperatingPoint:
        """Return an operating point with these changes."""
        return replace(point, **self.given())
