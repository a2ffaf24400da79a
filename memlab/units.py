"""Numbers in units with the prefix that a person would choose; in documents, with what they are."""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["fixed", "plain", "prefixed", "statistic", "with_error"]

_PREFIXES = {1e-12: "p", 1e-9: "n", 1e-6: "u", 1e-3: "m", 1.0: "", 1e3: "k", 1e6: "M"}
_POWERS = re.compile(r"\b\d(?:\.\d+)?e\+0[1-6]\b")
"""Powers of ten that are longer than the number, or not much shorter."""
_TAKING_ONE = frozenset({"S", "A", "V", "s", "ohm", "J", "Hz", "S/V", "S/decade"})


def prefixed(magnitude: float, units: str) -> tuple[float, str]:
    """Return a factor and a unit in which a magnitude lies between 1 and 1000.

    Parameters
    ----------
    magnitude
        The largest absolute value that is to be shown.
    units
        Its unit; "1" and units that take no prefix stay.
    """
    if units not in _TAKING_ONE or not magnitude > 0.0:
        return 1.0, units
    factor = max((one for one in _PREFIXES if one <= magnitude), default=min(_PREFIXES))
    return factor, _PREFIXES[factor] + units


def with_error(value: float | None, error: float | None, units: str) -> str:
    """Return a number with its error, both to the error's second digit, in a unit with prefix.

    Parameters
    ----------
    value
        The number; None or NaN where there is none.
    error
        One standard error; None or NaN where it is not known.
    """
    if value is None or not math.isfinite(value):
        return "not determined"
    known = error is not None and math.isfinite(error) and error > 0.0
    sigma = float(error) if known and error is not None else 0.0
    factor, unit = prefixed(max(abs(value), sigma), units)
    text = f"{value / factor + 0.0:.4g}"
    if known:
        digits = max(0, 1 - math.floor(math.log10(sigma / factor)))
        text = f"{fixed(value / factor, digits)} ± {sigma / factor:.{digits}f}"
    unit = unit.replace("1e3 ", "thousand ")
    return text if unit == "1" else f"{text} {unit}".strip()


def fixed(value: float, digits: int = 2) -> str:
    """Return a number with these digits behind the point; what rounds to nothing has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def plain(text: str) -> str:
    """Return a text with the numbers in it that have few digits too many: 330 for 3.3e+02."""
    return _POWERS.sub(lambda found: f"{float(found[0]):.0f}", text)


def statistic(
    value: float | None, units: str, n: int, of: str, error: float | None = None
) -> dict[str, Any]:
    """Return a number for a JSON document with its unit, and of what and how many it is.

    Parameters
    ----------
    value, error
        The number and one standard error; None, or NaN, where there is none.
    n, of
        How many, and of what: 32, "cells asked for".
    """
    found: dict[str, Any] = {"value": _finite(value), "units": units, "n": n, "of": of}
    if error is not None:
        found["error"] = _finite(error)
    return found


def _finite(value: float | None) -> float | None:
    """Return a number, or None where there is none: JSON knows no NaN."""
    return None if value is None or not math.isfinite(value) else float(value)
