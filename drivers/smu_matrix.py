"""Two source-meter channels and a switch matrix, as a `drivers.board.Board`: cell by cell.

    smu-matrix:?wiring=bench.toml&chip=die-7

A Keithley 2600 with two channels and a 707B, 708B or 3706A, both over PyVISA. No such bench was
touched: the commands are those of the makers' reference manuals, and the tests simulate both
instruments. The wiring is a TOML file:

    smu = "TCPIP0::192.168.0.5::inst0::INSTR"
    matrix = "TCPIP0::192.168.0.6::inst0::INSTR"
    force = "A"                       # matrix row of channel A, which drives the row of a cell
    sense = "B"                       # of channel B, which holds its column and measures
    ground = "C"                      # of the source-meter's LO, where all other lines go
    rows = ["1{}01", "1{}02"]         # crosspoints of each line; {} is one of the three above
    columns = ["1{}09", "1{}10"]

Channel A is at the row, channel B at the column of one cell, every other line at 0 V. A pulse is
half of its amplitude on either side, so that no other cell sees more than half; channel B holds a
SET to the compliance of the configuration. The instrument makes it: both levels, a delay, and 0 V
again, in one line, so that nothing stays driven when the computer is gone. It takes some 0.1 ms
more than it is told, which is why none is shorter than 1 ms.

Products are summed from reads: each cell at each voltage of its row that is not 0 V, once in a
batch. At some 30 ms a reading, a vector on 32 x 32 cells takes half a minute.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from drivers import stopping
from drivers.board import BoardConfig, Capabilities, PulseBatch, PulseKind, Samples, Selection
from drivers.capabilities import CallBytes, Products, Rest, Scheme
from drivers.converter import Codes, grid
from drivers.errors import DeviceError, TransportError
from drivers.keithley import Session
from drivers.recorded_board import RecordedBoard
from drivers.visa import open_session

__all__ = ["SmuMatrixBoard", "Wiring", "open_board", "read_wiring"]

VOLTS = grid("SMU_20", 20.0, 1e-6, "V")
AMPERES = grid("SMU_SUM", 10.0, 1e-12, "A")
"""Of sums over rows, too."""
MOST_READ, MOST_PULSE = 10e-3, 0.1
"""A; limits of a reading, beyond which it counts as clipped, and of a RESET."""
COMPLIANCE = 1e-6, 0.1
WIDTH, TICK, TICKS = 1e-3, 1e-4, 9000
"""s, s and count: pulses of 1 ms to 0.9 s."""
TIMEOUT = 10.0
"""s until an instrument that does not answer is given up."""
SETTLE = 1e-3
"""s between the voltage of a reading and its measurement."""
_SMU, _MATRIX = re.compile(r"MODEL 26\d\d[AB]?\b"), re.compile(r"MODEL (70[78]B|3706A?)\b")
_CHANNELS = ("smua", "smub")
_RESET = "smua.reset() smub.reset() errorqueue.clear()"
_BREAK_FIRST = "channel.connectrule = channel.BREAK_BEFORE_MAKE"


@dataclass(frozen=True)
class Wiring:
    """What is connected to what; see the module."""

    smu: str
    matrix: str
    force: str
    sense: str
    ground: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines of the array."""
        return self.rows + self.columns

    def cell(self, row: int, column: int) -> str:
        """Return the crosspoints that connect one cell, and ground all other lines."""
        bus = dict.fromkeys(self.lines, self.ground)
        bus |= {self.rows[row]: self.force, self.columns[column]: self.sense}
        return ",".join(line.replace("{}", name) for line, name in bus.items())

    @property
    def rest(self) -> str:
        """Return the crosspoints that ground every line."""
        return ",".join(line.replace("{}", self.ground) for line in self.lines)


def read_wiring(file: str) -> Wiring:
    """Read a wiring; raises `ValueError` where it is none."""
    if not file:
        raise ValueError("smu-matrix: wiring= names no file; write wiring=FILE")
    try:
        table = tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))
        known = {one.name for one in fields(Wiring)}
        if table.keys() != known:
            wrong = [f"lacks {name}" for name in sorted(known - table.keys())]
            wrong += [
                f"has {name}, which it does not know" for name in sorted(table.keys() - known)
            ]
            raise ValueError(f"it {', '.join(wrong)}")
        rows, columns = (tuple(map(str, table.pop(name))) for name in ("rows", "columns"))
        names = {name: str(value) for name, value in table.items()}
        wiring = Wiring(rows=rows, columns=columns, **names)
    except OSError as error:
        raise ValueError(f"smu-matrix: wiring={file}: {error.strerror}") from error
    except (ValueError, TypeError) as error:  # no text, no TOML, lines that are no lists
        raise ValueError(f"smu-matrix: wiring={file} is no wiring: {error}") from error
    used = wiring.lines
    if not (wiring.rows and wiring.columns) or any(line.count("{}") != 1 for line in used):
        raise ValueError(f"smu-matrix: wiring={file}: each line needs a crosspoint with one {{}}")
    if len({*used}) < len(used) or len({wiring.force, wiring.sense, wiring.ground}) < 3:
        raise ValueError(f"smu-matrix: wiring={file} uses a crosspoint for two things")
    if len(wiring.columns) > 64:
        raise ValueError(f"smu-matrix: wiring={file}: at most 64 columns")
    return wiring


