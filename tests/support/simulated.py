"""Host link, firmware and board in one process and in simulated time."""

from itertools import count
from typing import Any

import numpy as np
from support.loopback import Damage, Loopback, intact

from drivers.board import Board, BoardConfig, LineClass, Mode, PulseBatch, Selection
from drivers.published_board import span_code
from drivers.pulse import PulseTimer
from firmware_protocol import messages as m
from firmware_protocol import vectors
from firmware_protocol.configuration import Configuration
from firmware_protocol.device import DeviceLink
from firmware_protocol.firmware import Firmware
from firmware_protocol.host import HostLink
from firmware_protocol.journal import Memory
from firmware_protocol.messages import LimitMode, Line
from memlab.array.board_config import board_config
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator import EmulatedBoard, load_preset
from memlab.virtual_board import BoardEvent, BoardExecutor, Fired

CONFIG: BoardConfig = board_config(
    Limits(), OperatingPoint(), PulseTimer(), EmulatedBoard(load_preset("ideal"), 0).capabilities
)


def wire_configuration(config: BoardConfig = CONFIG) -> Configuration:
    """Return a board's configuration as it travels."""
    timing = config.timing
    return Configuration(
        spans=tuple(span_code(config.spans[line]) for line in LineClass),
        limits={
            (line, mode): (
                config.limits[LineClass(line), Mode(mode)].minimum,
                config.limits[LineClass(line), Mode(mode)].maximum,
            )
            for line in Line
            for mode in LimitMode
        },
        timing=m.CfgTiming(
            sample_hold_ticks=timing.sample_hold_ticks,
            row_ticks=timing.row_ticks,
            convst_ticks=timing.convst_ticks,
            column_ticks=timing.column_ticks,
            settle_us=timing.settle_us,
            minimum_width_ticks=config.minimum_width_ticks,
            maximum_width_ticks=config.maximum_width_ticks,
        ),
        levels=m.CfgLevels(
            read_gate_code=config.read_gate_code, idle_row_code=config.idle_row_code
        ),
    )


def read_request(selection: Selection, row_code: int, gain: int, op: int) -> m.ReadArray:
    return m.ReadArray(
        op=op,
        rows=vectors.row_mask(selection.rows),
        cols=vectors.column_mask(selection.columns),
        v_row=row_code,
        v_idle=CONFIG.idle_row_code,
        v_gate=CONFIG.read_gate_code,
        gain_mode=gain - 1 if gain else 4,
    )


def vmm_request(selection: Selection, nvec: int, gain: int, op: int) -> m.VmmBegin:
    return m.VmmBegin(
        op=op,
        nvec=nvec,
        rows=vectors.row_mask(selection.rows),
        cols=vectors.column_mask(selection.columns),
        v_idle=CONFIG.idle_row_code,
        v_gate=CONFIG.read_gate_code,
        in_fmt=3,
        gain_mode=gain - 1 if gain else 4,
    )


def row_entries(batch: PulseBatch) -> np.ndarray:
    """Return a batch of pulses as `ROW_PULSE` records."""
    entries = np.zeros(len(batch), m.ROW_PULSE)
    entries["row"], entries["kind"] = batch.row, batch.kind
    entries["amp"], entries["width"] = batch.amplitude_code, batch.width_ticks
    bits = np.packbits(batch.columns, axis=1, bitorder="little")
    entries["cols"] = bits.view("<u8")[:, 0]
    entries["gate"] = batch.gate_code
    return entries


def random_pulses(rng: np.random.Generator, n: int) -> PulseBatch:
    """Return pulses within `CONFIG`: SET at 2.5 V, RESET at 1.7 V."""
    kind = rng.integers(0, 2, n).astype(np.uint8)
    amplitude = np.where(kind == 0, 32768 + 16384, 32768 + 11141).astype(np.uint16)
    return PulseBatch(
        row=rng.integers(0, 128, n).astype(np.uint8),
        kind=kind,
        amplitude_code=amplitude,
        width_ticks=np.full(n, 202, np.uint16),
        columns=rng.random((n, 64)) < 0.3,
        gate_code=rng.integers(3000, 16000, (n, 64)).astype(np.uint16),
    )


class Simulated(Loopback):
    """`Loopback` over a real board model, with its true log.

    Parameters
    ----------
    board
        Any board.
    jumper, link_class
        Passed to executor and link.
    """

    def __init__(
        self,
        board: Board,
        *,
        jumper: bool = False,
        link_class: type[DeviceLink] = DeviceLink,
        to_board: Damage = intact,
        to_host: Damage = intact,
        step: float = 0.001,
        **link_options: Any,
    ) -> None:
        self.now = 0.0
        self.events: list[BoardEvent] = []
        memory = Memory()
        self.executor = BoardExecutor(
            board, memory.journal, clock=lambda: self.now, jumper=jumper, record=self.events.append
        )
        self.firmware = Firmware(self.executor, memory, link_class(memory))
        self.link = HostLink(count(1).__next__, **link_options)
        self.to_board, self.to_host = to_board, to_host
        self.bytes_up = self.bytes_down = 0
        self._step = step

    @property
    def fired(self) -> list[Fired]:
        """Every pulse that truly happened."""
        return [event for event in self.events if isinstance(event, Fired)]

    def ready(self) -> "Simulated":
        """Connect and arm with memlab's own limits."""
        self.connect()
        self.arm(wire_configuration())
        return self
