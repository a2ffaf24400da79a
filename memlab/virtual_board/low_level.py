"""Direct and chip-level access: DAC_WRITE, GAINS, ADC_READ when armed; SPI, ADC and GPIO in DEBUG.

What the DACs put out is applied to the chip as one more VMM of the Board, with the READ limits:
nothing on this path can pulse. SPI words are tried on a copy of the chips first, so that a refused
transfer has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import Board, BoardConfig, LineClass, Mode, Selection
from drivers.converter import Converter
from drivers.published_board import max11046, span_code, span_of_code
from firmware_protocol import messages as m
from firmware_protocol import vectors
from firmware_protocol.codec import Message
from firmware_protocol.errors import RefusedError
from firmware_protocol.messages import ErrorCode
from memlab.virtual_board.hard_limits import HARD_LIMITS, hard_limit_ranges, line_classes
from memlab.virtual_board.registers import Registers

__all__ = ["LowLevel"]

_LINES = line_classes(m.ROWS, m.COLUMNS)
_LOWEST, _HIGHEST = np.array([HARD_LIMITS[LineClass(line), Mode.READ] for line in _LINES]).T
_MAXIMUM_WORDS = 255
_INPUT_BANK = 3
"""GPIO bank that is read only; bit 0 is the jumper."""


class LowLevel:
    """The chips, and what reaches the array through them.

    Parameters
    ----------
    board
        Where the array is.
    jumper
        Allows unsafe access.
    """

    def __init__(self, board: Board, jumper: bool) -> None:
        self.registers = Registers()
        self.driven = False
        """True while a DAC may put out another voltage than 0 V."""
        self._board = board
        self._jumper = jumper
        self._unsafe = False
        self._config: BoardConfig | None = None
        self._handlers: dict[type[Message], Callable[[Any], Message]] = {
            m.SetBaud: lambda r: m.SetBaudResponse(actual=r.baud),  # a model has no line rate
            m.DacWrite: self._dac_write,
            m.Gains: self._gains,
            m.AdcRead: self._adc_read,
            m.SpiXfer: self._spi,
            m.AdcCr: self._adc_cr,
            m.AdcRaw: self._adc_raw,
            m.GpioGet: self._gpio_get,
            m.GpioSet: self._gpio_set,
            m.Shadow: self._shadow,
        }

    def configure(self, config: BoardConfig) -> None:
        """Take the spans of a committed configuration; every output is at 0 V."""
        self._config, self._unsafe = config, False
        spans = np.array([span_code(config.spans[line]) for line in LineClass], np.uint8)
        self.registers.set_spans(spans[_LINES])
        self.driven = False

    def unlock(self, *, unsafe: bool) -> None:
        """Begin chip-level access; refuse unsafe access without the jumper."""
        if unsafe and not self._jumper:
            raise RefusedError(ErrorCode.LOCKED, 1, "unsafe access needs the jumper")
        self.registers = Registers()
        self._config, self._unsafe, self.driven = None, unsafe, False

    def ground(self) -> None:
        """Put every output to 0 V."""
        self.registers.ground()
        self._unsafe = self.driven = False

    def handle(self, request: Message) -> Message:
        """Carry out one request; `RefusedError` when it cannot be, and then nothing changed."""
        return self._handlers[type(request)](request)

    # --- armed

    def _dac_write(self, request: m.DacWrite) -> Message:
        self.registers.write(request.first, request.code, update=bool(request.update))
        self.driven |= self._any_output(self.registers)
        return m.DacWriteResponse()

    def _gains(self, request: m.Gains) -> Message:
        packed = np.frombuffer(request.gain, np.uint8)
        self.registers.gains = (packed[:, None] >> np.array([0, 2, 4, 6]) & 3).ravel() + 1
        return m.GainsResponse()

    def _adc_read(self, request: m.AdcRead) -> Message:
        if request.cols == 0:
            raise RefusedError(ErrorCode.RANGE, 0, "no column is selected")
        return m.AdcReadResponse(code=self._convert()[vectors.columns_of(request.cols)])

    # --- DEBUG

    def _spi(self, request: m.SpiXfer) -> Message:
        if len(request.word) != request.n or request.n > _MAXIMUM_WORDS:
            raise RefusedError(ErrorCode.FORMAT, request.n, "n differs from the words that came")
        trial = self.registers.copy()
        echo = []
        for word in request.word.tolist():
            try:
                echo.append(trial.shift(request.chip, word))
            except ValueError as error:
                raise RefusedError(ErrorCode.RANGE, request.chip, str(error)) from error
            self._check_outputs(trial)
        self.registers = trial
        self.driven = self._any_output(trial)
        return m.SpiXferResponse(word=np.array(echo, np.uint32))

    def _adc_cr(self, request: m.AdcCr) -> Message:
        try:
            self.registers.adc[request.chip] = max11046.Configuration.from_value(request.cr)
        except ValueError as error:
            raise RefusedError(ErrorCode.RANGE, request.cr, str(error)) from error
        return m.AdcCrResponse()

    def _adc_raw(self, request: m.AdcRaw) -> Message:
        first = request.chip * max11046.CHANNELS
        twos_complement = self.registers.adc[request.chip].twos_complement
        codes = [self._convert()[first : first + max11046.CHANNELS] for _ in range(request.n)]
        raw = np.array(codes, np.uint16).ravel()
        return m.AdcRawResponse(code=raw ^ np.uint16(max11046.MID_CODE) if twos_complement else raw)

    def _gpio_get(self, _: m.GpioGet) -> Message:
        bank = self.registers.gpio.copy()
        bank[_INPUT_BANK] = int(self._jumper)
        return m.GpioGetResponse(bank=bank)

    def _gpio_set(self, request: m.GpioSet) -> Message:
        if request.bank == _INPUT_BANK:
            raise RefusedError(ErrorCode.RANGE, request.bank, "this bank is read only")
        before = int(self.registers.gpio[request.bank])
        after = before & ~request.mask | request.value & request.mask
        self.registers.gpio[request.bank] = after
        return m.GpioSetResponse()

    def _shadow(self, request: m.Shadow) -> Message:
        stop = request.first + request.n
        if stop > len(_LINES):
            raise RefusedError(ErrorCode.RANGE, request.first, "there are 256 channels")
        code, span = np.zeros(64, np.uint16), np.zeros(64, np.uint8)
        code[: request.n] = self.registers.code[request.first : stop]
        span[: request.n] = self.registers.span[request.first : stop]
        return m.ShadowResponse(code=code, span=span.tobytes())

    # --- from outputs to the array and back

    def _check_outputs(self, registers: Registers) -> None:
        if self._unsafe:
            return
        volts = registers.dac_outputs()
        beyond = np.flatnonzero((volts < _LOWEST) | (volts > _HIGHEST))
        if beyond.size:
            k = int(beyond[0])
            raise RefusedError(
                ErrorCode.LIMIT,
                k,
                f"channel {k} would put out {volts[k]:g} V; this board allows "
                f"{_LOWEST[k]:g}..{_HIGHEST[k]:g} V outside of pulses",
            )

    def _any_output(self, registers: Registers) -> bool:
        return bool(registers.dac_outputs().any())

    def _convert(self) -> npt.NDArray[np.uint16]:
        """Convert once: codes of all 64 columns, offset binary."""
        registers, volts = self.registers, self.registers.dac_outputs()
        able = self._board.capabilities  # channels beyond its lines lead nowhere
        gates = volts[_LINES == LineClass.GATE][: able.columns]
        rows = volts[_LINES == LineClass.ROW][: able.rows]
        code = np.full(m.COLUMNS, max11046.MID_CODE, np.uint16)
        columns = np.flatnonzero(gates)
        if not columns.size or not rows.any():
            return code
        if volts[_LINES == LineClass.COLUMN].any() or np.unique(gates[columns]).size > 1:
            raise RefusedError(
                ErrorCode.FORMAT,
                int(columns[0]),
                "this board senses columns at 0 V with one voltage on all open gates",
            )
        span = self._spans(registers)
        gate_code = int(registers.code[_LINES == LineClass.GATE][columns[0]])
        self._apply_config(span, gate_code)
        selection = Selection(np.arange(able.rows), columns)
        row_code = registers.code[_LINES == LineClass.ROW][None, : able.rows]
        for gain in np.unique(registers.gains[columns]):
            chosen = registers.gains[columns] == gain
            samples = self._board.vmm(selection, row_code, int(gain))
            code[columns[chosen]] = samples.code[0, chosen]
        return code

    def _spans(self, registers: Registers) -> dict[LineClass, Converter]:
        spans = {}
        for line in LineClass:
            different = np.unique(registers.span[line == _LINES])
            if different.size > 1:
                raise RefusedError(ErrorCode.FORMAT, line, f"spans of {line.name} differ")
            spans[line] = span_of_code(int(different[0]))
        return spans

    def _apply_config(self, spans: dict[LineClass, Converter], gate_code: int) -> None:
        """Let the board hold this gate; an armed board must keep what it was committed to."""
        if self._config is not None:
            if gate_code != self._config.read_gate_code:
                raise RefusedError(
                    ErrorCode.FORMAT, gate_code, "gates are open at read_gate_code, or closed"
                )
            return
        limits = hard_limit_ranges(spans)
        zero = int(spans[LineClass.ROW].encode(0.0))
        self._board.configure(BoardConfig(spans, limits, gate_code, zero))
