"""Variation: RESET and SET cycles at two gate voltages, each state read twice in a row.

Three things make readings of one state differ, and their variances add:

    cell to cell      what a cell keeps over all cycles
    cycle to cycle    what a pulse leaves anew each time
    reading           what differs between two readings without a pulse between them

They are told apart by the analysis of variance of a sample that is nested like this. Read noise
that is slower than two readings counts as cycle to cycle: it is the same in both. What flows at 0 V
is taken off each reading (`offsets`); wires count as cell to cell.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from memlab.analysis.clusters import Lines
from memlab.analysis.statistics import on_map, responding_cells
from memlab.analysis.variance import (
    Component,
    Components,
    mean_component,
    variance_components,
)
from memlab.characterize.bench import Bench
from memlab.characterize.levels import LevelsConfig
from memlab.characterize.offsets import ZEROS, net_conductance, read_net
from memlab.characterize.procedure import Demand, Procedure
from memlab.characterize.shared_errors import shared_error
from memlab.characterize.staircase import clear_steps
from memlab.kinds import Quantity
from memlab.numeric import FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Volts

__all__ = ["Variation", "VariationConfig"]


STATES = ("reset", "set_low", "set_high")


class VariationConfig(LevelsConfig):
    """Settings of the cycles."""

    cycles: int = Field(10, description="Cycles; each RESETs and SETs every cell twice.", ge=2)
    gate_low: Volts = Field(0.8, description="Lower gate voltage of SET.", gt=0)
    gate_high: Volts = Field(2.4, description="Higher gate voltage of SET.", gt=0)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.gate_low < self.gate_high:
            raise ValueError("gate_low < gate_high must hold (V)")
        return self


RESPONDING = Quantity("responding", "1", "Fraction of cells that respond")
NOISE = Quantity(
    "noise",
    "S",
    "Cycle to cycle: part of the noise of a pulse that does not depend on the level",
)
CYCLE = Quantity("cycle", "1", "Cycle to cycle: part of the noise of a pulse relative to the level")
_LAW = "Cell to cell: spread of the {} of the SET law"
SET_SLOPE_SPREAD = Quantity("set_slope_spread", "1", _LAW.format("slope"))
SET_OFFSET_SPREAD = Quantity("set_offset_spread", "S", _LAW.format("offset"))
RESET_SPREAD = Quantity("reset_spread", "1", "Cell to cell: relative spread of the RESET level")
LEVEL = {one: Quantity(f"{one}_level", "S", f"Mean conductance: {one}") for one in STATES}
CELL_LEVEL = {
    one: Quantity(f"cell_{one}", "S", f"Mean conductance of the cell: {one}", ("row", "column"))
    for one in STATES
}
SPREAD = {
    (state, part): Quantity(f"{state}_{part}_spread", "S", f"{text}: {state}")
    for state in STATES
    for part, text in (
        ("cell", "Cell to cell"),
        ("cycle", "Cycle to cycle"),
        ("reading", "Reading to reading"),
    )
}
_OF_TWO = (
    *LEVEL.values(),
    *SPREAD.values(),
    NOISE,
    CYCLE,
    SET_SLOPE_SPREAD,
    SET_OFFSET_SPREAD,
    RESET_SPREAD,
)
"""What two cells tell, in the order in which it stands in files without any."""


class Variation(Procedure[VariationConfig]):
    """The measurement of spread (see the module's documentation)."""

    name = "variation"
    title = "Variation: cell to cell, cycle to cycle, reading to reading"
    about = "Spread from cell to cell, cycle to cycle and reading to reading."
    Config = VariationConfig
    quantities: ClassVar = (
        CYCLE,
        NOISE,
        SET_SLOPE_SPREAD,
        SET_OFFSET_SPREAD,
        RESET_SPREAD,
        *LEVEL.values(),
        *SPREAD.values(),
        RESPONDING,
        *CELL_LEVEL.values(),
    )
    picture = "memlab.characterize.pictures.variation"
    needs_gates = ""
    coordinates: ClassVar = {
        "cycle": Coordinate("1", "Number of the cycle, from 0"),
        "state": Coordinate("1", f"Number of the state: {', '.join(STATES)}"),
        "repeat": Coordinate("1", "0 for the first, 1 for the second reading of a state"),
    }

    vector_coordinates: ClassVar = ZEROS

    def demands(self) -> list[Demand]:
        """Return the higher SET."""
        return [Demand(self.config.gate_high)]

    def measure(self, bench: Bench) -> None:
        """RESET; SET at the lower gate voltage; RESET and SET at the higher; read each twice."""
        none = np.zeros(bench.shape, bool)
        gates = self.config.gate_low, self.config.gate_high
        low, high = self.config.controls(self.control, gates, gates).tolist()
        for cycle in range(self.config.cycles):
            bench.program(0.0, reset=bench.mask, set=none)
            self._read_twice(bench, cycle, 0)
            bench.program_to(low)
            self._read_twice(bench, cycle, 1)
            bench.program_to(high, reset=bench.mask)
            self._read_twice(bench, cycle, 2)

    def _read_twice(self, bench: Bench, cycle: int, state: int) -> None:
        for repeat in range(2):
            read_net(bench, cycle=cycle, state=state, repeat=repeat)

    def analyse(self, record: Record) -> Findings:
        """Return the variance components of each state, and the parameters that they make."""
        config = self.config
        net = net_conductance(record, config.point.read_voltage)
        cells = net.reshape(config.cycles, len(STATES), 2, -1)
        mean = cells.mean(axis=(0, 2))
        responds = responding_cells(mean[2] - mean[0])
        findings = Findings()
        findings.add_fraction(RESPONDING, int(responds.sum()), responds.size, "cells tested")
        for k, name in enumerate(STATES):
            whole = on_map(record.mask, np.where(responds, mean[k], np.nan))
            findings.add(CELL_LEVEL[name], whole)
        if responds.sum() < 2:
            _add_none(findings, int(responds.sum()))
            return findings
        lines, own = Lines.of(record.mask, responds), cells[..., responds]
        found = _Found(findings, lines, shared_error(record, mean[2, responds], lines))
        reset, low, high = (variance_components(own[:, k], lines) for k in range(len(STATES)))
        for name, state in zip(STATES, (reset, low, high), strict=True):
            found.add_state(name, state)
        # One pulse each; a SET that is cut off at the RESET state scatters less.
        clear = clear_steps(own[0, 1:, 0], own[0, 0, 0]).all()
        found.add_cycle(low, high, "" if clear else _CUT_OFF)
        self._add_laws(found, mean[1:, responds], low, high, "" if clear else _CUT_OFF)
        # Levels near 0 S are cut off there, and what is left of their spread tells little.
        why = "" if reset.mean > 2.0 * reset.cycle.deviation else "the level is cut off at 0 S"
        square = reset.mean**2 or 1.0
        relative = Component(reset.cell.variance / square, reset.cell.error / square)
        found.add(RESET_SPREAD, relative, why or found.shared)
        return findings

    def _add_laws(
        self, found: _Found, mean: FloatArray, low: Components, high: Components, why: str
    ) -> None:
        """Add the spread of slopes and offsets of the cells' SET laws, noise taken off."""
        gates = self.config.gate_low, self.config.gate_high
        first, second = self.config.controls(self.control, gates, gates).tolist()
        gap = second - first
        slope = (mean[1] - mean[0]) / gap
        offset = (second * mean[0] - first * mean[1]) / gap
        noise_low, noise_high = low.of_cell_mean, high.of_cell_mean
        n = slope.size
        for quantity, values, noise, unit in (
            (SET_SLOPE_SPREAD, slope, (noise_low + noise_high) / gap**2, float(slope.mean())),
            (
                SET_OFFSET_SPREAD,
                offset,
                (second**2 * noise_low + first**2 * noise_high) / gap**2,
                1.0,
            ),
        ):
            squared = (values - values.mean()) ** 2 * n / (n - 1)
            part = mean_component((squared - noise) / unit**2, found.lines)
            found.add(quantity, part, why or found.shared)


_CUT_OFF = (
    "SETs at the lower level end too close to the RESET state; raise gate_low (set_minimum where "
    "cells have no gates)"
)


def _add_none(findings: Findings, n: int) -> None:
    """Say of all that two cells would tell that it is not determined."""
    for one in _OF_TWO:
        quantity = one.saying(one.name.replace("_", " ").capitalize())
        why, of = "fewer than two cells respond", "cells that respond"
        findings.add_undetermined(quantity, why, n=n, of=of)


class _Found:
    """Findings about some cells.

    Parameters
    ----------
    findings
        Where they go.
    lines
        Where the cells lie.
    shared
        Why nothing can be said of how cells differ, or "".
    """

    def __init__(self, findings: Findings, lines: Lines, shared: str):
        self.lines, self.shared = lines, shared
        self._findings = findings

    def add(self, quantity: Quantity, component: Component, why: str = "") -> None:
        """Add a standard deviation, unless there is a reason why it is not known."""
        n, of = int(self.lines.row.size), "cells that respond"
        error = component.deviation_error
        self._findings.add(quantity, component.deviation, error, n=n, of=of, why=why)

    def add_state(self, name: str, state: Components) -> None:
        """Add the level of a state and what its spread is made of."""
        n, of = int(self.lines.row.size), "cells that respond"
        error = state.mean_error
        self._findings.add(LEVEL[name], state.mean, error, n=n, of=of, why=self.shared)
        for part, component, why in (
            ("cell", state.cell, self.shared),
            ("cycle", state.cycle, ""),
            ("reading", state.reading, ""),
        ):
            self.add(SPREAD[name, part], component, why)

    def add_cycle(self, low: Components, high: Components, why: str) -> None:
        """Split cycle-to-cycle variance into an absolute part and one that grows with the level."""
        gap = high.mean**2 - low.mean**2
        of_cells = (high.cycle_of_cells - low.cycle_of_cells) / gap
        relative = mean_component(of_cells, self.lines)
        absolute = mean_component(low.cycle_of_cells - low.mean**2 * of_cells, self.lines)
        self.add(NOISE, absolute, why)
        self.add(CYCLE, relative, why)
