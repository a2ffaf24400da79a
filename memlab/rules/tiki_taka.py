"""Tiki-Taka: a fast array gathers the gradients, and a slow one, the weights, gets what adds up.

Gokmen and Haensch, Frontiers in Neuroscience 14, 103 (2020), doi:10.3389/fnins.2020.00103. Plain
descent by increments (`increments`) pulls every weight to where its cells step up and down alike,
the more, the noisier gradients are. Here gradients are pulses on an array A of its own: there the
same pull makes A forget, so that it holds a mean of the gradients of late, measured from its
symmetry point. Every few updates A is read, and a part of what it holds goes on to the weights, C.
With `buffer` it goes through a number in software first, of which C gets the whole steps, as in the
second version (Gokmen, Frontiers in Artificial Intelligence 4, 699148 (2021),
doi:10.3389/frai.2021.699148); without, as pulses at random.

Of the papers, abstracts were at hand. Here the whole of A is read at a transfer, where the papers
read a line of it; A takes no part in products (their gamma is 0); and the symmetry points, to which
both cells of a pair are brought by alternating pulses at the start, are a reading that is
subtracted in software, in place of cells of reference. All numbers are assumed.

A lies on as many free cells of the same arrays. Readings are part of the update, as in
`write_verify`, with what that means for a real board's run that is killed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import (
    DifferentialMatrix,
    Layout,
    MappingConfig,
    ProgrammedUpdate,
    UpdateRule,
    pair_rows,
    spare_views,
)
from memlab.numeric import FloatArray
from memlab.rules.increments import Increments, IncrementsUpdate, Pulser
from memlab.rules.settings import RuleName, named
from memlab.rules.steps import make_stepped
from memlab.setting_units import Unitless
from memlab.storage import State

__all__ = ["TikiTaka", "TikiTakaUpdate"]


class TikiTaka(Increments):
    """Gradients move cells beside those of the weights; what adds up there moves the weights."""

    rule: RuleName = named("tiki-taka")
    fast: Unitless = Field(
        1.0, description="Change of the fast cells for a change that is asked; assumed.", gt=0
    )
    every: int = Field(5, description="Updates from one transfer to the next; assumed.", ge=1)
    transfer: Unitless = Field(
        0.02,
        description="Part of what the fast cells hold that a transfer asks for; assumed.",
        gt=0,
    )
    buffer: bool = Field(
        True, description="Whether transfers add up in software until they are whole steps."
    )
    alternate: int = Field(
        40,
        description="SETs and RESETs in turn that bring the fast cells to their symmetry points at "
        "the start; assumed.",
        ge=0,
    )

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells; `claim` must give it fast ones."""
        (own,) = rng.spawn(1)
        return make_stepped(mapping, rng, partial(TikiTakaUpdate, mapping.layout, self, own))

    def claim(self, matrices: Sequence[DifferentialMatrix], arrays: Sequence[Array]) -> None:
        """Give every block fast cells on what is free of the arrays."""
        super().claim(matrices, arrays)
        blocks = [block for matrix in matrices for block in matrix.blocks]
        if all(block.array.writable for block in blocks):
            return
        views = spare_views(blocks, arrays, f"update.rule={self.rule}")
        for block, view in zip(blocks, views, strict=True):
            if isinstance(block.rule, TikiTakaUpdate):
                block.rule.give(view)


class TikiTakaUpdate(IncrementsUpdate):
    """The rule of one block: its cells are the slow ones."""

    def __init__(self, layout: Layout, settings: TikiTaka, *arguments: Any, **more: Any):
        super().__init__(settings, *arguments, **more)
        self._own, self._layout = settings, layout
        self.fast: Array | None = None
        """The fast cells, of the shape of the block; None before they are given."""
        self._fast_pulser: Pulser | None = None
        self.centre: FloatArray | None = None
        """What the fast cells read at their symmetry points (S); None before `initialise`."""
        self.held: FloatArray | None = None
        """What was to go on to each pair (S) and is less than a step, (rows of pairs, columns)."""
        self._updates = 0

    def give(self, fast: Array) -> None:
        """Take these cells, of the shape of the block, as the fast ones; nothing is pulsed."""
        self.fast, self._fast_pulser = fast, Pulser(self._own, fast)

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """RESET and SET all cells, and bring the fast ones to their symmetry points."""
        fast, pulser = self._given()
        programmed = super().initialise(array)
        fast.program_to(programmed.gate_voltage, reset=programmed.reset)
        once = np.ones(fast.shape, np.intp)
        for _ in range(self._own.alternate):
            pulser.fire(once)
            pulser.fire(-once)
        self.centre = fast.read_conductance()
        self.held, self._updates = np.zeros((fast.shape[0] // 2, fast.shape[1])), 0
        return programmed

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Move fast cells by what is asked (S) of a pair, and slow ones when it is their turn."""
        (fast, pulser), slow = self._given(), self.pulser(array)
        if self.centre is None or self.held is None:
            raise RuntimeError("initialise() the array before changing it")
        pulser.fire(pulser.draw(0.5 * self._own.fast * conductance_change, self._draws))
        self._updates += 1
        if self._updates % self._own.every:
            return self.step(array, np.zeros(array.shape, np.intp))
        plus, minus = pair_rows(self._layout, len(self.held))
        moved = fast.read_conductance() - self.centre
        asked = self._own.transfer * (moved[plus] - moved[minus])
        if self._own.buffer:
            due = self.held + asked
            whole = slow.bounded(np.trunc(0.5 * due / self._own.step))
            self.held = due - 2.0 * self._own.step * whole
        else:
            whole = slow.draw(0.5 * asked, self._draws)
        pulses = np.zeros(array.shape, np.intp)
        pulses[plus], pulses[minus] = whole, -whole
        return self.step(array, pulses)

    def _given(self) -> tuple[Array, Pulser]:
        if self.fast is None or self._fast_pulser is None:
            raise SettingError(
                f"update.rule={self._own.rule} needs fast cells beside those of the weights: "
                "memlab.rules.attach(rule, network, seed, arrays) finds some. Nothing was pulsed"
            )
        return self.fast, self._fast_pulser

    def state(self) -> State:
        """Return what the fast cells are measured from, and what has not gone on yet."""
        own = {"centre": self.centre, "held": self.held, "updates": self._updates}
        return {**super().state(), **own}

    def restore(self, state: State) -> None:
        """Go back to a `state`; nothing is pulsed."""
        super().restore(state)
        self.centre, self.held = state["centre"], state["held"]
        self._updates = state["updates"]
