"""An ArC TWO, through `pyarc2`, as a `drivers.board.Board`: `arc2:?firmware=FILE&chip=die-7`.

Written without an ArC TWO: none was ever touched. It follows the documentation of pyarc2 0.6 and
libarc2 0.6, and its tests a fake of pyarc2's public interface. Try it on resistors first.

The rows of the array are "bit lines" there, its columns "word lines", each a channel of 64. What
was found in the makers' libraries, and is heeded here:

- Reads of a slice or of the whole array wait inside the library with the interpreter held, for ever
  once the board is unplugged (`busy` stays true then), and a failure there is a panic. So readings
  are queued (`read_slice_open_deferred`) and `busy` is looked at from here, with a deadline.
- `pick_one`, which fetches a reading, waits there as well where none has come. Nothing in this
  program can break that off: 10 s after the timeout it ends (exit code 1, and says where it was).
- Voltages beyond +/-10 V are clipped in silence, widths below 40 ns become 40 ns. Both are refused.
- What is queued cannot be taken back: it leaves with the next `execute`, be it that of grounding.
  So a pulse whose queueing was broken off is as unknown as one that was not heard of again.
- A fast pulse is made by clusters of 8 channels: every channel of one that is still in high-speed
  mode gets it. So all channels go back to 0 V before each pulse.
- The low channel of a reading is at minus the voltage that was asked for. Here channels are biased
  one by one, and a current from row to column is sensed as negative.
- Results come by channel, not by line. Lines are named by channels here, and by nothing else.

Without gates (the default) pulses are those of a passive crossbar: half of the amplitude on the
row, half of it on the columns, all other lines at 0 V, so that no other cell sees more than half.
With `gates=selectors` cells have transistors: selector j is the gate of column j, rows that are not
selected float, and a SET drives the columns alone. All selectors share one voltage, so that cells
of a row with different gate voltages are pulsed one after the other.
"""

from __future__ import annotations

import faulthandler
import os
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import BoardConfig, Capabilities, PulseBatch, PulseKind, Samples, Selection
from drivers.capabilities import Rest, Scheme
from drivers.converter import CodeRange, Codes, Converter, grid
from drivers.errors import DeviceError, TransportError
from drivers.extras import pip_command
from drivers.recorded_board import RecordedBoard
from firmware_protocol.errors import MemlabError

__all__ = ["Arc2Board", "open_board"]

CHANNELS, CLUSTER = 64, 8
STEP = 3.05179e-4
"""V of a code, -10 V to +10 V, as libarc2 has it."""
DAC = Converter("ARC2_10", STEP, 32768, CodeRange(0, 65535))
SELECTOR = Converter("SELH", STEP, 0, CodeRange(0, 32767))
AMMETER = grid("ARC2_ADC", 12.5e-3, 1e-12, "A")
"""The ADC chooses its range itself: up to 12.3 mA (830 ohm), 93 uA (110 kohm), 0.7 uA (15 Mohm)."""
MOST_CURRENT = 10e-3
"""A of a channel, as its makers give it."""
WIDTH, TICK = 40e-9, 20e-9
"""s; shortest fast pulse, and the period of its timer."""
POLL = 0.5e-3
GRACE = 10.0
"""s beyond the timeout, before a program is ended that waits in the library."""
Lines = npt.NDArray[np.intp]


def open_board(
    firmware: str,
    id: int = -1,  # noqa: A002 - pyarc2's own word
    chip: str = "",
    mapping: str = "",
    gates: str = "none",
    timeout: float = 10.0,
) -> Arc2Board:
    """Open an ArC TWO; its lines are at 0 V afterwards.

    Parameters
    ----------
    firmware
        File with the FPGA's firmware, as pyarc2 loads it.
    id
        Of the instrument, where several are connected (`pyarc2.find_ids`).
    chip
        What tells the chip from all others; without it the board can be read, not pulsed.
    mapping
        TOML file with the channels of the lines, `words` and `bits` in a table `mapping`, as
        ArC2Control has them; by default lines are in the order of their channels.
    gates
        none, or selectors.
    timeout
        Seconds until an instrument that stays busy is given up; one whose reading does
        not come in 10 s more ends the program.

    Raises
    ------
    DeviceError
        If an argument is wrong; nothing was opened.
    TransportError
        If pyarc2 is missing, or no ArC TWO opens.
    InUseError
        If another program uses a chip of this name.
    """
    if not os.path.isfile(firmware):
        raise ValueError(f"arc2: firmware={firmware} is no file; ArC2Control downloads firmware")
    if gates not in ("none", "selectors"):
        raise DeviceError(f"arc2: gates={gates} must be none or selectors")
    if not timeout > 0.0:
        raise DeviceError(f"arc2: timeout={timeout:g} must be above 0 s")
    rows, columns = _read_mapping(mapping)
    api = _pyarc2()
    try:
        found = list(api.find_ids())
        if not found:
            raise TransportError("arc2: no instrument; check cable, power and the USB driver")
        if id < 0 and len(found) == 1:
            id = found[0]  # noqa: A001
        if id not in found:
            there = ", ".join(map(str, found))
            raise TransportError(f"arc2: choose an instrument with id=...; there are: {there}")
        instrument = api.Instrument(id, firmware)
    except api.ArC2Error as error:
        raise TransportError(
            f"arc2: no instrument opens ({error}); check that no other program has it, cable and "
            "power"
        ) from error
    version = f"{Path(firmware).name}, libarc2 {api.LIBARC2_VERSION or 'of unknown version'}"
    return Arc2Board(api, instrument, rows, columns, version, chip, gates == "selectors", timeout)


