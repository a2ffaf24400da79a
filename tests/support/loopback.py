"""Both ends of the wire in one process, in simulated time: the shortest complete example.

    loop = Loopback(PaperBoard())
    loop.connect()
    loop.arm()
    codes, gains = loop.run(Read(ReadArray(...)))
    loop.run(Job(op, pulses))

`Loopback` does for tests what a driver and a virtual board do with real ports and clocks: it moves
bytes and time. A `damage` function may lose or change what is under way.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
from support.wire_host import WireHost

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.configuration import Configuration
from firmware_protocol.errors import RefusedError
from firmware_protocol.executor import AUTO, Samples
from firmware_protocol.firmware import Firmware
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import HostEvent
from firmware_protocol.journal import Memory

Damage = Callable[[bytes], bytes]


def intact(data: bytes) -> bytes:
    """Damage nothing."""
    return data


def warm_reset(memory: Memory) -> Memory:
    """Return what is left after a reset that kept the RAM."""
    memory.journal.close_open_entries(m.ErrorCode.ABORTED)
    return Memory(memory.boots + 1, memory.boot_id, memory.journal, memory.last_session)


def cold_reset(memory: Memory) -> Memory:
    """Return what is left after a loss of power."""
    return Memory(memory.boots + 1, memory.boots + 1)


class PaperBoard:
    """An executor without hardware: it logs pulses, and samples tell rows, columns and codes."""

    def __init__(self) -> None:
        self.uid = bytes(range(12))
        self.pulses: list[np.void] = []
        self.grounded = True
        self.measured = 0

    def info(self) -> m.GetInfoResponse:
        """Return the identity of a board of 128 x 64 with four gains."""
        return m.GetInfoResponse(
            rows=128,
            cols=64,
            dac_count=16,
            adc_count=8,
            channel_map=1,
            gain_count=4,
            transimpedance=np.array([1000, 10000, 100000, 1000000], np.uint32),
            adc_span_mv=10000,
            clip_mv=2400,
            gain_threshold_mv=2200,
            pulse_offset_ps=160000,
            pulse_tick_ps=4167,
            timer_tick_ps=4167,
            max_job_cells=8192,
            max_job_rows=1024,
            config_crc=0,
            hard_limits=np.array([0, 65535] * 9, np.uint16),
            name="paper",
            serial="0",
            firmware="1.0",
        )

    def limits(self) -> m.GetLimitsResponse:
        """Return the bounds of pulses."""
        return m.GetLimitsResponse(max_width_ticks=1023, max_count=100, slow=1, min_pause_us=0)

    def drivers(self) -> m.GetDriversResponse:
        """Return three currents that differ."""
        return m.GetDriversResponse(read_na=10_000_000, set_na=20_000_000, reset_na=50_000_000)

    def history(self, count: int | None) -> m.GetHistoryResponse:
        """Say that nothing is kept."""
        return m.GetHistoryResponse(known=0, count=0, check=0)

    def configure(self, configuration: Configuration) -> None:
        """Accept any configuration."""
        self.grounded = True

    def ground(self) -> None:
        """Remember that the lines are grounded."""
        self.grounded = True

    def read(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], row_code: int, gain: int
    ) -> Samples:
        """Return 256 * row + column for every cell."""
        self.grounded = False
        self.measured += len(rows)
        code = (256 * rows[:, None] + columns).astype(np.uint16)
        return code, self._gains(code, gain)

    def vmm(
        self,
        rows: npt.NDArray[np.intp],
        columns: npt.NDArray[np.intp],
        row_code: npt.NDArray[np.uint16],
        gain: int,
    ) -> Samples:
        """Return the sum of the codes plus the column, modulo 2**16."""
        self.grounded = False
        self.measured += len(row_code)
        code = row_code.sum(axis=1, dtype=np.uint16)[:, None] + columns.astype(np.uint16)
        return code, self._gains(code, gain)

    @staticmethod
    def _gains(code: npt.NDArray[np.uint16], gain: int) -> npt.NDArray[np.uint8]:
        auto = (code % 4 + 1).astype(np.uint8)
        return auto if gain == AUTO else np.full(code.shape, gain, np.uint8)

    def pulse(self, pulse: np.void) -> None:
        """Log the pulse."""
        self.pulses.append(pulse.copy())

    def unlock(self, *, unsafe: bool) -> None:
        """Refuse what needs a jumper: there is none."""
        if unsafe:
            raise RefusedError(m.ErrorCode.LOCKED, 1, "a paper board has no jumper")

    def low_level(self, request: Message) -> Message:
        """Refuse: there are no chips."""
        raise RefusedError(m.ErrorCode.UNKNOWN_MSG, request.ID, "no chips on a paper board")


class Loopback(WireHost):
    """A host link and a firmware joined by two lines, in simulated time.

    Parameters
    ----------
    board
        What the firmware runs.
    to_board, to_host
        What happens to the bytes under way.
    step
        Simulated seconds that one exchange takes.
    link_options
        Passed to `HostLink`.
    """

    def __init__(
        self,
        board: PaperBoard,
        to_board: Damage = intact,
        to_host: Damage = intact,
        step: float = 0.001,
        **link_options: Any,
    ) -> None:
        self.now = 0.0
        self.board = board
        self.firmware = Firmware(board, Memory())
        self.link = HostLink(count(1).__next__, **link_options)
        self.to_board, self.to_host = to_board, to_host
        self.bytes_up = self.bytes_down = 0
        self._step = step

    def time(self) -> float:
        """Return the simulated time."""
        return self.now

    def exchange(self) -> list[HostEvent]:
        """Move what is under way, let one step of time pass, return what the host sees."""
        self.now += self._step
        up = self.link.data_to_send()
        self.bytes_up += len(up)
        self.firmware.receive_bytes(self.to_board(up), self.now)
        while self.firmware.tick(self.now):
            pass
        down = self.firmware.data_to_send()
        self.bytes_down += len(down)
        events = self.link.receive_bytes(self.to_host(down), self.now)
        return events + self.link.tick(self.now)
