"""What a two-pulse update asks for: masks, gate voltages and amplitudes of all cells of a view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from memlab.array.arguments import as_mask, as_numbers
from memlab.chip.coupled_limits import hardest_point
from memlab.chip.limits import Limits, OperatingPoint
from memlab.numeric import BoolArray, FloatArray

__all__ = ["TwoPulses"]


@dataclass(frozen=True)
class TwoPulses:
    """RESETs, and then SETs; every array has the shape of the view.

    Attributes
    ----------
    gate_voltage
        Of the SETs, in V.
    reset, set
        Cells to RESET first, and cells to SET then.
    set_voltage, reset_voltage
        Amplitude of each SET and RESET, in V; None: that of the operating point.
    """

    gate_voltage: FloatArray
    reset: BoolArray
    set: BoolArray
    set_voltage: FloatArray | None = None
    reset_voltage: FloatArray | None = None

    @classmethod
    def of(
        cls,
        shape: tuple[int, int],
        gate_voltage: npt.ArrayLike,
        *,
        reset: npt.ArrayLike | None = None,
        set: npt.ArrayLike | None = None,  # noqa: A002 - the field's own word
        set_voltage: npt.ArrayLike | None = None,
        reset_voltage: npt.ArrayLike | None = None,
    ) -> Self:
        """Return what a caller of `Array.program` asked for, checked.

        Raises
        ------
        SettingError, TypeError
            If an argument is not what it should be (`memlab.array.arguments`).
        """
        amplitudes = {"set_voltage": set_voltage, "reset_voltage": reset_voltage}
        return cls(
            as_numbers(gate_voltage, "gate_voltage", shape),
            np.zeros(shape, bool) if reset is None else as_mask(reset, shape, "reset"),
            np.ones(shape, bool) if set is None else as_mask(set, shape, "set"),
            **{
                name: as_numbers(volts, name, shape)
                for name, volts in amplitudes.items()
                if volts is not None
            },
        )

    def hardest_point(self, limits: Limits, point: OperatingPoint) -> OperatingPoint:
        """Return an operating point with the largest amplitudes asked for.

        Raises
        ------
        LimitError
            If one is outside its limit, or no number.
        """
        return hardest_point(
            limits,
            point,
            self.set,
            self.set_voltage,
            reset=self.reset,
            reset_voltage=self.reset_voltage,
        )
