"""The operating point of one chip: what of it is not the default, in its TOML file.

    [point]
    read_voltage = 0.1       # V
    set_voltage = 2.8

It is what commands begin with; their `--config` and `--set point.read_voltage=0.15` come after it.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from memlab.chip.limits import OperatingPoint
from memlab.chip.table_changes import TableChanges, Voltage, Width

__all__ = ["PointChanges"]


class PointChanges(TableChanges):
    """Voltages and widths of reading and programming, where they are not the default."""

    group = "point"

    read_voltage: Voltage = Field(None, description="Row voltage of read and VMM.", gt=0)
    read_gate_voltage: Voltage = Field(None, description="Gate voltage of read and VMM.", gt=0)
    set_voltage: Voltage = Field(None, description="SET amplitude.", gt=0)
    reset_voltage: Voltage = Field(None, description="RESET amplitude.", gt=0)
    reset_gate_voltage: Voltage = Field(None, description="Gate voltage of RESET.", gt=0)
    set_width: Width = Field(None, description="SET pulse width.", gt=0)
    reset_width: Width = Field(None, description="RESET pulse width.", gt=0)

    def over(self, point: OperatingPoint) -> OperatingPoint:
        """Return an operating point with these changes."""
        return replace(point, **self.given())
