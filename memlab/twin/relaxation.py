"""Relaxation of programmed cells: what a table shows, a fit, and the same on an emulated chip.

Each cell was programmed to a level and read at times since. The fit takes the quantiles of the
change as they are (`memlab.emulator.cells.relaxation`): nothing is gained by a formula with fewer
numbers where 16,000 cells tell the quantiles themselves. The emulated chip is left at the very
conductances with which the cells of the table began, and read by its board at the same times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from memlab.array.board_array import BoardArray
from memlab.emulator import ChipPreset, EmulatedBoard
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray
from memlab.twin.statistics import quantiles
from memlab.twin.tables import Table

__all__ = ["PROBABILITIES", "Relaxed", "fit_relaxation", "measured_relaxation", "run_relaxation"]


PROBABILITIES = (0.1, 0.5, 0.9)
"""Of the quantiles that are compared."""

_FITTED = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Probabilities of the quantiles that are fitted."""

_FEWEST = 60
"""Cells of a level, at one time, from which quantiles are taken; half of it in halves."""

_MOST_LEVELS = 12
_DRAWS = 20
_GROUPS = 8
"""Levels of a table that names none: equal parts by the first reading."""

_SHAPE = (16, 64)
"""Of each emulated chip: few rows, so that a map is read within half a millisecond."""


