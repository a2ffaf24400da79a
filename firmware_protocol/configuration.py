"""The configuration that a board must hold before it may be armed, and its CRC.

Both ends compute the same CRC-32 over the same canonical bytes, so that ARM proves that host and
board mean the same limits. A line's limits are meaningless without its span: a new span empties
them, and a commit with anything missing is refused.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import RefusedError

Bounds = tuple[int, int]


@dataclass(frozen=True)
class Configuration:
    """A complete configuration in codes and ticks.

    Parameters
    ----------
    spans
        Span code of ROW, COLUMN, GATE.
    limits
        Lowest and highest allowed DAC code by line and mode; all nine must be present.
    timing, levels
        As they travel.
    """

    spans: tuple[int, int, int]
    limits: dict[tuple[m.Line, m.LimitMode], Bounds]
    timing: m.CfgTiming
    levels: m.CfgLevels

    def canonical(self) -> bytes:
        """Return the bytes under the CRC."""
        bounds = [b for line in m.Line for mode in m.LimitMode for b in self.limits[line, mode]]
        return struct.pack("<3B18H", *self.spans, *bounds) + self.timing.pack() + self.levels.pack()

    @property
    def crc(self) -> int:
        """CRC-32 that CFG_COMMIT and ARM must name."""
        return zlib.crc32(self.canonical())

    def messages(self) -> list[Message]:
        """Return the requests that carry this configuration to a board, in order."""
        spans = [m.CfgSpan(line=line, span=span) for line, span in enumerate(self.spans)]
        limits = [
            m.CfgLimit(line=line, mode=mode, minimum=low, maximum=high)
            for (line, mode), (low, high) in self.limits.items()
        ]
        crc = m.CfgCommit(crc=self.crc)
        return [m.CfgBegin(), *spans, *limits, self.timing, self.levels, crc]

    def check(self, line: m.Line, mode: m.LimitMode, code: npt.ArrayLike, detail: int = 0) -> None:
        """Refuse codes outside the limits of a line; nothing is clipped."""
        low, high = self.limits[line, mode]
        codes = np.asarray(code)
        if codes.size and (codes.min() < low or codes.max() > high):
            raise RefusedError(
                m.ErrorCode.LIMIT,
                detail,
                f"{line.name} {mode.name} codes {codes.min()}..{codes.max()} not in {low}..{high}",
            )

    def check_width(self, ticks: npt.ArrayLike) -> None:
        """Refuse pulse widths outside the limits."""
        widths = np.asarray(ticks)
        low, high = self.timing.minimum_width_ticks, self.timing.maximum_width_ticks
        if widths.size and (widths.min() < low or widths.max() > high):
            raise RefusedError(
                m.ErrorCode.LIMIT,
                m.LimitDetail.WIDTH,
                f"width {widths.min()}..{widths.max()}: allowed {low}..{high}",
            )


class ConfigurationStaging:
    """The board's side: collects CFG_ messages until CFG_COMMIT.

    Parameters
    ----------
    hard_limits
        Bounds that no configuration may widen, by line and mode.
    maximum_width
        Widest pulse that the board is made for, in ticks.
    """

    def __init__(
        self, hard_limits: dict[tuple[m.Line, m.LimitMode], Bounds], maximum_width: int
    ) -> None:
        self._hard, self._maximum_width = hard_limits, maximum_width
        self._spans: dict[int, int] = {}
        self._limits: dict[tuple[m.Line, m.LimitMode], Bounds] = {}
        self._timing: m.CfgTiming | None = None
        self._levels: m.CfgLevels | None = None

    def apply(self, message: Message) -> None:
        """Take one CFG_ message; refuse what cannot become valid."""
        match message:
            case m.CfgSpan():
                self._spans[message.line] = message.span
                for mode in m.LimitMode:
                    self._limits.pop((m.Line(message.line), mode), None)
            case m.CfgLimit():
                key = m.Line(message.line), m.LimitMode(message.mode)
                low, high = self._hard[key]
                if message.line not in self._spans:
                    raise RefusedError(
                        m.ErrorCode.NOT_CONFIGURED, message.line, "limit before span"
                    )
                if not low <= message.minimum <= message.maximum <= high:
                    raise RefusedError(
                        m.ErrorCode.LIMIT,
                        message.line,
                        f"limits {message.minimum}..{message.maximum}: allowed {low}..{high}",
                    )
                self._limits[key] = message.minimum, message.maximum
            case m.CfgTiming():
                order = (
                    message.sample_hold_ticks,
                    message.row_ticks,
                    message.convst_ticks,
                    message.column_ticks,
                )
                if list(order) != sorted(set(order)) or (
                    message.minimum_width_ticks > message.maximum_width_ticks
                ):
                    raise RefusedError(m.ErrorCode.RANGE, 0, f"timing out of order: {order}")
                if message.maximum_width_ticks > self._maximum_width:
                    text = f"width {message.maximum_width_ticks}: this board: {self._maximum_width}"
                    raise RefusedError(m.ErrorCode.LIMIT, m.LimitDetail.WIDTH, text)
                self._timing = message
            case m.CfgLevels():
                self._levels = message

    def commit(self, crc: int) -> Configuration:
        """Return the complete configuration; refuse a gap or another CRC."""
        if len(self._spans) < 3 or len(self._limits) < 9 or not self._timing or not self._levels:
            raise RefusedError(m.ErrorCode.NOT_CONFIGURED, 0, "the configuration has gaps")
        configuration = Configuration(
            (self._spans[0], self._spans[1], self._spans[2]),
            dict(self._limits),
            self._timing,
            self._levels,
        )
        configuration.check(m.Line.ROW, m.LimitMode.READ, self._levels.idle_row_code, m.Line.ROW)
        configuration.check(m.Line.GATE, m.LimitMode.READ, self._levels.read_gate_code, m.Line.GATE)
        if configuration.crc != crc:
            raise RefusedError(
                m.ErrorCode.CONFIG_CRC,
                0,
                f"the board computes {configuration.crc:08x}, the host said {crc:08x}",
            )
        return configuration
