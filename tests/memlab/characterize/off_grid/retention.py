"""Retention away from the defaults."""

from __future__ import annotations

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting

__all__ = ["SETTINGS"]

SETTINGS = [
    Setting(
        "relaxation, from 0.17 s",
        {"relaxation_mean": -1e-6, "relaxation": 2e-6},
        {"drift__relaxation": 2e-6, "drift__relaxation_mean": -1e-6, "read_noise__white": 0.01},
        settings={"first": 0.17, "ratio": 2.7, "duration": 3e3},
        region=Region(rows="2:14", columns="1:11"),
    ),
]
