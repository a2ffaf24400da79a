"""Limits of a run: from a file into its settings, and back from what its file says they were."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from memlab.limit_changes import read_limits
from memlab.limits import Limits
from memlab.runs import Run
from memlab.settings import Section, merge_settings

__all__ = ["recorded_limits", "with_limits"]

Config = TypeVar("Config", bound=Section)

_PREFIX = "limits."


def with_limits(config: Config, file: Path | None) -> Config:
    """Return the settings of a run with the limits of a file (`--limits`), where there is one.

    Raises
    ------
    SettingError
        As `read_limits`.
    """
    if file is None:
        return config
    return merge_settings(config, {"limits": read_limits(file).given()}, f"--limits {file}")


def recorded_limits(run: Run) -> Limits | None:
    """Return what the chip of a run was allowed to see; None where its file does not say one.

    Limits that an older memlab did not know are those of now.
    """
    found = [
        {
            field.name: float(one[_PREFIX + field.name])
            for field in fields(Limits)
            if _PREFIX + field.name in one
        }
        for one in run.instruments
    ]
    if not found or not found[0] or any(one != found[0] for one in found):
        return None
    return Limits(**found[0])
