"""A stand-in for pyarc2: its public names, over an emulated chip; no ArC TWO is anywhere.

Channels, their modes and the command buffer are as libarc2 0.6 documents them, with its traps: the
buffer keeps what is queued until `execute`, voltages are clipped in silence, a fast pulse reaches
every channel of a cluster that is in high-speed mode, and `busy` stays true after an unplug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import numpy as np

from drivers.board import BoardConfig, LineClass, Mode, PulseBatch, PulseKind, Selection
from drivers.converter import CodeRange
from drivers.published_board import AMPLIFIER, SENSE, SPANS, TIMER
from memlab.emulator import EmulatedBoard

STEP = 3.05179e-4
ROW, GATE = SPANS[LineClass.ROW], SPANS[LineClass.GATE]
_ANY, _NONE = CodeRange(0, 65535), CodeRange(32768, 32768)


class ArC2Error(Exception):
    """As pyarc2 raises it."""


class PanicException(BaseException):
    """As a panic of the library reaches Python: no Exception."""


class IdleMode(Enum):
    Float = 1
    SoftGnd = 2
    HardGnd = 3


class DataMode(Enum):
    Words = 1
    Bits = 2
    All = 3


class ReadType(Enum):
    Current = 1
    Voltage = 2


class AuxDACFn(Enum):
    SELL = 0
    SELH = 1


def dac(volts: float) -> float:
    """Return what a DAC makes of a voltage: rounded, and clipped in silence."""
    code = round(float((np.float32(volts) + np.float32(10.0)) / np.float32(STEP)))
    return (min(max(code, 0), 65535) - 32768) * STEP


class Instrument:
    """What is used of `pyarc2.Instrument`.

    Parameters
    ----------
    port, firmware, init
        As there.
    """

    world: FakePyarc2

    def __init__(self, port: int, firmware: str, init: bool = True) -> None:
        self.queue: list[Callable[[], None]] = []
        self.open = True
        self.world.instruments.append(self)

    # --- the command buffer

    def execute(self) -> Instrument:
        self.world.reach("execute")
        queue, self.queue = self.queue, []
        for command in queue:
            command()
        return self

    def busy(self) -> bool:
        return self.world.unplugged or self.world.stuck

    def pick_one(self, mode: DataMode, rtype: ReadType) -> Any:
        self.world.reach("pick_one")
        assert (mode, rtype) == (DataMode.All, ReadType.Current)
        return self.world.results.pop(0) if self.world.results else None

    def _queue(self, name: str, command: Callable[[], None]) -> Instrument:
        self.world.fail_at(name)
        self.queue.append(command)
        return self

    # --- channels

    def connect_to_gnd(self, chans: Iterable[int]) -> Instrument:
        lines = [int(c) for c in chans]
        return self._queue("connect_to_gnd", lambda: self.world.ground(lines))

    def config_channels(
        self,
        input: Iterable[tuple[int, float]],  # noqa: A002 - pyarc2's own word
        base: float | None = None,
    ) -> Instrument:
        pairs = [(int(c), float(v)) for c, v in input]

        def command() -> None:
            channels = self.world.channels
            if base is not None:
                channels.update({c: ("arb", dac(base), dac(base)) for c in range(64)})
            channels.update({c: ("arb", dac(v), dac(v)) for c, v in pairs})

        return self._queue("config_channels", command)

    def open_channels(self, channels: Iterable[int]) -> Instrument:
        lines = list(channels)
        opened = dict.fromkeys(lines, ("open", 0.0, 0.0))
        return self._queue("open_channels", lambda: self.world.channels.update(opened))

    def config_aux_channels(self, voltages: Iterable[tuple[AuxDACFn, float]]) -> Instrument:
        pairs = {function: dac(volts) for function, volts in voltages}
        return self._queue("config_aux_channels", lambda: self.world.levels.update(pairs))

    def config_selectors(self, selectors: Iterable[int]) -> Instrument:
        lines = set(selectors)
        assert all(0 <= line < 32 for line in lines)

        def command() -> None:
            self.world.selected = lines

        return self._queue("config_selectors", command)

    def finalise_operation(
        self, mode: IdleMode | None = None, control: object | None = None
    ) -> None:
        assert mode is IdleMode.HardGnd

        def command() -> None:
            self.world.channels.update(dict.fromkeys(range(64), ("open", 0.0, 0.0)))
            self.world.ground(list(range(64)))

        self._queue("finalise_operation", command)
        self.execute()

    # --- reading and pulsing

    def read_slice_open_deferred(self, highs: Iterable[int], ground_after: bool) -> Instrument:
        lines = [int(c) for c in highs]
        return self._queue("read_slice_open_deferred", lambda: self.world.sense(lines))

    def pulse_slice_masked(
        self, chan: int, voltage: float, nanos: int, mask: Iterable[int]
    ) -> Instrument:
        lines, half = [int(c) for c in mask], float(voltage) / 2

        def command() -> None:
            # Resting and pulsed voltage; others keep their modes, and their DACs go to 0 V.
            channels = self.world.channels
            channels.update({c: (mode, 0.0, 0.0) for c, (mode, _, _) in channels.items()})
            channels.update({c: ("hs", 0.0, dac(half)) for c in lines})
            channels[chan] = ("hs", 0.0, dac(-half))
            clusters = {c // 8 for c in (chan, *lines)}
            self.world.pulse(dict.fromkeys(clusters, nanos))

        return self._queue("pulse_slice_masked", command)

    def pulse_slice_fast_open(
        self,
        chans: list[tuple[int, float, float]],
        cl_nanos: list[int | None],
        preset_state: bool,
    ) -> Instrument:
        assert len(cl_nanos) == 8
        assert all(cl_nanos[chan // 8] is not None for chan, _, _ in chans)
        times = {cluster: t for cluster, t in enumerate(cl_nanos) if t is not None}

        def command() -> None:
            for chan, active, normal in chans:
                self.world.channels[chan] = ("hs", dac(normal), dac(active))
            self.world.pulse(times)

        return self._queue("pulse_slice_fast_open", command)


class FakePyarc2:
    """The module, and the instrument behind it.

    Parameters
    ----------
    board
        The emulated chip, at most 32 x 32.
    rows, columns
        Channels of its lines.
    gates
        Whether selectors drive its gates; else they stay open, at `held` V in a SET.
    """

    LIBARC2_VERSION = "0.6.0"
    IdleMode, DataMode, ReadType, AuxDACFn = IdleMode, DataMode, ReadType, AuxDACFn
    ArC2Error = ArC2Error

    def __init__(
        self,
        board: EmulatedBoard,
        rows: np.ndarray,
        columns: np.ndarray,
        gates: bool,
        held: float = 1.6,
    ) -> None:
        self.board, self.gates, self.held = board, gates, held
        self.rows, self.columns = rows.tolist(), columns.tolist()
        self.instruments: list[Instrument] = []
        self.channels: dict[int, tuple[str, float, float]] = {}
        self.grounded: set[int] = set()
        self.levels = {AuxDACFn.SELL: 0.0, AuxDACFn.SELH: 0.0}
        self.selected: set[int] = set()
        self.results: list[np.ndarray] = []
        self.unplugged = self.stuck = False
        self.failing, self.panics = "", False
        """Name of the call that fails next, and how."""
        self.pulses: list[tuple[int, tuple[int, ...], float, int]] = []
        """Row, columns, voltage of the columns against the row and width in ns of all pulses."""
        self.largest_other = 0.0
        """Largest share of a pulse that a cell saw which was not to be pulsed."""
        limits = {(line, mode): _ANY for line in LineClass for mode in Mode}
        board.configure(BoardConfig(SPANS, limits, read_gate_code=32768, idle_row_code=32768))
        self.Instrument = type("Instrument", (Instrument,), {"world": self})

    def find_ids(self) -> list[int]:
        return [] if self.unplugged else [0]

    def reach(self, name: str) -> None:
        self.fail_at(name)
        if self.unplugged:
            raise ArC2Error(f"FPGA Error: cannot {name}")

    def fail_at(self, name: str) -> None:
        if self.failing == name:
            self.failing = ""
            raise PanicException(name) if self.panics else ArC2Error(name)

    def ground(self, lines: list[int]) -> None:
        self.grounded = set(lines)

    @property
    def idle(self) -> bool:
        """Whether every channel is tied to ground, and every selector low."""
        return self.grounded == set(range(64)) and not self.selected

    # --- physics

    def _volts(self, channel: int, pulsed: set[int]) -> float | None:
        """Return the voltage of a channel, while clusters are pulsed; None where it floats."""
        mode, rest, active = self.channels.get(channel, ("open", 0.0, 0.0))
        if channel in self.grounded:
            return 0.0
        if mode == "open":
            return None
        return active if mode == "hs" and channel // 8 in pulsed else rest

    def _open_columns(self) -> list[int]:
        return [j for j in range(len(self.columns)) if not self.gates or j in self.selected]

    def sense(self, highs: list[int]) -> None:
        row_volts = {i: self._volts(c, set()) for i, c in enumerate(self.rows)}
        rows = np.array([i for i, volts in row_volts.items() if volts is not None])
        columns = np.array([self.columns.index(c) for c in highs])
        assert set(columns.tolist()) <= set(self._open_columns())
        assert all(self._volts(c, set()) == 0.0 for c in highs)
        code = ROW.encode([[row_volts[i] for i in rows]])
        samples = self.board.vmm(Selection(rows, columns), code)
        volts = SENSE.decode(samples.code[0])
        current = -volts / np.array(AMPLIFIER.resistance)[samples.gain[0] - 1]
        result = np.full(64, np.nan, np.float32)
        result[highs] = -current  # what flows out of the array is negative
        self.results.append(result)

    def pulse(self, times: dict[int, int]) -> None:
        pulsed, nanos = set(times), max(times.values())
        rows = [self._volts(c, pulsed) for c in self.rows]
        columns = [self._volts(c, pulsed) for c in self.columns]
        across = np.zeros((len(rows), len(columns)))
        for i, below in enumerate(rows):
            for j in self._open_columns():
                above = columns[j]
                if below is not None and above is not None:
                    across[i, j] = above - below
        largest = float(np.abs(across).max())
        if not largest:
            return
        full = np.abs(across) > 0.75 * largest
        others = np.abs(across[~full]).max(initial=0.0) / largest
        self.largest_other = max(self.largest_other, others)
        for i in np.flatnonzero(full.any(axis=1)):
            chosen = np.flatnonzero(full[i])
            self.pulses.append((int(i), tuple(chosen.tolist()), float(across[i, chosen[0]]), nanos))
            self._fire(int(i), chosen, float(across[i, chosen[0]]), nanos)

    def _fire(self, row: int, columns: np.ndarray, volts: float, nanos: int) -> None:
        gate = self.levels[AuxDACFn.SELH] if self.gates else self.held
        fire(
            self.board,
            row,
            columns,
            volts,
            nanos * 1e-9,
            5.0 if volts < 0 and not self.gates else gate,
        )


def fire(
    board: EmulatedBoard, row: int, columns: np.ndarray, volts: float, seconds: float, gate: float
) -> None:
    """Pulse cells of an emulated chip: a SET where the columns are above the row, else a RESET."""
    kind = PulseKind.SET if volts > 0 else PulseKind.RESET
    mask = np.zeros((1, board.capabilities.columns), bool)
    mask[0, columns] = True
    board.pulse(
        PulseBatch(
            row=np.array([row], np.uint16),
            kind=np.array([kind], np.uint8),
            amplitude_code=ROW.encode([abs(volts)]),
            width_ticks=TIMER.ticks([min(max(seconds, TIMER.minimum), TIMER.maximum)]),
            columns=mask,
            gate_code=np.where(mask, int(GATE.encode(gate)), 0).astype(np.uint16),
        )
    )
