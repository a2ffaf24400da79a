"""SET map: conductance after one SET at each amplitude and gate voltage, from a RESET state.

The gate sets the level that a full SET reaches, the amplitude how much of the way to it a pulse
does. Both are fitted to the means over the cells that respond (`pulse_law`). On a chip with wires
the amplitude at a cell is lower than at the driver, and not the same for all: what is fitted is
then the law as it is seen from the drivers.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from memlab.characterize.bench import Bench
from memlab.characterize.procedure import Demand, Procedure
from memlab.characterize.pulse_grid import COORDINATES, PulseGridConfig, add_grid
from memlab.characterize.pulse_law import fit_set
from memlab.characterize.statistics import fit_line, mean_with_error, responding_cells
from memlab.runs import Findings, Record

__all__ = ["PROCEDURE", "SetMap", "SetMapConfig"]


class SetMapConfig(PulseGridConfig):
    """Settings of the SET map."""

    voltage_minimum: float = Field(0.6, description="Smallest SET amplitude in V.", gt=0)
    voltage_maximum: float = Field(2.7, description="Largest SET amplitude in V.", gt=0)
    voltages: int = Field(8, description="Amplitudes from smallest to largest.", ge=3)
    gate_minimum: float = Field(0.8, description="Smallest gate voltage in V.", gt=0)
    gate_maximum: float = Field(2.4, description="Largest gate voltage in V.", gt=0)
    gates: int = Field(5, description="Gate voltages from smallest to largest.", ge=1)


class SetMap(Procedure[SetMapConfig]):
    """The SET map (see the module's documentation)."""

    name = "set"
    title = "SET map: amplitude and gate voltage"
    Config = SetMapConfig
    coordinates: ClassVar = COORDINATES

    def demands(self) -> list[Demand]:
        """Return the corner of the map."""
        config = self.config
        return [Demand(config.gate_maximum, {"set_voltage": config.voltage_maximum})]

    def measure(self, bench: Bench) -> None:
        """RESET and read once for each gate voltage; RESET, SET and read at each amplitude."""
        none = np.zeros(bench.shape, bool)
        for gate in self.config.gate_voltages().tolist():
            bench.program(0.0, reset=bench.mask, set=none)
            bench.read(gate_voltage=gate)
            for voltage in self.config.amplitudes().tolist():
                bench.program(gate, reset=bench.mask, set_voltage=voltage)
                bench.read(voltage=voltage, gate_voltage=gate)

    def analyse(self, record: Record) -> Findings:
        """Return mean and spread over the grid, and the SET law."""
        config = self.config
        grid = record.conductance.reshape(config.gates, config.voltages + 1, -1)
        responds = responding_cells(grid[:, -1].mean(axis=0) - grid[:, 0].mean(axis=0))
        before, after = grid[:, 0, responds], grid[:, 1:, responds]
        findings = Findings()
        findings.number("responding", responds.mean(), "1", "Fraction of cells that respond")
        add_grid(findings, config, after, "a SET from a RESET state")
        if responds.any():
            moved = after.mean(axis=2) - before.mean(axis=1)[:, np.newaxis]
            error = (after.var(axis=2) + before.var(axis=1)[:, np.newaxis]) / responds.sum()
            law = fit_set(config.amplitudes(), moved, np.sqrt(error))
            text = "Amplitude below which a SET does nothing"
            findings.number("threshold", law.threshold, "V", text, law.threshold_error)
            text = "Amplitude from which a SET is a full one"
            findings.number("full_voltage", law.full_voltage, "V", text, law.errors[0])
            text = "Steepness of ln(part of a SET) with amplitude"
            findings.number("steepness", law.steepness, "1/V", text, law.errors[1])
        if responds.any() and config.gates > 1:
            fit = fit_line(config.gate_voltages(), after[:, -1])
            slope, error = mean_with_error(fit.slope)
            text = "SET law at the largest amplitude: conductance per volt of gate voltage"
            findings.number("set_slope", slope, "S/V", text, error)
            offset, error = mean_with_error(fit.offset)
            text = "SET law at the largest amplitude: conductance at 0 V gate"
            findings.number("set_offset", offset, "S", text, error)
        return findings


PROCEDURE = SetMap
