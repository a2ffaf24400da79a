"""Numbers in units with the prefix that a person would choose."""

from __future__ import annotations

__all__ = ["prefixed"]

_PREFIXES = {1e-12: "p", 1e-9: "n", 1e-6: "u", 1e-3: "m", 1.0: "", 1e3: "k", 1e6: "M"}
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
