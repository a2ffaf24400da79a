"""Forming: pulses of rising voltage and width, until each cell reaches a target conductance.

At every voltage of the ramp the pulses grow wider, then the next voltage follows. A cell that has
reached the target gets no more pulses, and one that is there before the first gets none at all. The
gate is low: it limits the current at the moment a cell forms. What flows at 0 V is taken off each
reading (`offsets`): on a column of formed cells it is as large as the target, and a cell that only
looks formed would never be.

A formed cell that was RESET reads like a pristine one. It is pulsed, and switches at the first
steps; the ramp cannot tell it from a cell that formed there.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from memlab.analysis.censored import fit_normal
from memlab.analysis.statistics import on_map
from memlab.characterize.bench import Bench
from memlab.characterize.offsets import reads_without_offset
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.emulator import ChipPreset, load_preset
from memlab.kinds import Quantity
from memlab.numeric import BoolArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Seconds, Siemens, Volts
from memlab.settings import ChipSetting

__all__ = ["Forming", "FormingConfig"]


_WIRES = "what the wires take of a pulse is not in the error"

_FEW_STEPS = "the cells formed within fewer than three steps: make them finer"

_ZEROS = 4
"""Vectors of zeros at each step: their noise is then below that of the reading."""


def _fresh_chip() -> ChipPreset:
    """Return a chip that forms within the limits of SET: the presets arrive formed."""
    chip = load_preset("ta-hfo2-full")
    return chip.replace(**{"forming.voltage": 2.2, "forming.spread": 0.12})


class FormingConfig(ProcedureConfig):
    """Settings of forming."""

    chip: ChipSetting = Field(
        default_factory=_fresh_chip,
        description="Chip of the emulator: by default ta-hfo2-full that arrives unformed.",
    )
    voltage_minimum: Volts = Field(1.4, description="First amplitude.", gt=0)
    voltage_maximum: Volts = Field(3.0, description="Last amplitude.", gt=0)
    steps: int = Field(17, description="Amplitudes from first to last.", ge=2)
    width_minimum: Seconds = Field(1e-6, description="Width of the first pulse.", gt=0)
    width_maximum: Seconds = Field(4e-6, description="Width of the last pulse.", gt=0)
    widths: int = Field(2, description="Widths at each amplitude, rising geometrically.", ge=1)
    gate_voltage: Volts = Field(0.9, description="Gate voltage: the compliance.", gt=0)
    target: Siemens = Field(30e-6, description="A cell that reads this is formed.", gt=0)
    cells_at_once: int = Field(
        8, description="Cells of a row pulsed together; fewer lose less along the wires.", ge=1
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.voltage_minimum < self.voltage_maximum:
            raise ValueError("voltage_minimum < voltage_maximum must hold (V)")
        if not self.width_minimum <= self.width_maximum:
            raise ValueError("width_minimum <= width_maximum must hold (s)")
        return self

    def ramp(self) -> list[tuple[float, float]]:
        """Return amplitude (V) and width (s) of each step."""
        voltages = np.linspace(self.voltage_minimum, self.voltage_maximum, self.steps)
        widths = np.geomspace(self.width_minimum, self.width_maximum, self.widths)
        return [(float(v), float(w)) for v in voltages.round(6) for w in widths]


YIELD = Quantity("yield", "1", "Fraction of cells that are formed")
FORMED_BEFORE = Quantity(
    "formed_before", "1", "Fraction of cells that were formed before the first pulse"
)
FORMING_VOLTAGE = Quantity(
    "forming_voltage", "V", "Mean forming voltage, at the drivers; steps accounted for"
)
FORMING_SPREAD = Quantity(
    "forming_spread", "V", "Standard deviation of forming voltages from cell to cell"
)
_MAP = ("row", "column")
CELL_FORMED = Quantity("cell_formed", "1", "1 where the cell is formed", _MAP)
CELL_FORMED_BEFORE = Quantity(
    "cell_formed_before", "1", "1 where the cell was formed before the first pulse", _MAP
)
CELL_VOLTAGE = Quantity(
    "cell_voltage", "V", "Amplitude at which the cell reached the target; NaN: never", _MAP
)


class Forming(Procedure[FormingConfig]):
    """Forming (see the module's documentation)."""

    name = "forming"
    title = "Forming: rising voltage and width, up to a target"
    about = "Rising voltage and width up to a target; a formed cell gets no pulse."
    Config = FormingConfig
    quantities: ClassVar = (
        FORMING_VOLTAGE,
        FORMING_SPREAD,
        YIELD,
        FORMED_BEFORE,
        CELL_FORMED,
        CELL_FORMED_BEFORE,
        CELL_VOLTAGE,
    )
    picture = "memlab.characterize.pictures.forming"
    needs_gates = ""
    vector_coordinates: ClassVar = {
        "step": Coordinate("1", "Steps of the ramp so far"),
    }
    coordinates: ClassVar = {
        **vector_coordinates,
        "voltage": Coordinate("V", "Amplitude of the last pulses; NaN before the first"),
        "width": Coordinate("s", "Width of the last pulses; NaN before the first"),
    }

    def demands(self) -> list[Demand]:
        """Return the last step of the ramp, and its shortest pulse."""
        config = self.config
        longest = {"set_voltage": config.voltage_maximum, "set_width": config.width_maximum}
        shortest = {"set_width": config.width_minimum}
        return [Demand(config.gate_voltage, longest, forming=True), Demand(point=shortest)]

    def measure(self, bench: Bench) -> None:
        """Read; then pulse the cells below the target, and read, at each step of the ramp."""
        config = self.config
        left = bench.mask & bench.formable & ~self._formed(bench, 0)
        group = np.arange(bench.shape[1]) // config.cells_at_once
        for step, (voltage, width) in enumerate(config.ramp(), start=1):
            if not left.any():
                return
            for k in range(int(group[-1]) + 1):
                chosen = left & (group == k)
                bench.program(config.gate_voltage, set=chosen, set_voltage=voltage, set_width=width)
            formed = left & self._formed(bench, step, voltage, width)
            bench.mark_formed(formed)
            left &= ~formed

    def _formed(
        self, bench: Bench, step: int, voltage: float = np.nan, width: float = np.nan
    ) -> BoolArray:
        """Read the cells and what flows at 0 V; return which have reached the target."""
        bench.read(step=float(step), voltage=voltage, width=width)
        if bench.measures_zeros:
            bench.vmm(np.zeros((_ZEROS, bench.shape[0])), step=float(step))
        return self._reached(bench.record, step)

    def _reached(self, record: Record, step: int) -> BoolArray:
        """Return the cells that read the target after a step, shape (rows, columns)."""
        read_voltage = self.config.point.read_voltage
        reached: BoolArray = (
            reads_without_offset(record, float(step), read_voltage)[0] >= self.config.target
        )
        return reached

    def analyse(self, record: Record) -> Findings:
        """Return the voltage at which each cell formed, yield, mean and spread."""
        config = self.config
        voltage = record.readings.coordinate("voltage")
        steps = range(len(record.readings))
        after = np.array([self._reached(record, step)[record.mask] for step in steps])
        reached = np.maximum.accumulate(after, axis=0)
        before, formed = reached[0], reached[-1]
        high = voltage[np.argmax(reached, axis=0)]
        high[~formed] = np.nan
        ramp = np.unique(voltage[1:])
        here = formed & ~before
        at = np.searchsorted(ramp, high[here])
        low = np.concatenate([[-np.inf], ramp])[at]
        fit = fit_normal(low, high[here], config.voltage_maximum)

        findings = Findings()
        of = "cells tested"
        findings.add_fraction(YIELD, int(formed.sum()), formed.size, of)
        findings.add_fraction(FORMED_BEFORE, int(before.sum()), before.size, of)
        n, of = int(here.sum()), "cells formed here"
        for quantity, value, error in (
            (FORMING_VOLTAGE, fit.location, fit.location_error),
            (FORMING_SPREAD, fit.scale, fit.scale_error),
        ):
            why = "" if np.isfinite(value) else _FEW_STEPS
            findings.add(quantity, value, error, n=n, of=of, why=why, caveat=_WIRES)
        findings.add(CELL_FORMED, on_map(record.mask, formed))
        findings.add(CELL_FORMED_BEFORE, on_map(record.mask, before))
        findings.add(CELL_VOLTAGE, on_map(record.mask, high))
        return findings
