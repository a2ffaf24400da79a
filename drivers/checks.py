"""What every board checks before it drives a line: codes, lines and shapes against the limits."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from drivers.board import BoardConfig, Capabilities, LineClass, Mode, PulseBatch, PulseKind
from drivers.converter import CodeRange
from drivers.errors import DeviceError, LimitError
from drivers.extremes import extremes

__all__ = ["check_codes", "check_pulses", "check_spans"]


_KINDS = (
    (PulseKind.SET.value, "SET", 0, Mode.SET, LineClass.COLUMN),
    (PulseKind.RESET.value, "RESET", 1, Mode.RESET, LineClass.ROW),
)
"""Kind of pulse, its name and place in `Capabilities.cells_at_once`, its limits, what it drives.
Looked up once: numbers of enums take as long as the checks of a single pulse."""

_LAST_KIND = max(kind for kind, *_ in _KINDS)

_ALL = slice(None)
"""Pulses of one kind, as one that comes alone: all of their fields as they are."""

_NO_GATES = CodeRange(0, 0)


def check_codes(code: npt.NDArray[Any], allowed: CodeRange, what: str) -> None:
    """Raise `LimitError` if a code is outside the allowed ones."""
    if code.size:
        low, high = extremes(code)
        if low < allowed.minimum or high > allowed.maximum:
            worst = low if low < allowed.minimum else high
            raise LimitError(
                f"{what} {worst} is outside {allowed.minimum}..{allowed.maximum}; "
                "nothing was driven, nothing was fired"
            )


def check_spans(config: BoardConfig, able: Capabilities) -> None:
    """Raise `DeviceError` unless a configuration has ranges of the lines that a board has."""
    for line in able.lines:
        known = (able.converter(line), *able.other_spans)
        if config.spans.get(line) not in known:
            given = "none" if line not in config.spans else config.spans[line].name
            raise DeviceError(
                f"span of {line.name.lower()} lines: {given}; this board has "
                f"{', '.join(span.name for span in known)}. Nothing was configured"
            )


def check_pulses(pulses: PulseBatch, config: BoardConfig, able: Capabilities) -> None:
    """Raise unless every pulse of a batch may be fired.

    Raises
    ------
    LimitError
        If an amplitude, a gate of a selected cell or a width is outside the limits of its kind.
    DeviceError
        If a row, a kind of pulse or the width of a mask does not exist on this board, or a pulse
        has more cells than the board pulses at once.
    """
    if not len(pulses):
        return
    if pulses.columns.shape[1:] != (able.columns,):
        raise DeviceError(f"masks and gate codes must be {able.columns} columns wide")
    if (last_row := extremes(pulses.row)[1]) >= able.rows:
        raise DeviceError(f"row {last_row} does not exist on this board")
    first_kind, last_kind = extremes(pulses.kind)
    if last_kind > _LAST_KIND:
        raise DeviceError(f"pulse kind {last_kind} does not exist")
    for kind, name, place, mode, driven in _KINDS:
        if kind not in (first_kind, last_kind):
            continue
        which: Any = _ALL if first_kind == last_kind else pulses.kind == kind
        amplitude = config.limits[driven, mode]
        gate = config.limits.get((LineClass.GATE, mode), _NO_GATES)
        check_codes(pulses.amplitude_code[which], amplitude, f"{name} amplitude code")
        gates = pulses.gate_code[which]
        most = able.cells_at_once[place]
        if most and (cells := int(pulses.columns[which].sum(axis=1).max())) > most:
            raise DeviceError(
                f"a {name} of {cells} cells: this board pulses {most} at once; nothing was fired"
            )
        # What is not selected is ignored; it is not looked at where all codes are allowed.
        low, high = extremes(gates) if gates.size else (gate.minimum, gate.maximum)
        if low < gate.minimum or high > gate.maximum:
            check_codes(gates[pulses.columns[which]], gate, f"{name} gate code")
    check_codes(pulses.width_ticks, config.pulse_width, "pulse width in ticks")
