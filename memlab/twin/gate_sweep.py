"""Gate sweeps: what a table of them shows, and the same sweep run on an emulated chip.

A sweep takes each cell through rising gate voltages: a RESET, one SET, one reading at each. It may
stop a cell once it has reached a conductance; a table tells that by its sweeps, and the emulated
chip is stopped in the same way, or the cells that are left at high voltages would be other ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from memlab.array.board_array import BoardArray
from memlab.chip.limits import Limits
from memlab.emulator import ChipPreset, EmulatedBoard
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray
from memlab.twin.statistics import quantiles, quartile_spread
from memlab.twin.tables import Table

__all__ = ["STATISTICS", "SweepProtocol", "Sweeps", "measured_sweeps", "run_sweeps"]


STATISTICS = ("median", "spread between cells", "spread within a cell")
"""Of the cells' medians: median, spread; and the median of the cells' spreads over sweeps."""

_MOST_GATES = 200
_FEWEST = 3
"""Readings of a cell at a gate voltage from which its median and spread are taken."""

_FEWEST_LEFT = 0.5

_SHAPE = (16, 64)
"""Of the emulated chip: 1024 cells."""


@dataclass(frozen=True, eq=False)
class SweepProtocol:
    """What was done to each cell.

    Parameters
    ----------
    gates
        Gate voltages in V, rising, shape (gates,).
    sweeps
        How often the cells went through them.
    stop
        A sweep of a cell ends with the first reading of at least this (S); inf: at the last gate.
    resets
        Whether a RESET came before each SET, not only before each sweep.
    """

    gates: FloatArray
    sweeps: int
    stop: float
    resets: bool


@dataclass(frozen=True, eq=False)
class Sweeps:
    """Readings after each SET.

    Parameters
    ----------
    conductance
        In S, shape (gates, cells, sweeps); NaN where a sweep had ended.
    """

    conductance: FloatArray

    @cached_property
    def medians(self) -> FloatArray:
        """Median of each cell over the sweeps in S, shape (gates, cells); NaN: too few readings."""
        return np.asarray(quantiles(self.conductance, (0.5,), _FEWEST)[0])

    @cached_property
    def spreads(self) -> FloatArray:
        """Spread of each cell over the sweeps in S (quartiles), shape (gates, cells)."""
        return quartile_spread(self.conductance, _FEWEST)

    @cached_property
    def usable(self) -> BoolArray:
        """At which gate voltages half of the cells are left, shape (gates,)."""
        return np.asarray(np.isfinite(self.medians).mean(axis=1) >= _FEWEST_LEFT)

    def statistics(
        self, cells: BoolArray | npt.NDArray[np.intp] | slice = slice(None)
    ) -> FloatArray:
        """Return what `STATISTICS` names of some cells in S, shape (3, gates)."""
        medians: FloatArray = self.medians[:, cells]
        return np.stack(
            [
                quantiles(medians, (0.5,))[0],
                quartile_spread(medians, _FEWEST),
                quantiles(self.spreads[:, cells], (0.5,))[0],
            ]
        )


def measured_sweeps(table: Table) -> tuple[SweepProtocol, Sweeps, Sweeps | None]:
    """Return what was done in a gate sweep, as far as its lines tell, and its readings.

    Returns
    -------
    Its protocol; readings after each SET; and before each, where the table has them.

    Raises
    ------
    DataError
        If there are fewer than three gate voltages.
    """
    gates, gate = _grid(table.values["gate_voltage"])
    if gates.size < 3:
        raise DataError(f"{table.path} has {gates.size} gate voltages; a law needs at least 3")
    # The k-th line of a cell at a gate voltage belongs to its k-th sweep.
    order = np.lexsort((np.arange(gate.size), gate, table.cell))
    key = (table.cell * gates.size + gate)[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    occurrence = np.empty(gate.size, np.intp)
    occurrence[order] = np.arange(gate.size) - np.repeat(
        first, np.diff(np.append(first, gate.size))
    )
    sweeps = int(occurrence.max()) + 1
    readings = []
    for name in ("conductance", "conductance_before"):
        if name in table.values:
            place = gate * sweeps + occurrence
            laid_out = table.laid_out(name, place, gates.size * sweeps)
            by_sweep = laid_out.reshape(gates.size, sweeps, table.cells)
            readings.append(Sweeps(np.ascontiguousarray(np.moveaxis(by_sweep, 1, 2))))
    protocol = SweepProtocol(gates, sweeps, _stop(table, gate, gates.size), _resets(table, gate))
    return protocol, readings[0], readings[1] if len(readings) > 1 else None


def run_sweeps(
    preset: ChipPreset, protocol: SweepProtocol, seed: int, shape: tuple[int, int] = _SHAPE
) -> Sweeps:
    """Take the cells of an emulated chip through a gate sweep; readings are those of its board."""
    highest = float(protocol.gates.max())
    # What the cells of the table saw, these may see.
    limits = Limits(
        set_gate_voltage=max(highest, Limits.set_gate_voltage),
        cell_current=1.0,
        pulse_energy=1.0,
        row_current=1.0,
    )
    found = np.full((protocol.gates.size, *shape, protocol.sweeps), np.nan)
    everywhere = np.ones(shape, bool)
    with BoardArray(EmulatedBoard(preset, seed, shape), limits) as array:
        for sweep in range(protocol.sweeps):
            array.program(0.0, reset=everywhere, set=~everywhere)
            left = everywhere
            for k, gate in enumerate(protocol.gates):
                array.program(gate, reset=left & protocol.resets, set=left)
                reading = np.where(left, array.read_conductance(), np.nan)
                found[k, ..., sweep] = reading
                left = left & ~(reading >= protocol.stop)
                if not left.any():
                    break
    return Sweeps(found.reshape(protocol.gates.size, -1, protocol.sweeps))


def _grid(gate: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return the gate voltages of a table, to a millivolt, and which of them each line has."""
    gates, number = np.unique(np.rint(gate * 1e3) / 1e3, return_inverse=True)
    if gates.size > _MOST_GATES:
        edges = np.linspace(gate.min(), gate.max(), _MOST_GATES + 1)
        number = np.clip(np.searchsorted(edges, gate, side="right") - 1, 0, _MOST_GATES - 1)
        there, number = np.unique(number, return_inverse=True)
        gates = 0.5 * (edges[there] + edges[there + 1])
    return gates, number


