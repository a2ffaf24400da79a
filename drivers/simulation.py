"""What a board says whose chip is simulated in this process, and no other board can.

Its time is simulated and stands still between calls, it knows what it draws from its drivers and
what its cells do, and it can go back to an earlier state. It ends with its program, unless it is
kept in a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["IN_A_FILE", "Energy", "Simulation", "StatedLaw"]

IN_A_FILE = ", in a file"
"""In the name of a simulated board whose chip outlives the program that simulates it."""


@dataclass
class Energy:
    """Energy drawn from the drivers so far, in J.

    Parameters
    ----------
    vmm
        By VMM and read: sum over rows and columns of V^2 G t.
    set, reset
        By SET and RESET pulses: V^2 G t, with the mean conductance of the path.
    """

    vmm: float = 0.0
    set: float = 0.0
    reset: float = 0.0


class StatedLaw(Protocol):
    """Where a full SET and a full RESET leave a cell, as whoever made it states."""

    @property
    def set_slope(self) -> float:
        """S of SET level for each V on the gate."""
        ...

    @property
    def set_offset(self) -> float:
        """SET level (S) of the straight law at 0 V."""
        ...

    @property
    def set_saturation(self) -> float:
        """Level (S) that no SET exceeds; 0 for none."""
        ...

    @property
    def set_onset(self) -> float:
        """Width (S) of the soft onset; 0 for none."""
        ...

    @property
    def reset_conductance(self) -> float:
        """Level (S) that a RESET leaves."""
        ...

    def set_from_reset(self, voltage: float, width: float) -> float:
        """Conductance (S) that a SET of `voltage` V and `width` s leaves after a full RESET.

        Of a typical cell without a gate.
        """
        ...

    def increment(self, voltage: float, width: float) -> float:
        """By how much (S) a pulse of `voltage` V and `width` s moves a cell halfway up.

        A typical cell without a gate; SETs have positive voltages, and RESETs negative ones.
        """
        ...


class Simulation(Protocol):
    """A chip, and the board around it, that are simulated in this process."""

    @property
    def clock(self) -> float:
        """Simulated seconds since power-on."""
        ...

    @property
    def energy(self) -> Energy:
        """What has been drawn from the drivers so far."""
        ...

    @property
    def law(self) -> StatedLaw:
        """What full pulses do to its cells."""
        ...

    def truth(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Any:
        """Return what cells of these lines truly are, in the words of who simulates them."""
        ...

    def advance(self, seconds: float) -> None:
        """Let simulated time pass, at least 0 s, with nothing driven."""
        ...

    @property
    def kept(self) -> bool:
        """Whether the chip is in a file, and outlives this program."""
        ...

    @property
    def pulsed(self) -> int:
        """Grows with the pulses of the chip, and with nothing else."""
        ...

    @property
    def unformed(self) -> int:
        """Cells that are not formed yet."""
        ...

    def save(self) -> None:
        """Write the chip into its file, where it has one."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Return plain values and arrays by name: all that operations have changed; copies."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a `state` of a board that was made alike: it goes on as that one did.

        Raises
        ------
        DeviceError
            If it is the state of another board.
        """
        ...
