"""What of one chip is not the default: a table of its TOML file, and a group of a run's settings.

Whatever is not there stays as it was.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict

from memlab.setting_units import in_unit
from memlab.setting_values import WithUnits

__all__ = ["TableChanges", "Voltage", "Width"]

Voltage = Annotated[float | None, in_unit("V")]
Width = Annotated[float | None, in_unit("s")]


class TableChanges(WithUnits):
    """The values of a table; None for those that it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    group: ClassVar[str]
    """Name of the table."""

    def given(self) -> dict[str, float]:
        """Return what is there, by name."""
        return self.model_dump(exclude_none=True)

    def settings(self) -> tuple[str, ...]:
        """Return what is there as settings of a run."""
        return tuple(f"{self.group}.{name}={value!r}" for name, value in self.given().items())
