"""A procedure of one's own as a kind of run: it finds what a second SET pulse adds.

Copy this file, and change what is pulsed and what is found. In the `pyproject.toml` of your package

    [project.entry-points."memlab.kinds.procedure"]
    second-set = "own_procedure:SecondSet"

makes it a kind like the built-in ones, once the package is installed:

    memlab characterize second-set --settings
    memlab characterize second-set --rows 0:8 --set gate_voltage=1.4
    memlab estimate second-set
    memlab runs resume second-set.h5
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from memlab.characterize import Bench, Demand, Procedure, ProcedureConfig
from memlab.runs import Coordinate, Findings, Quantity, Record
from memlab.setting_units import Volts

STEP = Quantity("second_step", "S", "What a second SET adds, mean")
SPREAD = Quantity("second_step_spread", "S", "What a second SET adds, from cell to cell")


class SecondSetConfig(ProcedureConfig):
    """Settings; what is not here is what every procedure has."""

    gate_voltage: Volts = Field(1.2, description="Gate voltage of both SETs.", gt=0)
    cycles: int = Field(4, description="RESETs, each with two SETs after it.", ge=2)


class SecondSet(Procedure[SecondSetConfig]):
    """What it pulses, and what it finds."""

    name = "second-set"
    title = "Second SET: what it adds to the first"
    about = "What a second SET pulse of the same gate voltage adds."
    Config = SecondSetConfig
    quantities: ClassVar = (STEP, SPREAD)
    coordinates: ClassVar = {
        "cycle": Coordinate("1", "RESETs so far"),
        "pulse": Coordinate("1", "SETs since the RESET"),
    }

    def demands(self) -> Sequence[Demand]:
        """Return the hardest pulse: what a limit forbids never begins."""
        return (Demand(self.config.gate_voltage),)

    def measure(self, bench: Bench) -> None:
        """RESET, SET and read; SET and read again.

        What comes next depends on the settings and on what the bench returned, and on nothing
        else: that is all that a killed run needs to go on.
        """
        for cycle in range(1, self.config.cycles + 1):
            bench.program(self.config.gate_voltage, reset=bench.mask)
            bench.read(cycle=float(cycle), pulse=1.0)
            bench.program(self.config.gate_voltage)
            bench.read(cycle=float(cycle), pulse=2.0)

    def analyse(self, record: Record) -> Findings:
        """Return the mean step and its spread; the record is all there is."""
        reading = record.conductance.reshape(self.config.cycles, 2, -1)
        step = reading[:, 1] - reading[:, 0]  # (cycles, cells) in S
        findings, cells = Findings(), step.shape[1]
        about = {"n": cells, "of": "cells"}
        if cells < 2:
            why = "one cell has no spread, and its mean no error"
            for quantity in (STEP, SPREAD):
                findings.add(quantity, np.nan, why=why, **about)
            return findings
        of_cells = step.mean(axis=0)
        spread = float(of_cells.std(ddof=1))
        findings.add(STEP, float(of_cells.mean()), spread / np.sqrt(cells), **about)
        findings.add(SPREAD, spread, spread / np.sqrt(2 * (cells - 1)), **about)
        return findings
