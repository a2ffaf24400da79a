"""Whether a board is still in the life in which a record left it.

A real chip keeps its state while its board is switched off. The chip of a virtual board is gone
with the server: the one that a new server makes is blank, whatever its serial number says.
"""

from __future__ import annotations

import logging

from drivers.board import Board
from drivers.simulation import IN_A_FILE
from memlab.errors import DataError
from memlab.passport.passport import Passport

__all__ = ["ends_with_program", "is_kept", "is_virtual", "meet"]

LOGGER = logging.getLogger("memlab.passport")


def is_virtual(board: Board) -> bool:
    """Whether the board says of itself that its chip is an emulated one."""
    return "emulated" in board.capabilities.name


def is_kept(board: Board) -> bool:
    """Whether the chip is an emulated one in a file, which outlives the program around it."""
    return is_virtual(board) and IN_A_FILE in board.capabilities.name


def ends_with_program(board: Board) -> bool:
    """Whether the chip is an emulated one in process: no later program can read what it was."""
    return is_virtual(board) and not board.life and not is_kept(board)


def meet(board: Board, passport: Passport) -> None:
    """Compare the life of a board with that in which the passport has seen it last, and note it.

    Also noted are pulses of others, which the passport cannot know.

    Raises
    ------
    DataError
        If it is a virtual board that was started anew, and the passport tells of another chip.
    """
    serial = board.capabilities.serial
    if board.others_pulsed and board.history() is None:  # else the chip tells it (`meet_chip`)
        passport.note_others(f"{serial} {board.others_pulsed}")
    passport.ledger.chip_stays = not ends_with_program(board)
    if not board.life:
        return
    now, last = f"{serial} {board.life}", passport.board_life
    if last != now and last.startswith(f"{serial} "):
        if is_virtual(board) and not is_kept(board) and passport.has_history:
            raise DataError(
                f"virtual board {serial} was started anew, so its chip is blank, and the passport "
                f"{passport.path} tells of an earlier one. Name another file (passport=FILE), or "
                "start the board with another --serial"
            )
        LOGGER.warning("board %s was restarted since its passport saw it last", serial)
    if last != now:
        passport.board_life = now
