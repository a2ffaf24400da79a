"""Stochastic rounding: changes below the smallest pulse happen with the right probability.

A change of x steps makes floor(x) steps, and one more with the probability that is left: x on
average, and nothing has to be remembered. As Gupta et al. (ICML 2015, arXiv:1502.02551) round
weights in limited precision; that it is pulses that are rounded here, and the size of a step, are
assumed.
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
from memlab.setting_units import Volts
from memlab.storage import State

__all__ = ["StochasticRounding", "StochasticRoundingUpdate"]


class StochasticRounding(RuleSettings):
    """Whole steps at random, so that the mean move is what was asked."""

    rule: RuleName = named("stochastic-rounding")
    step: Volts = Field(0.1, description="Smallest move of a gate voltage; assumed.", gt=0)

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        (own,) = rng.spawn(1)
        return make_stepped(mapping, rng, partial(StochasticRoundingUpdate, self, own))


class StochasticRoundingUpdate(SteppedUpdate):
    """The rule of one block, with a stream of random numbers of its own."""

    def __init__(
        self,
        settings: StochasticRounding,
        draws: np.random.Generator,
        *arguments: Any,
        **more: Any,
    ):
        super().__init__(*arguments, **more)
        self._step, self._draws = settings.step, draws

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Move every cell by whole steps; on average by what was asked (S)."""
        steps = self.on(array).volts_per_siemens * conductance_change / self._step
        whole = np.floor(np.abs(steps) + self._draws.random(array.shape))
        return self.move(array, self._step * np.sign(steps) * whole)

    def state(self) -> State:
        """Return what the gates remember, and where the generator stands."""
        return {**super().state(), "draws": self._draws.bit_generator.state}

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed."""
        super().restore(state)
        self._draws.bit_generator.state = state["draws"]
