"""Up to where a passport tells of a chip that keeps a history of its own (`drivers.history`).

The batches of a passport, in order, make a history for each place in it: the pulses that were fired
follow each other, those that were not are left out, and of pulses in doubt a chip has got the
first ones of a batch or none. A place whose history is the chip's is where the chip is. Where a
chip was ahead of its passport, what it said of itself then is a history to go on from as well, for
as long as nothing before it is decided otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from drivers.board import Outcome
from drivers.history import History, Prints
from memlab.numeric import BoolArray
from memlab.passport.store import Store

__all__ = ["Found", "find_history"]

Fired = dict[int, BoolArray]
"""Which pulses of batches a chip got, by their numbers."""

_MOST = 4096
"""Histories that are followed at a time: each pulse in doubt makes another one."""


@dataclass(eq=False)
class Found:
    """Where the chip is.

    Parameters
    ----------
    number
        Of the batch that it got last, wholly or in part; None where it is nowhere in the passport.
    fired
        Which pulses of a batch it got, by number: of batches in doubt up to there, and of that one.
    ends
        Where it is nowhere: what a chip would say that has got all of the passport, and `fired` of
        each. Empty where the passport does not know that.
    """

    number: int | None
    fired: Fired = field(default_factory=dict)
    ends: dict[History, Fired] = field(default_factory=dict)


def find_history(store: Store, wanted: History) -> Found:
    """Return where the chip of this history is, the last place of several."""
    told: dict[int, list[History]] = {}
    for batch, count, check in store.rows("SELECT batch, count, checksum FROM histories"):
        told.setdefault(int(batch), []).append(History(int(count), int(check)))
    heads: dict[History, Fired] = {History(): {}}
    found = Found(None)

    def arrive(number: int, reached: dict[History, Fired]) -> None:
        for head in told.get(number, ()):
            reached.setdefault(head, {})
        # Where nothing of a batch was fired, the chip is at the batch before it.
        if wanted in reached and (wanted not in heads or not number):
            found.number, found.fired = number, reached[wanted]

    arrive(0, heads)
    for number, prints, outcome in _batches(store):
        reached: dict[History, Fired] = {}
        for fired, is_doubtful in _ways(outcome) if prints is not None else ():
            assert prints is not None
            sent = prints if fired.all() else prints[fired]
            decided = {number: fired} if is_doubtful else {}
            for head, path in heads.items():
                reached.setdefault(head.after(sent), path | decided)
                part = wanted.count - head.count
                if 0 < part < sent.size and head.after(sent[:part]) == wanted:
                    got = fired & (np.cumsum(fired) <= part)
                    found.number, found.fired = number, path | {number: got}
        reached = reached if len(reached) <= _MOST else {}
        arrive(number, reached)
        heads = reached
    found.ends = heads
    return found


def _batches(
    store: Store,
) -> Iterator[tuple[int, Prints | None, npt.NDArray[np.uint8]]]:
    """Return number, prints (None where they are not known) and outcome of each batch."""
    query = (
        "SELECT id, prints, outcome FROM batches LEFT JOIN prints ON prints.batch = id "
        "LEFT JOIN outcomes ON outcomes.batch = id ORDER BY id"
    )
    for number, content, outcome in store.rows(query):
        with store.decoding():
            prints = None if content is None else np.frombuffer(content, "<u4")
            empty = bytes(0 if prints is None else prints.size)
            known = np.frombuffer(empty if outcome is None else outcome, np.uint8)
            if prints is not None and prints.size != known.size:
                raise ValueError(f"{prints.size} checksums of {known.size} pulses")
        yield number, prints, known


def _ways(outcome: npt.NDArray[np.uint8]) -> Iterator[tuple[BoolArray, bool]]:
    """Return which pulses may have been fired, for each way it may have gone; whether in doubt."""
    done = outcome == Outcome.DONE
    doubt = ~done & (outcome != Outcome.NOT_FIRED)
    if done.all() or not doubt.any():
        yield done, False
        return
    nth = np.cumsum(doubt)
    for count in range(int(nth[-1]) + 1):
        yield done | (doubt & (nth <= count)), True
