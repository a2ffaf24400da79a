"""What the chip of a run was allowed to see, as its file says it."""

from __future__ import annotations

from dataclasses import fields

from memlab.chip.limits import Limits
from memlab.runs import Run

__all__ = ["recorded_limits"]

_PREFIX = "limits."


def recorded_limits(run: Run) -> Limits | None:
    """Return what the chip of a run was allowed to see; None where its file does not say one.

    Limits that an older memlab did not know are those of now.
    """
    found = [
        {
            field.name: float(one[_PREFIX + field.name])
            for field in fields(Limits)
            if _PREFIX + field.name in one
        }
        for one in run.instruments
    ]
    if not found or not found[0] or any(one != found[0] for one in found):
        return None
    return Limits(**found[0])
