"""What a table shows in numbers, and how to ask an emulated chip for the same ones.

gate sweep      median, spread between cells, spread within a cell, over gate voltages
relaxation      10, 50 and 90 % quantiles at each time, over levels
pulse train     median and spread between cells, over pulses
endurance       median of the SET state and part of the cells that work, over cycles
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memlab.emulator import ChipPreset
from memlab.numeric import BoolArray, FloatArray
from memlab.twin import endurance, pulse_train
from memlab.twin.endurance import measured_cycles, run_cycles
from memlab.twin.gate_sweep import STATISTICS, measured_sweeps, run_sweeps
from memlab.twin.pulse_train import measured_trains
from memlab.twin.relaxation import PROBABILITIES, measured_relaxation, run_relaxation
from memlab.twin.tables import Kind, Table

__all__ = ["Observed", "observe"]


RELAXED_CELLS = 65_536


@dataclass(frozen=True, eq=False)
class Observed:
    """Curves of a table.

    Parameters
    ----------
    names
        Of the curves.
    x_name, x_units, x
        What they are over, shape (n,).
    units
        Of the numbers.
    statistics
        Takes which cells of the table, shape (cells,); returns the curves, shape (curves, n), NaN
        where there are too few cells.
    emulate
        Takes a chip, a seed, and which cells of the table it is to be compared with; returns the
        curves of the emulated chip, as read by its board.
    """

    names: tuple[str, ...]
    x_name: str
    x_units: str
    x: FloatArray
    units: str
    statistics: Callable[[BoolArray], FloatArray]
    emulate: Callable[[ChipPreset, int, BoolArray], FloatArray]


def observe(table: Table) -> Observed:
    """Return the curves of a table.

    Raises
    ------
    DataError
        If its lines do not hold what its kind needs.
    """
    return _OBSERVERS[table.kind](table)


def _gate_sweep(table: Table) -> Observed:
    protocol, sweeps, _ = measured_sweeps(table)
    use = sweeps.usable

    def emulate(preset: ChipPreset, seed: int, cells: BoolArray) -> FloatArray:
        return run_sweeps(preset, protocol, seed).statistics()[:, use]

    return Observed(
        STATISTICS,
        "Gate voltage",
        "V",
        protocol.gates[use],
        "S",
        lambda cells: sweeps.statistics(cells)[:, use],
        emulate,
    )


def _relaxation(table: Table) -> Observed:
    relaxed = measured_relaxation(table)
    names = [
        f"{100 * p:.3g} % quantile at {time:.3g} s"
        for p in PROBABILITIES
        for time in relaxed.times[1:]
    ]

    def statistics(cells: BoolArray) -> FloatArray:
        return relaxed.statistics(cells[relaxed.cell]).reshape(len(names), -1)

    def emulate(preset: ChipPreset, seed: int, cells: BoolArray) -> FloatArray:
        part = relaxed.of_cells(cells[relaxed.cell])
        return (
            run_relaxation(preset, part, seed, RELAXED_CELLS).statistics().reshape(len(names), -1)
        )

    middles = relaxed.middles()
    return Observed(tuple(names), "Level", "S", middles, "S", statistics, emulate)


def _pulse_train(table: Table) -> Observed:
    trains = measured_trains(table)
    # One axis for all: a train that is shorter has no number beyond its end.
    pulses = np.unique(np.concatenate([train.pulses for train in trains]))
    places = [np.searchsorted(pulses, train.pulses) for train in trains]

    def spread_out(each: list[FloatArray]) -> FloatArray:
        found = np.full((len(each), len(pulse_train.STATISTICS), pulses.size), np.nan)
        for one, place, target in zip(each, places, found, strict=True):
            target[:, place] = one
        return found.reshape(-1, pulses.size)

    return Observed(
        tuple(
            f"{name} at {train.voltage:.4g} V, {train.width:.3g} s"
            for train in trains
            for name in pulse_train.STATISTICS
        ),
        "Pulse",
        "1",
        pulses,
        "S",
        lambda cells: spread_out([train.statistics(cells) for train in trains]),
        lambda preset, seed, cells: spread_out(
            [pulse_train.run_train(preset, train, seed, cells) for train in trains]
        ),
    )


def _endurance(table: Table) -> Observed:
    cycled = measured_cycles(table)
    return Observed(
        endurance.STATISTICS,
        "Cycle",
        "1",
        cycled.cycles,
        "1",
        cycled.statistics,
        lambda preset, seed, cells: run_cycles(preset, cycled, seed, cells),
    )


_OBSERVERS: dict[Kind, Callable[[Table], Observed]] = {
    Kind.GATE_SWEEP: _gate_sweep,
    Kind.RELAXATION: _relaxation,
    Kind.PULSE_TRAIN: _pulse_train,
    Kind.ENDURANCE: _endurance,
}
