"""The emulated chip and board: cells, wires, analogue front end, virtual firmware."""

from memlab.emulator.wires import cell_voltage, effective_conductance, wire_segments

__all__ = ["cell_voltage", "effective_conductance", "wire_segments"]
