"""Converters: whole numbers that stand for voltages or currents on a linear grid.

    quantity = (code - zero_code) * step

A DAC or ADC has a grid of its own; an instrument that speaks volts and amperes has one of 1 uV or
1 pA, so that codes are whole numbers everywhere. `Converter.encode` refuses what it cannot
represent: a clipped code is a wrong pulse on a chip that cannot be un-pulsed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from drivers._integers import checked_integers
from drivers.errors import LimitError
from drivers.extremes import extremes

__all__ = ["CodeRange", "Codes", "Converter", "grid"]

Codes = npt.NDArray[np.integer[Any]]
"""Codes of any converter."""

_QUANTITY = {"V": "voltage", "A": "current"}


@dataclass(frozen=True)
class CodeRange:
    """Codes that are allowed, both ends included."""

    minimum: int
    maximum: int


@dataclass(frozen=True)
class Converter:
    """A linear grid of whole numbers.

    Parameters
    ----------
    name
        Of this range, for people and for boards that have several.
    step
        What one code is worth, in the unit; positive.
    zero_code
        Code of 0.
    codes
        Codes that exist.
    dtype
        numpy's name of the codes' type; it holds all of them.
    unit
        V or A.
    """

    name: str
    step: float
    zero_code: int
    codes: CodeRange
    dtype: str = "uint16"
    unit: str = "V"

    @property
    def minimum(self) -> float:
        """Quantity at the lowest code."""
        return (self.codes.minimum - self.zero_code) * self.step

    @property
    def maximum(self) -> float:
        """One step above the highest code, out of reach: the nominal end of most DACs."""
        return (self.codes.maximum + 1 - self.zero_code) * self.step

    @property
    def top(self) -> float:
        """Quantity at the highest code."""
        return (self.codes.maximum - self.zero_code) * self.step

    def encode(self, values: npt.ArrayLike) -> Codes:
        """Return the nearest codes; a value exactly halfway between two goes to the even one.

        Parameters
        ----------
        values
            In the unit, any shape. A value within half a step of either end rounds to it.

        Returns
        -------
        Codes of type `dtype`, same shape (0-d for a scalar).

        Raises
        ------
        LimitError
            If any value is outside of the range, infinite or NaN. No code is returned.
        """
        values = np.asarray(values, dtype=np.float64)
        # Dividing by the exact step rounds once; multiplying by 1/step would round twice.
        # In place: a batch of vectors is megabytes, and every temporary costs as much as the sum.
        code = np.subtract(values, self.minimum, out=np.empty(values.shape))
        code /= self.step
        np.rint(code, out=code)
        if code.size:
            lowest, highest = extremes(code)
            if not (lowest >= 0.0 and highest <= self._last):  # NaN fails this too
                self._refuse(values, code)
        if self.codes.minimum:
            code += self.codes.minimum
        return np.asarray(code.astype(self.dtype))

    def decode(self, code: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return what codes stand for, in the unit, same shape (0-d for a scalar).

        Raises
        ------
        ValueError
            If a code does not exist.
        TypeError
            If the codes are not integers.
        """
        codes = checked_integers(f"{self.name} codes", code, self.codes.minimum, self.codes.maximum)
        return np.asarray((codes - float(self.zero_code)) * self.step)

    @property
    def _last(self) -> int:
        return self.codes.maximum - self.codes.minimum

    def _refuse(self, values: npt.NDArray[np.float64], code: npt.NDArray[np.float64]) -> NoReturn:
        bad = ~((code >= 0.0) & (code <= self._last))
        where = np.unravel_index(int(np.argmax(bad)), values.shape)
        value = float(values[where])
        place = f" at index {tuple(int(i) for i in where)}" if where else ""
        raise LimitError(
            f"{value:.8g} {self.unit}{place} is outside span {self.name}, {self.minimum:g} to "
            f"{self.top:.6f} {self.unit}: ask for a {_QUANTITY[self.unit]} within it"
        )


def grid(name: str, largest: float, step: float, unit: str) -> Converter:
    """Return the grid of an instrument that speaks the unit itself, -largest to +largest."""
    most = round(largest / step)
    dtype = "int32" if most < 1 << 31 else "int64"
    return Converter(name, step, 0, CodeRange(-most, most), dtype, unit)
