"""The log of a procedure that is run for its record alone and leaves no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from memlab.array import Measurement
from memlab.runs.procedure_log import Coordinates, ProcedureLog
from memlab.runs.record import ProgramEntry, Record, Series

__all__ = ["MemoryLog"]


class MemoryLog(ProcedureLog):
    """Keeps what a procedure does in memory.

    Parameters
    ----------
    rows, columns, mask
        Lines of the view, and the cells of it that the procedure is about.
    maps, vectors
        Coordinates of readings, and of vectors.
    """

    def __init__(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        mask: npt.NDArray[np.bool_],
        maps: Coordinates,
        vectors: Coordinates | None,
    ):
        self.record = Record(rows, columns, mask, Series.empty(maps), Series.empty(vectors or {}))

    def add_reading(self, measurement: Measurement, coordinates: Mapping[str, float]) -> None:
        """Keep a conductance map."""
        self.record.readings.append(measurement, coordinates)

    def add_vectors(self, measurement: Measurement, coordinates: list[dict[str, float]]) -> None:
        """Keep vectors, values of shape (n, columns), with coordinates of each."""
        for k, where in enumerate(coordinates):
            self.record.vectors.append(measurement[k], where)

    def entering(self, pulses: int, last_operation: int) -> None:
        """Keep that a batch of pulses is about to be sent."""
        self.record.programs.append(ProgramEntry(pulses, last_operation))

    def programmed(self, fired: int, unknown: int) -> None:
        """Keep what became of the batch that was entered last."""
        programs = self.record.programs
        programs[-1] = replace(programs[-1], fired=fired, unknown=unknown)
