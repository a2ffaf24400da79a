"""What a kind of run finds, declared once: name, unit and meaning.

    SET_SLOPE = Quantity("set_slope", "S/V", "SET law: slope of the mean")
    findings.add(SET_SLOPE, value, error, n=2043, of="cells that respond")
    run.findings[SET_SLOPE].value

How large it is, how well it is known, and of how many of what it is, belongs to the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = ["Quantity"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Quantity:
    """Something that a kind of run may find.

    Parameters
    ----------
    name
        In run files, tables and documents: letters, digits and `_`.
    units
        Of its value, SI; "1" for pure numbers, counts and texts.
    description
        What it is, for people.
    dims
        Names of the axes of an array: `row` and `column` are those of the chip, any other is
        declared as a quantity too and added with `Findings.add_axis`.
    reference
        Whether it needs no network and no chip, and is there for others to be compared with.

    Raises
    ------
    ValueError
        If the name cannot be that of a dataset.
    """

    name: str
    units: str
    description: str
    dims: tuple[str, ...] = ()
    reference: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} cannot be the name of a quantity: letters, digits and _"
            )

    def saying(self, description: str) -> Quantity:
        """Return this quantity with what it is in words that a run alone knows."""
        return replace(self, description=description)

    def variant(self, prefix: str, description: str) -> Quantity:
        """Return this quantity of something else: `software_test_rmse`."""
        return replace(self, name=f"{prefix}_{self.name}", description=description)
