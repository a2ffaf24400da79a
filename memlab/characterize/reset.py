"""RESET map: conductance after one RESET at each amplitude and gate voltage, from a SET state.

Before each RESET of the map the cells are RESET in full and SET, so that all start alike. The law
(`pulse_law`) is fitted at the highest gate voltage, where the transistor is in the way least, and
there from a second SET state too: from one alone, a RESET that goes less far cannot be told from
one that stops higher. On a chip with wires it is the law as it is seen from the drivers.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from memlab.characterize.bench import Bench
from memlab.characterize.procedure import Demand, Procedure
from memlab.characterize.pulse_grid import COORDINATES, PulseGridConfig, add_grid
from memlab.characterize.pulse_law import fit_reset
from memlab.characterize.statistics import responding_cells
from memlab.runs import Coordinate, Findings, Record

__all__ = ["PROCEDURE", "ResetMap", "ResetMapConfig"]


class ResetMapConfig(PulseGridConfig):
    """Settings of the RESET map."""

    voltage_minimum: float = Field(0.4, description="Smallest RESET amplitude in V.", gt=0)
    voltage_maximum: float = Field(2.2, description="Largest RESET amplitude in V.", gt=0)
    voltages: int = Field(10, description="Amplitudes from smallest to largest.", ge=3)
    gate_minimum: float = Field(2.0, description="Smallest RESET gate voltage in V.", gt=0)
    gate_maximum: float = Field(5.0, description="Largest RESET gate voltage in V.", gt=0)
    gates: int = Field(4, description="Gate voltages from smallest to largest.", ge=1)
    set_gate_voltage: float = Field(1.6, description="Gate voltage of the SET before, in V.", gt=0)
    second_gate_voltage: float = Field(
        0.8, description="Gate voltage of the SET to the second state, in V.", gt=0
    )

    def series(self) -> list[tuple[float, float]]:
        """Return gate voltages (V) of SET and RESET of each series over all amplitudes."""
        gates = self.gate_voltages().tolist()
        first = [(self.set_gate_voltage, gate) for gate in gates]
        return [*first, (self.second_gate_voltage, gates[-1])]


class ResetMap(Procedure[ResetMapConfig]):
    """The RESET map (see the module's documentation)."""

    name = "reset"
    title = "RESET map: amplitude and gate voltage"
    Config = ResetMapConfig
    coordinates: ClassVar = {
        **COORDINATES,
        "set_gate_voltage": Coordinate("V", "Gate voltage of the SET before it"),
    }

    def demands(self) -> list[Demand]:
        """Return the highest SET before, and the corner of the map."""
        config = self.config
        hardest = {
            "reset_voltage": config.voltage_maximum,
            "reset_gate_voltage": config.gate_maximum,
        }
        start = max(config.set_gate_voltage, config.second_gate_voltage)
        return [Demand(start), Demand(point=hardest)]

    def measure(self, bench: Bench) -> None:
        """SET and read once in each series; SET, RESET and read at each amplitude."""
        none = np.zeros(bench.shape, bool)
        for start, gate in self.config.series():
            bench.program(start, reset=bench.mask)
            bench.read(gate_voltage=gate, set_gate_voltage=start)
            for voltage in self.config.amplitudes().tolist():
                bench.program(start, reset=bench.mask)
                bench.program(
                    0.0, reset=bench.mask, set=none, reset_voltage=voltage, reset_gate_voltage=gate
                )
                bench.read(voltage=voltage, gate_voltage=gate, set_gate_voltage=start)

    def analyse(self, record: Record) -> Findings:
        """Return mean and spread over the grid, and the RESET law."""
        config = self.config
        grid = record.conductance.reshape(config.gates + 1, config.voltages + 1, -1)
        responds = responding_cells(grid[:, 0].mean(axis=0) - grid[:, -1].mean(axis=0))
        before, after = grid[:, 0, responds], grid[:, 1:, responds]
        findings = Findings()
        findings.number("responding", responds.mean(), "1", "Fraction of cells that respond")
        add_grid(findings, config, after[:-1], "a RESET from a SET state")
        if responds.any():
            # The last two series: both SET states at the highest gate voltage.
            start = before[-2:].mean(axis=1)
            found, error = after[-2:].mean(axis=2), after[-2:].std(axis=2) / responds.sum() ** 0.5
            law = fit_reset(config.amplitudes(), found, error, start)
            text = "Mean conductance of the SET state"
            findings.number("set_conductance", start[0], "S", text)
            text = "Amplitude below which a RESET does nothing"
            findings.number("threshold", law.threshold, "V", text, law.threshold_error)
            text = "Amplitude from which a RESET is a full one"
            findings.number("full_voltage", law.full_voltage, "V", text, law.errors[0])
            text = "Steepness of ln(part of a RESET) with amplitude"
            findings.number("steepness", law.steepness, "1/V", text, law.errors[1])
            text = "Mean conductance after a full RESET"
            findings.number("reset_conductance", law.level[0], "S", text, law.errors[2])
            text = "Rise of the RESET level per volt below the full voltage"
            findings.number("depth_slope", law.level[1], "S/V", text, law.errors[3])
        return findings


PROCEDURE = ResetMap