def open_board(wiring: str, chip: str = "", backend: str = "") -> SmuMatrixBoard:
    """Open a bench; every line is at 0 V afterwards.

    Parameters
    ----------
    wiring
        TOML file, see the module.
    chip
        What tells the chip from all others; without it the bench can be read, not pulsed.
    backend
        VISA library, for example `@py`; PyVISA's own choice by default.

    Raises
    ------
    DeviceError
        If the wiring is none, or something else answers there.
    TransportError
        If an instrument does not answer.
    InUseError
        If another program uses a chip of this name.
    """
    plan = read_wiring(wiring)
    with ExitStack() as opened:
        smu = _open(plan.smu, backend, _SMU, "a Keithley 2600 with two channels")
        opened.callback(smu[0].close)
        matrix = _open(plan.matrix, backend, _MATRIX, "a Keithley 707B, 708B or 3706A")
        opened.callback(matrix[0].close)
        board = SmuMatrixBoard(plan, *smu, *matrix, chip)
        opened.pop_all()
        return board


def _open(resource: str, backend: str, wanted: re.Pattern[str], what: str) -> tuple[Any, str]:
    session = open_session(resource, backend, "check its name and its cable")
    try:
        session.timeout = TIMEOUT * 1e3
        session.read_termination = session.write_termination = "\n"
        identity = str(session.query("*IDN?")).strip()
    except Exception as error:  # each VISA backend raises its own kinds
        session.close()
        raise TransportError(
            f"{resource} did not say what it is within {TIMEOUT:g} s ({error}); check cable and "
            "power"
        ) from error
    if not wanted.search(identity.upper()):
        session.close()
        raise DeviceError(f"{resource} is {identity!r}; here belongs {what}")
    return session, identity


