"""The procedures by the name that users type; each lies in a module of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memlab.characterize.procedure import Procedure
from memlab.errors import DataError, SettingError

__all__ = ["PROCEDURES", "load_procedure", "restore_procedure"]

PROCEDURES = {
    "staircase": "SET with rising, then falling gate voltage (Wang 2019, figure 1b).",
}
"""Name, and one line for the help. The module has a class `PROCEDURE`."""


def load_procedure(name: str) -> type[Procedure[Any]]:
    """Return the class of a procedure.

    Raises
    ------
    SettingError
        If there is none of this name.
    """
    if name not in PROCEDURES:
        raise SettingError(f"unknown procedure {name!r}; choose one of {', '.join(PROCEDURES)}")
    module = import_module(f"memlab.characterize.{name.replace('-', '_')}")
    procedure: type[Procedure[Any]] = module.PROCEDURE
    return procedure


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
        raise DataError(f"{run}: made by another version: {error.errors()[0]['msg']}") from error
