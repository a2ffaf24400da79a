"""Vectors times chip: the currents of the columns, exactly summed.

Voltages and conductances are whole numbers (`memlab.emulator.signal_chain`), so that no order of
summation matters. Vectors pass in blocks that stay in the cache: that is most of the speed. A chip
that changes from millisecond to millisecond is multiplied by a few vectors at a time; what comes
before and after the products is done for all that pass together.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from drivers.converter import Codes
from drivers.errors import DeviceError
from memlab.emulator.cells.conduction import added_terms, added_voltage
from memlab.emulator.chip import GRID
from memlab.emulator.front_end import ColumnErrors
from memlab.emulator.readout import Operands
from memlab.numeric import FloatArray

__all__ = ["BLOCK", "Drive", "Passing", "Products", "Still", "Stretch"]

BLOCK = 256
"""Vectors per block: all work space of 128 x 64 fits in 1 MB."""

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


class Stretch(NamedTuple):
    """Vectors during which the chip stays as it is, but for slow noise."""

    stops: list[int]
    """The first vector after those of each moment of the operands."""
    operands: Operands
    errors: ColumnErrors
    """Of the columns' amplifiers and ADCs."""

    def alike(self, other: Stretch) -> bool:
        """Return whether nothing but the slow noise of the cells differs."""
        ours, theirs = self.operands, other.operands
        return (
            self.errors is other.errors
            and ours.variance is theirs.variance
            and ours.row_conductance is theirs.row_conductance
        )


class Passing(NamedTuple):
    """Vectors `start` to `stop` of one block, in stretches that are alike: the last of them.

    `volts` (V in units of the drive) and `work` have shape (vectors, rows), `current` (in units of
    the product) has shape (vectors, columns). All three are work space afterwards.
    """

    start: int
    stop: int
    volts: FloatArray
    work: FloatArray
    current: FloatArray
    last: Stretch


class Products:
    """Multiplies; keeps what it derived from the chip as it last was."""

    def __init__(self) -> None:
        self._bending: _Bending | None = None

    def still(self, operands: Operands, drive: Drive) -> Still:
        """Return what multiplies while the chip stays as it is; raises as `of` does."""
        self._require_exact(operands, drive)
        return Still(operands, drive, self._bending_of(operands, drive))

    def of(
        self,
        row_code: Codes,
        drive: Drive,
        stretches: Iterable[Stretch],
        columns: int,
    ) -> Iterator[Passing]:
        """Yield the currents of vectors of row codes, shape (n, rows), in order.

        Parameters
        ----------
        stretches
            The chip as the vectors find it, up to the last vector. Each is asked for when the
            vectors before it have passed.

        Raises
        ------
        DeviceError
            If a column could carry so much current (1 A) that sums would not be exact.
        """
        n, rows = row_code.shape
        size = min(n, BLOCK)
        volts, work, added = np.empty((size, rows)), np.empty((size, rows)), None
        current = np.empty((size, columns))
        last: Stretch | None = None
        first = end = start = now = 0

        def passing(stretch: Stretch) -> Passing:
            part = slice(start - first, now - first)
            return Passing(start, now, volts[part], work[part], current[part], stretch)

        for stretch in stretches:
            if last is not None and start < now and not stretch.alike(last):
                yield passing(last)
                start = now
            last = stretch
            operands, stop = stretch.operands, stretch.stops[-1]
            self._require_exact(operands, drive)
            bending = self._bending_of(operands, drive)
            while now < stop:
                if now == end:
                    if start < now:
                        yield passing(stretch)
                    first, end = now, min(n, now + BLOCK)
                    start, added = now, None
                    drive.fill(row_code[first:end], volts[: end - first])
                until = min(stop, end)
                part = slice(now - first, until - first)
                if len(stretch.stops) == 1:
                    moments = None
                    np.matmul(volts[part], operands.linear[0], out=current[part])
                else:
                    moments = _Moments(stretch.stops, now, until)
                    current[part] = moments.multiply(volts[part], operands.linear)
                if bending is not None and operands.bent is not None:
                    if added is None:
                        added = np.empty((size, rows))
                        bending.voltage(
                            volts[: end - first], added[: end - first], work[: end - first]
                        )
                    bending.add(added[part], operands, moments, current[part])
                now = until
        if last is not None and start < now:
            yield passing(last)

    def _require_exact(self, operands: Operands, drive: Drive) -> None:
        sums = operands.most
        if sums * drive.largest >= 0.5 * _EXACT:  # closely
            sums = operands.linear.sum(axis=1).max()
        largest = sums * drive.largest
        if largest >= _EXACT:
            raise DeviceError(
                f"a column of {operands.linear.shape[1]} cells could carry "
                f"{largest * drive.unit / GRID:.3g} A at the read limit, more than the emulator "
                "can add up exactly; lower the read limit, or select fewer rows"
            )

    def _bending_of(self, operands: Operands, drive: Drive) -> _Bending | None:
        if operands.bent is None:
            return None
        if self._bending is None or not self._bending.holds(operands, drive):
            self._bending = _Bending(operands.bending_voltage, drive)
        return self._bending


