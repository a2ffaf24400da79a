"""Limits in volts, as the codes that a board is configured with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drivers.board import BoardConfig, Capabilities, LineClass, Mode
from drivers.converter import CodeRange
from drivers.pulse import PulseTimer
from memlab.calibration import Calibration
from memlab.calibration.conversion import read_range
from memlab.chip.limits import Limits, OperatingPoint
from memlab.errors import LimitError

__all__ = ["board_config", "check_board"]

BOARD_GATE = 5.0
"""Largest gate voltage (V) of the published board, whose span goes further."""


def check_board(limits: Limits, timer: PulseTimer, able: Capabilities) -> None:
    """Raise `LimitError` where limits allow what the board cannot make."""
    row, column = able.row.top, able.column.top
    most = {"read_voltage": row, "set_voltage": column, "reset_voltage": row}
    if able.gate is not None:
        gate = min(BOARD_GATE, able.gate.top)
        most |= dict.fromkeys(("gate_voltage", "set_gate_voltage", "forming_gate_voltage"), gate)
    for name, volts in most.items():
        if not getattr(limits, name) <= volts:
            raise LimitError(
                f"limits.{name} = {getattr(limits, name):.7g} V is beyond what the board can make: "
                f"at most {volts:.7g} V"
            )
    if able.compliance is not None:
        low, high = able.compliance
        if not low <= limits.cell_current <= high:
            raise LimitError(
                f"limits.cell_current = {limits.cell_current:.7g} A is not what the board can hold "
                f"a SET to: {low:.7g} to {high:.7g} A"
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
    able: Capabilities,
    calibrations: Sequence[Calibration] = (),
) -> BoardConfig:
    """Translate limits in volts into the codes that the board checks again.

    Limits are what the chip may see; a board that holds the current of a SET holds it to
    `cell_current`. Where calibrations know that lines make less than their
    nominal voltage, the largest code of a read is larger.
    """
    read = read_range(limits.read_voltage, [one.record for one in calibrations])

    volts = {
        (LineClass.ROW, Mode.READ): read,
        (LineClass.COLUMN, Mode.READ): (0.0, 0.0),
        (LineClass.GATE, Mode.READ): (0.0, limits.gate_voltage),
        (LineClass.ROW, Mode.SET): (0.0, 0.0),
        (LineClass.COLUMN, Mode.SET): (0.0, limits.set_voltage),
        (LineClass.GATE, Mode.SET): (0.0, limits.set_gate_voltage),
        (LineClass.ROW, Mode.RESET): (0.0, limits.reset_voltage),
        (LineClass.COLUMN, Mode.RESET): (0.0, 0.0),
        (LineClass.GATE, Mode.RESET): (0.0, limits.gate_voltage),
    }

    def codes(line: LineClass, ends: tuple[float, float]) -> CodeRange:
        minimum, maximum = able.converter(line).encode(np.array(ends))
        return CodeRange(int(minimum), int(maximum))

    return BoardConfig(
        spans={line: able.converter(line) for line in able.lines},
        limits={key: codes(key[0], ends) for key, ends in volts.items() if key[0] in able.lines},
        read_gate_code=0 if able.gate is None else int(able.gate.encode(point.read_gate_voltage)),
        idle_row_code=able.row.zero_code,
        minimum_width_ticks=int(timer.ticks(limits.minimum_width)),
        maximum_width_ticks=int(timer.ticks(limits.maximum_width)),
        compliance=None if able.compliance is None else limits.cell_current,
    )
