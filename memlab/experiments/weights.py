"""Weight matrices of an experiment, on whatever array it was given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memlab.array import Array
from memlab.experiments.config import ExperimentConfig
from memlab.mapping import DifferentialMatrix, FloorPlan, MatrixPlan, placed_matrix

__all__ = ["make_planned_matrices"]


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
    return placed_matrix(
        plan,
        arrays,
        mapping.siemens_per_weight,
        config.point.read_voltage,
        lambda: mapping.make_rule(rng),
        rng,
        mapping.layout,
    )
