"""Sign and threshold: a change that is large enough makes one step, of one size, in its direction.

In the manner of STELLAR (Zhang et al., Science 381, 1205 (2023), doi:10.1126/science.ade3483), a
chip that learns by the signs of its updates beyond a threshold, with pulses that are not verified.
Only its abstract was at hand: that the threshold is a multiple of the root mean square of the
changes of a block, and both numbers, are assumed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.mapping import MappingConfig, ProgrammedUpdate, UpdateRule
from memlab.numeric import FloatArray
from memlab.rules.settings import RuleName, RuleSettings, named
from memlab.rules.steps import SteppedUpdate, make_stepped
from memlab.setting_units import Unitless, Volts

__all__ = ["SignThreshold", "SignThresholdUpdate"]


class SignThreshold(RuleSettings):
    """One step in the direction of every change that passes a threshold."""

    rule: RuleName = named("sign-threshold")
    step: Volts = Field(0.05, description="Move of a gate voltage; assumed.", gt=0)
    threshold: Unitless = Field(
        1.0,
        description="Changes below this part of the root mean square of their block do nothing; "
        "assumed.",
        ge=0,
    )

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        return make_stepped(mapping, rng, partial(SignThresholdUpdate, self))


class SignThresholdUpdate(SteppedUpdate):
    """The rule of one block; remembers nothing but its gate voltages."""

    def __init__(self, settings: SignThreshold, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self._settings = settings

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Move every cell whose change (S) is large enough by one step; nothing else is pulsed."""
        size = np.abs(conductance_change)
        due = size >= self._settings.threshold * np.sqrt(np.mean(size**2))
        return self.move(array, self._settings.step * np.sign(conductance_change) * due)