def _stop(table: Table, gate: npt.NDArray[np.intp], gates: int) -> float:
    """Return the conductance at which sweeps were ended; inf where nothing says that they were."""
    value = table.values["conductance"]
    order = np.argsort(table.cell, kind="stable")
    cell, gate, value = table.cell[order], gate[order], value[order]
    last = np.append((np.diff(gate) < 0) | (np.diff(cell) != 0), True)
    early = last & (gate < gates - 1)
    if last.all() or np.count_nonzero(early) < 0.05 * np.count_nonzero(last):
        return np.inf
    stop = float(np.quantile(value[early], 0.01))
    # A rule, and no accident: what went on had not reached it.
    return stop if np.mean(value[~last] >= stop) < 0.002 else np.inf


def _resets(table: Table, gate: npt.NDArray[np.intp]) -> bool:
    """Return whether cells were RESET between the steps of a sweep; assumed where nothing says."""
    before = table.values.get("conductance_before")
    if before is None:
        return True
    order = np.argsort(table.cell, kind="stable")
    cell, gate = table.cell[order], gate[order]
    after, before = table.values["conductance"][order], before[order]
    going_on = (np.diff(cell) == 0) & (np.diff(gate) > 0)
    if not going_on.any():
        return True
    return bool(np.median((before[1:] / after[:-1])[going_on & (after[:-1] > 0.0)]) < 0.7)
