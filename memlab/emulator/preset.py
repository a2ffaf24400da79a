"""Chip presets: what a chip is made of, each number with its unit and its source.

A preset is a TOML file; `ChipPreset` says what may stand in it. The built-in ones lie in
`memlab/emulator/presets`.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memlab.errors import SettingError

__all__ = ["BUILT_IN", "ChipPreset", "load_preset"]

BUILT_IN = ("ideal", "ta-hfo2", "pt-taox-ta")


def _quantity(unit: str, description: str, *, ge: float, le: float | None = None) -> Any:
    return Field(description=description, json_schema_extra={"unit": unit}, ge=ge, le=le)


class ChipPreset(BaseModel):
    """The parameters of one kind of chip, in SI units."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(description="Name of the preset.")
    source: str = Field(description="Where the numbers come from.")
    set_slope: Annotated[
        float, _quantity("S/V", "Conductance after SET per volt of gate voltage.", ge=0, le=5e-3)
    ]
    set_offset: Annotated[
        float,
        _quantity("S", "Conductance after SET, extrapolated to 0 V gate.", ge=-5e-3, le=5e-3),
    ]
    reset_conductance: Annotated[
        float, _quantity("S", "Mean conductance after a full RESET.", ge=0, le=5e-3)
    ]
    noise: Annotated[
        float,
        _quantity("S", "Standard deviation added to a cell by each pulse it receives.", ge=0),
    ]
    non_responsive: Annotated[
        float,
        _quantity("1", "Fraction of cells that no pulse changes (they stay at 0 S).", ge=0, le=1),
    ]

    def replace(self, /, **changes: object) -> ChipPreset:
        """Return a copy with some parameters changed; raise `SettingError` on a wrong one."""
        return _validate({**self.model_dump(), **changes}, f"chip {self.name!r}")


def load_preset(name: str) -> ChipPreset:
    """Load a built-in preset by name, or a preset of one's own by the path of its TOML file.

    Raises
    ------
    SettingError
        If there is no such preset, or it holds a wrong or unknown parameter.
    """
    if name in BUILT_IN:
        text = resources.files("memlab.emulator").joinpath("presets", f"{name}.toml").read_text()
    elif name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise SettingError(f"cannot read the chip preset {name!r}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingError(f"chip preset {name!r} is not valid TOML: {error}") from error
    else:
        raise SettingError(
            f"unknown chip {name!r}; choose one of {', '.join(BUILT_IN)}, or a path to a .toml file"
        )
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"chip preset {name!r} is not valid TOML: {error}") from error
    return _validate(values, f"chip {name!r}")


def _validate(values: dict[str, object], what: str) -> ChipPreset:
    try:
        return ChipPreset.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingError(
            f"{what}: {key}: {first['msg']} (parameters: {', '.join(ChipPreset.model_fields)})"
        ) from error
