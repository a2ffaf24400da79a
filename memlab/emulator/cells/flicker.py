"""1/f-like noise: terms that are drawn anew every 1, 2, 4, ... time steps (see `fluctuation`).

What a cell shows is a function of time: nothing is remembered, nobody's noise depends on who has
looked at what before, and a part of the lines has its part of the noise. Term k of a row has number
m = (phase of the row + step) >> k, and its values in all columns are one of many vectors of normal
deviates (16,384 for 64 columns), chosen by a hash of row, k and m. The three fastest terms come in
frames of eight steps, added up once and for all: one of 2,048, half of which are the negatives of
the others, so that their mean is zero in every step. Sums are those of whole numbers.
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
"""2^20 deviates in all the vectors, and in all frames: two megabytes each."""

_FRAME_BITS = 3
"""Frames have eight steps."""

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
        vectors = values.take(normal.indices(1 << bits, shape[1]))
        self._framed = framed = min(octaves, _FRAME_BITS)
        frames = np.zeros((1 << bits - framed - 1, 1 << framed, shape[1]), np.int16)
        for k in range(framed):
            terms = values.take(normal.indices(frames.shape[0] << framed - k, shape[1]))
            frames += terms.reshape(len(frames), -1, shape[1]).repeat(1 << k, axis=1)
        frames = np.concatenate([frames, -frames])
        self._tables = np.stack([vectors, frames.reshape(vectors.shape)])
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
        step, tables = times // self._step, self._tables
        if columns.size < tables.shape[2]:
            tables = self._part(columns)
        vectors, frames = tables
        framed, together = self._framed, self._together
        frame, in_frame = np.unique(step >> framed, return_inverse=True)
        turn, in_turn = np.unique(frame >> together - framed, return_inverse=True)
        shared = self._octaves if turn.size == frame.size else together
        slow = self._sums(frame << framed, rows, vectors, np.arange(framed, shared))
        if shared < self._octaves:
            slowest = np.arange(shared, self._octaves)
            slow += self._sums(turn << together, rows, vectors, slowest)[in_turn]
        number = (self._phase[rows] >> framed) + frame[:, np.newaxis]
        first = self._which(number, np.zeros(1, np.intp), rows) >> framed << framed
        within = step & (1 << framed) - 1
        sums: Terms = frames.take(first[in_frame] + within[:, np.newaxis], axis=0)
        sums += slow[in_frame]
        return sums

    def _part(self, columns: Lines) -> Terms:
        """Return the part of all vectors and frames that is of these columns."""
        key = columns.tobytes()
        part = self._parts.pop(key, None)
        if part is None:
            part = np.ascontiguousarray(self._tables[(..., *part_of(columns))])
        self._parts[key] = part  # the last one in use is the last to go
        if len(self._parts) > _KEPT:
            del self._parts[next(iter(self._parts))]
        return part

    def _sums(self, step: Numbers, rows: Lines, vectors: Terms, terms: Lines) -> Terms:
        """Return the sums of some terms in some steps, shape (steps, rows, columns)."""
        number = (self._phase[rows] + step[:, np.newaxis]) >> terms[:, np.newaxis, np.newaxis]
        each = vectors.take(self._which(number, terms[:, np.newaxis], rows), axis=0)
        total: Terms = each.sum(axis=0, dtype=np.int16)
        return total

    def _which(self, number: Numbers, term: Lines, rows: Lines) -> Numbers:
        """Return which vector each of these terms is."""
        bits = number.astype(np.uint64) * _OF_NUMBER
        bits += self._keys[term][..., np.newaxis] + rows.astype(np.uint64) * _OF_ROW
        return (mixed(bits) >> self._shift).view(np.int64)


def part_of(*lines: Lines) -> Any:
    """Return the index of some lines; slices, which are faster, where they are neighbours."""
    if all(line[-1] - line[0] + 1 == line.size for line in lines):
        return tuple(slice(line[0], line[-1] + 1) for line in lines)
    return np.ix_(*lines)
