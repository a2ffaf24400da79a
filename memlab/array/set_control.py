"""Which voltage chooses where a SET ends: that of a gate, or the amplitude itself.

Behind a transistor a SET ends at the current that the gate lets pass, so that gate voltages are
levels. A cell without one moves as far as amplitude and width take it. Codes of pulses have an
amplitude of their own on every board, so that amplitudes choose levels where there is no gate. A
SET then starts from what is there: who wants a level RESETs the cell before.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SetControl"]


class SetControl(StrEnum):
    """By the name of the argument of `Array.program` that has these voltages."""

    GATE = "gate_voltage"
    AMPLITUDE = "set_voltage"

    @property
    def gates(self) -> bool:
        """Whether cells have gates."""
        return self is SetControl.GATE

    @property
    def words(self) -> str:
        """What messages call the voltage, after its number in V."""
        return "on the gate" if self.gates else "of SET amplitude"
