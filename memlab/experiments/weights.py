"""Weight matrices of an experiment, on whatever array it was given."""

from __future__ import annotations

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

__all__ = ["make_matrix", "make_planned_matrices"]

MIDDLE = 218e-6
"""Conductance in S around which ideal weights are placed: a SET at 1 V on ta-hfo2."""


def make_matrix(
    name: str, array: Array, config: ExperimentConfig, rng: np.random.Generator
) -> DifferentialMatrix:
    """Return a weight matrix on an array of shape (2 inputs, outputs).

    On a board it starts from one SET everywhere and learns by one-shot pulses. On an ideal array
    it starts from the published software weights, uniform(-1, 1) / sqrt(inputs), and learns by
    direct writing.
    """
    mapping = config.mapping
    rule: UpdateRule
    if isinstance(array, IdealArray):
        rows, outputs = array.shape
        weight = rng.uniform(-1.0, 1.0, (rows // 2, outputs)) / np.sqrt(rows // 2)
        start = pair_conductance(weight, mapping.siemens_per_weight, MIDDLE, mapping.layout)
        rule = DirectUpdate(start)
    else:
        rule = mapping.make_rule()
    return DifferentialMatrix(
        name,
        array,
        mapping.siemens_per_weight,
        config.point.read_voltage,
        rule,
        mapping.layout,
    )


def make_planned_matrices(
    plan: FloorPlan, array: Array, config: ExperimentConfig
) -> dict[str, DifferentialMatrix]:
    """Return the matrices of a floor plan by name, starting and learning as in `make_matrix`."""
    mapping = config.mapping
    rng = np.random.default_rng(config.seed)

    def make(matrix: MatrixPlan) -> DifferentialMatrix:
        weight = rng.uniform(-1.0, 1.0, (matrix.inputs, matrix.outputs)) / np.sqrt(matrix.inputs)

        def make_rule(tile: Tile) -> UpdateRule:
            if not isinstance(array, IdealArray):
                return mapping.make_rule()
            held = tile_weights(weight, matrix, tile)
            return DirectUpdate(
                pair_conductance(held, mapping.siemens_per_weight, MIDDLE, mapping.layout)
            )

        return DifferentialMatrix.from_plan(
            matrix,
            [array],
            mapping.siemens_per_weight,
            config.point.read_voltage,
            make_rule,
            mapping.layout,
        )

    return {matrix.name: make(matrix) for matrix in plan}
