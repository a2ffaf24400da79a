"""Cells that a pulse moves by a step, in numpy alone: no board, no wires, no half-selected cells.

The law is that of `passive-tiox`, cell by cell; where cells lie is written with `write`.
"""

from __future__ import annotations

import numpy as np

from memlab.array.ideal import IdealArray
from memlab.array.set_control import SetControl
from memlab.array.switching_law import SwitchingLaw
from memlab.array.two_pulses import TwoPulses
from memlab.emulator.cells.switching import progress
from memlab.emulator.preset import load_preset

LAW = load_preset("passive-tiox")
LOW, HIGH = LAW.reset_conductance, LAW.set_offset


class SoftCells(IdealArray):
    """An array of shape (rows, columns) without gates; `pulses` counts those of each cell."""

    writable = False  # pulses are to move its cells
    control = SetControl.AMPLITUDE  # type: ignore[assignment]

    def __init__(self, rows: int, columns: int):
        super().__init__(rows, columns)
        self.pulses = np.zeros((rows, columns), int)
        self.write(np.full((rows, columns), LOW))

    def control_range(
        self, gates: tuple[float, float], amplitudes: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[float, float]:
        return 1.1, 2.2

    @property
    def stated_law(self) -> SwitchingLaw:
        return SwitchingLaw.of_amplitudes(LAW, (1.1, 2.2), 1e-6)

    def stated_increment(self, voltage: float, width: float) -> float | None:
        return LAW.increment(voltage, width)

    def _program(self, asked: TwoPulses) -> None:
        cells, point = self.read_conductance(), self._point
        for law, on, volts, width, end in (
            (LAW.reset, asked.reset, asked.reset_voltage, point.reset_width, LOW),
            (LAW.set, asked.set, asked.set_voltage, point.set_width, HIGH),
        ):
            usual = point.reset_voltage if law is LAW.reset else point.set_voltage
            amplitude = np.broadcast_to(usual if volts is None else volts, self.shape)
            part = progress(law, amplitude, np.asarray(width))
            cells = np.where(on, cells + part * (end - cells), cells)
            self.pulses[np.ix_(self.rows, self.columns)] += on
        self.write(cells)
