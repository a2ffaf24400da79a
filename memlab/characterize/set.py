"""SET map: conductance after one SET at each amplitude and gate voltage, from a RESET state.

The gate sets the level that a full SET reaches, the amplitude how much of the way to it a pulse
does. Both are fitted to the means over the cells that respond (`pulse_law`), with errors from
leaving out groups of columns (`clusters`). On a chip with wires the amplitude at a cell is lower
than at the driver, and not the same for all: what is fitted is then the law as it is seen from the
drivers.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from memlab.analysis.clusters import Lines, mean_over_cells
from memlab.analysis.pulse_law import PulseLaw, fit_set
from memlab.analysis.statistics import CONVERTER_ERROR, fit_line, responding_cells
from memlab.characterize import pulse_grid
from memlab.characterize.bench import Bench
from memlab.characterize.offsets import ZEROS, net_conductance, read_net
from memlab.characterize.procedure import Demand, Procedure
from memlab.characterize.pulse_findings import CAVEAT, SET_LAW, LawFindings, within_cells
from memlab.characterize.shared_errors import shared_error
from memlab.characterize.staircase import clear_steps
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Findings, Record
from memlab.setting_units import Volts

__all__ = ["SetMap", "SetMapConfig"]


class SetMapConfig(pulse_grid.PulseGridConfig):
    """Settings of the SET map."""

    voltage_minimum: Volts = Field(0.6, description="Smallest SET amplitude.", gt=0)
    voltage_maximum: Volts = Field(2.7, description="Largest SET amplitude.", gt=0)
    voltages: int = Field(8, description="Amplitudes from smallest to largest.", ge=3)
    gate_minimum: Volts = Field(0.8, description="Smallest gate voltage.", gt=0)
    gate_maximum: Volts = Field(2.4, description="Largest gate voltage.", gt=0)
    gates: int = Field(5, description="Gate voltages from smallest to largest.", ge=1)


RESPONDING = Quantity("responding", "1", "Fraction of cells that respond")
SET_SLOPE = Quantity(
    "set_slope", "S/V", "SET law at the largest amplitude: conductance per volt of gate"
)
SET_OFFSET = Quantity(
    "set_offset", "S", "SET law at the largest amplitude: conductance at 0 V gate"
)


class SetMap(Procedure[SetMapConfig]):
    """The SET map (see the module's documentation)."""

    name = "set"
    title = "SET map: amplitude and gate voltage"
    about = "Conductance after one SET, over amplitude and gate voltage."
    Config = SetMapConfig
    quantities: ClassVar = (*SET_LAW, SET_SLOPE, SET_OFFSET, RESPONDING, *pulse_grid.QUANTITIES)
    picture = "memlab.characterize.pictures.set"
    needs_gates = ""
    coordinates: ClassVar = pulse_grid.COORDINATES
    vector_coordinates: ClassVar = ZEROS

    def demands(self) -> list[Demand]:
        """Return the corner of the map."""
        config = self.config
        return [Demand(config.gate_maximum, {"set_voltage": config.voltage_maximum})]

    def measure(self, bench: Bench) -> None:
        """RESET and read once for each gate voltage; RESET, SET and read at each amplitude."""
        none = np.zeros(bench.shape, bool)
        for gate in self.config.gate_voltages(self.control).tolist():
            bench.program(0.0, reset=bench.mask, set=none)
            read_net(bench, gate_voltage=gate)
            for voltage in self.config.amplitudes().tolist():
                bench.program(gate, reset=bench.mask, set_voltage=voltage)
                read_net(bench, voltage=voltage, gate_voltage=gate)

    def analyse(self, record: Record) -> Findings:
        """Return mean and spread over the grid, and the SET law."""
        config = self.config
        net = net_conductance(record, config.point.read_voltage)
        gates = config.gate_voltages(self.control)
        grid = net.reshape(gates.size, config.voltages + 1, -1)
        responds = responding_cells(grid[:, -1].mean(axis=0) - grid[:, 0].mean(axis=0))
        cells = grid[:, :, responds]
        findings, lines = Findings(), Lines.of(record.mask, responds)
        findings.add_fraction(RESPONDING, int(responds.sum()), responds.size, "cells tested")
        pulse_grid.add_grid(findings, config, gates, cells[:, 1:], "a SET from a RESET state")
        shared = shared_error(record, cells[:, -1].mean(axis=0), lines)

        def law(which: BoolArray, near: FloatArray | None = None) -> PulseLaw:
            some = cells[:, :, which]
            moved = some[:, 1:] - some[:, :1]
            return fit_set(config.amplitudes(), moved.mean(axis=2), within_cells(moved), near=near)

        found = LawFindings(findings, lines, shared)
        found.add(law, SET_LAW)
        if gates.size > 1:
            ends = "level" not in found.why
            self._add_line(findings, cells, lines, shared, ends)
        return findings

    def _add_line(
        self, findings: Findings, cells: FloatArray, lines: Lines, shared: str, ends: bool
    ) -> None:
        """Add the SET law of the largest amplitude, over the gate voltages clear of RESET."""
        n, of = int(lines.row.size), "cells that respond"
        gate = self.config.gate_voltages()
        clear = clear_steps(cells[:, -1], cells[:, 0].mean(axis=0))
        why = shared
        if n < 2:
            why = "fewer than two cells respond"
        elif clear.sum() < 2:
            why = "fewer than two gate voltages lie clear of the RESET state"
        caveat = CAVEAT if ends else f"the largest amplitude may be no full SET; {CAVEAT}"
        for quantity in (SET_SLOPE, SET_OFFSET):
            if why:
                findings.add_undetermined(quantity, why, n=n, of=of)
                continue
            x = gate[clear] - gate[clear].mean()
            fit, lever = fit_line(gate[clear], cells[clear, -1]), float(x @ x) ** 0.5
            slope = quantity is SET_SLOPE
            factor = (
                1.0 / lever
                if slope
                else float(np.hypot(clear.sum() ** -0.5, gate[clear].mean() / lever))
            )
            level = float(cells[clear, -1].mean()) * factor
            value, error = mean_over_cells(
                fit.slope if slope else fit.offset, lines, level, CONVERTER_ERROR * factor
            )
            findings.add(quantity, value, error, n=n, of=of, caveat=caveat)
