"""The emulated chip and board: cells, wires, front end, and the board's end of the wire."""

from memlab.emulator.board import EmulatedBoard
from memlab.emulator.chip import Chip
from memlab.emulator.preset import ChipPreset, load_preset
from memlab.emulator.wires import cell_voltage, effective_conductance, wire_segments

__all__ = [
    "Chip",
    "ChipPreset",
    "EmulatedBoard",
    "cell_voltage",
    "effective_conductance",
    "load_preset",
    "wire_segments",
]
