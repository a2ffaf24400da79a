"""1/f-like noise: terms that are drawn anew every 1, 2, 4, ... time steps (see `fluctuation`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.emulator.normal import NormalSource
from memlab.emulator.seeds import bit_generator_for, generator_for
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["Flicker", "part_of"]

Lines = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.int32]
Terms = npt.NDArray[np.float32]


class Flicker:
    """The terms of the 1/f-like noise; a row's are drawn when it is looked at.

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
    """

    def __init__(
        self,
        deviation: float,
        octaves: int,
        step: int,
        shape: tuple[int, int],
        rng: np.random.Generator,
    ):
        self._step = step
        self._normal = NormalSource(bit_generator_for(rng, "read_noise.flicker"))
        self._value = self._normal.values * np.float32(deviation / octaves**0.5)
        self._terms = np.zeros((octaves, *shape), np.float32)
        self._sum = np.zeros(shape)
        phases = generator_for(rng, "read_noise.flicker.phases")
        self._phase = phases.integers(1 << octaves, size=shape[0])
        # Differs from the first index in its highest bit: every term is drawn then.
        self._index = np.full(shape[0], -(1 << 60))

    def state(self) -> State:
        """Return the present terms, and where their generator stands."""
        return {
            "normal": self._normal.state(),
            "terms": self._terms.copy(),
            "sum": self._sum.copy(),
            "index": self._index.copy(),
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self._normal.restore(state["normal"])
        self._terms[...], self._sum[...] = state["terms"], state["sum"]
        self._index[...] = state["index"]

    def at(self, times: npt.NDArray[np.int64], rows: Lines, columns: Lines) -> FloatArray:
        """Return the sums of the terms of some cells at rising times (ns).

        Shape (len(times), len(rows), len(columns)).
        """
        index = self._phase[rows] + (times // self._step)[:, np.newaxis]
        before = self._index[rows]
        if len(times) > 1:
            before = np.concatenate((before[np.newaxis], index[:-1]))
        # Term k of a row changes with bit k of the row's index or a higher one, which frexp finds.
        # Its rounding beyond 2^53 makes no difference: all terms change.
        bits = np.frexp((index ^ before).astype(np.float64))[1]
        self._index[rows] = index[-1]
        number = np.minimum(bits, len(self._terms))
        if len(times) > 1:
            return self._at_many(number, rows, columns)
        moved = np.flatnonzero(number)
        if moved.size:
            number = number[0, moved]
            draw = self._normal.indices(int(number.sum()), self._sum.shape[1])
            self._replace(rows[moved], number, self._value.take(draw, mode="clip"))
        seen: FloatArray = self._sum[part_of(rows, columns)][np.newaxis].copy()
        return seen

    def _replace(self, rows: Lines, number: Numbers, new: Terms) -> None:
        """Put new terms in the place of the fastest ones of some rows.

        `number` is how many of each row, at least one; `new` has all columns, row by row.
        """
        first = np.cumsum(number) - number
        row = np.repeat(rows, number)
        octave = np.arange(row.size) - np.repeat(first, number)
        change = np.subtract(new, self._terms[octave, row], dtype=np.float64)
        self._terms[octave, row] = new
        self._sum[rows] += np.add.reduceat(change, first, axis=0)

    def _at_many(self, number: Numbers, rows: Lines, columns: Lines) -> FloatArray:
        """Draw terms in the order of time; most are over before any other column is looked at.

        `number` is how many terms of each row are drawn at each time, the fastest ones; shape
        (times, rows).
        """
        draws, octaves = int(number.sum()), int(number.max())
        part = part_of(rows, columns)
        if not draws:
            return np.repeat(self._sum[part][np.newaxis], len(number), axis=0)
        looked_at = part[1] if isinstance(part[1], slice) else columns
        draw = self._normal.indices(draws, self._sum.shape[1])
        old = self._terms[:octaves, rows][..., looked_at]
        term = np.empty((draws + rows.size * octaves, columns.size), np.float32)
        self._value.take(draw[:, looked_at], out=term[:draws], mode="clip")
        term[draws:].reshape(rows.size, octaves, columns.size)[...] = old.swapaxes(0, 1)
        slower = self._sum[part] - old.sum(axis=0, dtype=np.float64)
        total, left = _running_sums(number, term, slower)
        # What is left in the end, of all columns.
        most = number.max(axis=0)
        moved = np.flatnonzero(most)
        new = self._value.take(draw.take(left[left < draws], axis=0), mode="clip")
        self._replace(rows[moved], most[moved], new)
        return total


def _running_sums(number: Numbers, term: Terms, slower: FloatArray) -> tuple[FloatArray, Lines]:
    """Return sums of terms of which at least one is drawn anew, the fast ones more often.

    Parameters
    ----------
    number
        Of terms of each row that are drawn at each time, the fastest ones; shape (times, rows).
    term
        Those in the order of time, of row, and from fast to slow; then, of each row, as many as are
        drawn at most, as they were before. Shape (terms, columns).
    slower
        Sum of the terms that are never drawn, shape (rows, columns).

    Returns
    -------
    Sums, shape (times, rows, columns); and which of `term` each row ends with, shape (rows, most).
    """
    times, rows = number.shape
    octaves = int(number.max())
    # Row by row; before its first time a row draws all terms that it had, and the sum of the rest.
    first = np.empty((rows, 1 + times), np.intp)
    first[:, 0] = len(term) + octaves * np.arange(-rows, 0)
    first[:, 1:] = (np.cumsum(number) - number.reshape(-1)).reshape(times, rows).T
    drawn = np.concatenate((np.full((rows, 1), octaves + 1), number.T), axis=1).reshape(-1)
    when = [np.arange(drawn.size)]
    for octave in range(octaves):
        when.append(when[-1][drawn.take(when[-1]) > octave])
    # A term changes only when all faster ones do: from slow to fast, each is added to the sum of
    # the slower ones, which is that of the last time one of those changed.
    total, final = slower, np.empty((rows, octaves), np.intp)
    ends = (1 + times) * np.arange(1, rows + 1)
    for octave in range(octaves - 1, -1, -1):
        here = when[octave + 1]
        which = first.take(here) + octave
        last = np.cumsum(drawn.take(here) > octave + 1) - 1
        final[:, octave] = which[here.searchsorted(ends) - 1]
        if octave == 0:  # of every time, and in their order
            seen = (np.cumsum(drawn > 0) - 1).reshape(rows, 1 + times)[:, 1:].T
            which, last = which.take(seen), last.take(seen)
        total = total.take(last, axis=0)
        total += term.take(which, axis=0)
    return total, final


def part_of(rows: Lines, columns: Lines) -> Any:
    """Return the index of some lines; slices, which are faster, where they are neighbours."""
    if rows[-1] - rows[0] + 1 == rows.size and columns[-1] - columns[0] + 1 == columns.size:
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.ix_(rows, columns)
