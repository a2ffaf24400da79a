"""The physics of a cell, one effect per module; `memlab.emulator.chip` puts them together."""
