"""Limits in volts, as the codes that a board is configured with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drivers.board import BoardConfig, CodeRange, LineClass, Mode
from drivers.ltc2668 import Span
from drivers.pulse import PulseTimer
from memlab.calibration import Calibration
from memlab.calibration.conversion import read_range
from memlab.limits import Limits, OperatingPoint

__all__ = ["SPANS", "board_config"]

SPANS = {
    LineClass.ROW: Span.BIPOLAR_5,
    LineClass.COLUMN: Span.BIPOLAR_5,
    LineClass.GATE: Span.UNIPOLAR_10,
}
"""Spans in use. Gates need 5 V exactly, which lies one step above the 0..5 V span."""


def board_config(
    limits: Limits,
    point: OperatingPoint,
    timer: PulseTimer,
    calibrations: Sequence[Calibration] = (),
) -> BoardConfig:
    """Translate limits in volts into the codes that the board checks again.

    Limits are what the chip may see. Where calibrations know that lines make less than their
    nominal voltage, the largest code of a read is larger.
    """
    read = read_range(limits.read_voltage, [one.record for one in calibrations])

    def codes(line: LineClass, low: float, high: float) -> CodeRange:
        minimum, maximum = SPANS[line].encode(np.array([low, high]))
        return CodeRange(int(minimum), int(maximum))

    return BoardConfig(
        spans=SPANS,
        limits={
            (LineClass.ROW, Mode.READ): codes(LineClass.ROW, *read),
            (LineClass.COLUMN, Mode.READ): codes(LineClass.COLUMN, 0.0, 0.0),
            (LineClass.GATE, Mode.READ): codes(LineClass.GATE, 0.0, limits.gate_voltage),
            (LineClass.ROW, Mode.SET): codes(LineClass.ROW, 0.0, 0.0),
            (LineClass.COLUMN, Mode.SET): codes(LineClass.COLUMN, 0.0, limits.set_voltage),
            (LineClass.GATE, Mode.SET): codes(LineClass.GATE, 0.0, limits.set_gate_voltage),
            (LineClass.ROW, Mode.RESET): codes(LineClass.ROW, 0.0, limits.reset_voltage),
            (LineClass.COLUMN, Mode.RESET): codes(LineClass.COLUMN, 0.0, 0.0),
            (LineClass.GATE, Mode.RESET): codes(LineClass.GATE, 0.0, limits.gate_voltage),
        },
        read_gate_code=int(SPANS[LineClass.GATE].encode(np.full(1, point.read_gate_voltage))[0]),
        idle_row_code=int(SPANS[LineClass.ROW].encode(np.zeros(1))[0]),
        minimum_width_ticks=int(timer.ticks(limits.minimum_width)),
        maximum_width_ticks=int(timer.ticks(limits.maximum_width)),
    )
