"""The emulated chip and board: cells, wires, front end, and the board's end of the wire."""

from memlab.emulator.board import EmulatedBoard
from memlab.emulator.chip import Chip
from memlab.emulator.preset import ChipPreset, load_preset

__all__ = ["Chip", "ChipPreset", "EmulatedBoard", "load_preset"]
