"""Forward only: layers with losses of their own, and RESETs of graded depth, one pulse each.

In the manner of Renaudineau et al., "Forward-only learning in memristor arrays with month-scale
stability" (arXiv:2601.09903, 2026), of which the abstract alone could be read: two-layer
classifiers on up to 8,064 filamentary HfOx/Ti cells learn by rules of the Forward-Forward family,
with single RESET pulses below 1 V and no SETs; 89.5 % (two passes) and 89.6 % (one pass,
competitive) against 90.0 % for back-propagation; RESETs take 460 times less energy than
program-and-verify.

Assumed is all the rest. The losses are those of `local_losses`, not the paper's two. A weight falls
where its + cell falls and rises where its - cell falls, so that every change is a RESET. What is
asked of a pair adds up in software until it is worth the weakest pulse; its amplitude says how deep
it goes. The part of the way down that a pulse of v volts does is taken to be

    part = deepest exp((v - reset_maximum) / volts_per_e)

whose numbers are those of the emulated chips (0.35 at 1 V and 1 us, 0.216 at 1 V and 200 ns);
measure those of a chip with `memlab characterize reset`. Conductances only fall: a training ends
when they are down, and how far it comes depends on where they start (`mapping.gate_initial`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from memlab.array import Array
from memlab.errors import LimitError
from memlab.mapping import (
    DifferentialMatrix,
    Layout,
    MappingConfig,
    ProgrammedUpdate,
    UpdateRule,
    pair_rows,
)
from memlab.nn import Credit
from memlab.numeric import FloatArray
from memlab.rules.local_losses import LocalLosses
from memlab.rules.settings import RuleName, RuleSettings, named
from memlab.rules.steps import SteppedUpdate, make_stepped
from memlab.setting_units import Seconds, Siemens, Unitless, Volts
from memlab.storage import State

__all__ = ["ForwardOnly", "GradedReset"]


class ForwardOnly(RuleSettings):
    """Losses of the layers' own, and one graded RESET for every cell that is due."""

    rule: RuleName = named("forward-only")
    local: bool = Field(
        True, description="Losses of the layers' own, or back-propagation with the same pulses."
    )
    reset_minimum: Volts = Field(0.62, description="Weakest RESET; assumed.", gt=0)
    reset_maximum: Volts = Field(1.0, description="Strongest RESET; below 1 V published.", gt=0)
    levels: int = Field(4, description="Amplitudes from one to the other; assumed.", ge=2, le=64)
    reset_width: Seconds = Field(2e-7, description="Width of a RESET; assumed.", gt=0)
    deepest: Unitless = Field(
        0.216,
        description="Part of the way down that the strongest RESET of this width does; assumed.",
        gt=0,
        le=1,
    )
    volts_per_e: Volts = Field(
        0.667, description="A RESET so much stronger goes e times as far; assumed.", gt=0
    )
    bottom: Siemens = Field(0.0, description="Where RESETs end; assumed.", ge=0)

    @model_validator(mode="after")
    def _range(self) -> Self:
        if not self.reset_minimum < self.reset_maximum:
            raise ValueError("reset_minimum < reset_maximum must hold (V)")
        return self

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        return make_stepped(mapping, rng, partial(GradedReset, self, mapping.layout))

    def claim(self, matrices: Sequence[DifferentialMatrix], arrays: Sequence[Array]) -> None:
        """Refuse RESETs that a limit of the arrays forbids, were they ever due or not."""
        point = {"reset_voltage": self.reset_maximum, "reset_width": self.reset_width}
        for block in (one for matrix in matrices for one in matrix.blocks):
            if block.array.writable:
                continue
            try:
                block.array.with_operating_point(**point)
            except LimitError as error:
                raise LimitError(
                    f"update.reset_maximum={self.reset_maximum:g} V with update.reset_width="
                    f"{self.reset_width:g} s: {error}. Nothing was pulsed"
                ) from error

    def credit(self, rng: np.random.Generator) -> Credit | None:
        """Return the losses of the layers' own, where they are asked for."""
        return LocalLosses(rng) if self.local else None

    def amplitudes(self) -> tuple[FloatArray, FloatArray]:
        """Return the amplitudes (V), rising, and which part of the way down each does."""
        volts = np.linspace(self.reset_minimum, self.reset_maximum, self.levels)
        return volts, self.deepest * np.exp((volts - self.reset_maximum) / self.volts_per_e)


class GradedReset(SteppedUpdate):
    """The pulses of one block: SETs at the start, and RESETs from then on."""

    def __init__(self, settings: ForwardOnly, layout: Layout, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self._settings, self._layout = settings, layout
        self.residual: FloatArray | None = None
        """What each pair has been asked for and has not done (S), shape (rows of pairs, columns);
        None before `initialise`."""
        self._read: FloatArray | None = None
        """The last reading (S)."""

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """RESET and SET every cell: the last SET there is."""
        rows, columns = array.shape
        self.residual, self._read = np.zeros((rows // 2, columns)), None
        return super().initialise(array)

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """RESET one cell of each pair that is asked for (S) what the weakest pulse does."""
        if self.residual is None or self.gate_voltage is None:
            raise RuntimeError("initialise() the array before changing it")
        read = array.read_conductance() if self._read is None else self._read
        plus, minus = pair_rows(self._layout, len(self.residual))
        asked = self.residual + conductance_change[plus]
        falls = asked < 0.0
        held = np.where(falls, read[plus], read[minus])
        left = np.maximum(held - self._settings.bottom, 0.0)
        volts, parts = self._settings.amplitudes()
        does = parts[:, np.newaxis, np.newaxis] * left
        # The strongest pulse that goes no farther than asked.
        level = np.count_nonzero(does <= np.abs(asked), axis=0) - 1
        due = (level >= 0) & (left > 0.0)
        level = np.maximum(level, 0)
        reset, amplitude = np.zeros(array.shape, bool), np.zeros(array.shape)
        reset[plus], reset[minus] = due & falls, due & ~falls
        amplitude[plus] = amplitude[minus] = volts[level]
        array.program(
            0.0,
            reset=reset,
            set=np.zeros(array.shape, bool),
            reset_voltage=amplitude,
            reset_width=self._settings.reset_width,
        )
        self.changed = reset
        done = np.take_along_axis(does, level[np.newaxis], axis=0)[0]
        self.residual = np.where(due, asked - np.sign(asked) * done, asked)
        return ProgrammedUpdate(self.gate_voltage, reset)

    def was_read(self, conductance: FloatArray) -> None:
        """Take the reading (S) as the place from which cells fall next."""
        self._read = conductance

    def state(self) -> State:
        """Return what has been asked, and the last reading."""
        return {**super().state(), "residual": self.residual, "read": self._read}

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed."""
        super().restore(state)
        self.residual, self._read = state["residual"], state["read"]