class Still:
    """The products of a chip that stays as it is."""

    def __init__(self, operands: Operands, drive: Drive, bending: _Bending | None):
        self.operands = operands
        (self._transfer,) = operands.linear
        self._fill, self._bending = drive.fill, bending
        self._space = self._empty(0)

    def multiply(self, row_code: Codes) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return voltages, work space and currents, as `Passing`, of at most `BLOCK` vectors."""
        n = len(row_code)
        if len(self._space[0]) != n:
            self._space = self._empty(n)
        volts, work, current = self._space
        self._fill(row_code, volts)
        np.dot(volts, self._transfer, out=current)  # quicker than matmul on one vector
        if self._bending is not None:
            added = np.empty(volts.shape)
            self._bending.voltage(volts, added, work)
            self._bending.add(added, self.operands, None, current)
        return self._space

    def _empty(self, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        rows, columns = self._transfer.shape
        return np.empty((n, rows)), np.empty((n, rows)), np.empty((n, columns))


class _Moments:
    """Which of some moments, of a few vectors each, vectors `start` to `stop` belong to.

    Parameters
    ----------
    stops
        The first vector after those of each moment.
    """

    def __init__(self, stops: list[int], start: int, stop: int):
        first, last = bisect_right(stops, start), bisect_left(stops, stop)
        self.which = slice(first, last + 1)
        edges = np.array([start, *stops[first:last], stop]) - start
        self.vectors = np.diff(edges)
        """Of each moment."""
        self.vector = edges[:-1, np.newaxis] + np.arange(self.vectors.max())
        """The vectors of each moment, shape (moments, most); some go on into the next."""
        self.own = self.vector < edges[1:, np.newaxis]
        """Where they do not."""

    def multiply(self, volts: FloatArray, matrices: FloatArray) -> FloatArray:
        """Return each of these vectors times the matrix of its moment."""
        vectors = volts.take(self.vector, axis=0, mode="clip")
        product: FloatArray = np.matmul(vectors, matrices[self.which])[self.own]
        return product


class _Bending:
    """What the sinh of the cells adds to the currents, exactly summed.

    Parameters
    ----------
    voltage
        V0 in V.
    """

    def __init__(self, voltage: float, drive: Drive):
        self._made_for = voltage, drive.unit, drive.largest
        x = drive.largest * drive.unit / voltage
        self._terms = added_terms(x)
        self._most = voltage * (math.sinh(x) if x < 700.0 else math.inf) / drive.unit
        self._finer: tuple[float, float] = -1.0, 1.0

    def holds(self, operands: Operands, drive: Drive) -> bool:
        """Return whether this was made for cells and lines like these."""
        return self._made_for == (operands.bending_voltage, drive.unit, drive.largest)

    def voltage(self, volts: FloatArray, out: FloatArray, work: FloatArray) -> None:
        """Write what bending adds to voltages, V0 sinh(V / V0) - V, in units, to `out`."""
        V0, unit, _ = self._made_for
        added_voltage(volts, unit, V0, self._terms, out, work)

    def add(
        self,
        added: FloatArray,
        operands: Operands,
        moments: _Moments | None,
        current: FloatArray,
    ) -> None:
        """Add the currents, exact up to the elementwise addition, so that no order matters.

        Parameters
        ----------
        added
            See `voltage`, shape (vectors, rows); used as work space.

        Raises
        ------
        DeviceError
            If they could be so large that sums would not be exact.
        """
        bent, most = operands.bent, operands.bent_most
        assert bent is not None
        finer: float | FloatArray = self._grid(most[0])
        if moments is not None:
            most = most[moments.which]
            finer = self._grid(max(most))
            if finer != self._grid(min(most)):
                each = np.array([self._grid(one) for one in most])
                finer = each.repeat(moments.vectors)[:, np.newaxis]
        added *= finer
        np.rint(added, out=added)
        more = added @ bent[0] if moments is None else moments.multiply(added, bent)
        more *= 1.0 / finer
        current += more

    def _grid(self, most: float) -> float:
        """Return by how much the grid of the added voltage may be finer than that of V.

        `most` is the largest sum of a column, see `Operands.bent_most`; of larger ones less.
        """
        known, finer = self._finer
        if known == most:
            return finer
        largest = most * max(1.0, self._most)
        if not largest < _EXACT:
            raise DeviceError(
                f"cells whose I-V curves bend at {self._made_for[0]:g} V could carry more current "
                "at the read limit than the emulator can add up exactly; lower the read limit"
            )
        finer = 2.0 ** min(_BENDING_BITS, math.floor(math.log2(_EXACT / max(largest, 1.0))))
        self._finer = most, finer
        return finer
