"""What full pulses do to the cells of a chip, as a law that can be read both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.simulation import StatedLaw
from memlab.emulator.cells.switching import soft_level
from memlab.numeric import FloatArray

__all__ = ["SwitchingLaw"]


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
        In S/V, above 0.
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
        """Return the law that a chip preset states."""
        return cls(
            chip.set_slope,
            chip.set_offset,
            chip.reset_conductance,
            chip.set_saturation,
            chip.set_onset,
        )

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
