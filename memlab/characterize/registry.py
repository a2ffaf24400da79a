"""The procedures by the name that users type; each lies in a module of its own."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from memlab.characterize.procedure import Procedure
from memlab.errors import SettingError
from memlab.naming import module_name

__all__ = ["PROCEDURES", "load_procedure"]

PROCEDURES = {
    "staircase": "SET with rising, then falling gate voltage (Wang 2019, figure 1b).",
    "read-noise": "White, 1/f and telegraph noise of reads; the spectrum.",
    "linearity": "Current against voltage: bending of cells, range of columns at each gain.",
    "vmm-accuracy": "Error of products against the matrix read back, and what it is made of.",
    "wires": "Resistance of wires, drivers and amplifier inputs, from reads alone.",
    "yield": "Fault class of each cell, and the good rows and columns.",
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
