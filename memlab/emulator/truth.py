"""What an emulated chip truly is: what a procedure that measures it ought to find..

Nothing is measured and no simulated time passes. The arrays are copies: to write into one changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drivers.board import Selection
from drivers.errors import DeviceError
from memlab.calibration.static_errors import CalibrationRecord
from memlab.emulator.chip import GRID, Chip
from memlab.emulator.preset import ChipPreset

if TYPE_CHECKING:
    from memlab.emulator.board import EmulatedBoard

__all__ = ["GroundTruth", "ground_truth"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Truth about the cells of an array or of a view, as of the moment it was asked for.

    Maps have the shape (rows, columns) of the array or view, and its order of lines.

    Parameters
    ----------
    rows, columns
        Line numbers on the chip.
    time
        Simulated seconds since power-on.
    preset
        The kind of chip, with every parameter: `preset.wires.resistance`, `preset.set.noise`.
    conductance
        Of each cell (S), drifted until now, without read noise and without wires.
    transfer
        What a voltage is multiplied by (S) under the load of these lines, their gates open and all
        others floating: behind wires and transistors, with the slow read noise of this moment.
        None before the board is configured, as an array does when it is opened.
    responsive
        True where pulses can change the cell: it is not stuck, and not worn out. A pristine one is.
    stuck
        True where they never could.
    formed, forming_voltage
        Whether it is formed, and the voltage (V) at the cell that does it; 0 V: it arrived formed.
    lifetime
        Pulses that it survives, infinite where nothing wears.
    reset_level
        Conductance (S) that a complete RESET leaves, without the noise of a pulse.
    board
        Static errors of rows and columns: what a perfect calibration would find.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    time: float
    preset: ChipPreset
    conductance: FloatArray
    transfer: FloatArray | None
    responsive: BoolArray
    stuck: BoolArray
    formed: BoolArray
    forming_voltage: FloatArray
    lifetime: FloatArray
    reset_level: FloatArray
    board: CalibrationRecord
    _chip: Chip

    def set_level(self, gate_voltage: float) -> FloatArray:
        """Return the conductance (S) that a complete SET at this gate voltage (V) leaves.

        The law of each cell, as worn as it is when this is called; without the noise of a pulse,
        without wires, and where the cell conducted less before. Shape (rows, columns).
        """
        return self._chip.set_level(gate_voltage)[np.ix_(self.rows, self.columns)]


def ground_truth(
    board: EmulatedBoard, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> GroundTruth:
    """Return the truth about some lines of an emulated board."""
    chip, part = board.chip, np.ix_(rows, columns)
    return GroundTruth(
        rows=rows,
        columns=columns,
        time=board.clock,
        preset=chip.preset,
        conductance=chip.conductance[part],
        transfer=_transfer(board, rows, columns),
        responsive=chip.alive[part],
        stuck=~chip.responsive[part],
        formed=chip.formed[part],
        forming_voltage=chip.forming_voltage[part],
        lifetime=chip.lifetime[part],
        reset_level=chip.full_reset_level[part],
        board=board.calibration.part(rows, columns),
        _chip=chip,
    )


def _transfer(
    board: EmulatedBoard, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> FloatArray | None:
    before = board.state()  # slow noise is drawn when it is looked at
    try:
        whole = board.transfer(Selection(np.sort(rows), np.sort(columns)))
    except DeviceError:  # not configured
        return None
    finally:
        board.restore(before)
    places = np.argsort(np.argsort(rows)), np.argsort(np.argsort(columns))
    return whole[np.ix_(*places)] / GRID
