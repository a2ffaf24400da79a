"""Pulses and energy of every cell, summed over all that was entered.

The energy of a pulse is an estimate, not a measurement:

    E = V^2 G t

with the amplitude V, the width t, and the conductance G that was read last before the pulse
(`ASSUMED_CONDUCTANCE` for a cell that nobody has read; 0 where offsets of the board made it
negative). A cell that rises in a SET draws more than
that, one that falls in a RESET draws less: in trainings of the airline network on the emulator the
estimate was 1.4 times the energy that was drawn.

Energies are whole multiples of `ENERGY_STEP`, so that sums of them are exact: the same in any
order, and what is taken away again leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.numeric import FloatArray
from memlab.passport.pulses import Outcome, RowPulses

__all__ = ["ASSUMED_CONDUCTANCE", "Totals", "add_rows", "count"]

ASSUMED_CONDUCTANCE = 1e-4
"""S; of a cell that was never read, for estimates of energy: amid the published range."""
ENERGY_STEP = 2.0**-60
"""J, 1e-18: sums are exact up to 2^53 of them, 8 mJ in one cell, which are some 1e7 pulses."""

IntArray = npt.NDArray[np.int32]


@dataclass(eq=False)
class Totals:
    """Sums over batches.

    Parameters
    ----------
    fired, doubtful
        Pulses of each cell that were certainly fired, and that may have been; int32, shape
        (2, rows, columns): SETs, then RESETs.
    energy
        Estimate in J of all of them, shape (rows, columns).
    known
        Conductance read last, in S, shape (rows, columns); NaN where none was.
    """

    fired: IntArray
    doubtful: IntArray
    energy: FloatArray
    known: FloatArray

    @classmethod
    def zero(cls, shape: tuple[int, int]) -> Totals:
        """Return the totals of a new chip."""
        counts = np.zeros((2, *shape), np.int32)
        return cls(counts, counts.copy(), np.zeros(shape), np.full(shape, np.nan))

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the chip."""
        rows, columns = self.energy.shape
        return rows, columns

    def energy_of(self, pulses: RowPulses) -> FloatArray:
        """Estimate the energy (J) of each pulse in each cell, shape (n, columns)."""
        conductance = np.maximum(self.known[pulses.row], 0.0)  # NaN stays
        conductance[np.isnan(conductance)] = ASSUMED_CONDUCTANCE
        conductance *= pulses.columns
        # As they are in the file (`pulses`): it must tell the same when it is added up again.
        amplitude, width = (
            values.astype(np.float32).astype(np.float64)
            for values in (pulses.amplitude, pulses.width)
        )
        conductance *= (amplitude**2 * width / ENERGY_STEP)[:, np.newaxis]
        return np.rint(conductance, out=conductance) * ENERGY_STEP

    def know(self, rows: npt.NDArray[np.integer[Any]], conductance: FloatArray) -> None:
        """Take over what all cells of these rows conduct (S), as it was known earlier."""
        self.known[rows] = conductance.reshape(rows.size, -1)

    def enter(self, pulses: RowPulses, asked: IntArray, energy: FloatArray) -> None:
        """Count pulses that are about to be sent: from now on they may have been fired."""
        self.doubtful += asked
        for kind in (0, 1):  # apart, a row comes only once in nearly every batch
            part = pulses.kind == kind
            add_rows(self.energy, pulses.row[part], energy[part])

    def settle(
        self,
        pulses: RowPulses,
        asked: IntArray,
        energy: FloatArray,
        outcome: npt.NDArray[np.uint8],
    ) -> None:
        """Count what became of pulses that were entered."""
        self.doubtful -= asked
        if (outcome == Outcome.DONE.value).all():
            self.fired += asked
            return
        self.fired += count(pulses, self.shape, outcome == Outcome.DONE)
        self.doubtful += count(pulses, self.shape, outcome == Outcome.UNKNOWN)
        never = outcome == Outcome.NOT_FIRED
        add_rows(self.energy, pulses.row[never], -energy[never])

    def settle_again(
        self, pulses: RowPulses, was: npt.NDArray[np.uint8], outcome: npt.NDArray[np.uint8]
    ) -> None:
        """Count pulses otherwise than they were counted."""
        for counts, those in (
            (self.fired, (Outcome.DONE,)),
            (self.doubtful, (Outcome.ENTERED, Outcome.UNKNOWN)),
        ):
            counts += count(pulses, self.shape, np.isin(outcome, those))
            counts -= count(pulses, self.shape, np.isin(was, those))
        # An estimate: what the cells conducted when they were pulsed is not kept.
        energy = self.energy_of(pulses)
        was_fired, is_fired = was != Outcome.NOT_FIRED, outcome != Outcome.NOT_FIRED
        energy *= (is_fired.astype(np.float64) - was_fired)[:, np.newaxis]
        add_rows(self.energy, pulses.row, energy)
        np.maximum(self.energy, 0.0, out=self.energy)

    def pack(self) -> bytes:
        """Return everything as bytes, little-endian."""
        return b"".join(
            array.astype(array.dtype.newbyteorder("<")).tobytes()
            for array in (self.fired, self.doubtful, self.energy, self.known)
        )

    @classmethod
    def unpack(cls, content: bytes, shape: tuple[int, int]) -> Totals:
        """Return what `pack` made; raises `ValueError` where it cannot be."""
        cells = shape[0] * shape[1]
        if len(content) != cells * 32:
            raise ValueError(f"{len(content)} bytes of totals for {cells} cells")
        counts = np.frombuffer(content, "<i4", 4 * cells).reshape(2, 2, *shape).astype(np.int32)
        floats: npt.NDArray[Any] = np.frombuffer(content, "<f8", 2 * cells, 16 * cells)
        energy, known = floats.reshape(2, *shape).astype(np.float64)
        if counts.min() < 0 or not (energy >= 0.0).all():
            raise ValueError("totals below 0")
        return cls(counts[0], counts[1], energy, known)


def count(
    pulses: RowPulses, shape: tuple[int, int], which: npt.NDArray[np.bool_] | None = None
) -> IntArray:
    """Return how often each cell is pulsed, int32, shape (2, rows, columns): SETs, RESETs.

    Parameters
    ----------
    pulses, shape
        A batch, and (rows, columns) of the chip.
    which
        Row-pulses to count, shape (n,); all of them by default.
    """
    counts = np.zeros((2, *shape), np.int32)
    part = slice(None) if which is None else which
    line = pulses.kind[part].astype(np.intp) * shape[0] + pulses.row[part]
    add_rows(counts.reshape(-1, shape[1]), line, pulses.columns[part].astype(np.int32))
    return counts


def add_rows(target: npt.NDArray[Any], index: npt.NDArray[np.intp], values: Any) -> None:
    """Add each row of `values` to `target[index]` in place, also where an index repeats.

    `numpy.add.at` does the same, ten times more slowly.
    """
    if not index.size:
        return
    if np.bincount(index).max() == 1:
        target[index] += values
        return
    order = np.argsort(index, kind="stable")
    rows, first = np.unique(index[order], return_index=True)
    target[rows] += np.add.reduceat(values[order], first, axis=0)
