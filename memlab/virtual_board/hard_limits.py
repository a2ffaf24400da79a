"""The limits that are compiled into the firmware: volts by line and mode, and widths of pulses.

A host may only tighten them. They are checked in volts, because a code means nothing without its
span; GET_INFO names them as codes of the spans that memlab uses, and a configuration with other
spans must satisfy both.

READ: rows at most 1 V, five times the published read voltage and the range in which the signal
chain is exact; columns are virtual grounds. PULSE: 5 V, the published board's own bound for every
line.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

import numpy as np
import numpy.typing as npt

from drivers.board import BoardConfig, LineClass, Mode
from drivers.converter import CodeRange, Converter
from drivers.errors import LimitError
from drivers.published_board import SPANS, TIMER

__all__ = [
    "HARD_LIMITS",
    "MAXIMUM_COUNT",
    "MAXIMUM_WIDTH_TICKS",
    "check_config",
    "hard_limit_codes",
    "hard_limit_ranges",
    "line_classes",
]

HARD_LIMITS: dict[tuple[LineClass, Mode], tuple[float, float]] = {
    **dict.fromkeys([(LineClass.ROW, Mode.READ), (LineClass.COLUMN, Mode.READ)], (-1.0, 1.0)),
    (LineClass.GATE, Mode.READ): (0.0, 5.0),
    **{(line, mode): (0.0, 5.0) for line in LineClass for mode in (Mode.SET, Mode.RESET)},
}
"""Lowest and highest voltage (V)."""

MAXIMUM_WIDTH_TICKS = TIMER.maximum_ticks
"""Widest pulse: the published board counts it with 10 bits, 4.4 us in all."""
MAXIMUM_COUNT = 100
"""Most pulses that one entry fires on one cell."""


def hard_limit_codes() -> npt.NDArray[np.uint16]:
    """Return minimum and maximum for each line in READ, SET and RESET mode: 18 codes."""
    codes = []
    for line in LineClass:
        span = SPANS[line]
        for mode in Mode:
            allowed = codes_within(span, *HARD_LIMITS[line, mode])
            codes += [allowed.minimum, allowed.maximum]
    return np.array(codes, np.uint16)


def codes_within(span: Converter, low: float, high: float) -> CodeRange:
    """Return the codes of a span whose voltages (V) lie within bounds, rounded inwards."""
    first = ceil((max(low, span.minimum) - span.minimum) / span.step)
    last = floor((min(high, span.top) - span.minimum) / span.step)
    return CodeRange(first, last)


def hard_limit_ranges(
    spans: Mapping[LineClass, Converter] = SPANS,
) -> dict[tuple[LineClass, Mode], CodeRange]:
    """Return the hard limits as the limits of a `BoardConfig` with these spans."""
    return {key: codes_within(spans[key[0]], *HARD_LIMITS[key]) for key in HARD_LIMITS}


def check_config(config: BoardConfig) -> None:
    """Raise `LimitError` when a configuration would allow a voltage beyond the hard limits."""
    for (line, mode), allowed in config.limits.items():
        low, high = HARD_LIMITS[line, mode]
        span = config.spans[line]
        volts = span.decode([allowed.minimum, allowed.maximum])
        if volts[0] < low or volts[1] > high:
            raise LimitError(
                f"{line.name} {mode.name}: {volts[0]:g}..{volts[1]:g} V in span {span.name}; this "
                f"board allows {low:g}..{high:g} V"
            )


def line_classes(rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Return the line class of each DAC channel: rows, then columns, then gates."""
    return np.repeat(np.arange(3, dtype=np.uint8), [rows, columns, columns])