@dataclass(frozen=True, eq=False)
class Relaxed:
    """Readings of cells after programming.

    Parameters
    ----------
    times
        In s since the first reading, rising from 0, shape (times,).
    conductance
        In S, shape (times, cells); NaN where a cell was not read. All have a first reading.
    cell
        Number of each cell in the table, shape (cells,).
    level
        Number of the level of each cell, shape (cells,).
    levels
        How many there are.
    """

    times: FloatArray
    conductance: FloatArray
    cell: npt.NDArray[np.intp]
    level: npt.NDArray[np.intp]
    levels: int

    @cached_property
    def _by_level(self) -> tuple[npt.NDArray[np.intp], FloatArray]:
        """Which cell stands where, and its later readings: (levels, n), (times - 1, levels, n)."""
        order = np.argsort(self.level, kind="stable")
        count = np.bincount(self.level, minlength=self.levels)
        place = np.arange(order.size) - np.repeat(np.cumsum(count) - count, count)
        which = np.full((self.levels, int(count.max())), -1)
        which[self.level[order], place] = order
        later: FloatArray = np.where(which >= 0, self.conductance[1:][:, which], np.nan)
        return which, later

    def statistics(self, cells: BoolArray | None = None) -> FloatArray:
        """Return the quantiles of these cells in S, shape (probabilities, times - 1, levels)."""
        which, later = self._by_level
        if cells is not None:
            later = np.where((which >= 0) & cells[which], later, np.nan)
        return quantiles(later, PROBABILITIES, _FEWEST // 2)

    def of_cells(self, chosen: BoolArray) -> Relaxed:
        """Return some of the cells."""
        return replace(
            self,
            conductance=self.conductance[:, chosen],
            cell=self.cell[chosen],
            level=self.level[chosen],
        )

    def middles(self) -> FloatArray:
        """Return the median first reading of each level in S, shape (levels,)."""
        which, _ = self._by_level
        return np.asarray(
            quantiles(np.where(which >= 0, self.conductance[0][which], np.nan), (0.5,))[0]
        )


def measured_relaxation(table: Table) -> Relaxed:
    """Return the readings of a relaxation table, cells without a first reading left out.

    Raises
    ------
    DataError
        If no cell was read at the first time and at a later one.
    """
    times, time = np.unique(_rounded(table.values["time"]), return_inverse=True)
    conductance = table.laid_out("conductance", time, times.size)
    level = np.zeros(table.cells, np.intp)
    if "level" in table.values:
        level[table.cell] = table.values["level"].astype(np.intp)
    usable = np.isfinite(conductance[0]) & (np.isfinite(conductance[1:]).any(axis=0))
    if not usable.any():
        raise DataError(
            f"{table.path}: no cell was read at {times[0]:g} s, the first time, and later"
        )
    conductance, level = conductance[:, usable], level[usable]
    if "level" not in table.values:
        edges = np.quantile(conductance[0], np.arange(1, _GROUPS) / _GROUPS)
        level = np.searchsorted(edges, conductance[0], side="right")
    return Relaxed(
        times - times[0], conductance, np.flatnonzero(usable), level, int(level.max()) + 1
    )


def _rounded(time: FloatArray) -> FloatArray:
    """Return times to three digits: what was planned at one time was read a little apart."""
    digits = np.floor(np.log10(np.where(time > 0.0, time, 1.0))) - 2.0
    return np.asarray(np.rint(time / 10.0**digits) * 10.0**digits)


def fit_relaxation(relaxed: Relaxed) -> dict[str, tuple[Any, Any]]:
    """Return the parameters of the emulator that state this relaxation, and standard errors.

    Errors are of the quantiles, from cells drawn anew, and of the correlations; what else there is
    was chosen.

    Raises
    ------
    DataError
        If there are too few cells.
    """
    start, change = relaxed.conductance[0], relaxed.conductance[1:] - relaxed.conductance[0]
    count = np.isfinite(change).sum(axis=1)
    if count.min() < _FEWEST:
        time = relaxed.times[1 + int(count.argmin())]
        raise DataError(
            f"quantiles of a relaxation need {_FEWEST} cells or more at each time; at {time:g} s "
            f"there are {count.min()}"
        )
    groups = _groups(start, change)
    table = _quantiles(change, groups)
    rng = np.random.default_rng(0)
    draws = [[rng.choice(group, group.size) for group in groups] for _ in range(_DRAWS)]
    errors = np.std([_quantiles(change, draw) for draw in draws], axis=0, ddof=1)
    correlation, pairs = _correlations(change, groups)
    chosen = {
        "relaxation.times": tuple(relaxed.times[1:].tolist()),
        "relaxation.levels": tuple(float(np.mean(start[group])) for group in groups),
        "relaxation.probabilities": _FITTED,
    }
    return {name: (value, np.nan) for name, value in chosen.items()} | {
        "relaxation.change": (_nested(table), _nested(errors)),
        "relaxation.correlation": (
            tuple(correlation.tolist()),
            tuple(((1.0 - correlation**2) / np.sqrt(pairs)).tolist()),
        ),
    }


def _quantiles(change: FloatArray, groups: Sequence[npt.NDArray[np.intp]]) -> FloatArray:
    """Return the fitted quantiles in S, shape (times, groups, probabilities)."""
    return np.array([[quantiles(one[group], _FITTED) for group in groups] for one in change])


def _nested(numbers: FloatArray) -> Any:
    """Return an array as tuples within tuples."""
    return numbers.item() if numbers.ndim == 0 else tuple(_nested(one) for one in numbers)


def run_relaxation(preset: ChipPreset, relaxed: Relaxed, seed: int, cells: int) -> Relaxed:
    """Leave the cells of emulated chips where those of a table began, and read them later.

    Parameters
    ----------
    preset
        Of the chips.
    relaxed
        What was measured; of each of its cells there are as many as of any other, or one more.
    seed
        Of the first chip.
    cells
        How many emulated cells there are at least.
    """
    of_each = _SHAPE[0] * _SHAPE[1]
    chips = -(-cells // of_each)
    chosen = np.arange(chips * of_each) % relaxed.level.size
    start = np.maximum(relaxed.conductance[0, chosen], 0.0)
    found = np.empty((relaxed.times.size, chosen.size))
    found[0] = relaxed.conductance[0, chosen]
    for chip in range(chips):
        part = slice(chip * of_each, (chip + 1) * of_each)
        board = EmulatedBoard(preset, seed + chip, _SHAPE)
        with BoardArray(board) as array:
            # Readings take time: each is taken in the middle of its map.
            array.read_conductance()
            reading = board.clock
            board.chip.leave(start[part].reshape(_SHAPE))
            programmed = board.clock
            for k, time in enumerate(relaxed.times[1:], start=1):
                wait = programmed + time - 0.5 * reading - board.clock
                board.advance(max(wait, 0.0))
                found[k, part] = array.read_conductance().ravel()
    found[np.isnan(relaxed.conductance[:, chosen])] = np.nan
    return Relaxed(
        relaxed.times, found, np.arange(chosen.size), relaxed.level[chosen], relaxed.levels
    )


def _groups(start: FloatArray, change: FloatArray) -> list[npt.NDArray[np.intp]]:
    """Part the cells by where they began: narrower near 0 S, where relaxation changes with it.

    Each part has enough cells at each time to tell quantiles.
    """
    root = np.sqrt(np.maximum(start, 0.0))
    part = np.minimum((root / root.max() * _MOST_LEVELS).astype(np.intp), _MOST_LEVELS - 1)
    groups: list[npt.NDArray[np.intp]] = []
    gathered = np.empty(0, np.intp)
    for k in range(_MOST_LEVELS):
        gathered = np.concatenate([gathered, np.flatnonzero(part == k)])
        if np.isfinite(change[:, gathered]).sum(axis=1).min() >= _FEWEST:
            groups.append(gathered)
            gathered = np.empty(0, np.intp)
    # What is left at the top is too little for a level of its own.
    groups[-1] = np.concatenate([groups[-1], gathered])
    return groups


def _correlations(
    change: FloatArray, groups: Sequence[npt.NDArray[np.intp]]
) -> tuple[FloatArray, FloatArray]:
    """Return how normal deviates of cells at neighbouring times correlate; from how many cells."""
    from scipy.stats import rankdata  # takes half a second to load, for this alone

    found: list[float] = []
    counts: list[int] = []
    for before, after in pairwise(change):
        pairs = []
        for group in groups:
            both = group[np.isfinite(before[group]) & np.isfinite(after[group])]
            ranks = [rankdata(one[both]) for one in (before, after)]
            pairs.append(ndtri((np.array(ranks) - 0.5) / max(both.size, 1)))
        first, second = np.concatenate(pairs, axis=1)
        power = np.sqrt(np.mean(first**2) * np.mean(second**2)) if first.size else 0.0
        found.append(float(np.clip(np.mean(first * second) / power, -1.0, 1.0)) if power else 0.0)
        counts.append(max(first.size, 1))
    return np.array(found), np.array(counts, np.float64)
