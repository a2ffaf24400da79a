"""Mixed precision: what is too small for a pulse adds up in software, and what a pulse missed, too.

Nandakumar et al., Frontiers in Neuroscience 14, 406 (2020), doi:10.3389/fnins.2020.00406: updates
are accumulated in high precision; a device gets pulses, and the accumulator loses as many steps,
once it holds a step or more. The paper's devices are not read for it. With `reread` they are: what
the read-back says a pulse missed goes into the accumulator as well, at most `keep` steps of it, for
a cell that does not respond would be pulsed for ever. Re-reading and all numbers are assumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.mapping import DifferentialMatrix, MappingConfig, ProgrammedUpdate, UpdateRule
from memlab.numeric import FloatArray
from memlab.rules.settings import RuleName, RuleSettings, named
from memlab.rules.steps import SteppedUpdate, check_slopes, make_stepped, slope_of
from memlab.setting_units import Unitless, Volts, in_unit
from memlab.storage import State

__all__ = ["MixedPrecision", "MixedPrecisionUpdate"]


class MixedPrecision(RuleSettings):
    """Whole steps of what has added up in software; the rest stays there."""

    rule: RuleName = named("mixed-precision")
    step: Volts = Field(0.1, description="Smallest move of a gate voltage; assumed.", gt=0)
    reread: bool = Field(True, description="Whether what a pulse missed is kept, too.")
    keep: Unitless = Field(
        0.5, description="Part of a step that is kept of a miss, at most; assumed.", ge=0, le=1
    )
    slope: Annotated[float, in_unit("S/V")] = Field(
        0.0, description="Of a SET over the gate voltage; 0: as the emulated chip says.", ge=0
    )

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        return make_stepped(mapping, rng, partial(MixedPrecisionUpdate, self))

    def claim(self, matrices: Sequence[DifferentialMatrix], arrays: Sequence[Array]) -> None:
        """Refuse cells of which nobody knows what a SET does."""
        if self.reread:
            check_slopes(matrices, self.slope, self.rule)


class MixedPrecisionUpdate(SteppedUpdate):
    """The rule of one block."""

    def __init__(self, settings: MixedPrecision, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self._settings = settings
        self._slope = 0.0
        self.residual: FloatArray | None = None
        """What has added up for every cell, in V of its gate; None before `initialise`."""
        self._moved: FloatArray | None = None
        """How far gates were moved (V) since the last reading; None when they were not."""
        self._read: FloatArray | None = None
        """The last reading (S)."""

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """RESET and SET every cell; nothing has added up."""
        if self._settings.reread:
            self._slope = slope_of(array, self._settings.slope, self._settings.rule)
        self.residual = np.zeros(array.shape)
        self._moved = self._read = None
        return super().initialise(array)

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Add the change (S) to what is kept, and move the gates of cells that hold a step."""
        if self.residual is None or self.gate_voltage is None:
            raise RuntimeError("initialise() the array before changing it")
        step = self._settings.step
        kept = self.residual + self.on(array).volts_per_siemens * conductance_change
        whole = step * np.trunc(kept / step)
        before = self.gate_voltage
        programmed = self.move(array, whole)
        self.residual = kept - whole
        self._moved = self.gate_voltage - before
        return programmed

    def was_read(self, conductance: FloatArray) -> None:
        """Keep of the moves since the last reading what did not happen (S)."""
        if self._moved is not None and self._read is not None:
            assert self.residual is not None
            assert self.changed is not None
            missed = self._moved - (conductance - self._read) / self._slope
            most = self._settings.keep * self._settings.step
            self.residual = self.residual + np.where(self.changed, np.clip(missed, -most, most), 0)
        self._read = conductance if self._settings.reread else None
        self._moved = None

    def state(self) -> State:
        """Return what the gates remember, what has added up, and the last reading."""
        return {
            **super().state(),
            "residual": self.residual,
            "moved": self._moved,
            "read": self._read,
            "changed": self.changed,
            "slope": self._slope,
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed."""
        super().restore(state)
        self.residual, self._moved, self._read = state["residual"], state["moved"], state["read"]
        self.changed, self._slope = state["changed"], state["slope"]
