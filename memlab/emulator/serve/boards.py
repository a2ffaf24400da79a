"""A Board with firmware in front of it: everything of a virtual board except the port."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from drivers.board import Board
from firmware_protocol.firmware import Firmware
from firmware_protocol.journal import Memory
from memlab.emulator.firmware import BoardEvent, BoardExecutor, DpeFirmware

__all__ = ["MlpFirmware", "dpe_board", "mlp_board", "new_serial"]


class MlpFirmware(Firmware):
    """MLP/1 firmware that can tell a port whether its client still counts."""

    clock: Callable[[], float] = staticmethod(time.monotonic)

    def idle(self) -> bool:
        """Return True when no session is alive, so that a second client may replace the first."""
        return not self.link.alive(self.clock())


def new_serial(board: Board) -> str:
    """Return a serial number of a virtual board that no other has: chip, seed and chance."""
    return f"{board.capabilities.serial[:23]}-{secrets.token_hex(4)}"


def mlp_board(
    board: Board,
    jumper: bool = False,
    record: Callable[[BoardEvent], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    serial: str = "",
) -> MlpFirmware:
    """Return MLP/1 firmware over a board.

    Without a serial number it gets one that no other has: its chip is as blank as a new one, so
    that it must not be taken for the chip of an earlier process.

    Its memory is new, as after a loss of power: another `boot_id` and session numbers that start
    elsewhere, so that a host sees that the journal of an earlier process is gone.
    """
    memory = Memory(boots=1 + secrets.randbelow(255), boot_id=1 + secrets.randbits(31))
    executor = BoardExecutor(
        board,
        memory.journal,
        clock=clock,
        jumper=jumper,
        record=record,
        serial=serial or new_serial(board),
    )
    firmware = MlpFirmware(executor, memory)
    firmware.clock = clock
    return firmware


def dpe_board(
    board: Board,
    record: Callable[[BoardEvent], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> DpeFirmware:
    """Return the published board's firmware over a board."""
    return DpeFirmware(board, clock=clock, record=record)
