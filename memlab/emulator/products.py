"""Vectors times chip: the currents of the columns, exactly summed.

Voltages and conductances are whole numbers (`memlab.emulator.signal_chain`), so that no order of
summation matters. Vectors pass in blocks that stay in the cache: that is most of the speed. What
slow noise changes from millisecond to millisecond is added (`memlab.emulator.slow_noise`).
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from drivers.converter import Codes
from drivers.errors import DeviceError
from memlab.emulator.cells.conduction import added_terms, added_voltage
from memlab.emulator.cells.fluctuation import Steps
from memlab.emulator.chip import GRID
from memlab.emulator.readout import Operands
from memlab.emulator.slow_noise import SlowNoise
from memlab.numeric import FloatArray

__all__ = ["LARGEST_BLOCK", "Drive", "Still"]

LEAST_BLOCK, LARGEST_BLOCK = 256, 1024
"""Vectors in a block of 64 columns, whose work space fits in 1 MB, and in one of few columns."""

_EXACT = 2.0**53

_BENDING_BITS = 10
"""Bits by which the grid of what bending adds may be finer than that of V: it is small."""


class Drive(Protocol):
    """What turns row codes into whole numbers of volts."""

    unit: float
    """V per whole number."""
    largest: float
    """Largest magnitude, in units, that an allowed code can make."""

    def fill(self, code: Codes, out: FloatArray) -> None:
        """Write the voltages of a block of codes, shape (vectors, rows), to `out`."""
        ...


class Still:
    """The products of a chip that stays as it is, but for slow noise.

    Raises
    ------
    DeviceError
        If a column could carry so much current (1 A) that sums would not be exact.
    """

    def __init__(self, operands: Operands, drive: Drive):
        _require_exact(operands, drive)
        self.operands = operands
        columns = operands.linear.shape[1]
        self.block = min(LARGEST_BLOCK, max(LEAST_BLOCK, LEAST_BLOCK * 64 // columns))
        """Vectors that are multiplied together at most."""
        self._transfer, self._fill = operands.linear, drive.fill
        self._largest = drive.largest
        self._bending: _Bending | None = None
        if operands.bent is not None:
            self._bending = _Bending(operands, drive)
            self._largest = self._bending.largest
        self._noise: SlowNoise | None = None
        self._space = self._empty(0)

    def multiply(
        self, row_code: Codes, steps: Steps | None = None, first: int = 0
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return voltages, work space and currents of at most `block` vectors: all of them spare.

        Shapes (vectors, rows), twice, and (vectors, columns), in units of the drive and the
        product. `first` is the number of the first vector in the time steps of the slow noise.
        """
        n = len(row_code)
        if len(self._space[0]) != n:
            self._space = self._empty(n)
        volts, work, current = self._space
        self._fill(row_code, volts)
        np.dot(volts, self._transfer, out=current)  # quicker than matmul on one vector
        seen = volts
        if self._bending is not None:
            added = self._bending.voltage(volts, work)
            if steps is not None:
                seen = self._bending.seen(volts, added)
            current += self._bending.current(added)
        if steps is not None:
            if self._noise is None:
                self._noise = SlowNoise(self.operands, steps.deviation, self._largest)
            self._noise.add(seen, steps, first, current)
        return self._space

    def _empty(self, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        rows, columns = self._transfer.shape
        return np.empty((n, rows)), np.empty((n, rows)), np.empty((n, columns))


def _require_exact(operands: Operands, drive: Drive) -> None:
    sums = operands.most
    if sums * drive.largest >= 0.5 * _EXACT:  # closely
        sums = operands.linear.sum(axis=0).max()
    largest = sums * drive.largest
    if largest >= _EXACT:
        raise DeviceError(
            f"a column of {len(operands.linear)} cells could carry "
            f"{largest * drive.unit / GRID:.3g} A at the read limit, more than the emulator "
            "can add up exactly; lower the read limit, or select fewer rows"
        )


class _Bending:
    """What the sinh of the cells adds to the currents, exactly summed.

    Parameters
    ----------
    operands
        The cells, which bend.

    Raises
    ------
    DeviceError
        If currents could be so large that sums would not be exact.
    """

    def __init__(self, operands: Operands, drive: Drive):
        assert operands.bent is not None
        self._bent, V0 = operands.bent, operands.bending_voltage
        self._scale = drive.unit / V0
        x = drive.largest * drive.unit / V0
        self._terms = added_terms(x)
        self.largest = V0 * (math.sinh(x) if x < 700.0 else math.inf) / drive.unit
        """Of V0 sinh(V / V0), in units."""
        largest = operands.bent_most * max(1.0, self.largest)
        if not largest < _EXACT:
            raise DeviceError(
                f"cells whose I-V curves bend at {V0:g} V could carry more current at the read "
                "limit than the emulator can add up exactly; lower the read limit"
            )
        # The grid of the added voltage may be finer than that of V; of large currents less.
        finer = math.floor(math.log2(_EXACT / max(largest, 1.0)))
        self._finer = 2.0 ** min(_BENDING_BITS, finer)
        self._share = operands.bending_share

    def voltage(self, volts: FloatArray, work: FloatArray) -> FloatArray:
        """Return what bending adds to voltages, V0 sinh(V / V0) - V, in units, same shape."""
        added = np.empty(volts.shape)
        added_voltage(volts, self._scale, self._terms, added, work)
        return added

    def seen(self, volts: FloatArray, added: FloatArray) -> FloatArray:
        """Return the voltages that slow noise goes with, in whole units, same shape."""
        seen: FloatArray = added * self._share
        np.rint(seen, out=seen)
        seen += volts
        return seen

    def current(self, added: FloatArray) -> FloatArray:
        """Return the currents, exact up to their addition; `added` is work space."""
        added *= self._finer
        np.rint(added, out=added)
        more: FloatArray = added @ self._bent
        more *= 1.0 / self._finer
        return more
