"""SET staircase: gate voltage up, then down with a RESET before each SET (Wang 2019, figure 1b).

Rising, each cell is SET again at the next gate voltage; falling, it is RESET and SET. Falling steps
have no memory, so that their mean is the SET law of the chip and their spread the noise of one
pulse and the spread from cell to cell together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from memlab.characterize.bench import Bench
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.characterize.statistics import fit_line, mean_with_error, on_map, responding_cells
from memlab.runs import Coordinate, Findings, Record

__all__ = ["PROCEDURE", "Staircase", "StaircaseConfig"]


class StaircaseConfig(ProcedureConfig):
    """Settings of the staircase; the published ones are the defaults."""

    gate_minimum: float = Field(1.0, description="Lowest gate voltage in V.", gt=0)
    gate_maximum: float = Field(2.4, description="Highest gate voltage in V.", gt=0)
    steps: int = Field(15, description="Steps up, and again down.", ge=2)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.gate_minimum < self.gate_maximum:
            raise ValueError("gate_minimum < gate_maximum must hold (V)")
        return self

    def gates(self) -> npt.NDArray[np.float64]:
        """Return the gate voltage (V) of each step, rising and falling."""
        up = np.linspace(self.gate_minimum, self.gate_maximum, self.steps)
        return np.concatenate([up, up[::-1]])


class Staircase(Procedure[StaircaseConfig]):
    """The staircase (see the module's documentation)."""

    name = "staircase"
    title = "SET staircase: gate voltage up and down"
    Config = StaircaseConfig
    coordinates: ClassVar = {
        "gate_voltage": Coordinate("V", "Gate voltage of the last SET; NaN after the first RESET"),
        "falling": Coordinate("1", "1 where a RESET came before the SET"),
    }

    def demands(self) -> Sequence[Demand]:
        """Return the highest step."""
        return (Demand(self.config.gate_maximum),)

    def measure(self, bench: Bench) -> None:
        """RESET all, then SET at each step, and read after each."""
        none = np.zeros(bench.shape, bool)
        bench.program(0.0, reset=bench.mask, set=none)
        bench.read(falling=0.0)
        for k, gate in enumerate(self.config.gates()):
            falling = k >= self.config.steps
            bench.program(float(gate), reset=bench.mask if falling else None)
            bench.read(gate_voltage=gate, falling=float(falling))

    def analyse(self, record: Record) -> Findings:
        """Fit the SET law of every cell to the falling steps, and tell which cells respond."""
        gate = record.readings.coordinate("gate_voltage")
        falling = record.readings.coordinate("falling") == 1.0
        cells = record.conductance[falling]
        responds = responding_cells(cells.mean(axis=0) - record.conductance[0])
        fit = fit_line(gate[falling], cells)
        slope, slope_error = mean_with_error(fit.slope[responds])
        offset, offset_error = mean_with_error(fit.offset[responds])
        findings = Findings()
        findings.number("responding", responds.mean(), "1", "Fraction of cells that respond")
        text = "SET law: slope of the mean of the cells that respond"
        findings.number("set_slope", slope, "S/V", text, slope_error)
        text = "SET law: offset of the mean of the cells that respond"
        findings.number("set_offset", offset, "S", text, offset_error)
        residual = fit.residual[responds]
        spread = float(np.sqrt((residual**2).mean())) if residual.size else np.nan
        freedom = residual.size * (self.config.steps - 2)
        error = spread / (2 * freedom) ** 0.5 if freedom else np.nan
        text = "Cycle to cycle: deviation of a cell from its own line"
        findings.number("cycle_spread", spread, "S", text, error)
        for name, values, units in (
            ("cell_slope", fit.slope, "S/V"),
            ("cell_offset", fit.offset, "S"),
        ):
            whole = on_map(record.mask, values)
            findings.map(name, whole, units, "SET law of each cell, from the falling steps")
        responding = np.zeros(record.mask.shape, bool)
        responding[record.mask] = responds
        findings.map("responds", responding, "1", "1 where the cell responds")
        return findings


PROCEDURE = Staircase
