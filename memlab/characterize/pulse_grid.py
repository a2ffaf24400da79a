"""Pulses at every amplitude and gate voltage of a grid: what the SET and RESET maps share."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from memlab.array.set_control import SetControl
from memlab.characterize.procedure import ProcedureConfig
from memlab.kinds import Quantity
from memlab.numeric import FloatArray
from memlab.runs import Coordinate, Findings
from memlab.setting_units import Volts

__all__ = [
    "AMPLITUDE",
    "COORDINATES",
    "GATE_VOLTAGE",
    "MEAN",
    "QUANTITIES",
    "SPREAD",
    "PulseGridConfig",
    "add_grid",
]


COORDINATES: dict[str, Coordinate] = {
    "voltage": Coordinate("V", "Amplitude of the pulse before the reading; NaN before the first"),
    "gate_voltage": Coordinate("V", "Gate voltage of this part of the grid"),
}


AMPLITUDE = Quantity("voltage", "V", "Amplitude of the pulse")
GATE_VOLTAGE = Quantity(
    "gate_voltage", "V", "Gate voltage of the pulse; 0 where cells have no gates"
)
_GRID = ("gate_voltage", "voltage")
MEAN = Quantity("mean", "S", "Mean conductance after a pulse", _GRID)
SPREAD = Quantity("spread", "S", "Standard deviation after a pulse", _GRID)
QUANTITIES = AMPLITUDE, GATE_VOLTAGE, MEAN, SPREAD


class PulseGridConfig(ProcedureConfig):
    """Settings of a grid of pulses."""

    voltage_minimum: Volts = Field(description="Smallest amplitude.", gt=0)
    voltage_maximum: Volts = Field(description="Largest amplitude.", gt=0)
    voltages: int = Field(description="Amplitudes from smallest to largest.", ge=3)
    gate_minimum: Volts = Field(description="Smallest gate voltage.", gt=0)
    gate_maximum: Volts = Field(description="Largest gate voltage.", gt=0)
    gates: int = Field(description="Gate voltages from smallest to largest.", ge=1)

    _what: ClassVar = "voltage_minimum < voltage_maximum and gate_minimum <= gate_maximum"

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not (
            self.voltage_minimum < self.voltage_maximum and self.gate_minimum <= self.gate_maximum
        ):
            raise ValueError(f"{self._what} must hold (V)")
        return self

    def amplitudes(self) -> FloatArray:
        """Return the rising amplitudes in V."""
        return np.linspace(self.voltage_minimum, self.voltage_maximum, self.voltages).round(6)

    def gate_voltages(self, control: SetControl = SetControl.GATE) -> FloatArray:
        """Return the rising gate voltages in V; one of 0 V where cells have no gates."""
        if not control.gates:
            return np.zeros(1)
        return np.linspace(self.gate_minimum, self.gate_maximum, self.gates).round(6)


def add_grid(
    findings: Findings, config: PulseGridConfig, gates: FloatArray, cells: FloatArray, text: str
) -> None:
    """Add mean and spread over cells at each point of the grid.

    Parameters
    ----------
    gates
        Gate voltages in V.
    cells
        Conductance in S, shape (gates, voltages, cells).
    text
        What it is the conductance after.
    """
    findings.add_axis(AMPLITUDE, config.amplitudes())
    findings.add_axis(GATE_VOLTAGE, gates)
    n = cells.shape[2]
    spread = cells.std(axis=2, ddof=1) if n > 1 else np.full(cells.shape[:2], np.nan)
    mean = cells.mean(axis=2) if n else np.full(cells.shape[:2], np.nan)
    error = spread / n**0.5 if n else spread
    who = "cells that respond"
    findings.add(MEAN.saying(f"Mean conductance after {text}"), mean, error, n=n, of=who)
    error = spread / (2.0 * (n - 1)) ** 0.5 if n > 1 else spread
    findings.add(SPREAD.saying(f"Standard deviation after {text}"), spread, error, n=n, of=who)
