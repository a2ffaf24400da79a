"""The cells of a run as they were read last: conductances and changes, voltages, currents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np
import numpy.typing as npt

from memlab.array.set_control import SetControl
from memlab.numeric import FloatArray
from memlab.runs.last_currents import last_currents
from memlab.runs.reader import last_maps
from memlab.runs.vmm_codes import SUFFIX

__all__ = [
    "CellMap",
    "Classes",
    "Currents",
    "complete",
    "read_cells",
    "read_classes",
    "read_currents",
]

_CONTROLS = {SetControl.GATE: "Gate voltage", SetControl.AMPLITUDE: "SET amplitude"}

_VECTORS = 3
"""Vectors whose currents are shown: the last ones."""


@dataclass(frozen=True, eq=False)
class CellMap:
    """The last map of a group of a run, and what goes with it.

    Parameters
    ----------
    name
        Of the group.
    rows, columns
        Numbers of its lines on the chip.
    conductance
        S, shape (rows, columns); NaN where it was not read.
    before
        The map before that one; None where there is none.
    control_name, control
        What chose the last SET of each cell, in words, and in V; None where it is not recorded.
    """

    name: str
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    conductance: FloatArray
    before: FloatArray | None
    control_name: str = ""
    control: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Currents:
    """Column currents in A of the last vectors of a group, shape (vectors, columns)."""

    name: str
    columns: npt.NDArray[np.int64]
    current: FloatArray
    count: int


@dataclass(frozen=True, eq=False)
class Classes:
    """A finding that sorts cells into classes: codes, shape (rows, columns), and their names."""

    name: str
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    names: tuple[str, ...]


def complete(group: h5py.Group) -> int:
    """Return how many items of a group are whole; a killed writer leaves some datasets longer."""
    growing = (len(one) for one in group.values() if getattr(one, "maxshape", ())[:1] == (None,))
    return min(growing, default=0)


def read_cells(entry: h5py.Group) -> Iterator[CellMap]:
    """Yield the last map of each group that has one."""
    for name, last in last_maps(entry).items():
        group = entry[name]
        count = complete(group)
        maps = group.get("conductance")
        before = None
        if "final" in group or count < 2 or maps is None or maps.ndim != 3:
            first = group.get("initial_conductance", group.get("initial"))
            if count and first is not None and first.shape == last.conductance.shape:
                before = first[()]
        else:
            before = maps[count - 2]
        control_name, control = "", None
        for voltage in SetControl:
            item = group.get(voltage.value)
            if count and item is not None and item.shape[1:] == last.conductance.shape:
                control_name, control = _CONTROLS[voltage], item[count - 1]
        yield CellMap(
            name, last.rows, last.columns, last.conductance, before, control_name, control
        )


def read_currents(entry: h5py.Group) -> Iterator[Currents]:
    """Yield the currents of the last vectors that each group of vectors has."""
    for name, current in last_currents(entry, _VECTORS).items():
        group = entry[name]
        yield Currents(
            name.removesuffix(SUFFIX), group["column"][()], current, len(group["vector"])
        )


def read_classes(entry: h5py.Group) -> Classes | None:
    """Return the first finding that gives each cell a class; None where there is none."""
    result = entry.get("result", {})
    for name, item in result.items():
        names = result.get(f"{name}_class")
        if names is not None and item.ndim == 2 and "row" in result and "column" in result:
            found = tuple(str(one) for one in names.asstr()[()])
            lines = result["row"][()], result["column"][()]
            return Classes(name, *lines, item[()].astype(np.int64), found)
    return None
