"""A Board with firmware in front of it: everything of a virtual board except the port."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from drivers.board import Board
from firmware_protocol.firmware import Firmware
from firmware_protocol.framing import encode_frame
from firmware_protocol.journal import Journal, Memory
from firmware_protocol.messages import ErrorCode, Kind, StateEvent
from memlab.storage import new_serial
from memlab.virtual_board.board_executor import BoardExecutor
from memlab.virtual_board.door import Plea, mlp_plea, text_plea
from memlab.virtual_board.dpe_firmware import DpeFirmware
from memlab.virtual_board.events import BoardEvent

__all__ = ["AsciiFirmware", "MlpFirmware", "dpe_board", "mlp_board"]


class MlpFirmware(Firmware):
    """MLP/1 firmware that can tell a port whether its client still counts."""

    clock: Callable[[], float] = staticmethod(time.monotonic)

    def idle(self) -> bool:
        """Return True when no session is alive, so that a second client may replace the first."""
        return not self.link.alive(self.clock())

    def pulsing(self) -> bool:
        """Return True while an operation that pulses is under way."""
        return bool(self.service.busy_op)

    def plea(self, data: bytes) -> Plea:
        """Return what the first bytes of a client that waits ask for."""
        return mlp_plea(data)

    def stop_now(self) -> bytes:
        """Stop as an ESTOP frame does; return what answers it to a client without a session."""
        self.link.discard_output()
        self.stop(ErrorCode.ESTOP)
        state = StateEvent(state=self.state)
        return encode_frame(Kind.EVT, StateEvent.ID, 0, 0, state.pack())


class AsciiFirmware(DpeFirmware):
    """Firmware of the ASCII dialect behind a port: nobody replaces a client that is there."""

    def plea(self, data: bytes) -> Plea:
        """Return what the first bytes of a client that waits ask for."""
        return text_plea(data)

    def stop_now(self) -> bytes:
        """Ground everything; the dialect has neither a latch nor an answer for that."""
        self.host_gone()
        return b""


def mlp_board(
    board: Board,
    jumper: bool = False,
    record: Callable[[BoardEvent], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    serial: str = "",
    highest_op: int = 0,
) -> MlpFirmware:
    """Return MLP/1 firmware over a board.

    Without a serial number it gets one that no other has: its chip is as blank as a new one, so
    that it must not be taken for the chip of an earlier process. A chip that was kept has got
    everything up to `highest_op`, and nothing after it.

    Its memory is new, as after a loss of power: another `boot_id` and session numbers that start
    elsewhere, so that a host sees that the journal of an earlier process is gone.
    """
    journal = Journal(op_hw=highest_op, lost_op=highest_op)
    memory = Memory(1 + secrets.randbelow(255), 1 + secrets.randbits(31), journal)
    executor = BoardExecutor(
        board,
        memory.journal,
        clock=clock,
        jumper=jumper,
        record=record,
        serial=serial or new_serial(board.capabilities.serial),
    )
    firmware = MlpFirmware(executor, memory)
    firmware.clock = clock
    return firmware


def dpe_board(
    board: Board,
    record: Callable[[BoardEvent], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsciiFirmware:
    """Return the published board's firmware over a board."""
    return AsciiFirmware(board, clock=clock, record=record)
