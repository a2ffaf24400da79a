"""The published board: which spans, amplifiers and timer its chips have. One place says so.

Its DACs and ADCs are the LTC2668-16 and the MAX11046, `ltc2668` and `max11046` beside this; all
else calls them the published board's DAC and ADC. Its amplifiers are in `drivers.tia`, its pulse
timer in `drivers.pulse`, lines and cells in `firmware_protocol.messages`. The emulated board is
this one, and other boards may differ: what a board is it says in its `Capabilities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.board import Capabilities, LineClass
from drivers.converter import CodeRange, Converter
from drivers.published_board import max11046
from drivers.published_board.ltc2668 import Span
from drivers.pulse import PulseTimer
from drivers.tia import Transimpedance

__all__ = [
    "AMPLIFIER",
    "DRIVER_SOURCE",
    "OTHER_SPANS",
    "SENSE",
    "SPANS",
    "TIMER",
    "Span",
    "published_capabilities",
    "recorded_converter",
    "span_code",
    "span_of_code",
]

SPANS: dict[LineClass, Converter] = {
    LineClass.ROW: Span.BIPOLAR_5.converter,
    LineClass.COLUMN: Span.BIPOLAR_5.converter,
    LineClass.GATE: Span.UNIPOLAR_10.converter,
}
"""Spans in use. Gates need 5 V exactly, which lies one step above the 0..5 V span."""

OTHER_SPANS = tuple(span.converter for span in Span if span.converter not in SPANS.values())
"""Spans that the DACs have, too."""

AMPLIFIER = Transimpedance()
"""Of every column; the clip level assumes symmetric supplies."""

SENSE = max11046.CONVERTER
"""The ADC of every column."""

DRIVER_SOURCE = "data sheet of the published board's DAC, as recalled: 10 mA"
"""Where the current comes from that the driver of a row gives."""

TIMER = PulseTimer()
"""Of the fast pulses."""


def published_capabilities(
    name: str, serial: str, firmware: str, shape: tuple[int, int]
) -> Capabilities:
    """Return what a board of these chips is and can do; `shape` is (rows, columns)."""
    return Capabilities(
        name=name,
        serial=serial,
        firmware=firmware,
        rows=shape[0],
        columns=shape[1],
        transimpedance=AMPLIFIER.resistance,
        row=SPANS[LineClass.ROW],
        column=SPANS[LineClass.COLUMN],
        gate=SPANS[LineClass.GATE],
        sense=SENSE,
        clip=AMPLIFIER.clip,
        gain_threshold=AMPLIFIER.gain_threshold,
        pulse_offset=TIMER.offset,
        pulse_tick=TIMER.tick,
    )


def span_code(converter: Converter) -> int:
    """Return the code by which the wire names a range of the DACs."""
    return Span[converter.name]


def span_of_code(code: int) -> Converter:
    """Return the range of the DACs that the wire names by a code."""
    return Span(code).converter


def recorded_converter(board: Mapping[str, Any], name: str) -> Converter:
    """Return a converter of the board of a run file, from its attributes `board.row.step`, ...

    Files of before do not say it: they are of boards with the chips of the published one.

    Parameters
    ----------
    board
        Attributes of the instrument.
    name
        row, column, gate or sense.
    """
    if f"board.{name}.step" not in board:
        return SENSE if name == "sense" else SPANS[LineClass[name.upper()]]
    words = {key: board[f"board.{name}.{key}"] for key in ("name", "dtype", "unit")}
    step, zero, low, high = (
        board[f"board.{name}.{key}"]
        for key in ("step", "zero_code", "codes.minimum", "codes.maximum")
    )
    codes = CodeRange(int(low), int(high))
    return Converter(step=float(step), zero_code=int(zero), codes=codes, **words)
