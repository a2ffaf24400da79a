"""Converters: whole numbers that stand for voltages or currents on a linear grid.

    quantity = (code - zero_code) * step

A DAC or ADC has a grid of its own; an instrument that speaks volts and amperes has one of 1 uV or
1 pA, so that codes are whole numbers everywhere. `Converter.encode` refuses what it cannot
represent: a clipped code is a wrong pulse on a chip that cannot be un-pulsed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from drivers._integers import checked_integers
from drivers.blocks import BLOCK, fill_in_blocks
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
        # Codes rise with values: where those of both ends exist, all do.
        if values.size and not all(map(self._exists, extremes(values))):
            self._refuse(values)
        return self.nearest(values)

    def nearest(self, values: npt.NDArray[np.float64]) -> Codes:
        """Return what `encode` does, of values that are known to be within the range.

        Nothing is checked: a value outside of it would become the code of another one.
        """
        if values.size <= BLOCK:
            return self._nearest(values)
        code = np.empty(values.shape, self._type)
        fill_in_blocks(code, self._nearest, values)
        return code

    def _nearest(self, values: npt.NDArray[np.float64]) -> Codes:
        minimum, step = self._grid
        # Dividing by the exact step rounds once; multiplying by 1/step would round twice.
        code = np.subtract(values, minimum, out=np.empty(values.shape))
        np.divide(code, step, out=code)
        np.rint(code, out=code)
        if self.codes.minimum:
            code += self.codes.minimum
        return code.astype(self._type)

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

    @cached_property
    def _type(self) -> np.dtype[Any]:
        return np.dtype(self.dtype)

    @cached_property
    def _grid(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Minimum and step, as arrays: numpy takes them faster than Python's floats."""
        return np.array(self.minimum), np.array(self.step)

    def _exists(self, value: float) -> bool:
        """Return whether the nearest code of a value is one; False for NaN."""
        place = (value - self.minimum) / self.step
        return math.isfinite(place) and 0 <= round(place) <= self.codes.maximum - self.codes.minimum

    def _refuse(self, values: npt.NDArray[np.float64]) -> NoReturn:
        where = next(k for k in np.ndindex(values.shape) if not self._exists(float(values[k])))
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
