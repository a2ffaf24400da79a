"""A chip that outlives the program around it, and its passport, are compared when both are opened.

An emulated chip in a file is saved now and then; its passport has each pulse before it is sent. So
a kill leaves a passport that is ahead of its chip: what it has more never happened to the chip that
there is now. That is said, and taken back: such batches stay in the passport, as not fired, with a
decision that says why, and formings after them are forgotten. What was in doubt, the chip knows.

A chip that is ahead of its passport - that was pulsed without it or with another one, or whose
passport was put back from a copy - got pulses that nobody can tell any more: the passport notes
that others have pulsed it. Where both have gone on without each other, one of them is refused.

What is compared is the history of the pulses (`drivers.history`), which the chip keeps and a board
tells: it does not matter whether the chip is in this process or served, nor in which order.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.board import Board
from drivers.history import History
from memlab.errors import DataError
from memlab.passport.histories import Found
from memlab.passport.ledger import Batch
from memlab.passport.passport import Passport
from memlab.passport.pulses import Outcome

__all__ = ["make_passport", "meet_chip"]

LOGGER = logging.getLogger("memlab.passport")


def make_passport(
    path: Path, shape: tuple[int, int], serial: str, first: Mapping[str, float]
) -> None:
    """Make the passport of a chip in a file, where there is none; `first` are its budgets."""
    if not os.path.exists(path):
        with Passport(path, shape, chip=serial, first=first) as passport:
            passport.chip_in_file = serial


def meet_chip(board: Board, passport: Passport, *, refuse: bool = False) -> None:
    """Compare a passport with the chip of a board that keeps its own history; else do nothing.

    Parameters
    ----------
    board, passport
        Open; no batch of the passport is.
    refuse
        Refuse where the chip lacks something, instead of taking it back.

    Raises
    ------
    DataError
        If it is the passport of another chip, or the two have gone on without each other.
    """
    now = board.history()
    if now is None:
        return
    serial = board.capabilities.serial
    _require_own(passport, serial)
    found = passport.find_history(now)
    is_ahead = found.number is None
    if is_ahead:
        found = _ahead(board, passport, now, found)
    assert found.number is not None
    changes = _changes(passport, found)
    lost = [one for one in changes if one.lost and one.batch.number >= found.number]
    if lost:
        count, since = sum(one.lost for one in lost), _since(lost[0].batch.time)
        told = (
            f"the chip {serial} lacks the last {count} row pulses of its passport "
            f"{passport.path}{since}: the program that had it ended before it saved the chip"
        )
        if refuse:
            raise DataError(f"{told}. Bring a later chip back, or open without lost=refuse")
    for one in changes:
        by = f"the chip {serial} {'lacks them' if one in lost else 'knows which it got'}"
        passport.ledger.settle_again(one.batch, one.outcome, by=by)
    formings = passport.take_back_formings(found.number)
    if lost:
        also = f", and {formings} formings," if formings else ""
        LOGGER.warning("%s. They are taken back%s: the passport has them as not fired", told, also)
    if is_ahead:
        passport.note_history(found.number, now)
    passport.reached = found.number
    passport.chip_in_file = serial


def _require_own(passport: Passport, serial: str) -> None:
    owner = passport.chip_in_file or (passport.chip if passport.has_history else serial)
    if owner != serial:
        raise DataError(
            f"the passport {passport.path} is of {owner}, not of the chip {serial}. Name another "
            "file (passport=FILE), or do without (passport=none)"
        )


def _ahead(board: Board, passport: Passport, now: History, nowhere: Found) -> Found:
    """Note pulses that the passport does not have; return where the chip is without them."""
    serial, last = board.capabilities.serial, passport.ledger.last
    known, long_ago = None, not nowhere.ends
    for end, fired in nowhere.ends.items():
        then = board.history(end.count)
        if end in (then, History()):
            known = fired
        long_ago = long_ago or (then is None and end.count < now.count)
    if known is None and not long_ago:
        raise DataError(
            f"the chip {serial} and its passport {passport.path} have gone on without each other: "
            "one of them is a copy. Bring the other one of that time back, or name another "
            "passport (passport=FILE, passport=none)"
        )
    passport.note_others(f"{serial} {now.count}")
    least = min((end.count for end in nowhere.ends), default=None)
    LOGGER.warning(
        "the chip %s got pulses that its passport %s does not have%s: it was pulsed without it, "
        "or the passport is a copy or was lost. The passport notes that; its budgets do not count "
        "them. If another passport has them, name that one (passport=FILE)",
        serial,
        passport.path,
        "" if least is None else f" ({now.count - least} of {now.count} row pulses)",
    )
    return Found(last, known or {})


@dataclass(eq=False)
class _Change:
    """A batch, its outcome by the chip, and how many pulses the passport has had too many."""

    batch: Batch
    outcome: npt.NDArray[np.uint8]
    lost: int


def _changes(passport: Passport, found: Found) -> list[_Change]:
    """Return what the chip knows otherwise: of batches in doubt, and of those after its last."""
    assert found.number is not None
    changes = []
    for batch in passport.ledger.batches(after=min([found.number, *found.fired]) - 1):
        fired = found.fired.get(batch.number)
        if fired is None and batch.number <= found.number:
            continue
        got = np.zeros(len(batch.pulses), bool) if fired is None else fired
        outcome = np.where(got, Outcome.DONE, Outcome.NOT_FIRED).astype(np.uint8)
        if not np.array_equal(outcome, batch.outcome):
            lost = int(np.count_nonzero(~got & (batch.outcome != Outcome.NOT_FIRED)))
            changes.append(_Change(batch, outcome, lost))
    return changes


def _since(time: float) -> str:
    return f" (since {datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC)"
