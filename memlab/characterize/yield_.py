"""Yield: which cells work, what is wrong with the others, and which lines are worth using.

The cells are SET and RESET in groups that lie evenly on all lines (`patterns`), so that few cells
of a line conduct at a time and wires do not hide what a cell does. Each step SETs a group, RESETs
the one before it, and reads all cells some times; what flows at 0 V is taken off (`offsets`).
`faults` says how the classes are told apart, `good_lines` how lines are chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.analysis.faults import Cycles, Fault, classify, find_shorts, usual_window
from memlab.analysis.good_lines import choose_good_lines
from memlab.analysis.patterns import diagonal_groups
from memlab.analysis.statistics import CONVERTER_ERROR, on_map
from memlab.characterize.bench import Bench
from memlab.characterize.offsets import reads_without_offset
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.kinds import Quantity
from memlab.numeric import BoolArray
from memlab.passport import Passport
from memlab.runs import Coordinate, Findings, Record
from memlab.runs.good_lines import FREE, GOOD_COLUMNS, GOOD_ROWS
from memlab.setting_units import Siemens, Unitless, Volts

__all__ = ["Yield", "YieldConfig"]


class YieldConfig(ProcedureConfig):
    """Settings of the yield test."""

    gate_voltage: Volts = Field(2.0, description="Gate voltage of the SETs.", gt=0)
    rounds: int = Field(3, description="SETs and RESETs of each cell.", ge=1)
    groups: int = Field(8, description="Groups of cells that are SET one after the other.", ge=1)
    repeats: int = Field(5, description="Reads at each step.", ge=2)
    minimum_window: Siemens = Field(
        50e-6, description="Smallest difference between SET and RESET that counts.", gt=0
    )
    noise_limit: Unitless = Field(
        0.05, description="Scatter of reads, relative to G, from which a cell is noisy.", gt=0
    )
    bad_share: Unitless = Field(
        0.25, description="Largest share of bad cells on a line worth using.", ge=0, le=1
    )


SHARE = {
    one: Quantity(
        "yield" if one is Fault.PASS else one.name.lower(),
        "1",
        f"Fraction of the cells: {one.label}",
    )
    for one in Fault
    if one is not Fault.NOT_TESTED
}
WINDOW = Quantity("window", "S", "Usual SET less usual RESET, median over cells")
FAULT_CLASS = Quantity("fault_class", "1", "Name of each code")
COUNT = Quantity("count", "1", "Cells in each class", ("fault_class",))
_MAP = ("row", "column")
FAULT = Quantity("fault", "1", "What each cell is; see fault_class", _MAP)
SET_CONDUCTANCE = Quantity("set_conductance", "S", "After SET, mean of rounds and reads", _MAP)
RESET_CONDUCTANCE = Quantity(
    "reset_conductance", "S", "After RESET, mean of rounds and reads", _MAP
)
THRESHOLD = Quantity("threshold", "S", "Between the two states", _MAP)
SCATTER = Quantity("scatter", "S", "Standard deviation of reads after SET", _MAP)
GOOD_ROW_COUNT = Quantity("good_row_count", "1", "Rows worth using")
GOOD_COLUMN_COUNT = Quantity("good_column_count", "1", "Columns worth using")


class Yield(Procedure[YieldConfig]):
    """The yield test (see the module's documentation)."""

    name = "yield"
    title = "Yield: fault classes, good rows and columns"
    about = "Fault class of each cell, and the good rows and columns."
    Config = YieldConfig
    quantities: ClassVar = (
        *SHARE.values(),
        WINDOW,
        GOOD_ROW_COUNT,
        GOOD_COLUMN_COUNT,
        FAULT_CLASS,
        COUNT,
        FAULT,
        SET_CONDUCTANCE,
        RESET_CONDUCTANCE,
        THRESHOLD,
        SCATTER,
        GOOD_ROWS,
        GOOD_COLUMNS,
        FREE,
    )
    picture = "memlab.characterize.pictures.yield_"
    needs_gates = ""
    coordinates: ClassVar = {
        "step": Coordinate("1", "Groups that have been SET so far; the last of them is SET now"),
    }
    vector_coordinates = coordinates

    def demands(self) -> Sequence[Demand]:
        """Return the only SET."""
        return (Demand(self.config.gate_voltage),)

    def measure(self, bench: Bench) -> None:
        """RESET all, then SET group after group, each with a RESET of the one before."""
        config = self.config
        group = diagonal_groups(bench.array.rows, bench.array.columns, config.groups)
        none = np.zeros(bench.shape, bool)
        reset, last = bench.mask, config.rounds * config.groups
        for step in range(1, last + 2):
            now = none if step > last else group == (step - 1) % config.groups
            bench.program(config.gate_voltage, reset=reset, set=now)
            for _ in range(config.repeats):
                bench.read(step=float(step))
            if bench.measures_zeros:
                bench.vmm(np.zeros((config.repeats, bench.shape[0])), step=float(step))
            reset = now

    def analyse(self, record: Record) -> Findings:
        """Classify the cells and choose the good lines."""
        config, mask = self.config, record.mask
        cycles = self._cycles(record)
        low, high, scatter = (
            on_map(mask, values)
            for values in (cycles.low.mean(axis=0), cycles.high.mean(axis=0), cycles.scatter)
        )
        window = usual_window(high - low, config.minimum_window)
        working = high - low > config.minimum_window
        erased = float(np.median(low[working])) if working.any() else 0.0
        threshold = erased + 0.5 * window
        fault = np.full(mask.shape, Fault.NOT_TESTED, np.uint8)
        fault[mask] = classify(cycles, threshold[mask], window[mask], config.noise_limit)
        faulty = (fault != Fault.PASS) & (fault != Fault.NOISY)
        rows, columns = find_shorts(low, faulty, mask, threshold)
        fault[mask & columns] = Fault.SHORT_COLUMN
        fault[mask & rows[:, np.newaxis]] = Fault.SHORT_ROW
        findings = Findings()
        _count(findings, fault[mask])
        if n := int(working.sum()):
            value = float(np.median(window[mask]))
            # Of a median of normal values: 1.25 times that of the mean.
            spread = (high - low)[working].std(ddof=1) if n > 1 else np.nan
            error = float(np.hypot(1.25 * spread / n**0.5, CONVERTER_ERROR))
            findings.add(WINDOW, value, error, n=n, of="cells that switch")
        else:
            findings.add_undetermined(WINDOW, "no cell switches", n=0, of="cells")
        findings.add(FAULT, fault)
        findings.add(SET_CONDUCTANCE, high)
        findings.add(RESET_CONDUCTANCE, low)
        findings.add(THRESHOLD, threshold)
        findings.add(SCATTER, scatter)
        _add_good_lines(findings, record, fault != Fault.PASS, config.bad_share)
        return findings

    def enter(self, passport: Passport, record: Record, findings: Findings) -> None:
        """Keep the cells of each class, and the good lines among all that was ever tested.

        Of a cell that was tested twice the last time counts. The load is told where it was the
        same for all of them.
        """
        known, fault = passport.masks(), np.full(record.chip_shape, Fault.NOT_TESTED, np.uint8)
        for one in Fault:
            fault[known.get(one.label, np.zeros(record.chip_shape, bool))] = one
        others = (fault != Fault.NOT_TESTED).any()
        region = np.ix_(record.rows, record.columns)
        now = np.asarray(findings[FAULT].value)
        fault[region] = np.where(now == Fault.NOT_TESTED, fault[region], now)
        load = record.load
        if others and passport.mask_load(Fault.PASS.label) != load:
            load = None
        for one in Fault:
            passport.set_mask(one.label, fault == one, load)
        tested = fault != Fault.NOT_TESTED
        lines = np.flatnonzero(tested.any(axis=1)), np.flatnonzero(tested.any(axis=0))
        chosen = choose_good_lines((fault != Fault.PASS)[np.ix_(*lines)], self.config.bad_share)
        for axis, name in enumerate(("rows", "columns")):
            good = np.zeros(record.chip_shape[axis], bool)
            good[lines[axis][chosen[axis]]] = True
            passport.set_mask(f"good {name}", good, load)

    def _cycles(self, record: Record) -> Cycles:
        """Sort the readings: each cell's SET state, and its RESET state one step later."""
        config = self.config
        steps = range(1, config.rounds * config.groups + 2)
        reads = np.array(
            [
                reads_without_offset(record, step, config.point.read_voltage)[:, record.mask]
                for step in steps
            ]
        )
        mean, variance = reads.mean(axis=1), reads.var(axis=1, ddof=1)
        group = diagonal_groups(record.rows, record.columns, config.groups)[record.mask]
        own = group + config.groups * np.arange(config.rounds)[:, np.newaxis]
        cell = np.arange(group.size)
        scatter = np.sqrt(variance[own, cell].mean(axis=0))
        return Cycles(mean[own, cell], mean[own + 1, cell], scatter)


def _count(findings: Findings, fault: npt.NDArray[np.uint8]) -> None:
    """Add the fraction of the cells in each class."""
    count = np.array([int((fault == one).sum()) for one in SHARE])
    for quantity, cells in zip(SHARE.values(), count, strict=True):
        findings.add_fraction(quantity, int(cells), fault.size, "cells tested")
    findings.add_axis(FAULT_CLASS, np.array([one.label for one in Fault]))
    findings.add(COUNT, np.append(count, 0))


def _add_good_lines(
    findings: Findings, record: Record, bad: BoolArray, largest_share: float
) -> None:
    rows, columns = choose_good_lines(bad, largest_share)
    findings.add(GOOD_ROW_COUNT, rows.size, n=record.rows.size, of="rows tested")
    findings.add(GOOD_COLUMN_COUNT, columns.size, n=record.columns.size, of="columns tested")
    findings.add_axis(GOOD_ROWS, record.rows[rows])
    findings.add_axis(GOOD_COLUMNS, record.columns[columns])
    findings.add(FREE, ~bad[np.ix_(rows, columns)])
