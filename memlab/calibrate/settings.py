"""How carefully to calibrate."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CalibrationSettings"]


@dataclass(frozen=True)
class CalibrationSettings:
    """Settings of `memlab calibrate`.

    Parameters
    ----------
    target
        Averaging ends when the median standard error of the rows' zeros is below this, in V. A
        tenth of a DAC step is 15 uV.
    passes
        ... or after this many passes over all rows.
    seconds
        ... or when this much time has gone; one whole pass is always needed.
    vectors
        Random vectors of all rows in each pass, for the ratios of the large ranges.
    checks
        Random vectors that compare products with the map read back, before and after.
    seed
        Of all voltages that are chosen at random.
    """

    target: float = 5e-6
    passes: int = 4
    seconds: float = 600.0
    vectors: int = 48
    checks: int = 64
    seed: int = 0
