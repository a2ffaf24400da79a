"""From voltages and masks to the pulses of a board: groups of cells, codes, ticks.

Limits hold for what was asked and for what the chip will see: the widths that the timer makes, and
the voltages that rounding to the wire's steps leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from drivers.board import Capabilities, Mode, PulseBatch, PulseKind
from drivers.converter import Codes
from drivers.pulse import PulseTimer
from drivers.requests import joined
from memlab.array.row_groups import group_numbers, split_groups
from memlab.array.two_pulses import TwoPulses
from memlab.array.wire_steps import on_steps
from memlab.chip.coupled_limits import (
    check_program,
    reset_currents,
    set_currents,
)
from memlab.chip.limits import Limits, OperatingPoint
from memlab.errors import LimitError
from memlab.numeric import BoolArray, FloatArray
from memlab.passport import RowPulses

__all__ = ["PulseMaker"]

Lines = npt.NDArray[np.intp]


@dataclass(frozen=True)
class PulseMaker:
    """Makes the pulses of two-pulse updates.

    Parameters
    ----------
    capabilities, timer
        Of the board.
    limits, point
        What the chip may see, and the amplitudes and widths of the pulses.
    rounding
        Round gate voltages to the wire's steps instead of refusing those between them.
    """

    capabilities: Capabilities
    timer: PulseTimer
    limits: Limits
    point: OperatingPoint
    rounding: bool

    def check(self, asked: TwoPulses, rows: Lines, columns: Lines) -> FloatArray:
        """Return the gate voltages (V) as the chip will see them; raise `LimitError` for others.

        `rows` and `columns` are line numbers on the chip.
        """
        made = _made(self.timer, self.point)
        volts = np.where(asked.set, asked.gate_voltage, 0.0)
        gates, limits = self.capabilities.gate is not None, self.limits
        if not gates and volts.any():
            raise LimitError(
                "the cells of this board have no gates: program with gate_voltage=0, and choose "
                "levels by amplitudes (set_voltage). Nothing was sent"
            )
        made = asked.hardest_point(limits, made)
        if self.capabilities.compliance is not None:
            # The board holds a SET to this current, whatever its cells could draw.
            limits = limits.changed(cell_current=np.inf)
        pulsed = asked.reset, asked.set
        check_program(limits, made, volts, *pulsed, rows, columns, gates=gates)
        seen = self.gates_on_steps(volts)
        if seen is not volts:
            check_program(limits, made, seen, *pulsed, rows, columns)
        return seen

    def gates_on_steps(self, gate_voltage: FloatArray) -> FloatArray:
        """Return gate voltages (V) on the wire's steps, or raise `LimitError`."""
        step = self.capabilities.gate_voltage_step
        return on_steps(gate_voltage, step, "gate voltage", rounding=self.rounding)

    def batch(
        self, asked: TwoPulses, rows: Lines, columns: Lines, *, whole_rows: bool = False
    ) -> PulseBatch:
        """Return the pulses: RESETs, then SETs; arguments as of `check`.

        With `whole_rows` there is one for each row, whatever it may draw.
        """
        limits, point, reset, set_ = self.limits, self.point, asked.reset, asked.set
        gate_voltage = self.check(asked, rows, columns)
        hardest = point
        if asked.reset_voltage is not None:
            hardest = replace(asked, set_voltage=None).hardest_point(limits, point)
        drawn = reset_currents(limits, hardest, reset), set_currents(limits, gate_voltage, set_)
        volts = (
            point.reset_voltage if asked.reset_voltage is None else asked.reset_voltage,
            point.set_voltage if asked.set_voltage is None else asked.set_voltage,
        )
        lines = rows, columns
        resets = self._pulses(
            PulseKind.RESET, reset, volts[0], point.reset_gate_voltage, drawn[0], lines, whole_rows
        )
        sets = self._pulses(
            PulseKind.SET, set_, volts[1], gate_voltage, drawn[1], lines, whole_rows
        )
        return joined([*resets, *sets])

    def in_volts(self, pulses: PulseBatch) -> RowPulses:
        """Return pulses as they leave the DACs, in volts and seconds."""
        able = self.capabilities
        column_volts = able.column.decode(pulses.amplitude_code)
        row_volts = able.row.decode(pulses.amplitude_code)
        return RowPulses(
            row=pulses.row.astype(np.intp),
            kind=pulses.kind,
            columns=pulses.columns,
            amplitude=np.where(pulses.kind == PulseKind.SET.value, column_volts, row_volts),
            width=self.timer.seconds(pulses.width_ticks),
            gate_voltage=(
                np.zeros(pulses.gate_code.shape)
                if able.gate is None
                else able.gate.decode(pulses.gate_code)
            ),
        )

    def _pulses(
        self,
        kind: PulseKind,
        mask: BoolArray,
        amplitude: float | FloatArray,
        gate_voltage: float | FloatArray,
        current: FloatArray,
        lines: tuple[Lines, Lines],
        whole_rows: bool,
    ) -> Iterator[PulseBatch]:
        """Yield one pulse for each group of each row that has a cell in `mask`, full-width columns.

        All rows have their first group before any has its second.
        """
        able, limits, point = self.capabilities, self.limits, self.point
        if kind is PulseKind.SET:
            driven, width = able.column, point.set_width
            most = min(limits.set_row_current, able.row_current[Mode.SET])
        else:
            driven, width = able.row, point.reset_width
            most = min(limits.reset_row_current, able.row_current[Mode.RESET])
        group = group_numbers(current, np.inf if whole_rows else most)
        own = isinstance(amplitude, np.ndarray)
        # NaN of cells that are not pulsed means nothing.
        code = driven.encode(np.where(mask, amplitude, 0.0) if own else amplitude)
        group = split_groups(group, mask, able.cells_at_once[kind], code if own else None)
        gate_code = self._gate_codes(gate_voltage)
        rows, chosen = lines
        groups = int(group.max(initial=0)) + 1
        for k in range(groups):
            here = mask if groups == 1 else mask & (group == k)
            active = np.flatnonzero(here.any(axis=1))
            n = active.size
            columns = np.zeros((n, able.columns), bool)
            columns[:, chosen] = here[active]
            gates = np.zeros((n, able.columns), gate_code.dtype)
            gates[:, chosen] = gate_code[active] if gate_code.ndim else gate_code
            yield PulseBatch(
                row=rows[active].astype(np.uint16),
                kind=np.full(n, kind.value, np.uint8),
                amplitude_code=np.full(
                    n, code[active, here[active].argmax(axis=1)] if own else code, driven.dtype
                ),
                width_ticks=np.full(n, self.timer.ticks(width), np.uint16),
                columns=columns,
                gate_code=gates,
            )

    def _gate_codes(self, voltage: float | FloatArray) -> Codes:
        """Return codes of gate voltages (V), same shape; 0 where cells have no gates."""
        gate = self.capabilities.gate
        return np.zeros((), np.uint16) if gate is None else gate.encode(voltage)


@lru_cache
def _made(timer: PulseTimer, point: OperatingPoint) -> OperatingPoint:
    """Return the point with the widths of the pulses that the timer makes when asked for its."""
    set_width, reset_width = timer.seconds(timer.ticks([point.set_width, point.reset_width]))
    return replace(point, set_width=float(set_width), reset_width=float(reset_width))
