"""The emulated chip and board: cells, wires, front end, and the board's end of the wire."""

from memlab.calibration.static_errors import CalibrationRecord
from memlab.emulator.board import EmulatedBoard
from memlab.emulator.chip import Chip
from memlab.emulator.preset import ChipPreset, ParameterRow, load_preset, preset_rows
from memlab.emulator.wires import cell_voltage, effective_conductance, wire_segments

__all__ = [
    "CalibrationRecord",
    "Chip",
    "ChipPreset",
    "EmulatedBoard",
    "ParameterRow",
    "cell_voltage",
    "effective_conductance",
    "load_preset",
    "preset_rows",
    "wire_segments",
]
