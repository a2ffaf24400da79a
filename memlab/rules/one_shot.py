"""The blind two-pulse update of Li 2019 and Wang 2019: what is published, and the default.

Li et al., Nature Machine Intelligence 1, 49 (2019); Wang et al., Nature Machine Intelligence 1, 434
(2019). Its numbers are those of the mapping (`mapping.volts_per_siemens`, `mapping.threshold` and
so on): the law of the chip, on which the other rules stand as well.
"""

from __future__ import annotations

import numpy as np

from memlab.mapping import MappingConfig, OneShotUpdate
from memlab.rules.settings import RuleName, RuleSettings, named

__all__ = ["OneShot"]


class OneShot(RuleSettings):
    """At most two pulses for every cell that is due, and nothing read in between."""

    rule: RuleName = named("one-shot")

    def make(self, mapping: MappingConfig, rng: np.random.Generator) -> OneShotUpdate:
        """Return the rule of one block of cells."""
        return mapping.make_rule(rng)
