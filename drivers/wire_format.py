"""The Board seam's values as MLP/1 messages: pure translation, no I/O."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from drivers import published_board
from drivers.board import (
    AUTO_GAIN,
    BoardConfig,
    Capabilities,
    LineClass,
    Mode,
    PulseBatch,
    Selection,
)
from drivers.converter import Codes
from drivers.requests import column_masks
from firmware_protocol import messages as m
from firmware_protocol.configuration import Configuration
from firmware_protocol.messages import GainMode, InputFormat
from firmware_protocol.vectors import column_mask, row_mask

__all__ = [
    "capabilities",
    "compact",
    "configuration",
    "pulse_row",
    "read_request",
    "row_pulses",
    "vmm_request",
]

_WORTH_A_TABLE = 16384
"""Elements from which a table of levels, sent first, saves more than it costs."""


def capabilities(
    info: m.GetInfoResponse, drivers: m.GetDriversResponse | None = None
) -> Capabilities:
    """Return what a board said of itself; `drivers` is None for one that does not tell (1.1)."""
    found = Capabilities(
        name=info.name,
        serial=info.serial,
        firmware=info.firmware,
        rows=info.rows,
        columns=info.cols,
        transimpedance=tuple(float(r) for r in info.transimpedance[: info.gain_count]),
        row=published_board.SPANS[LineClass.ROW],
        column=published_board.SPANS[LineClass.COLUMN],
        gate=published_board.SPANS[LineClass.GATE],
        sense=replace(published_board.SENSE, step=info.adc_span_mv / 1e3 / 65536),
        clip=info.clip_mv / 1e3,
        gain_threshold=info.gain_threshold_mv / 1e3,
        pulse_offset=info.pulse_offset_ps * 1e-12,
        pulse_tick=info.pulse_tick_ps * 1e-12,
        journal=True,
        other_spans=published_board.OTHER_SPANS,
    )
    if drivers is None:
        return found
    told = (drivers.read_na, drivers.set_na, drivers.reset_na)
    # Divided, not multiplied: 2,000,000 nA is then the double 2e-3 that the board meant.
    return replace(found, row_current=(told[0] / 1e9, told[1] / 1e9, told[2] / 1e9))


def configuration(config: BoardConfig) -> Configuration:
    """Return a board's configuration as it travels."""
    timing = config.timing
    return Configuration(
        spans=(
            published_board.span_code(config.spans[LineClass.ROW]),
            published_board.span_code(config.spans[LineClass.COLUMN]),
            published_board.span_code(config.spans[LineClass.GATE]),
        ),
        limits={
            (m.Line(line), m.LimitMode(mode)): (
                config.limits[line, mode].minimum,
                config.limits[line, mode].maximum,
            )
            for line in LineClass
            for mode in Mode
        },
        timing=m.CfgTiming(
            sample_hold_ticks=timing.sample_hold_ticks,
            row_ticks=timing.row_ticks,
            convst_ticks=timing.convst_ticks,
            column_ticks=timing.column_ticks,
            settle_us=timing.settle_us,
            minimum_width_ticks=config.minimum_width_ticks,
            maximum_width_ticks=config.maximum_width_ticks,
        ),
        levels=m.CfgLevels(
            read_gate_code=config.read_gate_code, idle_row_code=config.idle_row_code
        ),
    )


def read_request(
    op: int, selection: Selection, row_code: int, gain: int, config: BoardConfig
) -> m.ReadArray:
    """Return READ_ARRAY of the selected lines."""
    return m.ReadArray(
        op=op,
        rows=row_mask(selection.rows),
        cols=column_mask(selection.columns),
        v_row=row_code,
        v_idle=config.idle_row_code,
        v_gate=config.read_gate_code,
        gain_mode=_gain_mode(gain),
    )


def vmm_request(
    op: int, selection: Selection, vectors: int, fmt: InputFormat, gain: int, config: BoardConfig
) -> m.VmmBegin:
    """Return VMM_BEGIN for a batch of vectors."""
    return m.VmmBegin(
        op=op,
        nvec=vectors,
        rows=row_mask(selection.rows),
        cols=column_mask(selection.columns),
        v_idle=config.idle_row_code,
        v_gate=config.read_gate_code,
        in_fmt=fmt,
        gain_mode=_gain_mode(gain),
    )


def compact(
    row_code: Codes,
) -> tuple[InputFormat, npt.NDArray[np.integer], npt.NDArray[np.uint16] | None]:
    """Return the shortest exact form of row codes: format, elements, and table of levels.

    Up to 2, 16 or 256 different codes travel as 1, 4 or 8 bits each, with the codes themselves in
    a table; more than that travel as they are. Nothing is rounded.
    """
    if row_code.size < _WORTH_A_TABLE:
        return InputFormat.U16, row_code, None
    levels = np.flatnonzero(np.bincount(row_code.ravel(), minlength=1 << 16))
    for fmt, bits in ((InputFormat.BIT1, 1), (InputFormat.BIT4, 4), (InputFormat.BIT8, 8)):
        if levels.size <= 1 << bits:
            table = np.full(1 << bits, levels[0], np.uint16)
            table[: levels.size] = levels
            index = np.zeros(1 << 16, np.uint8)
            index[levels] = np.arange(levels.size)
            return fmt, index[row_code], table
    return InputFormat.U16, row_code, None


def row_pulses(pulses: PulseBatch) -> npt.NDArray[np.void]:
    """Return a batch as `ROW_PULSE` records."""
    entries = np.zeros(len(pulses), m.ROW_PULSE)
    entries["row"], entries["kind"] = pulses.row, pulses.kind
    entries["amp"], entries["width"] = pulses.amplitude_code, pulses.width_ticks
    entries["cols"] = column_masks(pulses.columns)
    gates = np.where(pulses.columns, pulses.gate_code, np.uint16(0))
    entries["gate"][:, : gates.shape[1]] = gates
    return entries


def pulse_row(op: int, entry: np.void) -> m.PulseRow:
    """Return one record as PULSE_ROW."""
    return m.PulseRow(
        op=op,
        row=int(entry["row"]),
        kind=int(entry["kind"]),
        amp=int(entry["amp"]),
        width=int(entry["width"]),
        cols=int(entry["cols"]),
        gate=np.ascontiguousarray(entry["gate"]),
    )


def _gain_mode(gain: int) -> GainMode:
    return GainMode.AUTO if gain == AUTO_GAIN else GainMode(gain - 1)
