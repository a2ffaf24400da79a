"""Variation: RESET and SET cycles at two gate voltages, each state read twice in a row.

Three things make readings of one state differ, and their variances add:

    cell to cell      what a cell keeps over all cycles
    cycle to cycle    what a pulse leaves anew each time
    reading           what differs between two readings without a pulse between them

They are told apart by the analysis of variance of a sample that is nested like this. Read noise
that is slower than two readings counts as cycle to cycle: it is the same in both. What the board
adds to a column, its amplifier's offset times the conductance of the column, counts as cell to cell
until the board is calibrated; so do wires.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from memlab.characterize.bench import Bench
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.characterize.statistics import on_map, responding_cells
from memlab.characterize.variance import Component, Components, variance_components
from memlab.runs import Coordinate, Findings, Record

__all__ = ["PROCEDURE", "Variation", "VariationConfig"]

FloatArray = npt.NDArray[np.float64]

STATES = ("reset", "set_low", "set_high")


class VariationConfig(ProcedureConfig):
    """Settings of the cycles."""

    cycles: int = Field(10, description="Cycles; each RESETs and SETs every cell twice.", ge=2)
    gate_low: float = Field(0.8, description="Lower gate voltage of SET in V.", gt=0)
    gate_high: float = Field(2.4, description="Higher gate voltage of SET in V.", gt=0)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.gate_low < self.gate_high:
            raise ValueError("gate_low < gate_high must hold (V)")
        return self


class Variation(Procedure[VariationConfig]):
    """The measurement of spread (see the module's documentation)."""

    name = "variation"
    title = "Variation: cell to cell, cycle to cycle, reading to reading"
    Config = VariationConfig
    coordinates: ClassVar = {
        "cycle": Coordinate("1", "Number of the cycle, from 0"),
        "state": Coordinate("1", f"Number of the state: {', '.join(STATES)}"),
        "repeat": Coordinate("1", "0 for the first, 1 for the second reading of a state"),
    }

    def demands(self) -> list[Demand]:
        """Return the higher SET."""
        return [Demand(self.config.gate_high)]

    def measure(self, bench: Bench) -> None:
        """RESET; SET at the lower gate voltage; RESET and SET at the higher; read each twice."""
        none = np.zeros(bench.shape, bool)
        low, high = self.config.gate_low, self.config.gate_high
        for cycle in range(self.config.cycles):
            bench.program(0.0, reset=bench.mask, set=none)
            self._read_twice(bench, cycle, 0)
            bench.program(low)
            self._read_twice(bench, cycle, 1)
            bench.program(high, reset=bench.mask)
            self._read_twice(bench, cycle, 2)

    def _read_twice(self, bench: Bench, cycle: int, state: int) -> None:
        for repeat in range(2):
            bench.read(cycle=cycle, state=state, repeat=repeat)

    def analyse(self, record: Record) -> Findings:
        """Return the variance components of each state, and the parameters that they make."""
        config = self.config
        cells = record.conductance.reshape(config.cycles, len(STATES), 2, -1)
        mean = cells.mean(axis=(0, 2))
        responds = responding_cells(mean[2] - mean[0])
        findings = Findings()
        findings.number("responding", responds.mean(), "1", "Fraction of cells that respond")
        for k, name in enumerate(STATES):
            whole = on_map(record.mask, np.where(responds, mean[k], np.nan))
            findings.map(f"cell_{name}", whole, "S", f"Mean conductance of the cell: {name}")
        if responds.sum() < 2:
            return findings
        own = cells[..., responds]
        reset, low, high = (variance_components(own[:, k]) for k in range(len(STATES)))
        for name, state in zip(STATES, (reset, low, high), strict=True):
            _add_state(findings, name, state)
        _add_cycle(findings, low, high)
        self._add_laws(findings, mean[1:, responds], low, high)
        # Levels near 0 S are cut off there, and what is left of their spread tells little.
        clear = reset.mean > 2.0 * reset.cycle.deviation
        square = reset.mean**2 if clear else np.nan
        relative = Component(reset.cell.variance / square, reset.cell.error / square)
        text = "Cell to cell: relative spread of the RESET level, if clearly above 0 S"
        findings.number("reset_spread", *_deviation(relative, "1", text))
        return findings

    def _add_laws(
        self, findings: Findings, mean: FloatArray, low: Components, high: Components
    ) -> None:
        """Add the spread of slopes and offsets of the cells' SET laws, noise taken off."""
        first, second = self.config.gate_low, self.config.gate_high
        gap = second - first
        slope = (mean[1] - mean[0]) / gap
        offset = (second * mean[0] - first * mean[1]) / gap
        noise_low, noise_high = low.of_cell_mean, high.of_cell_mean
        n = slope.size
        for name, values, noise, unit in (
            ("slope", slope, (noise_low + noise_high) / gap**2, float(slope.mean())),
            (
                "offset",
                offset,
                (second**2 * noise_low + first**2 * noise_high) / gap**2,
                1.0,
            ),
        ):
            total = values.var(ddof=1) / unit**2
            part = Component(total - noise / unit**2, total * (2.0 / (n - 1)) ** 0.5)
            units = "1" if name == "slope" else "S"
            text = f"Cell to cell: spread of the {name} of the SET law"
            findings.number(f"set_{name}_spread", *_deviation(part, units, text))


def _add_state(findings: Findings, name: str, state: Components) -> None:
    text = f"Mean conductance: {name}"
    findings.number(f"{name}_level", state.mean, "S", text, state.mean_error)
    for kind, component, text in (
        ("cell", state.cell, "Cell to cell"),
        ("cycle", state.cycle, "Cycle to cycle"),
        ("reading", state.reading, "Reading to reading"),
    ):
        findings.number(f"{name}_{kind}_spread", *_deviation(component, "S", f"{text}: {name}"))


def _add_cycle(findings: Findings, low: Components, high: Components) -> None:
    """Split cycle-to-cycle variance into an absolute part and one that grows with the level."""
    gap = high.mean**2 - low.mean**2
    error = (low.cycle.error**2 + high.cycle.error**2) ** 0.5 / gap
    relative = Component((high.cycle.variance - low.cycle.variance) / gap, error)
    rest = low.cycle.variance - low.mean**2 * relative.variance
    # Of both variances: the lower one counts high.mean^2 / gap times, the higher low.mean^2 / gap.
    parts = high.mean**2 * low.cycle.error, low.mean**2 * high.cycle.error
    absolute = Component(rest, float(np.hypot(*parts)) / gap)
    text = "Cycle to cycle: part of the noise of a pulse that does not depend on the level"
    findings.number("noise", *_deviation(absolute, "S", text))
    text = "Cycle to cycle: part of the noise of a pulse relative to the level"
    findings.number("cycle", *_deviation(relative, "1", text))


def _deviation(component: Component, units: str, text: str) -> tuple[float, str, str, float]:
    """Return a standard deviation and its error, as arguments of `Findings.number`."""
    return component.deviation, units, text, component.deviation_error


PROCEDURE = Variation
