"""Limits of one chip: those that differ from the defaults, in its TOML file or a file of their own.

    [limits]
    set_voltage = 3.6        # V; this chip forms above 3 V
    forming_gate_voltage = 1.2

Whatever is not there stays as it was. Of several sources the later ones win: the defaults of
`Limits`, the chip's file, the run that `--config` repeats, `--limits FILE`,
`--set limits.set_voltage=3.6`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from drivers.known_names import unknown
from memlab.chip.limits import LIMIT_MEANINGS, Limits
from memlab.chip.table_changes import TableChanges, Voltage, Width
from memlab.errors import SettingError
from memlab.setting_units import in_unit
from memlab.setting_values import refusal
from memlab.storage import require_file

__all__ = ["LimitChanges", "read_limits"]

_Current = Annotated[float | None, in_unit("A")]
_Energy = Annotated[float | None, in_unit("J")]


class LimitChanges(TableChanges):
    """What a chip may see, where that is not the default; see `memlab.Limits` for the reasons."""

    group = "limits"

    read_voltage: Voltage = Field(None, description=LIMIT_MEANINGS["read_voltage"], ge=0)
    gate_voltage: Voltage = Field(None, description=LIMIT_MEANINGS["gate_voltage"], ge=0)
    set_gate_voltage: Voltage = Field(None, description=LIMIT_MEANINGS["set_gate_voltage"], ge=0)
    set_voltage: Voltage = Field(None, description=LIMIT_MEANINGS["set_voltage"], ge=0)
    reset_voltage: Voltage = Field(None, description=LIMIT_MEANINGS["reset_voltage"], ge=0)
    minimum_width: Width = Field(None, description=LIMIT_MEANINGS["minimum_width"], ge=0)
    maximum_width: Width = Field(None, description=LIMIT_MEANINGS["maximum_width"], ge=0)
    cell_current: _Current = Field(None, description=LIMIT_MEANINGS["cell_current"], ge=0)
    pulse_energy: _Energy = Field(None, description=LIMIT_MEANINGS["pulse_energy"], ge=0)
    row_current: _Current = Field(None, description=LIMIT_MEANINGS["row_current"], ge=0)
    set_row_current: _Current = Field(None, description=LIMIT_MEANINGS["set_row_current"], ge=0)
    reset_row_current: _Current = Field(None, description=LIMIT_MEANINGS["reset_row_current"], ge=0)
    forming_gate_voltage: Voltage = Field(
        None, description=LIMIT_MEANINGS["forming_gate_voltage"], ge=0
    )

    def over(self, limits: Limits) -> Limits:
        """Return limits with these changes."""
        return limits.changed(**self.given())


def read_limits(path: Path) -> LimitChanges:
    """Read the table `[limits]` of a TOML file, which may be a chip's.

    Raises
    ------
    SettingError
        If the file cannot be read, has no such table, or one of the limits in it is none.
    """
    where = f"--limits {path}"
    try:
        require_file(path)
        values = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("limits")
    except OSError as error:
        raise SettingError(f"{where}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingError(f"{where} is not valid TOML: {error}") from error
    if values == {}:
        raise SettingError(
            f"{where}: its table [limits] says nothing; take the # from a line of it"
        )
    if not isinstance(values, dict):
        raise SettingError(
            f"{where} has no table [limits] (set_voltage = 3.6 and so on, in SI units)"
        )
    for name in values:
        if name not in LimitChanges.model_fields:
            raise SettingError(f"{where}: {unknown('limit', name, LimitChanges.model_fields)}")
    try:
        return LimitChanges.model_validate(values, strict=True)
    except ValidationError as error:
        raise SettingError(
            f"{where}: {': '.join(filter(None, refusal(error, LimitChanges)))}"
        ) from error