class SmuMatrixBoard(RecordedBoard):
    """A bench that is open.

    Parameters
    ----------
    wiring
        What is connected to what.
    smu, smu_name, matrix, matrix_name
        Sessions of the instruments, and what they say they are.
    chip
        As for `open_board`.
    """

    def __init__(
        self,
        wiring: Wiring,
        smu: Session,
        smu_name: str,
        matrix: Session,
        matrix_name: str,
        chip: str,
    ) -> None:
        super().__init__()
        self._wiring, self._smu, self._matrix = wiring, smu, matrix
        self._capabilities = Capabilities(
            name="two source-meter channels and a switch matrix",
            serial=chip,
            firmware=f"{smu_name}; {matrix_name}",
            rows=len(wiring.rows),
            columns=len(wiring.columns),
            row=VOLTS,
            column=VOLTS,
            gate=None,
            sense=AMPERES,
            transimpedance=(1.0,),
            clip=MOST_READ,
            gain_threshold=MOST_READ,
            pulse_offset=WIDTH,
            pulse_tick=TICK,
            maximum_ticks=TICKS,
            row_current=(MOST_READ, MOST_PULSE, MOST_PULSE),
            products=Products.SUMMED,
            unselected=Rest.GROUNDED,
            scheme=Scheme.HALVES,
            cells_at_once=(1, 1),
            compliance=COMPLIANCE,
            call_bytes=CallBytes(code=150.0, sample=500.0, request=0.0, pulse=700.0, gate=0.0),
        )
        self._claim_chip(chip, "smu-matrix:?wiring=FILE&chip=die-7")
        try:
            self._send(self._smu, f"{_RESET} format.asciiprecision = 10")
            self._send(self._matrix, f"errorqueue.clear() {_BREAK_FIRST}")
            self._idle()
            self._settle_unknown()
        except BaseException:
            self._let_go()
            raise

    def _drop(self) -> None:
        for session in (self._smu, self._matrix):
            with suppress(Exception):
                session.close()

    # --- what Board asks for

    def _configure(self, config: BoardConfig) -> None:
        low, high = COMPLIANCE
        if config.compliance is not None and not low <= config.compliance <= high:
            raise DeviceError(
                f"compliance {config.compliance:g} A is outside {low:g} to {high:g} A"
            )
        self._idle()

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        code = np.zeros((selection.rows.size, selection.columns.size), AMPERES.dtype)
        with self._driving(_largest(np.array(row_code)), MOST_READ):
            for i, row in enumerate(selection.rows.tolist()):
                for j, column in enumerate(selection.columns.tolist()):
                    self._connect(row, column)
                    code[i, j] = self._measure(row_code)
        return Samples(code, np.ones(code.shape, np.uint8))

    def _vmm(
        self, selection: Selection, row_code: Codes, gain: int, config: BoardConfig
    ) -> Samples:
        most = AMPERES.codes.maximum
        total = np.zeros((len(row_code), selection.columns.size), AMPERES.dtype)
        held = np.zeros(total.shape, bool)
        with self._driving(_largest(np.array(row_code)), MOST_READ):
            for i, row in enumerate(selection.rows.tolist()):
                voltages, which = np.unique(row_code[:, i], return_inverse=True)
                for j, column in enumerate(selection.columns.tolist()):
                    if voltages.any():
                        self._connect(row, column)
                    found = [self._measure(int(code)) if code else 0 for code in voltages]
                    current = np.array(found, AMPERES.dtype)[which]
                    total[:, j] += current
                    held[:, j] |= np.abs(current) >= most
        # What a limit held may cancel in the sum, and is no less unknown for it.
        code = np.where(held, most, np.clip(total, -most, most)).astype(AMPERES.dtype)
        return Samples(code, np.ones(total.shape, np.uint8))

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        batch = self._batch(pulses, ticket)
        for k in range(len(pulses)):
            stopping.check()
            self._fire_part(pulses, batch, range(k, k + 1), partial(self._fire, pulses, k, config))

    # --- helpers

    def _fire(self, pulses: PulseBatch, k: int, config: BoardConfig) -> None:
        columns = np.flatnonzero(pulses.columns[k])
        is_set = pulses.kind[k] == PulseKind.SET
        half = float(VOLTS.decode(pulses.amplitude_code[k])) / 2
        if not (columns.size and half):
            return
        limit = config.compliance if is_set and config.compliance is not None else MOST_PULSE
        row, column = (-half, half) if is_set else (half, -half)
        seconds = float(self._capabilities.timer.seconds(pulses.width_ticks[k]))
        with self._driving(half, limit):
            self._connect(int(pulses.row[k]), int(columns[0]))
            self._ask(
                self._smu,
                f"smua.source.levelv = {row:.7e} smub.source.levelv = {column:.7e} "
                f"delay({seconds:.4f}) smua.source.levelv = 0 smub.source.levelv = 0 "
                "print(errorqueue.count)",
            )

    def _connect(self, row: int, column: int) -> None:
        """Switch to one cell; both channels are at 0 V."""
        stopping.check()
        crosspoints = self._wiring.cell(row, column)
        self._ask(self._matrix, f'channel.exclusiveclose("{crosspoints}") print(errorqueue.count)')

    def _measure(self, row_code: int) -> int:
        """Return the code of the current of the cell that is connected."""
        volts = float(VOLTS.decode(row_code))
        answer = self._ask(
            self._smu,
            f"smua.source.levelv = {volts:.7e} delay({SETTLE:g}) i = smub.measure.i() "
            "c = smua.source.compliance or smub.source.compliance smua.source.levelv = 0 "
            "print(errorqueue.count, i, c)",
        )
        current, held = answer.split()
        if held != "false":  # at its limit: a lower bound, which counts as clipped
            return AMPERES.codes.maximum if volts < 0.0 else AMPERES.codes.minimum
        return int(AMPERES.encode(float(current)))

    @contextmanager
    def _driving(self, most: float, limit: float) -> Iterator[None]:
        """Have both channels on at 0 V for a block, on a range; ground everything after it."""
        try:
            for smu in _CHANNELS:
                self._send(
                    self._smu,
                    f"{smu}.source.func = {smu}.OUTPUT_DCVOLTS {smu}.source.levelv = 0 "
                    f"{smu}.source.rangev = {max(most, 0.1):.7e} {smu}.source.limiti = {limit:.7e} "
                    f"{smu}.measure.autorangei = {smu}.AUTORANGE_ON "
                    f"{smu}.source.output = {smu}.OUTPUT_ON",
                )
            self._ask(self._smu, "print(errorqueue.count)")
            yield
        finally:
            self._idle()

    def _idle(self) -> None:
        """Put both channels to 0 V and off, and tie every line to ground."""
        try:
            off = (f"{s}.source.levelv = 0 {s}.source.output = {s}.OUTPUT_OFF" for s in _CHANNELS)
            self._ask(self._smu, f"{' '.join(off)} print(errorqueue.count)")
        finally:
            rest = f'channel.exclusiveclose("{self._wiring.rest}") print(errorqueue.count)'
            self._ask(self._matrix, rest)

    def _send(self, session: Session, line: str) -> None:
        try:
            session.write(line)
        except Exception as error:  # each VISA backend raises its own kinds
            raise self._silent(line, error) from error

    def _ask(self, session: Session, line: str) -> str:
        """Send a line that prints how many errors there are, and return what it prints besides."""
        try:
            answer = str(session.query(line)).strip()
            count, _, rest = answer.partition("\t")
            errors = float(count)
        except Exception as error:  # each VISA backend raises its own kinds
            raise self._silent(line, error) from error
        if errors:
            with suppress(Exception):
                answer = str(session.query("print(errorqueue.next()) errorqueue.clear()")).strip()
            raise DeviceError(f"smu-matrix: {line[:60]!r} was refused: {answer}")
        return rest

    def _silent(self, line: str, error: Exception) -> TransportError:
        return TransportError(
            f"smu-matrix: no answer to {line[:60]!r} ({error}). Check the cable; lines may be "
            "driven: switch the outputs off at the instrument"
        )


def _largest(row_code: Codes) -> float:
    """Return the largest voltage (V) of some row codes, of either sign."""
    return float(np.abs(VOLTS.decode(row_code)).max(initial=0.0))
