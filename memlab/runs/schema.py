"""Which kind of run a file holds: written by all files from schema 2 on, and told of older ones.

A run file says three things of itself: its `kind` (airline, staircase, program, ...), the family of
the kind, and the version of its schema. Files of schema 1 (before 0.2) have none of them; this is
the only place that knows how to tell.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import h5py

from memlab.errors import DataError

__all__ = ["FAMILY", "KIND", "SCHEMA", "SCHEMA_VERSION", "Family", "identify", "schema_attributes"]

KIND, FAMILY, SCHEMA = "kind", "family", "schema_version"
"""Attributes of the entry of a run file."""

SCHEMA_VERSION = 3
"""Of the files that this version writes. 2: kind and family, and metrics in `result` too. 3: row
codes of a training in short (`memlab.runs.vmm_codes`)."""


class Family(StrEnum):
    """What sort of work a kind of run is."""

    EXPERIMENT = "experiment"
    """A network is trained or transferred, and judged."""
    PROCEDURE = "procedure"
    """A chip is characterised."""
    OPERATION = "operation"
    """Cells are read, programmed or multiplied once."""
    CALIBRATION = "calibration"
    """A board's static errors are measured."""
    IMPORT = "import"
    """Measured by another program, and brought into a run file."""


def schema_attributes(kind: str, family: Family) -> dict[str, Any]:
    """Return what a new run file says of its kind."""
    return {KIND: kind, FAMILY: str(family), SCHEMA: SCHEMA_VERSION}


def identify(entry: h5py.Group, path: str) -> tuple[str, Family, int]:
    """Return kind, family and schema version of a run file.

    Raises
    ------
    DataError
        If it is no run file, or one of a later memlab.
    """
    attributes = entry.attrs
    if "start_time" not in attributes or "status" not in attributes:
        raise DataError(f"{path} is no run file of memlab: its entry has no start_time and status")
    if KIND not in attributes:
        return *_of_schema_1(entry, path), 1
    version = int(attributes[SCHEMA])
    if not 1 <= version <= SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema version {version}, and this memlab reads up to {SCHEMA_VERSION}: "
            "install a newer one"
        )
    try:
        return str(attributes[KIND]), Family(str(attributes[FAMILY])), version
    except ValueError as error:
        raise DataError(f"{path}: {error}; known are {', '.join(Family)}") from error


def _of_schema_1(entry: h5py.Group, path: str) -> tuple[str, Family]:
    attributes = entry.attrs
    if "experiment" in attributes:
        return str(attributes["experiment"]), Family.EXPERIMENT
    if "procedure" in attributes:
        name = str(attributes["procedure"])
        return name, Family.IMPORT if name == "imported" else Family.PROCEDURE
    if "operation" in attributes:
        return str(attributes["operation"]), Family.OPERATION
    if "calibration" in entry:
        return "calibration", Family.CALIBRATION
    raise DataError(f"{path} is no run file of memlab: it does not say what was done")
