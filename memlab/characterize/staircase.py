"""SET staircase: gate voltage up, then down with a RESET before each SET (Wang 2019, figure 1b).

Rising, each cell is SET again at the next gate voltage; falling, it is RESET and SET. Falling steps
have no memory, so that their mean is the SET law of the chip and their spread the noise of one
pulse and the spread from cell to cell together.

A SET never lowers a conductance, and no conductance is below 0 S: steps at which the law comes as
close to the RESET state as the cells scatter are cut off there, and left out of the law. What flows
at 0 V is taken off each reading (`offsets`), and errors allow for what lines share (`clusters`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from memlab.analysis.clusters import Lines, mean_over_cells
from memlab.analysis.statistics import CONVERTER_ERROR, fit_line, on_map, responding_cells
from memlab.characterize.bench import Bench
from memlab.characterize.offsets import ZEROS, net_conductance, read_net
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.characterize.shared_errors import shared_error
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Volts

__all__ = ["Staircase", "StaircaseConfig"]


class StaircaseConfig(ProcedureConfig):
    """Settings of the staircase; the published ones are the defaults."""

    gate_minimum: Volts = Field(1.0, description="Lowest gate voltage.", gt=0)
    gate_maximum: Volts = Field(2.4, description="Highest gate voltage.", gt=0)
    steps: int = Field(15, description="Steps up, and again down.", ge=2)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.gate_minimum < self.gate_maximum:
            raise ValueError("gate_minimum < gate_maximum must hold (V)")
        return self

    def gates(self) -> FloatArray:
        """Return the gate voltage (V) of each step, rising and falling."""
        up = np.linspace(self.gate_minimum, self.gate_maximum, self.steps)
        return np.concatenate([up, up[::-1]])


RESPONDING = Quantity("responding", "1", "Fraction of cells that respond")
SET_SLOPE = Quantity("set_slope", "S/V", "SET law: slope of the mean of the cells that respond")
SET_OFFSET = Quantity("set_offset", "S", "SET law: offset of the mean of the cells that respond")
CYCLE_SPREAD = Quantity(
    "cycle_spread", "S", "Cycle to cycle: deviation of a cell from its own line"
)
_OF_CELL, _MAP = "SET law of each cell, from the falling steps", ("row", "column")
CELL_SLOPE = Quantity("cell_slope", "S/V", _OF_CELL, _MAP)
CELL_OFFSET = Quantity("cell_offset", "S", _OF_CELL, _MAP)
RESPONDS = Quantity("responds", "1", "1 where the cell responds", _MAP)


class Staircase(Procedure[StaircaseConfig]):
    """The staircase (see the module's documentation)."""

    name = "staircase"
    title = "SET staircase: gate voltage up and down"
    about = "SET with rising, then falling gate voltage (Wang 2019, figure 1b)."
    Config = StaircaseConfig
    quantities: ClassVar = (
        SET_SLOPE,
        SET_OFFSET,
        CYCLE_SPREAD,
        RESPONDING,
        CELL_SLOPE,
        CELL_OFFSET,
        RESPONDS,
    )
    picture = "memlab.characterize.pictures.staircase"
    needs_gates = (
        "the staircase is one of gate voltages; memlab characterize set finds what a SET does at "
        "each amplitude"
    )
    coordinates: ClassVar = {
        "gate_voltage": Coordinate("V", "Gate voltage of the last SET; NaN after the first RESET"),
        "falling": Coordinate("1", "1 where a RESET came before the SET"),
    }

    vector_coordinates: ClassVar = ZEROS

    def demands(self) -> Sequence[Demand]:
        """Return the highest step."""
        return (Demand(self.config.gate_maximum),)

    def measure(self, bench: Bench) -> None:
        """RESET all, then SET at each step, and read after each."""
        none = np.zeros(bench.shape, bool)
        bench.program(0.0, reset=bench.mask, set=none)
        read_net(bench, falling=0.0)
        for k, gate in enumerate(self.config.gates()):
            falling = k >= self.config.steps
            bench.program(float(gate), reset=bench.mask if falling else None)
            read_net(bench, gate_voltage=gate, falling=float(falling))

    def analyse(self, record: Record) -> Findings:
        """Fit the SET law of every cell to the falling steps, and tell which cells respond."""
        gate = record.readings.coordinate("gate_voltage")
        falling = record.readings.coordinate("falling") == 1.0
        conductance = net_conductance(record, self.config.point.read_voltage)
        cells, gate = conductance[falling], gate[falling]
        responds = responding_cells(cells.mean(axis=0) - conductance[0])
        clear = clear_steps(cells[:, responds], conductance[0, responds])
        findings = Findings()
        findings.add_fraction(RESPONDING, int(responds.sum()), responds.size, "cells tested")
        fit = fit_line(gate[clear], cells[clear]) if clear.sum() > 1 else None
        lines = Lines.of(record.mask, responds)
        self._add_law(findings, record, gate[clear], cells[np.ix_(clear, responds)], lines)
        nothing = np.full(responds.size, np.nan)
        findings.add(CELL_SLOPE, on_map(record.mask, nothing if fit is None else fit.slope))
        findings.add(CELL_OFFSET, on_map(record.mask, nothing if fit is None else fit.offset))
        responding = np.zeros(record.mask.shape, bool)
        responding[record.mask] = responds
        findings.add(RESPONDS, responding)
        return findings

    def _add_law(
        self,
        findings: Findings,
        record: Record,
        gate: FloatArray,
        cells: FloatArray,
        lines: Lines,
    ) -> None:
        """Add slope, offset and noise from the steps that are clear of the RESET state."""
        steps, n = cells.shape
        why = ""
        if n < 2:
            why = "fewer than two cells respond"
        elif steps < 2:
            why = "fewer than two steps lie clear of the RESET state: raise gate_maximum"
        else:
            why = shared_error(record, cells.mean(axis=0), lines)
        if why:
            for quantity in (SET_SLOPE, SET_OFFSET, CYCLE_SPREAD):
                findings.add_undetermined(quantity, why, n=n, of=_WHO)
            return
        fit = fit_line(gate, cells)
        centred = gate - gate.mean()
        lever = float(centred @ centred) ** 0.5
        far = float(np.hypot(1.0 / steps**0.5, gate.mean() / lever))
        level = float(cells.mean())
        for quantity, values, factor in (
            (SET_SLOPE, fit.slope, 1.0 / lever),
            (SET_OFFSET, fit.offset, far),
        ):
            value, error = mean_over_cells(
                values, lines, scale=level * factor, step=CONVERTER_ERROR * factor
            )
            findings.add(quantity, value, error, n=n, of=_WHO, caveat=_CAVEAT)
        freedom = n * (steps - 2)
        if not freedom:
            findings.add_undetermined(CYCLE_SPREAD, "three steps are needed", n=n, of=_WHO)
            return
        squared, error = mean_over_cells(fit.residual**2, lines, step=CONVERTER_ERROR**2)
        spread = squared**0.5
        error = error / (2.0 * spread) if spread else 0.0
        findings.add(CYCLE_SPREAD, spread, error, n=n, of=_WHO)


def clear_steps(cells: FloatArray, after_reset: FloatArray) -> BoolArray:
    """Return at which steps hardly any cell is cut off at its RESET state, or at 0 S.

    Parameters
    ----------
    cells, after_reset
        Conductances (S) of the cells that respond, shape (steps, cells), and after a RESET.
    """
    if cells.shape[1] < 2:
        return np.ones(len(cells), bool)
    # What a step that is not cut off scatters: the largest, as those cut off scatter less.
    spread = float(cells.std(axis=1).max())
    low = max(float(after_reset.mean()), 0.0)
    gap = _CLEAR * float(np.hypot(spread, after_reset.std()))
    clear: BoolArray = cells.mean(axis=1) > low + gap
    return clear


_WHO = "cells that respond"

_CAVEAT = "as read: what wires take is not in the error"

_CLEAR = 3.5
"""Deviations between a step and the RESET state; of normal ones 0.02 % are cut off then, which
moves the mean by less than a thousandth of a deviation."""
