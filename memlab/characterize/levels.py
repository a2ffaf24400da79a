"""Levels of a procedure where cells have no gates: SET amplitudes stand for its gate voltages.

A procedure that SETs once does so with the amplitude of the operating point. One that makes several
levels spreads its SETs over amplitudes as it spreads them over gate voltages elsewhere: the lowest
gets `set_minimum`, the highest the amplitude of the operating point. Each starts from a RESET.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.array.set_control import SetControl
from memlab.characterize.procedure import ProcedureConfig
from memlab.errors import SettingError
from memlab.numeric import FloatArray
from memlab.setting_units import Volts

__all__ = ["LevelsConfig"]

_LOWEST = 0.7
"""Of the amplitude of a full SET: a choice, between half of it, at which half-selected cells must
not move, and all."""


class LevelsConfig(ProcedureConfig):
    """Settings of a procedure that SETs to several levels."""

    set_minimum: Volts = Field(
        0.0,
        description="Where cells have no gates: SET amplitude of the lowest level; 0: 0.7 of "
        "point.set_voltage, which is that of the highest.",
        ge=0,
    )

    def controls(
        self, control: SetControl, gates: npt.ArrayLike, ends: tuple[float, float]
    ) -> FloatArray:
        """Return the voltages (V) that make the levels of these gate voltages (V).

        Parameters
        ----------
        control
            What chooses levels.
        gates
            Any shape.
        ends
            The gate voltages of the lowest and of the highest level.

        Raises
        ------
        SettingError
            If amplitudes of lowest and highest level are no range.
        """
        volts, (low, high) = np.asarray(gates, np.float64), ends
        if control.gates:
            return volts
        full = self.point.set_voltage
        first = self.set_minimum or _LOWEST * full
        if not first < full:
            raise SettingError(
                f"set_minimum={first:g} V must lie below point.set_voltage={full:g} V"
            )
        part = (volts - low) / (high - low) if high > low else np.ones_like(volts)
        return first + part * (full - first)
