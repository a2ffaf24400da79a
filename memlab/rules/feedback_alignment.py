"""Feedback alignment: errors go back through fixed random weights, not through those of the cells.

Lillicrap et al., Nature Communications 7, 13276 (2016): the forward weights align with the random
ones, so that no backward product of the array, and no read-back, is needed for the errors. Updates
are the one-shot ones. The size of the random weights is assumed: that of the published software
weights, uniform(-1, 1) / sqrt(inputs). What a layer multiplies element by element, as peepholes,
stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from memlab.mapping import DifferentialMatrix, MappingConfig, UpdateRule
from memlab.rules.settings import RuleName, RuleSettings, named
from memlab.setting_units import Unitless

__all__ = ["FeedbackAlignment"]


class FeedbackAlignment(RuleSettings):
    """One-shot updates of errors that come back through fixed random weights."""

    rule: RuleName = named("feedback-alignment")
    scale: Unitless = Field(
        1.0, description="Largest of the random weights times sqrt(inputs); assumed.", gt=0
    )

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> UpdateRule:
        """Return the rule of one block of cells."""
        return mapping.make_rule(rng)

    def prepare(self, matrices: Sequence[DifferentialMatrix], rng: np.random.Generator) -> None:
        """Draw what errors go back through."""
        for matrix in matrices:
            most = self.scale / np.sqrt(matrix.shape[0])
            matrix.feedback = rng.uniform(-most, most, matrix.shape)
