"""The procedures by the name that users type; each lies in a module of its own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from memlab.characterize.procedure import Procedure
from memlab.errors import DataError, SettingError
from memlab.naming import module_name

__all__ = ["PROCEDURES", "load_procedure", "restore_procedure"]

PROCEDURES = {
    "forming": "Rising voltage and width up to a target; a formed cell gets no pulse.",
    "iv": "SET and RESET sweeps of single cells, several cycles, current cut-off.",
    "staircase": "SET with rising, then falling gate voltage (Wang 2019, figure 1b).",
    "set": "Conductance after one SET, over amplitude and gate voltage.",
    "reset": "Conductance after one RESET, over amplitude and gate voltage.",
    "yield": "Fault class of each cell, and the good rows and columns.",
    "read-noise": "White, 1/f and telegraph noise of reads; the spectrum.",
    "variation": "Spread from cell to cell, cycle to cycle and reading to reading.",
    "endurance": "RESET-SET cycles until cells fail; reads at log-spaced cycles.",
    "retention": "States programmed once and read at log-spaced ages.",
    "linearity": "Current against voltage: bending of cells, range of columns at each gain.",
    "vmm-accuracy": "Error of products against the matrix read back, and what it is made of.",
    "wires": "Resistance of wires, drivers and amplifier inputs, from reads alone.",
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
    module = import_module(f"memlab.characterize.{module_name(name)}")
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
