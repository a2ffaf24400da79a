"""What full pulses do to the cells of a chip, as a law that can be read both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.simulation import StatedLaw
from memlab.emulator.cells.switching import soft_level
from memlab.errors import SettingError
from memlab.numeric import FloatArray

__all__ = ["PROBES", "SwitchingLaw"]

PROBES = 4
"""Voltages at which a law is looked at, or measured, to make a straight line of it."""


@dataclass(frozen=True)
class SwitchingLaw:
    """Where a full SET and a full RESET leave a cell.

        SET      G = max(s (1 - exp(-soft / s)), G)     linear = slope V_gate + offset
        RESET    G = reset_conductance                  soft = w log(1 + exp(linear / w))

    with s the saturation and w the onset. 0 stands for none of either: G = max(linear, G) is the
    law published with Li 2019 and Wang 2019.

    Parameters
    ----------
    set_slope
        In S/V, above 0. Per volt of the gate, or of the amplitude of a SET after a RESET where
        cells have no gates (`Array.control`).
    set_offset, reset_conductance, set_saturation, set_onset
        In S.
    """

    set_slope: float
    set_offset: float
    reset_conductance: float = 0.0
    set_saturation: float = 0.0
    set_onset: float = 0.0

    def __post_init__(self) -> None:
        if not self.set_slope > 0.0:
            raise ValueError(f"a SET law needs a slope above 0 S/V, got {self.set_slope}")

    @classmethod
    def of(cls, chip: StatedLaw) -> Self:
        """Return the law of gate voltages that a chip preset states; `SettingError` for none."""
        if not chip.set_slope > 0.0:
            raise SettingError(
                "this chip states no SET law of gate voltages (set_slope is 0), as one without "
                "gates: name the chip that is on the board, or have the law measured (law=measured)"
            )
        return cls(
            chip.set_slope,
            chip.set_offset,
            chip.reset_conductance,
            chip.set_saturation,
            chip.set_onset,
        )

    @classmethod
    def of_amplitudes(cls, chip: StatedLaw, amplitudes: tuple[float, float], width: float) -> Self:
        """Return the law of a chip without gates: a straight line over SET amplitudes.

        Through what SETs from the RESET state leave of a typical cell, as where a law is measured.

        Parameters
        ----------
        amplitudes
            Lowest and highest, in V.
        width
            Of the pulses, in s.
        """
        volts = np.linspace(*amplitudes, PROBES)
        levels = [chip.set_from_reset(float(each), width) for each in volts]
        slope, offset = np.polyfit(volts, levels, 1)
        if not slope > 0.0:
            raise SettingError(
                f"SETs of {amplitudes[0]:g} to {amplitudes[1]:g} V all leave these cells at "
                f"{levels[0]:.3g} S: amplitudes choose no level there. Choose others (set_minimum, "
                "set_maximum, point.set_voltage)"
            )
        return cls(float(slope), float(offset), chip.reset_conductance)

    def conductance(self, gate_voltage: npt.ArrayLike) -> FloatArray:
        """Return the level (S) of a SET at gate voltages in V."""
        linear = self.set_slope * np.asarray(gate_voltage, np.float64) + self.set_offset
        return soft_level(linear, self.set_onset, self.set_saturation)

    def gate_voltage(self, conductance: npt.ArrayLike) -> FloatArray:
        """Return the gate voltage (V) whose SET ends at a level in S; +-inf where none does."""
        level = np.asarray(conductance, np.float64)
        if self.set_saturation:
            # log1p(-1) is -inf: at the saturation and above no voltage is large enough.
            part = np.minimum(level / self.set_saturation, 1.0)
            with np.errstate(divide="ignore"):
                level = -self.set_saturation * np.log1p(-part)
        if self.set_onset:
            # log(exp(x) - 1), for large x too; every level of a soft onset lies above 0 S.
            x = np.maximum(level, 0.0) / self.set_onset
            with np.errstate(divide="ignore"):
                level = self.set_onset * (x + np.log(-np.expm1(-x)))
        return np.asarray((level - self.set_offset) / self.set_slope)
