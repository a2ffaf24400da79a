"""A weight matrix on whatever array it was given: it starts and learns as that array can."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from memlab.array import Array
from memlab.mapping.block import pair_conductance
from memlab.mapping.differential import DifferentialMatrix, tile_weights
from memlab.mapping.floor_plan import MatrixPlan, Tile
from memlab.mapping.layout import Layout
from memlab.mapping.update import DirectUpdate, UpdateRule
from memlab.numeric import FloatArray

__all__ = ["placed_matrix"]


MIDDLE = 218e-6
"""Conductance in S around which ideal weights are placed: a SET at 1 V on ta-hfo2."""


def placed_matrix(
    plan: MatrixPlan,
    arrays: Sequence[Array],
    siemens_per_weight: float,
    read_voltage: float,
    make_rule: Callable[[], UpdateRule],
    rng: np.random.Generator,
    layout: Layout = Layout.BLOCK,
) -> DifferentialMatrix:
    """Return a matrix whose cells lie where a plan says; nothing is programmed yet.

    Tiles on a board start and learn as their rule says. Tiles on an ideal array start from the
    published software weights, uniform(-1, 1) / sqrt(inputs), and learn by direct writing; a
    training that begins anew starts from others.

    Parameters
    ----------
    plan, arrays, siemens_per_weight, read_voltage, layout
        As for `DifferentialMatrix.from_plan`.
    make_rule
        Gives every tile on a board a rule of its own.
    rng
        Draws the software weights; they are drawn, once, even if no array is ideal.
    """
    # A stream of its own: the first weights stay those of the seed, however often one begins anew.
    (later,) = rng.spawn(1)
    starts: list[FloatArray] = []

    def start(time: int) -> FloatArray:
        """Return the weights of the first (0) or a later start, the same for every tile."""
        while len(starts) <= time:
            drawn = (later if starts else rng).uniform(-1.0, 1.0, (plan.inputs, plan.outputs))
            starts.append(drawn / np.sqrt(plan.inputs))
        return starts[time]

    start(0)

    def rule_of(tile: Tile) -> UpdateRule:
        def conductance(time: int) -> FloatArray:
            held = tile_weights(start(time), plan, tile)
            return pair_conductance(held, siemens_per_weight, MIDDLE, layout)

        if arrays[tile.array].writable:
            return DirectUpdate(conductance(0), conductance)
        return make_rule()

    return DifferentialMatrix.from_plan(
        plan, arrays, siemens_per_weight, read_voltage, rule_of, layout
    )
