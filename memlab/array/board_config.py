"""Limits in volts, as the codes that a board is configured with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drivers.board import BoardConfig, CodeRange, LineClass, Mode
from drivers.published_board import SPANS
from drivers.pulse import PulseTimer
from memlab.calibration import Calibration
from memlab.calibration.conversion import read_range
from memlab.chip.limits import Limits, OperatingPoint
from memlab.errors import LimitError

__all__ = ["board_config", "check_board"]

BOARD_GATE = 5.0
"""Largest gate voltage (V) of the published board, whose span goes further."""


def check_board(limits: Limits, timer: PulseTimer) -> None:
    """Raise `LimitError` where limits allow what no board of this kind can make."""
    row, column = SPANS[LineClass.ROW].top, SPANS[LineClass.COLUMN].top
    most = {
        "read_voltage": row,
        "gate_voltage": BOARD_GATE,
        "set_gate_voltage": BOARD_GATE,
        "set_voltage": column,
        "reset_voltage": row,
        "forming_gate_voltage": BOARD_GATE,
    }
    for name, volts in most.items():
        if not getattr(limits, name) <= volts:
            raise LimitError(
                f"limits.{name} = {getattr(limits, name):.7g} V is beyond what the board can make: "
                f"at most {volts:.7g} V"
            )
    for name in ("minimum_width", "maximum_width"):
        try:
            timer.ticks(getattr(limits, name))
        except LimitError as error:
            raise LimitError(f"limits.{name}: {error}") from error


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
        idle_row_code=SPANS[LineClass.ROW].zero_code,
        minimum_width_ticks=int(timer.ticks(limits.minimum_width)),
        maximum_width_ticks=int(timer.ticks(limits.maximum_width)),
    )
