"""Whether a run may go on on a board outside of this process: nothing may be pulsed twice.

The board must be that of the run, in the life in which the run left it; this computer's record of
it must know what the run has sent; and others must not have pulsed it since, for that could have
been a copy of the run. Nothing is changed here, and nothing is pulsed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from drivers.board import Board, Outcome
from drivers.history import KeptHistory
from memlab.array import Array
from memlab.errors import DataError
from memlab.passport.fate import attempts
from memlab.passport.life import is_kept, is_virtual
from memlab.storage import State

__all__ = [
    "Vouched",
    "check_kept_chip",
    "check_life",
    "check_not_lost",
    "check_others",
    "check_record",
    "check_serial",
    "restart_note",
]

_RESTARTS = "board_restarts"
"""Attribute of a run file: [before, after, when] of each restart of its board."""


@dataclass(frozen=True)
class Vouched:
    """What the user says of a run that goes on, and no file and no board can tell.

    Parameters
    ----------
    board_restarted
        The board was restarted since, and the chip has kept its state; the run file notes it.
    record_lost
        No copy of the run has gone on, although this computer's record of the board does not know
        what the run has sent, or others have pulsed the board since: open batches stay in doubt,
        and that a copy has gone on would not be noticed.
    """

    board_restarted: bool = False
    record_lost: bool = False


def check_serial(path: Path, board: Board, was: str) -> None:
    """Refuse another board than that of the run."""
    now = board.capabilities.serial
    if was != now:
        raise DataError(
            f"{path} was measured on board {was}; this is {now}. Connect the board of the run"
        )


def check_record(path: Path, board: Board, ticket: str) -> None:
    """Refuse a record of the board that does not know what the run has sent.

    A record that was lost, put aside or is another computer's knows nothing of what a copy of the
    file may have fired since: its silence says nothing, also of batches that are still to come.

    Parameters
    ----------
    path
        The run file.
    board
        Its board.
    ticket
        The last one that the run is known to have registered; '' where that is none.
    """
    if not ticket or board.fate(ticket) is None:
        raise DataError(
            f"{path}: this computer's pulse record of the board does not know what the run has "
            "sent: it was lost or put aside, MEMLAB_STATE is another one, or this is another "
            "computer. Bring it back; or, if no copy of the file has gone on, resume with "
            "--record-lost: what was in doubt stays in doubt. Nothing was pulsed"
        )


def check_others(path: Path, board: Board, was: str) -> None:
    """Refuse where others have pulsed the board, and last so when `Board.others_pulsed` was `was`.

    The record may be an old copy, put back together with the run file: what it knows of the run
    fits then, and others may have been a copy of the run that has gone on.
    """
    if was != board.others_pulsed:
        raise DataError(
            f"{path}: since it was begun, the board got pulses that this computer's pulse record "
            f"does not know ({board.others_pulsed or 'nor that'}): of another computer, or of this "
            "one before its record was put back from a copy. If no copy of the run has gone on, "
            "resume with --record-lost. Nothing was pulsed"
        )


def check_life(path: Path, board: Board, was: str, *, restarted: bool) -> bool:
    """Refuse a board in another life than `was`; return whether it is in one all the same.

    That of a real chip is allowed if the user says that it has kept its state (`restarted`).
    """
    now = board.life
    if not was or not now or was == now:
        return False
    if is_kept(board):  # the record says what the chip has lost (`check_not_lost`)
        return True
    if is_virtual(board):
        raise DataError(
            f"{path}: the virtual board was started anew since, so its chip is blank and the run "
            "cannot go on; start it again, with another --out. Nothing was pulsed"
        )
    if not restarted:
        raise DataError(
            f"{path}: the board was restarted since (life {was}, now {now}). If the chip has kept "
            "its state, resume with --board-restarted. Nothing was pulsed"
        )
    return True


def check_not_lost(path: Path, board: Board, ticket: str) -> None:
    """Refuse a chip in the file of a virtual board that was saved before what a run builds on.

    `ticket` is of its last batch that was fired for certain; '' where that is none.
    """
    fate = board.fate(ticket) if ticket and is_kept(board) else None
    if fate is None or not fate.size:
        return
    outcome, _ = attempts(board, ticket, fate.size)
    if outcome is not None and (outcome == Outcome.NOT_FIRED).any():
        raise DataError(
            f"{path}: the chip in the board's file was saved before the last pulses that this run "
            "builds on, and lost them when the board's program ended. Serve a later file of the "
            "chip, or start the run again, with another --out. Nothing was pulsed"
        )


def check_kept_chip(path: Path, array: Array, state: State, runs: Sequence[str]) -> None:
    """Refuse to put a chip in a file back to a state of a run where others have pulsed it since.

    Parameters
    ----------
    path
        The run file.
    array
        On the chip; one whose chip is kept in no file is fine.
    state
        Of array and passport, as a checkpoint has them.
    runs
        Identities of the runs that may have pulsed it since.
    """
    chip, passport = array.simulation, array.passport
    if chip is None or not chip.kept:
        return
    then = KeptHistory.of(state["array"]["board"]["history"])
    since = np.empty(0, np.uint32)
    if passport is not None and state["passport"] is not None:
        since = passport.prints_since(int(state["passport"]["ledger"]["last"]), runs)
    now = array.board.history()
    # The chip itself knows its way: what a passport says that is a copy, or a new one, is less.
    if now is not None and now not in (then.at(now.count), then.now.after(since)):
        raise DataError(
            f"{path}: its chip ({array.url}) was pulsed since by others, or without a passport "
            "that says by whom, and would lose those pulses if it went back to where this run was. "
            "Put the file of then in its place, or start the run again, with another --out"
        )


def restart_note(attributes: Mapping[str, Any], was: str, now: str) -> dict[str, Any]:
    """Return what a run file with these attributes says of a restart between two lives."""
    restarts = json.loads(attributes.get(_RESTARTS, "[]"))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {_RESTARTS: json.dumps([*restarts, [was, now, when]])}
