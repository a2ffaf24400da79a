"""1/f-like noise: terms that are drawn anew every 1, 2, 4, ... time steps (see `fluctuation`).

What a cell shows is a function of time: nothing is remembered, nobody's noise depends on who has
looked at what before, and a part of the lines has its part of the noise. Term k of a row has number
m = (phase of the row + step) >> k, and its values in all columns are one of many vectors of normal
deviates (16,384 for 64 columns), chosen by a hash of row, k and m. Sums are those of whole numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.emulator.normal import NormalSource, mixed
from memlab.emulator.seeds import bit_generator_for, generator_for

__all__ = ["Flicker", "part_of"]

Lines = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.int64]
Terms = npt.NDArray[np.int16]

_DEVIATES_BITS = 20
"""2^20 deviates in all the vectors: two megabytes, which stay in the cache."""

_KEPT = 8
"""Selections of columns whose part of all vectors is kept: the layers of a network on one chip."""

_TOGETHER_BITS = 6
"""The fastest terms, of up to 32 steps, change in all rows at once: their sums are made once for
all rows. Slower ones change in each row at a time of its own."""

# Odd numbers of 64 bits that have no pattern: those that NumPy's and Java's generators add and
# multiply by (Steele, Lea and Flood, OOPSLA 2014; O'Neill 2014).
_OF_NUMBER, _OF_ROW, _OF_TERM = (
    np.uint64(key) for key in (0x9E3779B97F4A7C15, 0xDA942042E4DD58B5, 0x5851F42D4C957F2D)
)


class Flicker:
    """The terms of the 1/f-like noise.

    Parameters
    ----------
    deviation
        Standard deviation of the sum of all terms.
    octaves
        Number of terms.
    step
        Period of the fastest, in ns.
    shape
        (rows, columns).
    rng
        Parent of the generators of terms and phases.

    Attributes
    ----------
    unit, most
        What one of the whole numbers of `at` is, relative to the conductance, and all that fit.
    """

    def __init__(
        self,
        deviation: float,
        octaves: int,
        step: int,
        shape: tuple[int, int],
        rng: np.random.Generator,
    ):
        self._step, self._octaves = step, octaves
        normal = NormalSource(bit_generator_for(rng, "read_noise.flicker"))
        scale = (np.iinfo(np.int16).max - octaves) // (octaves * normal.largest)  # of sums
        self.unit = deviation / octaves**0.5 / scale
        self.most = np.iinfo(np.int16).max * self.unit
        values = np.rint(normal.values * np.float32(scale)).astype(np.int16)
        bits = max(8, _DEVIATES_BITS - (shape[1] - 1).bit_length())
        self._shift = np.uint64(64 - bits)
        self._vectors = values.take(normal.indices(1 << bits, shape[1]))
        self._parts: dict[bytes, Terms] = {}
        own = generator_for(rng, "read_noise.flicker.phases")
        self._together = min(octaves, _TOGETHER_BITS)
        phase = own.integers(1 << octaves, size=shape[0])
        self._phase = phase >> self._together << self._together
        self._keys = np.arange(octaves, dtype=np.uint64) * _OF_TERM
        self._keys += own.integers(1 << 63, dtype=np.uint64)

    def at(self, times: npt.NDArray[np.int64], rows: Lines, columns: Lines) -> Terms:
        """Return the sums of the terms of some cells at rising times (ns), in `unit`.

        Shape (len(times), len(rows), len(columns)).
        """
        step, vectors = times // self._step, self._vectors
        if columns.size < vectors.shape[1]:
            vectors = self._part(columns)
        # Few of the steps in between: each for itself.
        far = len(step) == 1 or step[-1] - step[0] >= 2 * len(step)
        return (self._sums if far else self._between)(step, rows, vectors)

    def _part(self, columns: Lines) -> Terms:
        """Return the part of all vectors that is of these columns."""
        key = columns.tobytes()
        part = self._parts.pop(key, None)
        if part is None:
            part = np.ascontiguousarray(self._vectors[(slice(None), *part_of(columns))])
        self._parts[key] = part  # the last one in use is the last to go
        if len(self._parts) > _KEPT:
            del self._parts[next(iter(self._parts))]
        return part

    def _between(self, step: Numbers, rows: Lines, vectors: Terms) -> Terms:
        """Add terms from slow to fast: what is slower is the same for two of the next."""
        fast, first, last = self._together, int(step[0]), int(step[-1])
        # Of each fast term whole pairs, which share a number of the next one.
        numbers = [np.arange(first >> k & ~1, (last >> k | 1) + 1) for k in range(fast)]
        slow = np.arange(first >> fast, (last >> fast) + 1)
        total = self._sums(slow << fast, rows, vectors, fast)
        term = np.repeat(np.arange(fast), [len(number) for number in numbers])
        phase = self._phase[rows] >> term[:, np.newaxis]
        number = np.concatenate(numbers)[:, np.newaxis] + phase
        each = self._terms(number, term, rows, vectors)
        start, stop = int(slow[0]), len(each)
        for k in range(fast - 1, -1, -1):
            own = each[stop - len(numbers[k]) : stop]
            slower = (int(numbers[k][0]) >> 1) - start
            pairs = own.reshape(-1, 2, *own.shape[1:])
            pairs += total[slower : slower + len(pairs), np.newaxis]
            total, start, stop = own, int(numbers[k][0]), stop - len(own)
        begin = first - start
        if last - first + 1 == len(step):
            return total[begin : begin + len(step)]
        return total.take(step - start, axis=0)

    def _sums(self, step: Numbers, rows: Lines, vectors: Terms, fastest: int = 0) -> Terms:
        """Return the sums of the slower terms, shape (steps, rows, columns)."""
        term = np.arange(fastest, self._octaves)
        number = (self._phase[rows] + step[:, np.newaxis]) >> term[:, np.newaxis, np.newaxis]
        terms = self._terms(number, term[:, np.newaxis], rows, vectors)
        total: Terms = terms.sum(axis=0, dtype=np.int16)
        return total

    def _terms(self, number: Numbers, term: Lines, rows: Lines, vectors: Terms) -> Terms:
        """Return terms of rows by their numbers, shape (*number.shape, columns)."""
        bits = number.astype(np.uint64) * _OF_NUMBER
        bits += self._keys[term][..., np.newaxis] + rows.astype(np.uint64) * _OF_ROW
        which = (mixed(bits) >> self._shift).view(np.int64)
        values: Terms = vectors.take(which, axis=0)
        return values


def part_of(*lines: Lines) -> Any:
    """Return the index of some lines; slices, which are faster, where they are neighbours."""
    if all(line[-1] - line[0] + 1 == line.size for line in lines):
        return tuple(slice(line[0], line[-1] + 1) for line in lines)
    return np.ix_(*lines)