def _pyarc2() -> Any:
    try:
        import pyarc2
    except ImportError as error:
        raise TransportError(
            f"arc2: needs pyarc2 ({error}): {pip_command('arc2')} (Linux and Windows, x86-64)"
        ) from error
    return pyarc2


def _channels(numbers: list[int]) -> Lines:
    if not all(type(one) is int for one in numbers):  # numpy would round 1.5, and take true for 1
        raise TypeError("channels are whole numbers")
    return np.array(numbers, np.intp)


def _read_mapping(file: str) -> tuple[Lines, Lines]:
    """Return the channels of rows (bits) and columns (words)."""
    if not file:
        half = np.arange(16)
        bits, words = np.concatenate([half, half + 32]), np.concatenate([half + 16, half + 48])
        return bits, words
    try:
        table = tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))["mapping"]
        rows, columns = (_channels(table[name]) for name in ("bits", "words"))
    except (OSError, tomllib.TOMLDecodeError, KeyError, ValueError, TypeError) as error:
        raise DeviceError(f"arc2: mapping={file} is no mapping of channels: {error!r}") from error
    lines = np.concatenate([rows, columns]) if rows.ndim == columns.ndim == 1 else np.empty(0)
    if not (rows.size and columns.size and lines.min() >= 0 and lines.max() < CHANNELS):
        raise DeviceError(f"arc2: mapping={file}: bits and words are channels, 0 to 63")
    if np.unique(lines).size < lines.size:
        raise DeviceError(f"arc2: mapping={file} names a channel twice")
    if set((rows // CLUSTER).tolist()) & set((columns // CLUSTER).tolist()):
        raise DeviceError(
            f"arc2: mapping={file}: bits and words share a cluster of {CLUSTER} channels; pulses "
            "of both signs cannot be made in one"
        )
    return rows, columns


class Arc2Board(RecordedBoard):
    """An ArC TWO that is open.

    Parameters
    ----------
    api, instrument
        The module pyarc2, and its `Instrument`.
    rows, columns
        Channel of each row and column.
    firmware
        What runs on it, for people.
    chip, selectors, timeout
        As for `open_board`.
    """

    def __init__(
        self,
        api: Any,
        instrument: Any,
        rows: Lines,
        columns: Lines,
        firmware: str,
        chip: str,
        selectors: bool,
        timeout: float,
    ) -> None:
        super().__init__()
        self._api, self._chip = api, instrument
        self._rows, self._columns = rows, columns
        self._selectors, self._timeout = selectors, timeout
        self._lost = ""
        self._capabilities = Capabilities(
            name="ArC TWO",
            serial=chip,
            firmware=firmware,
            rows=rows.size,
            columns=columns.size,
            row=DAC,
            column=DAC,
            gate=SELECTOR if selectors else None,
            sense=AMMETER,
            transimpedance=(1.0,),
            clip=MOST_CURRENT,
            gain_threshold=MOST_CURRENT,
            pulse_offset=WIDTH,
            pulse_tick=TICK,
            maximum_ticks=0xFFFF,
            row_current=(MOST_CURRENT,) * 3,
            unselected=Rest.FLOATING if selectors else Rest.GROUNDED,
            scheme=None if selectors else Scheme.HALVES,
        )
        self._claim_chip(chip, "arc2:?firmware=FILE&chip=die-7")
        try:
            self._idle()
            self._settle_unknown()
        except BaseException:
            self._let_go()
            raise

    def _drop(self) -> None:
        self._chip = None

    # --- what Board asks for

    def _configure(self, config: BoardConfig) -> None:
        self._idle()

    def _read(self, selection: Selection, row_code: int, gain: int, config: BoardConfig) -> Samples:
        one_hot = np.full((selection.rows.size,) * 2, DAC.zero_code, DAC.dtype)
        np.fill_diagonal(one_hot, row_code)
        return self._vmm(selection, one_hot, gain, config)

    def _vmm(
        self, selection: Selection, row_code: Codes, gain: int, config: BoardConfig
    ) -> Samples:
        volts, columns = DAC.decode(row_code), self._columns[selection.columns]
        current = np.empty((len(volts), columns.size))
        with self._driving():
            self._open_gates(selection.columns, config.read_gate_code)
            for vector, found in zip(volts, current, strict=True):
                stopping.check()
                self._bias(selection.rows, vector)
                self._chip.read_slice_open_deferred(columns.astype(np.uint64), True)
                self._execute()
                with self._ended_after_deadline():
                    data = self._chip.pick_one(self._api.DataMode.All, self._api.ReadType.Current)
                if data is None or np.isnan(np.asarray(data)[columns]).any():
                    raise DeviceError("arc2: the instrument has no reading of a selected column")
                found[:] = np.asarray(data)[columns]
        # What the ADC cannot represent is at its end, and counts as clipped.
        most = AMMETER.top
        return Samples(AMMETER.encode(np.clip(current, -most, most)), np.ones(current.shape, "u1"))

    def _pulse(self, pulses: PulseBatch, config: BoardConfig, ticket: str) -> None:
        batch = self._batch(pulses, ticket)
        for k in range(len(pulses)):
            stopping.check()
            self._fire_part(pulses, batch, range(k, k + 1), partial(self._fire, pulses, k))

    # --- helpers

    def _fire(self, pulses: PulseBatch, k: int) -> None:
        row, columns = int(pulses.row[k]), np.flatnonzero(pulses.columns[k])
        volts = float(DAC.decode(pulses.amplitude_code[k]))
        nanos = round(float(self._capabilities.timer.seconds(pulses.width_ticks[k])) * 1e9)
        is_set, low = pulses.kind[k] == PulseKind.SET, int(self._rows[row])
        if not (columns.size and volts):
            return
        with self._driving():
            if not self._selectors:
                self._chip.config_channels([], 0.0)
                mask = self._columns[columns].astype(np.uint64)
                self._chip.pulse_slice_masked(low, volts if is_set else -volts, nanos, mask)
                self._execute()
                return
            gates = pulses.gate_code[k, columns]
            for gate in np.unique(gates):
                chosen = columns[gates == gate]
                self._open_gates(chosen, int(gate))
                self._bias(np.array([row]), np.zeros(1))
                channels = self._columns[chosen].tolist() if is_set else [low]
                clusters = {channel // CLUSTER for channel in channels}
                times = [nanos if c in clusters else None for c in range(CHANNELS // CLUSTER)]
                driven = [(channel, volts, 0.0) for channel in channels]
                self._chip.pulse_slice_fast_open(driven, times, True)
                self._execute()

    def _bias(self, rows: Lines, volts: npt.NDArray[np.float64]) -> None:
        """Hold rows at voltages and all else at 0 V; with gates, other rows float."""
        pairs = zip(self._rows[rows].tolist(), volts.tolist(), strict=True)
        self._chip.config_channels(list(pairs), 0.0)
        if self._selectors:
            self._chip.open_channels(np.delete(self._rows, rows).tolist())

    def _open_gates(self, columns: Lines, code: int) -> None:
        if self._selectors:
            low, high = self._api.AuxDACFn.SELL, self._api.AuxDACFn.SELH
            self._chip.config_aux_channels([(low, 0.0), (high, float(SELECTOR.decode(code)))])
            self._chip.config_selectors(columns.tolist())

    @contextmanager
    def _driving(self) -> Iterator[None]:
        """Release the channels from ground for a block, and ground them when it is left."""
        if self._lost:
            raise TransportError(self._lost)
        try:
            with self._translated():
                self._chip.connect_to_gnd(np.empty(0, np.uint64))
                yield
        finally:
            self._idle()

    def _idle(self) -> None:
        """Ground everything; also tried on an instrument that failed."""
        with self._translated():
            try:
                if self._selectors:
                    self._chip.config_selectors([])
            finally:
                self._chip.finalise_operation(self._api.IdleMode.HardGnd)
                self._execute()

    def _execute(self) -> None:
        """Send what is queued, and wait until it is done."""
        self._chip.execute()
        give_up = time.monotonic() + self._timeout
        while self._chip.busy():
            if time.monotonic() >= give_up:
                self._lost = (
                    f"arc2: the instrument is busy for more than {self._timeout:g} s: it was "
                    "unplugged or lost its power. Its lines may be driven: switch it off, and open "
                    "it again"
                )
                raise TransportError(self._lost)
            time.sleep(POLL)

    @contextmanager
    def _ended_after_deadline(self) -> Iterator[None]:
        """End this program where a call of the library does not come back in time.

        Such a call holds the interpreter: no other thread and no signal is heard, so that nothing
        gentler is left. Files are whole, as after a kill; the lines are as the instrument has them.
        """
        faulthandler.dump_traceback_later(self._timeout + GRACE, exit=True, file=2)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (MemlabError, KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # a panic in the library is no Exception
            self._lost = (
                f"arc2: the instrument failed ({type(error).__name__}: {error}). Check cable and "
                "power, and open it again"
            )
            raise TransportError(self._lost) from error
