"""MAX11046: eight 16-bit ADCs that sample at the same instant. Codes, volts and configuration.

The ideal transfer is from the data sheet MAX11044 to MAX11056, page 24: the first and the last
code edge are (10 / 4.096) * V_ref * 65534 / 65536 apart, so the full-scale range is 10 V at the
4.096 V reference and a code stands for the voltage in its middle,

    V = (code - 32768) * 10 / 65536.

The published host code of the board (danielbelkin/dpe_libs) uses the same formula. The bits of the
configuration register follow the public driver of a sibling chip, the MAX11057.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers._integers import checked_integers
from drivers.converter import CodeRange, Converter

CHANNELS = 8
"""Channels of one chip, sampled together and read out in turn."""

CODES = 1 << 16
"""Codes of a channel, 0 to 65535."""

FULL_SCALE = 10.0
"""Full-scale range (V) at the 4.096 V reference: -5 V to one step below +5 V."""

STEP = FULL_SCALE / CODES
"""Volts per code: 152.588 uV."""

MID_CODE = CODES // 2
"""Offset-binary code of 0 V."""

CONVERTER = Converter("BIPOLAR_5", STEP, MID_CODE, CodeRange(0, CODES - 1))
"""A channel as a grid of volts."""


def decode(code: npt.ArrayLike, *, twos_complement: bool = False) -> npt.NDArray[np.float64]:
    """Convert ADC codes to volts, V = (code - 32768) * 10 / 65536.

    The codes 0x0000 and 0xFFFF (offset binary) also stand for everything beyond the range.

    Parameters
    ----------
    code
        16-bit words as they come from the bus, 0 to 65535, any shape.
    twos_complement
        The words are two's complement (`Configuration.twos_complement`), not offset binary.

    Returns
    -------
    numpy.ndarray
        Voltages in V, -5 to +4.999847, float64, same shape (0-d for a scalar).

    Raises
    ------
    ValueError
        If a code is not in 0 to 65535.
    TypeError
        If the codes are not integers.
    """
    words = checked_integers("ADC codes", code, 0, CODES - 1)
    # The two codings differ in the most significant bit only.
    binary = words.astype(np.uint16) ^ np.uint16(MID_CODE) if twos_complement else words
    return np.asarray((binary - float(MID_CODE)) * STEP)


def convert(volts: npt.ArrayLike, *, twos_complement: bool = False) -> npt.NDArray[np.uint16]:
    """Convert input volts to the codes an ideal chip would answer, saturating as the chip does.

    This is the physics of the converter, for emulation, and not a check: an input beyond the range
    gives the first or the last code, without a flag. A voltage exactly on a code edge goes to the
    even code.

    Parameters
    ----------
    volts
        Voltages at the inputs in V, any shape; infinite is beyond the range.
    twos_complement
        Answer in two's complement (`Configuration.twos_complement`), not offset binary.

    Returns
    -------
    numpy.ndarray
        16-bit words as they appear on the bus, uint16, same shape (0-d for a scalar).

    Raises
    ------
    ValueError
        If a voltage is NaN: no input has that voltage.
    """
    exact = np.rint(np.asarray(volts, dtype=np.float64) / STEP) + MID_CODE
    if exact.size and np.isnan(exact.item(exact.argmax())):
        raise ValueError("an ADC input is NaN: the model before the ADC has failed")
    binary = np.asarray(np.clip(exact, 0.0, CODES - 1.0).astype(np.uint16))
    return np.asarray(binary ^ np.uint16(MID_CODE)) if twos_complement else binary


@dataclass(frozen=True)
class Configuration:
    """The configuration register CR3..CR0; the defaults are the state after power-on, 0000.

    Parameters
    ----------
    external_reference
        CR3: take the reference from the REFIO pin instead of the internal one.
    twos_complement
        CR2: code in two's complement instead of offset binary. The published board leaves it off.
    automatic_acquisition
        CR0: acquisition starts by itself after each conversion, instead of when CONVST goes low.
        A conversion starts on the rising edge of CONVST either way.
    """

    external_reference: bool = False
    twos_complement: bool = False
    automatic_acquisition: bool = False

    @property
    def value(self) -> int:
        """The register as a 4-bit integer, CR0 in bit 0; CR1 is always 0."""
        return (
            bool(self.external_reference) << 3
            | bool(self.twos_complement) << 2
            | bool(self.automatic_acquisition)
        )

    @classmethod
    def from_value(cls, value: int) -> Self:
        """Take a 4-bit register value apart.

        Raises
        ------
        ValueError
            If the value has more than four bits, or CR1 is 1, which the chip does not allow.
        TypeError
            If the value is not an integer.
        """
        value = index(value)
        if not 0 <= value < 16:
            raise ValueError(f"the MAX11046 configuration is 0 to 15, got {value}")
        if value & 0b0010:
            raise ValueError(f"bit CR1 of the MAX11046 configuration must be 0, got {value:04b}")
        return cls(bool(value & 0b1000), bool(value & 0b0100), bool(value & 0b0001))
