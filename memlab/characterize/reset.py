"""RESET map: conductance after one RESET at each amplitude and gate voltage, from a SET state.

Before each RESET of the map the cells are RESET in full and SET, so that all start alike. The law
(`pulse_law`) is fitted at the highest gate voltage, where the transistor is in the way least, and
there from a second SET state too: from one alone, a RESET that goes less far cannot be told from
one that stops higher. Cells that a RESET would leave below 0 S end there: means are those of
normal levels of which nothing below is seen (`cut_off`). On a chip with wires it is the law as it
is seen from the drivers.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from memlab.analysis.clusters import Lines, mean_over_cells
from memlab.analysis.cut_off import means_above_zero
from memlab.analysis.pulse_law import PulseLaw, fit_reset
from memlab.analysis.statistics import responding_cells
from memlab.array.set_control import SetControl
from memlab.characterize import pulse_grid
from memlab.characterize.bench import Bench
from memlab.characterize.levels import LevelsConfig
from memlab.characterize.offsets import ZEROS, net_conductance, read_net
from memlab.characterize.procedure import Demand, Procedure
from memlab.characterize.pulse_findings import RESET_LAW, LawFindings, within_cells
from memlab.characterize.shared_errors import shared_error
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Volts

__all__ = ["ResetMap", "ResetMapConfig"]


class ResetMapConfig(pulse_grid.PulseGridConfig, LevelsConfig):
    """Settings of the RESET map."""

    voltage_minimum: Volts = Field(0.4, description="Smallest RESET amplitude.", gt=0)
    voltage_maximum: Volts = Field(2.2, description="Largest RESET amplitude.", gt=0)
    voltages: int = Field(10, description="Amplitudes from smallest to largest.", ge=3)
    gate_minimum: Volts = Field(2.0, description="Smallest RESET gate voltage.", gt=0)
    gate_maximum: Volts = Field(5.0, description="Largest RESET gate voltage.", gt=0)
    gates: int = Field(4, description="Gate voltages from smallest to largest.", ge=1)
    set_gate_voltage: Volts = Field(1.6, description="Gate voltage of the SET before.", gt=0)
    second_gate_voltage: Volts = Field(
        0.8, description="Gate voltage of the SET to the second state.", gt=0
    )

    def series(self, control: SetControl = SetControl.GATE) -> list[tuple[float, float]]:
        """Return what each series over all amplitudes has, in V: level of SET, gate of RESET."""
        gates = self.gate_voltages(control).tolist()
        ends = self.second_gate_voltage, self.set_gate_voltage
        second, start = self.controls(control, ends, ends).tolist()
        return [*((start, gate) for gate in gates), (second, gates[-1])]


RESPONDING = Quantity("responding", "1", "Fraction of cells that respond")
SET_CONDUCTANCE = Quantity("set_conductance", "S", "Mean conductance of the SET state")


class ResetMap(Procedure[ResetMapConfig]):
    """The RESET map (see the module's documentation)."""

    name = "reset"
    title = "RESET map: amplitude and gate voltage"
    about = "Conductance after one RESET, over amplitude and gate voltage."
    Config = ResetMapConfig
    quantities: ClassVar = (*RESET_LAW, SET_CONDUCTANCE, RESPONDING, *pulse_grid.QUANTITIES)
    picture = "memlab.characterize.pictures.reset"
    needs_gates = ""
    coordinates: ClassVar = {
        **pulse_grid.COORDINATES,
        "set_gate_voltage": Coordinate(
            "V", "Gate voltage of the SET before it; its amplitude where cells have no gates"
        ),
    }

    vector_coordinates: ClassVar = ZEROS

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
        for start, gate in self.config.series(self.control):
            bench.program_to(start, reset=bench.mask)
            read_net(bench, gate_voltage=gate, set_gate_voltage=start)
            for voltage in self.config.amplitudes().tolist():
                bench.program_to(start, reset=bench.mask)
                bench.program(
                    0.0, reset=bench.mask, set=none, reset_voltage=voltage, reset_gate_voltage=gate
                )
                read_net(bench, voltage=voltage, gate_voltage=gate, set_gate_voltage=start)

    def analyse(self, record: Record) -> Findings:
        """Return mean and spread over the grid, and the RESET law."""
        config = self.config
        net = net_conductance(record, config.point.read_voltage)
        gates = config.gate_voltages(self.control)
        grid = net.reshape(gates.size + 1, config.voltages + 1, -1)
        responds = responding_cells(grid[:, 0].mean(axis=0) - grid[:, -1].mean(axis=0))
        cells = grid[:, :, responds]
        findings, lines = Findings(), Lines.of(record.mask, responds)
        findings.add_fraction(RESPONDING, int(responds.sum()), responds.size, "cells tested")
        pulse_grid.add_grid(findings, config, gates, cells[:-1, 1:], "a RESET from a SET state")
        shared = shared_error(record, cells[-2, 0], lines)
        n, of = int(responds.sum()), "cells that respond"
        if n > 1 and not shared:
            value, error = mean_over_cells(cells[-2, 0], lines)
            findings.add(SET_CONDUCTANCE, value, error, n=n, of=of)
        else:
            why = shared or "fewer than two cells respond"
            findings.add_undetermined(SET_CONDUCTANCE, why, n=n, of=of)

        def law(which: BoolArray, near: FloatArray | None = None) -> PulseLaw:
            # The last two series: both SET states at the highest gate voltage.
            start, after = cells[-2:, 0, which], cells[-2:, 1:, which]
            found, own, cut = means_above_zero(after)
            error = np.where(cut > 0.0, own, within_cells(after))
            return fit_reset(config.amplitudes(), found, error, start.mean(axis=1), near=near)

        LawFindings(findings, lines, shared).add(law, RESET_LAW)
        return findings
