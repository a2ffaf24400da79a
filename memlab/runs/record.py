"""What a procedure has measured and pulsed, in memory: what analyses work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from memlab.array import Measurement
from memlab.chip.load import Load
from memlab.numeric import BoolArray, FloatArray

__all__ = [
    "Coordinate",
    "ProgramEntry",
    "Record",
    "Series",
]


@dataclass(frozen=True)
class Coordinate:
    """A number that goes with every reading or vector: its unit and what it means."""

    units: str
    description: str


@dataclass(eq=False)
class Series:
    """Measurements in the order in which they were made, and the coordinates of each.

    Attributes
    ----------
    measurements
        Readings of the cells, values (rows, columns) in S; or single vectors, values (columns,)
        in A.
    coordinates
        Values by name, as long as `measurements`; `time` in s is always there.
    """

    measurements: list[Measurement]
    coordinates: dict[str, list[float]]

    @classmethod
    def empty(cls, names: Mapping[str, Coordinate]) -> Self:
        """Return a series without measurements that has these coordinates, and `time`."""
        return cls([], {name: [] for name in (*names, "time")})

    def __len__(self) -> int:
        return len(self.measurements)

    @property
    def value(self) -> FloatArray:
        """Conductances (S), shape (n, rows, columns), or currents (A), shape (n, columns)."""
        return np.array([one.value for one in self.measurements])

    @property
    def saturated(self) -> BoolArray:
        """True where the amplifier clipped; same shape as `value`."""
        return np.array([one.saturated for one in self.measurements])

    def coordinate(self, name: str) -> FloatArray:
        """Return one coordinate, shape (n,)."""
        return np.array(self.coordinates[name], np.float64)

    def append(self, measurement: Measurement, coordinates: Mapping[str, float]) -> None:
        """Add a measurement; a coordinate that is not given is NaN."""
        self.measurements.append(measurement)
        for name, values in self.coordinates.items():
            values.append(float(coordinates.get(name, np.nan)))


@dataclass(frozen=True)
class ProgramEntry:
    """A batch of pulses: what was known before it was sent, and after.

    Parameters
    ----------
    pulses
        Row-parallel pulses of the batch.
    fired, unknown
        How many were fired and how many are in doubt; None while that is not written.
    """

    pulses: int
    fired: int | None = None
    unknown: int | None = None


@dataclass(eq=False)
class Record:
    """Everything that a procedure has measured and pulsed so far.

    Attributes
    ----------
    rows, columns
        Line numbers on the chip of the view that is read.
    mask
        Cells that the procedure is about, bool, shape (rows, columns).
    formable
        Cells that could be formed when it began, bool, shape (rows, columns).
    readings, vectors
        Conductance maps, and vector-matrix multiplications.
    chip_shape
        (rows, columns) of the whole chip, of which the view is a part.
    programs
        Batches of pulses.
    load
        Of its readings (`memlab.chip.load`); None where that is not recorded.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    mask: BoolArray
    formable: BoolArray
    readings: Series
    vectors: Series
    chip_shape: tuple[int, int]
    programs: list[ProgramEntry] = field(default_factory=list)
    load: Load | None = None

    @classmethod
    def empty(
        cls,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        mask: BoolArray,
        coordinates: Mapping[str, Coordinate],
        vector_coordinates: Mapping[str, Coordinate],
        chip_shape: tuple[int, int],
        formable: BoolArray | None = None,
    ) -> Self:
        """Return a record of nothing yet; every cell is formable by default."""
        series = Series.empty(coordinates), Series.empty(vector_coordinates)
        if formable is None:
            formable = np.ones(mask.shape, bool)
        return cls(rows, columns, mask, formable, *series, chip_shape=chip_shape)

    @property
    def happened(self) -> bool:
        """Whether anything was measured or pulsed at all."""
        fired = any(batch.fired or batch.unknown for batch in self.programs)
        return fired or bool(len(self.readings) or len(self.vectors))

    @property
    def conductance(self) -> FloatArray:
        """Conductance (S) of the cells in `mask` in every reading, shape (readings, cells)."""
        value: FloatArray = self.readings.value[:, self.mask]
        return value
