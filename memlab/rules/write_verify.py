"""Write and verify what changed: pulsed cells are read, and pulsed again where they missed.

Write-and-verify is what ex-situ transfers do (Li 2018, Wang 2019); here it is done within every
update, of the cells that this update changed and of no others. A cell is to move from where it was
read last by the slope of a SET times the move of its gate; what it missed is added to its gate, a
cell that is too high is RESET first. All numbers are assumed.

The readings are part of the update. On a board outside of this process a run that was killed
between two of them may not be resumable: a second reading is another one, and asks for other pulses
than those that the board's record knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.mapping import (
    DifferentialMatrix,
    MappingConfig,
    OneShotUpdate,
    ProgrammedUpdate,
    UpdateRule,
)
from memlab.mapping.levels import Levels
from memlab.numeric import FloatArray
from memlab.rules.settings import RuleName, RuleSettings, named
from memlab.rules.steps import check_slopes, slope_of
from memlab.setting_units import Siemens, in_unit
from memlab.storage import State

__all__ = ["WriteVerifyChanged", "WriteVerifyChangedUpdate"]


class WriteVerifyChanged(RuleSettings):
    """The one-shot update, and more pulses for cells that missed."""

    rule: RuleName = named("write-verify")
    tolerance: Siemens = Field(5e-6, description="Allowed miss of a changed cell; assumed.", gt=0)
    attempts: int = Field(
        3, description="Times that a changed cell is pulsed again, at most; assumed.", ge=1
    )
    slope: Annotated[float, in_unit("S/V")] = Field(
        0.0, description="Of a SET over the gate voltage; 0: as the emulated chip says.", ge=0
    )

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        return mapping.make_rule(rng, partial(WriteVerifyChangedUpdate, self))

    def claim(self, matrices: Sequence[DifferentialMatrix], arrays: Sequence[Array]) -> None:
        """Refuse cells of which nobody knows what a SET does."""
        check_slopes(matrices, self.slope, self.rule)


class WriteVerifyChangedUpdate(OneShotUpdate):
    """The rule of one block."""

    def __init__(self, settings: WriteVerifyChanged, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self._settings = settings
        self._slope = 0.0
        self._applied: FloatArray | None = None
        """Gate voltage (V) that every cell was SET with last."""
        self._read: FloatArray | None = None
        """The last reading (S)."""

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """RESET and SET every cell; the start is not verified."""
        self._slope = slope_of(array, self._settings.slope, self._settings.rule)
        programmed = super().initialise(array)
        self._applied, self._read = programmed.gate_voltage, None
        return programmed

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Ask for a change (S), then read and pulse again what missed it."""
        if self._applied is None:
            raise RuntimeError("initialise() the array before changing it")
        levels = self.on(array)
        before = array.read_conductance() if self._read is None else self._read
        programmed = super().change(array, conductance_change)
        assert self.changed is not None
        gate, reset = programmed.gate_voltage, programmed.reset
        goal = before + self._slope * (gate - self._applied)
        for _ in range(self._settings.attempts):
            missed = goal - array.read_conductance()
            due = self.changed & (np.abs(missed) > self._settings.tolerance)
            if not due.any():
                break
            correction = np.where(due, missed / self._slope, 0.0)
            gate = levels.on_step(np.clip(gate + correction, levels.minimum, levels.maximum))
            self._remember(correction, levels)
            again = due & ((missed < 0.0) | levels.anew)
            array.program_to(gate, reset=again, set=due)
            reset = reset | again
        self._applied = np.where(self.changed, gate, self._applied)
        return ProgrammedUpdate(gate, reset)

    def _remember(self, correction: FloatArray, levels: Levels) -> None:
        """Let what is remembered of every cell move by what it needed more (V)."""
        assert self.gate_voltage is not None
        assert self._pulsed is not None
        ends = levels.minimum, levels.maximum
        self.gate_voltage = np.clip(self.gate_voltage + correction, *ends)
        pulsed = np.clip(self._pulsed + correction, *ends)
        # What is compared with steps is on them.
        self._pulsed = levels.on_step(pulsed) if levels.anew else pulsed

    def was_read(self, conductance: FloatArray) -> None:
        """Take the reading (S) as the place from which cells move next."""
        self._read = conductance

    def state(self) -> State:
        """Return what the gates remember, and the last reading."""
        return {
            **super().state(),
            "applied": self._applied,
            "read": self._read,
            "slope": self._slope,
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed."""
        super().restore(state)
        self._applied, self._read, self._slope = state["applied"], state["read"], state["slope"]
