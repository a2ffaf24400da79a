"""A chip in a file and its passport are two files, written at different moments: they are compared.

The passport has each pulse before it is sent; the chip is saved now and then. So a kill leaves a
passport that is ahead of its chip: what it has after the `position` that was saved with the chip
never happened to the chip that there is now. That is said, and taken back: such batches stay in the
passport, as not fired, with a decision that says why. Formings after it are forgotten.

A chip that is ahead of its passport - that was put back from a copy, lost, or not there - got
pulses that nobody can tell any more; the passport notes that others have pulsed it. Where both have
gone on without each other, one of them is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from memlab.errors import DataError
from memlab.passport.passport import Passport
from memlab.passport.pulses import Outcome
from memlab.storage import State

__all__ = ["meet_chip", "position"]

LOGGER = logging.getLogger("memlab.passport")


def position(passport: Passport, pulsed: int) -> State:
    """Return up to where a passport tells of the chip as it is now.

    Parameters
    ----------
    passport
        Of the chip.
    pulsed
        What the chip itself counts of its pulses.
    """
    return {
        "batch": passport.reached,
        "time": _time_of(passport, passport.reached),
        "forming": passport.last_forming,
        "pulsed": pulsed,
    }


def meet_chip(
    passport: Passport,
    path: Path,
    serial: str,
    saved: Mapping[str, Any] | None,
    pulsed: int,
    *,
    refuse: bool = False,
) -> None:
    """Compare a passport with the chip in a file that was opened with it.

    Parameters
    ----------
    passport
        No batch of it is open.
    path, serial
        Of the chip.
    saved
        `position` as it was saved with the chip; None where it had no passport yet.
    pulsed
        What the chip itself counts of its pulses.
    refuse
        Refuse where the chip lacks something, instead of taking it back.

    Raises
    ------
    DataError
        If it is the passport of another chip, or the two have gone on without each other.
    """
    owner = passport.chip_in_file
    if owner != serial and (owner or passport.has_history):
        raise DataError(
            f"the passport {passport.path} is of {owner or 'another chip'}, not of the chip "
            f"{serial} in {path}. Name another file (passport=FILE), or do without (passport=none)"
        )
    saved = saved or {"batch": 0, "time": None, "forming": 0, "pulsed": 0}
    batch, forming = int(saved["batch"]), int(saved["forming"])
    lost = [
        found
        for found in passport.ledger.batches(after=batch)
        if (found.outcome != Outcome.NOT_FIRED).any()
    ]
    behind = bool(lost) or passport.last_forming > forming
    ahead = pulsed > int(saved["pulsed"]) or _time_of(passport, batch) != saved["time"]
    if ahead and behind:
        raise DataError(
            f"the chip {path} and its passport {passport.path} have gone on without each other: "
            "one of them is a copy. Bring the other one of that time back, or name another "
            "passport (passport=FILE, passport=none)"
        )
    if ahead:
        passport.note_others(f"{serial} {pulsed}")
        LOGGER.warning(
            "the chip %s got pulses that its passport %s does not have: it was pulsed without it, "
            "or the passport is a copy or was lost. The passport notes that",
            path,
            passport.path,
        )
    if behind:
        count = sum(int(np.count_nonzero(one.outcome != Outcome.NOT_FIRED)) for one in lost)
        since = _since(lost[0].time) if lost else ""
        told = (
            f"the chip {path} lacks the last {count} row pulses of its passport{since}: the "
            "program that fired them ended before it saved the chip"
        )
        if refuse:
            raise DataError(f"{told}. Bring a later chip back, or open without lost=refuse")
        for one in lost:
            nothing = np.full(len(one.pulses), Outcome.NOT_FIRED, np.uint8)
            passport.ledger.settle_again(one, nothing, by=f"the chip in {path} lacks them")
        formings = passport.take_back_formings(forming)
        also = f", and {formings} formings," if formings else ""
        LOGGER.warning("%s. They are taken back%s: the passport has them as not fired", told, also)
    if owner != serial:
        passport.chip_in_file = serial


def _time_of(passport: Passport, batch: int) -> float | None:
    """Return when a batch was entered, which tells it from others of its number; None of none."""
    found = next(passport.ledger.batches(after=batch - 1), None) if batch else None
    return found.time if found is not None and found.number == batch else None


def _since(time: float) -> str:
    return f" (since {datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC)"
