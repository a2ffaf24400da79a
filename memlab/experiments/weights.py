"""Weight matrices of an experiment, on whatever array it was given."""

from __future__ import annotations

from collections.abc import Sequence

from memlab.array import Array
from memlab.experiments.config import ExperimentConfig
from memlab.mapping import DifferentialMatrix, FloorPlan

__all__ = ["make_planned_matrices"]


def make_planned_matrices(
    plan: FloorPlan, arrays: Sequence[Array], config: ExperimentConfig
) -> dict[str, DifferentialMatrix]:
    """Return the matrices of a floor plan by name, each of them of `mapping.slices` slices.

    On a board they start from one SET everywhere and learn by the configured rule. On an ideal
    array they start from the published software weights, uniform(-1, 1) / sqrt(inputs), and learn
    by direct writing.

    Parameters
    ----------
    plan
        Where they lie.
    arrays
        The arrays that the plan numbers from 0.
    config
        Its seed draws the starting weights (ideal array) or gate voltages (board).

    Raises
    ------
    SettingError
        If the plan has not the slices of every matrix.
    """
    return config.mapping.realise(
        plan,
        arrays,
        config.point.read_voltage,
        config.seed,
        lambda rng: config.update.make(config.mapping, rng),
    )
