"""The Board seam's codes as the volts that the ASCII dialect can write, or a refusal.

Nothing is rounded here. A code passes when some voltage with the dialect's decimals means exactly
this code; otherwise `LimitError` names the neighbours that would. Row codes of the +/-5 V span
always pass, because four decimals are finer than its steps of 153 uV; gate and pulse voltages pass
only where they are the code nearest to a hundredth of a volt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from drivers.board import BoardConfig, LineClass, PulseBatch, PulseKind
from drivers.converter import Converter
from drivers.errors import LimitError
from firmware_protocol.dpe import COLUMNS, HALF_ROWS, Program

__all__ = ["PulseGroup", "grid_volts", "pulse_groups", "span_argument"]

Volts = npt.NDArray[np.float64]


def grid_volts(code: npt.ArrayLike, span: Converter, decimals: int, what: str) -> Volts:
    """Return voltages with so many decimals that mean exactly these codes.

    Raises
    ------
    LimitError
        If a code lies between two such voltages.
    """
    codes = np.asarray(code)
    exact = span.decode(codes)
    volts = np.round(exact, decimals)
    wrong = np.rint((volts - span.minimum) / span.step) != codes
    if wrong.any():
        step = 10.0**-decimals
        value = float(exact[wrong].flat[0])
        low = np.floor(value / step) * step
        raise LimitError(
            f"{what} of {value:.6f} V: the published board's wire carries {decimals} decimals, so "
            f"{low:.{decimals}f} or {low + step:.{decimals}f} V; choose one of them, or open the "
            "array with rounding=nearest. Nothing was sent"
        )
    return volts


def span_argument(span: Converter) -> int:
    """Return the dialect's span argument, 5 or 10 V.

    Raises
    ------
    LimitError
        If the dialect has no such span.
    """
    size = round(span.maximum)
    if size not in (5, 10):
        raise LimitError(f"the published board knows spans of 5 and 10 V, not {span.name}")
    return size


@dataclass(frozen=True, eq=False)
class PulseGroup:
    """Pulses of a batch, `first` to `first + count` - 1, that one command fires."""

    first: int
    count: int
    program: Program


def pulse_groups(pulses: PulseBatch, config: BoardConfig) -> list[PulseGroup]:
    """Return the commands that fire a batch in order; refuses all when one cannot be written.

    A command pulses the cells of one half row by row, so consecutive pulses of one kind and width
    on rising rows of one half share it. Cells that are not selected get 0 V, which the board's
    firmware skips; a selected cell must therefore not ask for 0 V.
    """
    volts = _selected_volts(pulses, config)
    return [_group(pulses, config, *volts, first, stop) for first, stop in _runs(pulses)]


def _selected_volts(pulses: PulseBatch, config: BoardConfig) -> tuple[Volts, Volts]:
    """Return drive (n,) and gate (n, columns) in V; 0 where nothing is selected."""
    drive = np.zeros(len(pulses))
    for kind, line in ((PulseKind.SET, LineClass.COLUMN), (PulseKind.RESET, LineClass.ROW)):
        which = pulses.kind == kind
        drive[which] = grid_volts(
            pulses.amplitude_code[which], config.spans[line], 2, f"{kind.name} amplitude"
        )
    gate = np.zeros(pulses.columns.shape)
    span = config.spans[LineClass.GATE]
    gate[pulses.columns] = grid_volts(pulses.gate_code[pulses.columns], span, 2, "gate voltage")
    busy = pulses.columns.any(axis=1)
    if (drive[busy] == 0).any() or (gate[pulses.columns] == 0).any():
        raise LimitError(
            "0 V on a selected cell: the published board takes 0 V for `skip this cell`; take the "
            "cell out of the mask instead. Nothing was sent"
        )
    return drive, gate


def _runs(pulses: PulseBatch) -> Iterator[tuple[int, int]]:
    half = pulses.row >= HALF_ROWS
    same = (
        (np.diff(pulses.kind.astype(int)) == 0)
        & (np.diff(pulses.width_ticks.astype(int)) == 0)
        & (np.diff(half.astype(int)) == 0)
        & (np.diff(pulses.row.astype(int)) > 0)
    )
    edges = [0, *(np.flatnonzero(~same) + 1).tolist(), len(pulses)]
    yield from pairwise(edges)


def _group(
    pulses: PulseBatch, config: BoardConfig, drive: Volts, gate: Volts, first: int, stop: int
) -> PulseGroup:
    half = int(pulses.row[first] >= HALF_ROWS)
    rows = pulses.row[first:stop].astype(np.intp) - half * HALF_ROWS
    drives, gates = np.zeros((HALF_ROWS, COLUMNS)), np.zeros((HALF_ROWS, COLUMNS))
    drives[rows] = np.where(pulses.columns[first:stop], drive[first:stop, None], 0.0)
    gates[rows] = gate[first:stop]
    program = Program(
        reset=bool(pulses.kind[first] == PulseKind.RESET),
        slow=False,
        drive_voltage=drives,
        gate_voltage=gates,
        pulse=int(pulses.width_ticks[first]),
        half=half,
        column_span=span_argument(config.spans[LineClass.COLUMN]),
        row_span=span_argument(config.spans[LineClass.ROW]),
    )
    return PulseGroup(first, stop - first, program)
