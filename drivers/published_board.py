"""The published board: which spans, amplifiers and timer its chips have. One place says so.

The chips themselves are in `ltc2668`, `tia`, `max11046` and `pulse`; lines and cells in
`firmware_protocol.messages`. The emulated board is this one, and other boards may differ: what a
board is it says in its `Capabilities`.
"""

from __future__ import annotations

from drivers.board import LineClass
from drivers.ltc2668 import Span
from drivers.max11046 import FULL_SCALE
from drivers.pulse import PulseTimer
from drivers.tia import Transimpedance

__all__ = ["ADC_SPAN", "AMPLIFIER", "SPANS", "TIMER"]

SPANS = {
    LineClass.ROW: Span.BIPOLAR_5,
    LineClass.COLUMN: Span.BIPOLAR_5,
    LineClass.GATE: Span.UNIPOLAR_10,
}
"""Spans in use. Gates need 5 V exactly, which lies one step above the 0..5 V span."""

AMPLIFIER = Transimpedance()
"""Of every column; the clip level assumes symmetric supplies."""

ADC_SPAN = FULL_SCALE
"""Full range of the ADC (V)."""

TIMER = PulseTimer()
"""Of the fast pulses."""
