"""Up to where a passport tells of a chip that keeps a history of its own (`drivers.history`).

The batches of a passport, in order, make a history for each place in it: the pulses that were fired
follow each other, those that were not are left out, and of pulses in doubt a chip has got the
first ones of a batch or none. A place whose history is the chip's is where the chip is. What the
chip said of itself at an earlier meeting is a place to begin from as well: it may have had pulses
that no passport has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from drivers.board import Outcome
from drivers.history import History
from memlab.numeric import BoolArray
from memlab.passport.store import Store

__all__ = ["Found", "find_history"]

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
    fired: dict[int, BoolArray] = field(default_factory=dict)
    ends: dict[History, dict[int, BoolArray]] = field(default_factory=dict)


def find_history(store: Store, history: History) -> Found:
    """Return where the chip of this history is, the last place of several."""
    last = store.row("SELECT max(batch) FROM histories")
    begin = int((last and last[0]) or 0)
    found = _follow(store, history, begin)
    return found if found.number is not None or not begin else _follow(store, history, 0)


def _follow(store: Store, wanted: History, begin: int) -> Found:
    """Follow the passport from a batch on, of which the file says what the chip had got then."""
    told: dict[int, list[History]] = {}
    query = "SELECT batch, count, checksum FROM histories WHERE batch >= ?"
    for batch, count, check in store.rows(query, begin):
        told.setdefault(int(batch), []).append(History(int(count), int(check)))
    heads: dict[History, dict[int, BoolArray]] = {} if begin else {History(): {}}
    found = Found(None)

    def meet(number: int) -> None:
        for head in told.get(number, ()):
            heads.setdefault(head, {})
        if wanted in heads:
            found.number, found.fired = number, heads[wanted]

    meet(begin)
    for number, content, outcome in _batches(store, begin):
        following: dict[History, dict[int, BoolArray]] = {}
        for fired, doubt in _ways(outcome) if content is not None else ():
            assert content is not None
            prints = content[fired]
            for head, path in heads.items():
                more = {number: fired} if doubt else {}
                following.setdefault(head.after(prints), path | more)
                part = wanted.count - head.count
                if 0 < part < prints.size and head.after(prints[:part]) == wanted:
                    got = fired & (np.cumsum(fired) <= part)
                    found.number, found.fired = number, path | {number: got}
        heads.clear()
        heads |= following if len(following) <= _MOST else {}
        meet(number)
    found.ends = heads
    return found


def _batches(store: Store, after: int) -> Iterator[tuple[int, np.ndarray | None, np.ndarray]]:
    """Return number, prints (None where they are not known) and outcome of each batch."""
    query = (
        "SELECT id, prints, outcome FROM batches LEFT JOIN prints ON prints.batch = id "
        "LEFT JOIN outcomes ON outcomes.batch = id WHERE id > ? ORDER BY id"
    )
    for number, content, outcome in store.rows(query, after):
        with store.decoding():
            prints = None if content is None else np.frombuffer(content, "<u4")
            empty = bytes(0 if prints is None else prints.size)
            known = np.frombuffer(empty if outcome is None else outcome, np.uint8)
            if prints is not None and prints.size != known.size:
                raise ValueError(f"{prints.size} checksums of {known.size} pulses")
        yield number, prints, known


def _ways(outcome: np.ndarray) -> Iterator[tuple[BoolArray, bool]]:
    """Return which pulses may have been fired, for each way it may have gone; whether in doubt."""
    done = outcome == Outcome.DONE
    doubt = ~done & (outcome != Outcome.NOT_FIRED)
    nth = np.cumsum(doubt)
    for count in range(int(nth[-1]) + 1 if nth.size else 1):
        yield done | (doubt & (nth <= count)), bool(doubt.any())
