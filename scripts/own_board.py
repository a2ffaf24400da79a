"""A board of one's own: a microcontroller that answers each line with one line.

    pico:?port=/dev/ttyACM0&chip=die-3

docs/your-own-board.md goes through this file; install it as a package of your own, with

    [project.entry-points."memlab.boards"]
    pico = "own_board:open_board"
"""

from __future__ import annotations

import time

import numpy as np

from drivers import stopping
from drivers.board import BoardConfig, Capabilities, PulseBatch, PulseKind, Samples, Selection
from drivers.capabilities import Rest
from drivers.converter import Codes, grid
from drivers.errors import DeviceError, TransportError
from drivers.recorded_board import RecordedBoard
from drivers.transport import open_port

VOLTS = grid("PICO_DAC", 4.0, 1e-3, "V")
AMPERES = grid("PICO_ADC", 4e-3, 1e-9, "A")


def open_board(port: str, chip: str = "", timeout: float = 5.0) -> PicoBoard:
    """Open the board at a port; its lines are at 0 V afterwards.

    Parameters
    ----------
    port
        Device name, or socket://host:port.
    chip
        What tells the chip from all others; without it the board can be read, not pulsed.
    timeout
        Seconds until a board that does not answer is given up.
    """
    if not timeout > 0.0:
        raise DeviceError(f"pico: timeout={timeout:g} must be above 0 s")
    return PicoBoard(port, chip, timeout)


class PicoBoard(RecordedBoard):
    """The board at a port."""

    def __init__(self, port: str, chip: str, timeout: float) -> None:
        super().__init__()
        self._port, self._timeout = port, timeout
        self._line = open_port(port, 115200)
        try:
            name, rows, columns, firmware = self._ask("ID").split()
            if name != "pico":
                raise DeviceError(f"{port}: {name!r} answers, not a pico")
            self._able = Capabilities(
                name="pico",
                serial=chip,
                firmware=firmware,
                rows=int(rows),
                columns=int(columns),
                row=VOLTS,
                column=VOLTS,
                gate=None,  # the cells have no transistors
                sense=AMPERES,
                transimpedance=(1.0,),  # one range, in A
                clip=3.3e-3,
                gain_threshold=3.3e-3,
                pulse_offset=0.1e-6,
                pulse_tick=0.1e-6,
                maximum_ticks=9999,
                row_current=(10e-3, 10e-3, 50e-3),
                inverting=False,  # a current from row to column is positive
                unselected=Rest.FLOATING,
                cells_at_once=(1, 0),  # one cell in a SET, a whole row in a RESET
            )
            self._claim_chip(chip, "pico:?port=/dev/ttyACM0&chip=die-3")
            self._idle()
            self._settle_unknown()
        except BaseException:
            self._line.close()
            self._let_go()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """What the board is and can do."""
        return self._able

    def _drop(self) -> None:
        self._line.close()

    def _configure(self, config: BoardConfig) -> None:
        self._idle()  # it keeps no configuration: every line says all

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        one_hot = row_code * np.eye(selection.rows.size, dtype=VOLTS.dtype)
        return self._vmm(selection, one_hot, gain, config)

    def _vmm(
        self, selection: Selection, row_code: Codes, gain: int, config: BoardConfig
    ) -> Samples:
        rows, columns = _words(selection.rows), _words(selection.columns)
        code = np.zeros((len(row_code), selection.columns.size), AMPERES.dtype)
        try:
            for vector, sensed in zip(row_code, code, strict=True):
                stopping.check()
                answer = self._ask(f"VMM {rows} {_words(vector)} {columns}").split(",")
                if len(answer) != sensed.size:
                    raise DeviceError(f"{self._port}: {len(answer)} columns, not {sensed.size}")
                sensed[:] = [int(word) for word in answer]
        finally:
            self._idle()
        return Samples(code=code, gain=np.ones(code.shape, np.uint8))

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        batch = self._batch(pulses, ticket)
        for k in range(len(pulses)):
            stopping.check()
            columns = np.flatnonzero(pulses.columns[k])
            kind = PulseKind(int(pulses.kind[k])).name
            amplitude, row = int(pulses.amplitude_code[k]), int(pulses.row[k])
            ticks = 1 + int(pulses.width_ticks[k])
            line = f"{kind} {row} {_words(columns)} {amplitude} {ticks}"

            def fire(line: str = line, cells: int = columns.size) -> None:
                try:
                    if cells:
                        self._ask(line)
                finally:
                    self._idle()

            self._fire_part(pulses, batch, range(k, k + 1), fire)

    def _idle(self) -> None:
        self._ask("ZERO")

    def _ask(self, line: str) -> str:
        """Send a line once, and return the answer to it; OK is one."""
        while self._line.read(0.0):
            pass  # a late answer to an earlier line
        give_up, data, left = time.monotonic() + self._timeout, b"", f"{line}\n".encode()
        while not data.endswith(b"\n"):
            if time.monotonic() >= give_up:
                raise TransportError(
                    f"{self._port}: no answer to {line[:40]!r} within {self._timeout:g} s; check "
                    "cable and power"
                )
            left = left[self._line.write(left) :]
            data += self._line.read(0.05)
        word, _, rest = data.decode("ascii", "replace").strip().partition(" ")
        if word != "OK":
            raise DeviceError(f"{self._port}: {line[:40]!r} was answered by {word} {rest}")
        return rest


def _words(numbers: np.ndarray) -> str:
    return ",".join(str(int(number)) for number in numbers)
