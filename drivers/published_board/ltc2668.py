"""LTC2668-16: sixteen 16-bit DACs with software-selected spans. Volts, codes and SPI words, no I/O.

Two conversions live here. `Span` turns volts into codes and back; it refuses what it cannot
represent, because a clipped code is a wrong pulse on a chip that cannot be un-pulsed. `Word` turns
a command, a channel and 16 data bits into the bytes of the SPI bus, and back for an emulator.

Sources: command codes, word layout and spans from `LTC2668.h` in analogdevicesinc/Linduino
(`LTSketchbook/libraries/LTC2668`); the divisor 2^16 from `drivers/iio/dac/ltc2664.c` in
torvalds/linux, the driver of a sibling chip. Linduino divides by 65535, which is one step wrong at
full scale.

Two public drivers carry mistakes that are not repeated here: register B is selected by *bit 0* of
the global toggle word (Linduino's 0x0010 belongs to the mux command), and the eight don't-care bits
of a 32-bit word come *first*.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from operator import index
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.converter import CodeRange, Converter
from drivers.errors import LimitError

CHANNELS = 16
"""DAC channels of one chip, numbered 0 to 15."""

CODES = 1 << 16
"""Codes of a channel, 0 to 65535."""


class Span(IntEnum):
    """A SoftSpan output range; the value is the code S2..S0 that the chip is sent.

    Every span is straight binary, so a bipolar span is offset binary with 0 V at code 0x8000. The
    ranges hold at the 2.5 V reference. The nominal maximum is one step above the top code and
    cannot be reached: `Span.UNIPOLAR_5` ends at 4.999924 V.
    """

    UNIPOLAR_5 = 0
    UNIPOLAR_10 = 1
    BIPOLAR_5 = 2
    BIPOLAR_10 = 3
    BIPOLAR_2_5 = 4

    @property
    def minimum(self) -> float:
        """Voltage (V) at code 0."""
        return _RANGES[self][0]

    @property
    def maximum(self) -> float:
        """Nominal upper end (V), one step above the top code: out of reach."""
        return _RANGES[self][1]

    @property
    def step(self) -> float:
        """Volts per code, (maximum - minimum) / 65536: an exact multiple of 2^-20 V."""
        minimum, maximum = _RANGES[self]
        return (maximum - minimum) / CODES

    @property
    def top(self) -> float:
        """Highest voltage (V) that the span reaches, at code 0xFFFF."""
        return self.maximum - self.step

    @property
    def zero_code(self) -> int:
        """Code of 0 V: 0, or 0x8000 where the span is bipolar."""
        return round(-self.minimum / self.step)

    @property
    def converter(self) -> Converter:
        """The span as a grid of volts."""
        return _CONVERTERS[self]

    def encode(self, volts: npt.ArrayLike) -> npt.NDArray[np.integer]:
        """Convert volts to the nearest DAC codes; raise where a voltage has none, never clip.

        code = round((V - minimum) * 65536 / (maximum - minimum)), as `Converter.encode` does.

        Raises
        ------
        LimitError
            If any voltage is outside minimum to top, infinite or NaN. No code is returned.
        """
        try:
            return self.converter.encode(volts)
        except LimitError as error:
            given = np.asarray(volts, np.float64)
            low, high = given.min(), given.max()
            wider = [s.name for s in Span if low >= s.minimum and high <= s.top]
            remedy = f" or configure {' or '.join(wider)}" if wider else ""
            raise LimitError(f"{error}{remedy}") from None

    def decode(self, code: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert DAC codes to volts, V = minimum + code * step, exact on a 2^-20 V grid.

        Raises
        ------
        ValueError
            If a code is not in 0 to 65535.
        TypeError
            If the codes are not integers.
        """
        return self.converter.decode(code)


_RANGES = ((0.0, 5.0), (0.0, 10.0), (-5.0, 5.0), (-10.0, 10.0), (-2.5, 2.5))
"""Minimum and nominal maximum (V) by span code, at the 2.5 V reference."""

_CONVERTERS = {
    span: Converter(span.name, span.step, span.zero_code, CodeRange(0, CODES - 1)) for span in Span
}


class Command(IntEnum):
    """The command field C3..C0. "Update" copies an input register to its DAC and powers it up."""

    WRITE = 0x0
    """Write a code to the input register of one channel."""
    UPDATE = 0x1
    """Update one channel."""
    WRITE_UPDATE_ALL = 0x2
    """Write a code to one channel, then update all channels."""
    WRITE_UPDATE = 0x3
    """Write a code to one channel and update it."""
    POWER_DOWN = 0x4
    """Power one channel down."""
    POWER_DOWN_CHIP = 0x5
    """Power down all channels, the mux and the reference."""
    SPAN = 0x6
    """Write the span of one channel."""
    CONFIG = 0x7
    """Switch the internal reference and the thermal shutdown."""
    WRITE_ALL = 0x8
    """Write one code to all input registers."""
    UPDATE_ALL = 0x9
    """Update all channels."""
    WRITE_ALL_UPDATE_ALL = 0xA
    """Write one code to all channels and update them."""
    MUX = 0xB
    """Connect one output to the analogue mux pin, or none."""
    TOGGLE_SELECT = 0xC
    """Choose the channels that toggle between registers A and B."""
    GLOBAL_TOGGLE = 0xD
    """Switch the toggling channels to register A or B."""
    SPAN_ALL = 0xE
    """Write the span of all channels."""
    NO_OPERATION = 0xF
    """Do nothing; clocks the shift register."""


