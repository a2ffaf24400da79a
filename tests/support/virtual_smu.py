"""A reference SMU wired to an emulated board, with errors of its own."""

from typing import Self

import numpy as np

from drivers.errors import DeviceError
from memlab.calibrate.reference import Probe
from memlab.emulator import EmulatedBoard


class VirtualSmu:
    """Sources and measures at the line that `connect` was told; else at an open end.

    Parameters
    ----------
    board
        What it is wired to.
    meter_offset, meter_noise
        Of its voltmeter (V); the noise is one standard deviation.
    gain_error
        Relative, of voltmeter and current source alike.
    """

    identity = "Virtual SMU, serial 1"
    voltage_accuracy = 0.75e-4
    current_accuracy = 1.75e-4

    def __init__(
        self,
        board: EmulatedBoard,
        meter_offset: float = 150e-6,
        meter_noise: float = 2e-6,
        gain_error: float = 0.0,
    ) -> None:
        self.board = board
        self.meter_offset, self.meter_noise = meter_offset, meter_noise
        self.gain_error = gain_error
        self.probe: Probe | None = None
        self.connections: list[Probe] = []
        self.on = self.closed = False
        self.moved_while_on = False
        self.largest_voltage = 0.0
        self._level, self._limit = 0.0, 0.0
        self._rng = np.random.default_rng(99)

    def connect(self, probe: Probe) -> None:
        """Be the operator."""
        self.moved_while_on |= self.on
        self.probe = probe
        self.connections.append(probe)

    def source_current(self, current: float, voltage_limit: float) -> None:
        self.on, self._level, self._limit = True, current, voltage_limit
        if self.probe is not None and self.probe.kind == "column":
            self.board.inject(self.probe.line, current * (1.0 + self.gain_error))
            self.largest_voltage = max(self.largest_voltage, voltage_limit)

    def source_voltage(self, voltage: float, current_limit: float) -> None:
        raise AssertionError("no calibration drives a line of the board with a voltage")

    def measure_voltage(self) -> float:
        assert self.on
        if self.probe is None and self._level:
            raise DeviceError(f"{self.identity} is at its limit")
        true = 0.0
        if self.probe is not None and self.probe.kind == "row":
            true = float(self.board.row_voltage[self.probe.line])
        noise = self.meter_noise * self._rng.standard_normal()
        return true * (1.0 + self.gain_error) + self.meter_offset + noise

    def measure_current(self) -> float:
        raise AssertionError("no calibration needs this")

    def output_off(self) -> None:
        if self.probe is not None and self.probe.kind == "column":
            self.board.inject(self.probe.line, 0.0)
        self.on = False

    def close(self) -> None:
        self.output_off()
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
