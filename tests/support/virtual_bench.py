"""Two source-meter channels and a matrix, as their command sets are, over an emulated chip."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from support.fake_arc2 import ROW, fire

from drivers.board import BoardConfig, LineClass, Mode, Selection
from drivers.converter import CodeRange
from drivers.published_board import AMPLIFIER, SENSE, SPANS
from drivers.smu_matrix import Wiring
from memlab.emulator import EmulatedBoard

ID_SMU = "Keithley Instruments Inc., Model 2636B, 4012345, 3.3.5"
ID_MATRIX = "KEITHLEY INSTRUMENTS INC.,MODEL 707B,1234567,01.40a"
COUNT, NEXT = "print(errorqueue.count)", "print(errorqueue.next())"
HELD_GATE = 1.6
"""V on the gates of the emulated cells in a SET, which stands for what limits real ones."""


class Bench:
    """Both instruments; `smu` and `matrix` are their sessions.

    Parameters
    ----------
    board
        The emulated chip.
    wiring
        What is connected to what.
    """

    def __init__(self, board: EmulatedBoard, wiring: Wiring) -> None:
        self.board, self.wiring = board, wiring
        self.smu, self.matrix = Instrument(ID_SMU), Instrument(ID_MATRIX)
        self.level = {"smua": 0.0, "smub": 0.0}
        self.limit = {"smua": 0.0, "smub": 0.0}
        self.on = {"smua": False, "smub": False}
        self.bus: dict[str, str] = {}
        """Where each line is; those that are nowhere float."""
        self.pulses: list[tuple[int, int, float, float, float]] = []
        """Row, column, V of column against row, s, and the limit of channel B in A."""
        self.switched_while_driven = False
        self._current = 0.0
        everything = {(line, mode): CodeRange(0, 65535) for line in LineClass for mode in Mode}
        board.configure(BoardConfig(SPANS, everything, read_gate_code=32768, idle_row_code=32768))
        number = r"([-+.\de]+)"
        self.smu.commands = [
            (rf"(smu[ab])\.source\.levelv = {number}", self._set_level),
            (rf"(smu[ab])\.source\.limiti = {number}", self._set_limit),
            (rf"delay\({number}\)", self._delay),
            (r"(smu[ab])\.source\.output = \1\.OUTPUT_(ON|OFF)", self._set_output),
            (r"i = smub\.measure\.i\(\)", self._measure),
            (r"print\(errorqueue\.count, i, c\)", self._tell),
            (r"smua\.reset\(\) smub\.reset\(\) errorqueue\.clear\(\)", lambda: None),
            (r"c = smua\.source\.compliance or smub\.source\.compliance", lambda: None),
            (r"format\.asciiprecision = 10", lambda: None),
            (r"(smu[ab])\.source\.func = \1\.OUTPUT_DCVOLTS", lambda _: None),
            (rf"smu[ab]\.source\.rangev = {number}", lambda _: None),
            (r"(smu[ab])\.measure\.autorangei = \1\.AUTORANGE_ON", lambda _: None),
        ]
        self.matrix.commands = [
            (r'channel\.exclusiveclose\("([^"]*)"\)', self._close_only),
            (r"errorqueue\.clear\(\)", lambda: None),
            (r"channel\.connectrule = channel\.BREAK_BEFORE_MAKE", lambda: None),
        ]

    @property
    def idle(self) -> bool:
        """Whether nothing is driven and every line is tied to ground."""
        grounded = {self.bus.get(line) for line in self.wiring.lines} == {self.wiring.ground}
        return grounded and not any(self.on.values()) and not any(self.level.values())

    def _close_only(self, crosspoints: str) -> None:
        self.switched_while_driven |= any(self.level.values())
        names = crosspoints.split(",")
        buses = (self.wiring.force, self.wiring.sense, self.wiring.ground)
        self.bus = {
            line: bus
            for line in self.wiring.lines
            for bus in buses
            if line.replace("{}", bus) in names
        }
        assert len(names) == len(self.bus)

    def _set_level(self, smu: str, volts: str) -> None:
        self.level[smu] = float(volts)

    def _set_limit(self, smu: str, amperes: str) -> None:
        self.limit[smu] = float(amperes)

    def _set_output(self, smu: str, state: str) -> None:
        self.on[smu] = state == "ON"

    def _volts(self, line: str) -> float | None:
        buses = {
            self.wiring.ground: 0.0,
            self.wiring.force: self.level["smua"] if self.on["smua"] else None,
            self.wiring.sense: self.level["smub"] if self.on["smub"] else None,
        }
        return buses.get(self.bus.get(line, ""))

    def _delay(self, seconds: str) -> None:
        rows = [self._volts(line) for line in self.wiring.rows]
        columns = [self._volts(line) for line in self.wiring.columns]
        across = np.array(
            [[0.0 if None in (a, b) else b - a for b in columns] for a in rows], float
        )
        largest = float(np.abs(across).max())
        if largest < 1.0:
            return  # a reading
        full = np.argwhere(np.abs(across) > 0.75 * largest)
        assert len(full) == 1
        assert np.abs(across).sum() <= largest * (1 + 0.5 * (sum(across.shape) - 2)) + 1e-9
        row, column = (int(k) for k in full[0])
        volts = float(across[row, column])
        self.pulses.append((row, column, volts, float(seconds), self.limit["smub"]))
        gate = HELD_GATE if volts > 0 else 5.0
        fire(self.board, row, np.array([column]), volts, float(seconds), gate)

    def _measure(self) -> None:
        (column,) = (
            j
            for j, line in enumerate(self.wiring.columns)
            if self.bus.get(line) == self.wiring.sense
        )
        volts = {i: self._volts(line) for i, line in enumerate(self.wiring.rows)}
        rows = [i for i, v in volts.items() if v is not None]
        code = ROW.encode([[volts[i] for i in rows]])
        samples = self.board.vmm(Selection(np.array(rows), np.array([column])), code)
        resistance = AMPLIFIER.resistance[samples.gain[0, 0] - 1]
        # What flows out of the channel; the amplifier inverts what flows into the column.
        self._current = float(SENSE.decode(samples.code[0, 0])) / resistance

    def _tell(self) -> str:
        held = abs(self._current) >= self.limit["smua"]
        return f"0.000000000e+00\t{self._current:.9e}\t{'true' if held else 'false'}"


class Instrument:
    """A session of an instrument that knows these commands, and no other."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.commands: list[tuple[str, Callable[..., str | None]]] = []
        self.dead = self.closed = False
        self.errors = 0

    def write(self, message: str) -> None:
        self._do(message)

    def query(self, message: str) -> str:
        answer = self._do(message)
        assert answer is not None, message
        return answer

    def close(self) -> None:
        self.closed = True

    def _do(self, message: str) -> str | None:
        if self.dead:
            raise OSError("VI_ERROR_TMO")
        answer = None
        steps, left = _steps(tuple(pattern for pattern, _ in self.commands), message)
        for k, values in steps:
            answer = self.commands[k][1](*values) or answer
        if left == COUNT:
            return f"{self.errors:.9e}"
        if left.startswith(NEXT):
            self.errors = 0
            return "-285\tTSP Syntax error"
        if left:
            raise AssertionError(f"{self.identity} does not know {left!r}")
        return answer


@lru_cache(maxsize=1024)  # the same few hundred messages come ten thousands of times
def _steps(patterns: tuple[str, ...], message: str) -> tuple[list[tuple[int, tuple]], str]:
    """Return the commands of a message, as place and values, and what is left after them."""
    steps: list[tuple[int, tuple]] = []
    left = message
    while left and left != COUNT and not left.startswith(NEXT):
        tried = ((k, re.match(pattern, left)) for k, pattern in enumerate(patterns))
        found = next(((k, match) for k, match in tried if match), None)
        if found is None:
            break
        k, match = found
        steps.append((k, match.groups()))
        left = left[match.end() :].lstrip()
    return steps, left
