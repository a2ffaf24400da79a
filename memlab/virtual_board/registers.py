"""The chips of the board as a debugger sees them: sixteen LTC2668 and eight MAX11046.

DAC channel k is channel k % 16 of chip k // 16: rows 0..127, columns 128..191, gates 192..255. The
register model follows the board reference 1.1 to 1.6: each channel has two input registers, a
span that acts at the next update, a toggle bit and a power switch; SDO answers a 32-bit word with
the word before it. Nothing here knows limits; `dac_outputs` gives the volts to check.
"""

from __future__ import annotations

import copy
from typing import Self

import numpy as np
import numpy.typing as npt

from drivers.published_board import ltc2668, max11046
from drivers.published_board.ltc2668 import Command, Span, Word

__all__ = ["ADC_CHIPS", "DAC_CHIPS", "Registers"]

DAC_CHIPS, ADC_CHIPS = 16, 8
_CHANNELS = DAC_CHIPS * ltc2668.CHANNELS
_MINIMUM = np.array([span.minimum for span in Span])
_STEP = np.array([span.step for span in Span])
_BANKS = 4


class Registers:
    """The state of all chips, and of the four GPIO banks."""

    def __init__(self) -> None:
        self.inputs = np.zeros((2, _CHANNELS), np.uint16)  # registers A and B
        self.code = np.zeros(_CHANNELS, np.uint16)
        self.next_span = np.zeros(_CHANNELS, np.uint8)
        self.span = np.zeros(_CHANNELS, np.uint8)
        self.powered = np.ones(_CHANNELS, bool)
        self.toggles = np.zeros(_CHANNELS, bool)
        self.register_b = np.zeros(DAC_CHIPS, bool)
        self.shifted = np.zeros(DAC_CHIPS, np.uint32)
        self.adc = [max11046.Configuration() for _ in range(ADC_CHIPS)]
        self.gpio = np.zeros(_BANKS, np.uint32)
        self.gains = np.ones(64, np.uint8)

    def copy(self) -> Self:
        """Return an independent copy, on which a transfer can be tried."""
        return copy.deepcopy(self)

    def dac_outputs(self) -> npt.NDArray[np.float64]:
        """Return the voltage (V) of each of the 256 channels; 0 V where powered down."""
        return np.where(self.powered, _MINIMUM[self.span] + self.code * _STEP[self.span], 0.0)

    def zero_codes(self) -> npt.NDArray[np.uint16]:
        """Return the code that means 0 V in the span of each channel."""
        return np.asarray(np.rint(-_MINIMUM[self.span] / _STEP[self.span]).astype(np.uint16))

    def set_spans(self, spans: npt.NDArray[np.uint8]) -> None:
        """Give every channel a span, its output at 0 V."""
        self.span = spans.astype(np.uint8)
        self.ground()

    def ground(self) -> None:
        """Put every output to 0 V in its span and empty the input registers."""
        self.next_span = self.span.copy()
        self.toggles[:] = False
        self.register_b[:] = False
        self.powered[:] = True
        self.code = self.zero_codes()
        self.inputs[:] = self.code

    def write(self, first: int, codes: npt.NDArray[np.uint16], *, update: bool) -> None:
        """Write input registers of consecutive channels; `update` then pulses LDAC."""
        self.inputs[0, first : first + len(codes)] = codes
        if update:
            for chip in range(DAC_CHIPS):
                self._update(_channels(chip))

    def shift(self, chip: int, word: int) -> int:
        """Shift one 32-bit word through a chip; return what comes out of SDO meanwhile.

        Raises ValueError for a span that does not exist.
        """
        echo, self.shifted[chip] = int(self.shifted[chip]), word
        self._execute(chip, Word.from_value(word & 0xFFFFFF))
        return echo

    def _execute(self, chip: int, word: Word) -> None:
        every = _channels(chip)
        one = slice(every.start + word.address, every.start + word.address + 1)
        match word.command:
            case Command.WRITE:
                self._write(one, word.data)
            case Command.UPDATE:
                self._update(one)
            case Command.WRITE_UPDATE_ALL:
                self._write(one, word.data)
                self._update(every)
            case Command.WRITE_UPDATE:
                self._write(one, word.data)
                self._update(one)
            case Command.POWER_DOWN:
                self.powered[one] = False
            case Command.POWER_DOWN_CHIP:
                self.powered[every] = False
            case Command.SPAN:
                self.next_span[one] = Span(word.data & 7)
            case Command.WRITE_ALL:
                self._write(every, word.data)
            case Command.UPDATE_ALL:
                self._update(every)
            case Command.WRITE_ALL_UPDATE_ALL:
                self._write(every, word.data)
                self._update(every)
            case Command.TOGGLE_SELECT:
                self.toggles[every] = [word.data >> k & 1 for k in range(ltc2668.CHANNELS)]
            case Command.GLOBAL_TOGGLE:
                self.register_b[chip] = word.data & 1
                self._update(every, only=self.toggles[every])
            case Command.SPAN_ALL:
                self.next_span[every] = Span(word.data & 7)
            case Command.CONFIG | Command.MUX | Command.NO_OPERATION:
                return  # neither changes an output

    def _write(self, channels: slice, code: int) -> None:
        # The toggle bit picks the register that a write goes to (ltc2664.c).
        self.inputs[:, channels] = np.where(
            [~self.toggles[channels], self.toggles[channels]], code, self.inputs[:, channels]
        )

    def _update(self, channels: slice, only: npt.NDArray[np.bool_] | None = None) -> None:
        chip = channels.start // ltc2668.CHANNELS
        from_b = self.toggles[channels] & self.register_b[chip]
        code = np.where(from_b, self.inputs[1, channels], self.inputs[0, channels])
        chosen = np.ones(code.shape, bool) if only is None else only
        self.code[channels] = np.where(chosen, code, self.code[channels])
        self.span[channels] = np.where(chosen, self.next_span[channels], self.span[channels])
        self.powered[channels] |= chosen


def _channels(chip: int) -> slice:
    return slice(chip * ltc2668.CHANNELS, (chip + 1) * ltc2668.CHANNELS)