@dataclass(frozen=True)
class Word:
    """One SPI word: C3..C0, A3..A0, D15..D0, most significant bit first.

    Parameters
    ----------
    command
        What to do.
    address
        Channel, 0 to 15; the commands for a whole chip ignore it and are sent 0.
    data
        Data bits, 0 to 65535; their meaning depends on the command.

    Raises
    ------
    ValueError
        If a field does not fit its bits. A value never spills into the neighbouring field.
    TypeError
        If a field is not an integer.
    """

    command: Command
    address: int = 0
    data: int = 0

    def __post_init__(self) -> None:
        # Fields become plain ints: shifting a numpy uint16 by 20 bits would lose it.
        object.__setattr__(self, "command", Command(self.command))
        object.__setattr__(self, "address", _field("channel", self.address, CHANNELS))
        object.__setattr__(self, "data", _field("data", self.data, CODES))

    @property
    def value(self) -> int:
        """The word as a 24-bit integer."""
        return self.command << 20 | self.address << 16 | self.data

    def to_bytes24(self) -> bytes:
        """Return the three bytes for a chip with its own chip select."""
        return self.value.to_bytes(3, "big")

    def to_bytes32(self) -> bytes:
        """Return the four bytes for a daisy chain: eight don't-care bits, sent as 0, come first."""
        return self.value.to_bytes(4, "big")

    @classmethod
    def from_value(cls, value: int) -> Self:
        """Take a 24-bit integer apart; raise ValueError if it has more than 24 bits."""
        value = _field("word", value, 1 << 24)
        return cls(Command(value >> 20), value >> 16 & 0xF, value & 0xFFFF)

    @classmethod
    def from_bytes(cls, word: bytes) -> Self:
        """Take three or four bytes apart, as the chip does: the first byte of four is ignored.

        Raises
        ------
        ValueError
            If there are not three or four bytes.
        """
        if len(word) not in (3, 4):
            raise ValueError(f"an LTC2668 word is 3 or 4 bytes long, got {len(word)}")
        return cls.from_value(int.from_bytes(word[-3:], "big"))

    # One constructor for each command, in the order of the codes.

    @classmethod
    def write(cls, channel: int, code: int) -> Self:
        """Write a code to the input register of one channel; its output does not change."""
        return cls(Command.WRITE, channel, code)

    @classmethod
    def update(cls, channel: int) -> Self:
        """Update and power up one channel from its input register."""
        return cls(Command.UPDATE, channel)

    @classmethod
    def write_update_all(cls, channel: int, code: int) -> Self:
        """Write a code to *one* channel, then update and power up *all* of them."""
        return cls(Command.WRITE_UPDATE_ALL, channel, code)

    @classmethod
    def write_update(cls, channel: int, code: int) -> Self:
        """Write a code to one channel, update it and power it up."""
        return cls(Command.WRITE_UPDATE, channel, code)

    @classmethod
    def power_down(cls, channel: int) -> Self:
        """Power one channel down; the next update of the channel powers it up again."""
        return cls(Command.POWER_DOWN, channel)

    @classmethod
    def power_down_chip(cls) -> Self:
        """Power down every channel, the mux and the reference."""
        return cls(Command.POWER_DOWN_CHIP)

    @classmethod
    def span(cls, channel: int, span: Span) -> Self:
        """Write the span of one channel; raise ValueError for anything but the five spans."""
        return cls(Command.SPAN, channel, Span(span))

    @classmethod
    def config(cls, *, reference_off: bool = False, thermal_shutdown_off: bool = False) -> Self:
        """Switch off the internal reference (bit 0) or the thermal shutdown (bit 1, unwise)."""
        return cls(Command.CONFIG, data=bool(reference_off) | bool(thermal_shutdown_off) << 1)

    @classmethod
    def write_all(cls, code: int) -> Self:
        """Write one code to the input registers of all channels; no output changes."""
        return cls(Command.WRITE_ALL, data=code)

    @classmethod
    def update_all(cls) -> Self:
        """Update and power up all channels from their input registers."""
        return cls(Command.UPDATE_ALL)

    @classmethod
    def write_all_update_all(cls, code: int) -> Self:
        """Write one code to all channels, update them and power them up."""
        return cls(Command.WRITE_ALL_UPDATE_ALL, data=code)

    @classmethod
    def mux(cls, channel: int | None) -> Self:
        """Connect the output of one channel, 0 to 15, to the mux pin; None disconnects it."""
        if channel is None:
            return cls(Command.MUX)
        return cls(Command.MUX, data=0x10 | _field("channel", channel, CHANNELS))

    @classmethod
    def toggle_select(cls, mask: int) -> Self:
        """Let channel k toggle where bit k of the 16-bit mask is 1, and only there."""
        return cls(Command.TOGGLE_SELECT, data=mask)

    @classmethod
    def global_toggle(cls, *, register_b: bool) -> Self:
        """Switch every toggling channel to register B (bit 0 set) or back to register A."""
        return cls(Command.GLOBAL_TOGGLE, data=int(bool(register_b)))

    @classmethod
    def span_all(cls, span: Span) -> Self:
        """Write the span of all channels; raise ValueError for anything but the five spans."""
        return cls(Command.SPAN_ALL, data=Span(span))

    @classmethod
    def no_operation(cls) -> Self:
        """Do nothing, as the filler of a daisy chain or to read the last word back."""
        return cls(Command.NO_OPERATION)


def _field(name: str, value: int, size: int) -> int:
    value = index(value)
    if not 0 <= value < size:
        raise ValueError(f"{name} must be 0 to {size - 1}, got {value}")
    return value
