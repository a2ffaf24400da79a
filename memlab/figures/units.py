"""Units as figures spell them: µS, never uS."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.units import prefixed

__all__ = ["scale_of", "spelt"]


def spelt(units: str) -> str:
    """Return a unit with its Greek letters, as axes and titles show it."""
    units = units.replace("ohm", "Ω")
    return f"µ{units[1:]}" if units.startswith("u") and len(units) > 1 else units


def scale_of(*values: npt.ArrayLike, units: str) -> tuple[float, str]:
    """Return the factor and the unit in which the largest of some values is 1 to 1000; skip NaN."""
    known = [np.abs(one[np.isfinite(one)]) for one in (np.asarray(v, float) for v in values)]
    factor, unit = prefixed(
        max((float(one.max()) for one in known if one.size), default=0.0), units
    )
    return factor, spelt(unit)
