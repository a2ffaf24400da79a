"""What an emulated chip truly is: what a procedure that measures it ought to find.

Nothing is measured and no simulated time passes. The arrays are copies: to write into one changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.calibration.static_errors import CalibrationRecord
from memlab.emulator.chip import Chip
from memlab.emulator.preset import ChipPreset
from memlab.numeric import BoolArray, FloatArray

__all__ = ["GroundTruth", "ground_truth"]


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
    chip: Chip,
    time: float,
    calibration: CalibrationRecord,
    transfer: FloatArray | None,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
) -> GroundTruth:
    """Return the truth about some lines of a chip; `calibration` is that of all its lines."""
    part = np.ix_(rows, columns)
    return GroundTruth(
        rows=rows,
        columns=columns,
        time=time,
        preset=chip.preset,
        conductance=chip.conductance[part],
        transfer=transfer,
        responsive=chip.alive[part],
        stuck=~chip.responsive[part],
        formed=chip.formed[part],
        forming_voltage=chip.forming_voltage[part],
        lifetime=chip.lifetime[part],
        reset_level=chip.full_reset_level[part],
        board=calibration.part(rows, columns),
        _chip=chip,
    )
