"""The procedures by the name that users type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memlab.characterize.procedure import Procedure
from memlab.errors import DataError
from memlab.kinds import Family, Kinds, load_derived
from memlab.setting_values import refusal

__all__ = ["PROCEDURES", "load_procedure", "restore_procedure"]

PROCEDURES = Kinds(Family.PROCEDURE)
"""The procedures by name."""


def load_procedure(name: str) -> type[Procedure[Any]]:
    """Return the class of a procedure.

    Raises
    ------
    SettingError
        If there is none of this name.
    """
    return load_derived(name, Procedure)  # type: ignore[type-abstract]


def restore_procedure(name: str, config: str, run: Path) -> Procedure[Any]:
    """Return a procedure as a run file names it; `config` is JSON.

    Raises
    ------
    DataError
        If the settings are not those of this version's procedure.
    """
    procedure = load_procedure(name)
    try:
        return procedure(procedure.Config.model_validate_json(config))
    except ValidationError as error:
        said = ": ".join(filter(None, refusal(error, procedure.Config)))
        raise DataError(f"{run}: made by another version: {said}") from error
