"""Weight matrices of an experiment, on whatever array it was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memlab.array import Array
from memlab.experiments.config import ExperimentConfig
from memlab.ideal import IdealArray
from memlab.mapping import (
    DifferentialMatrix,
    DirectUpdate,
    FloorPlan,
    MatrixPlan,
    Tile,
    UpdateRule,
    pair_conductance,
    tile_weights,
)

__all__ = ["make_planned_matrices"]

MIDDLE = 218e-6
"""Conductance in S around which ideal weights are placed: a SET at 1 V on ta-hfo2."""


def make_planned_matrices(
    plan: FloorPlan, arrays: Sequence[Array], config: ExperimentConfig
) -> dict[str, DifferentialMatrix]:
    """Return the matrices of a floor plan by name.

    On a board they start from one SET everywhere and learn by one-shot pulses. On an ideal array
    they start from the published software weights, uniform(-1, 1) / sqrt(inputs), and learn by
    direct writing.

    Parameters
    ----------
    plan
        Where they lie.
    arrays
        The arrays that the plan numbers from 0.
    config
        Its seed draws the starting weights (ideal array) or gate voltages (board).
    """
    rng = np.random.default_rng(config.seed)
    return {matrix.name: _on_plan(matrix, arrays, config, rng) for matrix in plan}


def _on_plan(
    plan: MatrixPlan, arrays: Sequence[Array], config: ExperimentConfig, rng: np.random.Generator
) -> DifferentialMatrix:
    mapping = config.mapping
    weight = rng.uniform(-1.0, 1.0, (plan.inputs, plan.outputs)) / np.sqrt(plan.inputs)

    def make_rule(tile: Tile) -> UpdateRule:
        if isinstance(arrays[tile.array], IdealArray):
            held = tile_weights(weight, plan, tile)
            return DirectUpdate(
                pair_conductance(held, mapping.siemens_per_weight, MIDDLE, mapping.layout)
            )
        return mapping.make_rule(rng)

    return DifferentialMatrix.from_plan(
        plan,
        arrays,
        mapping.siemens_per_weight,
        config.point.read_voltage,
        make_rule,
        mapping.layout,
    )
