"""Choosing where SETs end, by gate voltages or where cells have no gates by amplitudes.

Who multiplies and pulses reads the seam. This is for those who want levels of their cells: rules of
training, writing to a target, procedures.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy.typing as npt

from memlab.array.set_control import SetControl
from memlab.array.switching_law import SwitchingLaw
from memlab.array.underneath import Underneath

__all__ = ["LevelControl"]


class LevelControl(Underneath):
    """Programs with the voltages that choose levels here, whichever these are.

    Attributes
    ----------
    gate_voltage_step, input_voltage_step
        Steps in V on which gate and row voltages must lie, because the board's wire carries no
        others; 0 where any voltage will do. Whoever chooses voltages chooses them there.
    """

    gate_voltage_step = 0.0
    input_voltage_step = 0.0

    @property
    def control(self) -> SetControl:
        """Which voltage chooses where a SET ends."""
        return SetControl.GATE

    @property
    def control_step(self) -> float:
        """Step in V on which that voltage must lie; 0 where any will do."""
        return self.gate_voltage_step if self.control.gates else 0.0

    def control_range(
        self, gates: tuple[float, float], amplitudes: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[float, float]:
        """Return lowest and highest voltage (V) that `program_to` is to use.

        Parameters
        ----------
        gates
            Of gate voltages, in V.
        amplitudes
            Of SET amplitudes in V, where cells have no gates. 0 stands for half of the operating
            point's, which cells that are half-selected see, and for all of it.
        """
        return gates

    @property
    def stated_law(self) -> SwitchingLaw | None:
        """What full pulses do to these cells, where that is known without asking them.

        Over the voltage that chooses (`control`).
        """
        simulation = self.simulation
        return None if simulation is None else SwitchingLaw.of(simulation.law)

    def stated_increment(self, voltage: float, width: float) -> float | None:
        """By how much (S) a pulse moves a cell halfway up, where that is known without asking.

        Parameters
        ----------
        voltage
            Amplitude in V: positive for a SET, negative for a RESET.
        width
            In s.

        Returns
        -------
        None where nobody says, or cells have gates: their SETs end at levels.
        """
        simulation = self.simulation
        if simulation is None or self.control.gates:
            return None
        return simulation.law.increment(voltage, width)

    def program_to(
        self,
        control: npt.ArrayLike,
        *,
        reset: npt.ArrayLike | None = None,
        set: npt.ArrayLike | None = None,  # noqa: A002 - the field's own word
    ) -> None:
        """Program with the voltages (V) that choose where SETs end here; else as `program`.

        These are gate voltages, or where cells have no gates SET amplitudes (`control`).
        """
        if self.control.gates:
            self.program(control, reset=reset, set=set)
        else:
            self.program(0.0, reset=reset, set=set, set_voltage=control)

    def check_set_to(self, control: float, cells: npt.ArrayLike | None = None) -> None:
        """Check as `check_set`, for a voltage (V) as `program_to` takes it."""
        if self.control.gates:
            self.check_set(control, cells)
        else:
            self.check_set(0.0, cells, set_voltage=control)

    @abstractmethod
    def program(
        self,
        gate_voltage: npt.ArrayLike,
        *,
        reset: npt.ArrayLike | None = None,
        set: npt.ArrayLike | None = None,  # noqa: A002 - the field's own word
        set_voltage: npt.ArrayLike | None = None,
    ) -> None:
        """Update many rows with at most two pulses per cell (`Array.program`)."""

    @abstractmethod
    def check_set(
        self,
        gate_voltage: float,
        cells: npt.ArrayLike | None = None,
        *,
        set_voltage: float | None = None,
    ) -> None:
        """Raise `LimitError` unless cells may be SET together (`Array.check_set`)."""
