"""How carefully to calibrate."""

from __future__ import annotations

from pydantic import Field

from memlab.chip.limit_changes import LimitChanges
from memlab.setting_units import Seconds, Volts
from memlab.settings import Section

__all__ = ["CalibrationSettings"]


class CalibrationSettings(Section):
    """Settings of `memlab calibrate`."""

    target: Volts = Field(
        5e-6,
        description="Averaging ends when the median standard error of the rows' zeros is below "
        "this; a tenth of a DAC step is 15 uV.",
        gt=0,
    )
    passes: int = Field(4, description="... or after this many passes over all rows.", ge=1)
    seconds: Seconds = Field(
        600.0,
        description="... or when this much time has gone; one whole pass is always needed.",
        gt=0,
    )
    vectors: int = Field(
        48,
        description="Random vectors of all rows in each pass, for the ratios of the large ranges.",
        ge=1,
    )
    checks: int = Field(
        64,
        description="Random vectors that compare products with the map read back, before and "
        "after.",
        ge=1,
    )
    seed: int = Field(
        0, description="Seed of an emulated chip, and of all voltages chosen at random.", ge=0
    )
    limits: LimitChanges = LimitChanges()
