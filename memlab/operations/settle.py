"""Settle pulses of unknown fate by reading the cells that they were for; nothing is pulsed.

What was read last before the batch lies in the passport. From there each number of pulses that may
have been fired leads to another state, with wide margins; where the cells of a row-pulse are found
in just one of them, it is settled. Cells that were pulsed since, by others perhaps, or that nobody
had read before, say nothing. When in doubt, the answer is that it cannot be told. What is compared
is read under the load of the reading before (`memlab.chip.load`), where the passport has that.
"""

from __future__ import annotations

import getpass
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import PulseKind
from memlab.array.board_array import BoardArray
from memlab.chip.load import Load
from memlab.errors import SettingError
from memlab.mapping import SwitchingLaw
from memlab.numeric import BoolArray, FloatArray
from memlab.passport import Outcome, Passport, RowPulses
from memlab.passport.ledger import Batch
from memlab.passport.life import ends_with_program
from memlab.passport.story import iso

__all__ = ["Answer", "Settled", "settle_unknown"]

Outcomes = npt.NDArray[np.uint8]

READS = 8
"""Readings of the array; their mean is compared, their spread is the noise."""
_NOISE, _DRIFT, _FLOOR = 5.0, 0.1, 3e-6
"""Margin of an unchanged cell: standard deviations, part of its conductance, and S."""
_SET_LOW, _SET_HIGH = 0.5, 1.7
"""A SET leaves this part of what the law says, at least and at most."""
_RESET_HIGH, _RESET_PART = 60e-6, 0.4
"""A RESET leaves at most this many S, or this part of what there was."""
_MAJORITY = 0.8
"""Part of the cells that tell anything, which must tell the same: some are stuck."""
_CELLS = 3
"""Cells that must be found unchanged: a single one may be stuck."""


class Answer(StrEnum):
    """What reading says about a pulse."""

    DONE = "done"
    NOT_DONE = "not done"
    CANNOT_TELL = "cannot tell"


_OUTCOMES = {Answer.DONE: Outcome.DONE, Answer.NOT_DONE: Outcome.NOT_FIRED}


@dataclass(frozen=True)
class Settled:
    """A row-pulse that was in doubt, and what is known of it now.

    Parameters
    ----------
    batch, run, time
        Number of the batch in the passport, what it was for, and when.
    row, kind, columns
        What it was.
    cells
        How many of its cells say something.
    answer
        What they say.
    entered
        Outcome that the passport has from now on.
    """

    batch: int
    run: str
    time: str
    row: int
    kind: str
    columns: list[int]
    cells: int
    answer: str
    entered: str


def settle_unknown(
    array: BoardArray, law: SwitchingLaw | None, *, rest: Answer | None = None, user: str = ""
) -> dict[str, Any]:
    """Read the array, and enter what that says about every pulse in doubt; pulses nothing.

    Parameters
    ----------
    array
        The whole array, with the passport of its chip.
    law
        What SETs and RESETs do to its cells, roughly; None where cells have no gates: then a SET
        may have raised them by anything, and a RESET lowered them.
    rest
        What the user decides about those of which reading cannot tell: they count as fired, or as
        not fired. None leaves them in doubt.
    user
        Who decides; the user of this program by default.

    Returns
    -------
    The document of `memlab chip settle --json`.

    Raises
    ------
    SettingError
        If there is no passport, or the chip is not the one that was pulsed.
    """
    passport, board = array.passport, array.board
    if passport is None:
        raise SettingError("this array has no chip passport (passport=none): nothing is in doubt")
    if ends_with_program(board):
        raise SettingError(
            "an emulated chip in process is made anew each time: reading it says nothing about the "
            "pulses of an earlier one. Resume the run, which makes it again"
        )
    doubtful = passport.ledger.doubtful()
    user = user or _user()
    found: list[Settled] = []
    if doubtful:
        readings: dict[Load | None, _Reading] = {}
        runs = {number: run["label"] for number, run in passport.runs().items()}
        pulsed = _pulsed_since(passport, doubtful)
        others = max((when for _, when in passport.others), default=-np.inf)
        for batch in doubtful:
            # Whatever others have pulsed since: nobody knows which cells.
            stale = pulsed[batch.number] | (batch.time <= others)
            before = np.where(stale, np.nan, passport.ledger.before(batch))
            loads = passport.ledger.loads_before(batch) or (None,)
            if len(loads) > 1:
                before[...] = np.nan  # nobody knows which cell was read under which
            if loads[0] not in readings:
                readings[loads[0]] = _read(array, loads[0])
            answers, cells = _judge(batch, before, readings[loads[0]], law)
            outcome = _settled(batch.outcome, answers, {})
            passport.ledger.settle_again(batch, outcome, f"reading, {user}")
            if rest is not None and (outcome == Outcome.UNKNOWN).any():
                decided = _settled(outcome, answers, {Answer.CANNOT_TELL: _OUTCOMES[rest]})
                told = Batch(batch.number, batch.run, batch.time, batch.pulses, outcome)
                how = "accept" if rest is Answer.DONE else "redo"
                passport.ledger.settle_again(told, decided, f"{how}, {user}")
                outcome = decided
            found += _tell(batch, runs[batch.run], answers, cells, outcome)
    return {
        "passport": str(passport.path),
        "board": board.capabilities.serial,
        "by": user,
        "pulses": [asdict(one) for one in found],
        "counts": {a.value: sum(one.answer == a.value for one in found) for a in Answer},
        "unknown": int(passport.ledger.totals.doubtful.sum()),
    }


@dataclass(frozen=True)
class _Reading:
    value: FloatArray
    noise: FloatArray


def _read(array: BoardArray, load: Load | None) -> _Reading:
    """Read the array, or the lines of a load under this load; other cells are NaN."""
    part = array
    if load is not None and load.parts == 1:
        part = array[list(load.rows), list(load.columns)]
    reads = np.full((READS, *array.shape), np.nan)
    for k in range(READS):
        reads[k][np.ix_(part.rows, part.columns)] = part.read_conductance()
    return _Reading(reads.mean(axis=0), reads.std(axis=0, ddof=1))


def _pulsed_since(passport: Passport, doubtful: list[Batch]) -> dict[int, BoolArray]:
    """Return for each batch which cells of the chip later ones have pulsed, perhaps."""
    wanted = {batch.number for batch in doubtful}
    since = {number: np.zeros(passport.shape, bool) for number in wanted}
    seen: list[int] = []
    for batch in passport.ledger.batches():
        for k in np.flatnonzero(batch.outcome != Outcome.NOT_FIRED):
            for number in seen:
                since[number][batch.pulses.row[k]] |= batch.pulses.columns[k]
        if batch.number in wanted:
            seen.append(batch.number)
    return since


def _judge(
    batch: Batch, before: FloatArray, reading: _Reading, law: SwitchingLaw | None
) -> tuple[list[Answer], list[int]]:
    """Return the answer for each pulse of a batch that is in doubt, and how many cells gave it."""
    n = len(batch.pulses)
    answers, cells = [Answer.CANNOT_TELL] * n, [0] * n
    in_doubt = np.flatnonzero(batch.outcome == Outcome.UNKNOWN)
    for row in np.unique(batch.pulses.row[in_doubt]):
        open_here = in_doubt[batch.pulses.row[in_doubt] == row]
        told: set[int] = set()
        for hit in _sets_of_cells(batch.pulses.columns[open_here]):
            these = open_here[hit]
            fired, votes = _fired(batch, int(row), these, before[row], reading, law)
            for position, k in enumerate(these):
                if k not in told:
                    cells[k] = votes
                    if fired is not None:
                        told.add(int(k))
                        answers[k] = Answer.DONE if position < fired else Answer.NOT_DONE
    _order(answers, in_doubt)
    return answers, cells


def _sets_of_cells(columns: BoolArray) -> BoolArray:
    """Return which pulses hit the same cells, shape (sets, pulses), the most pulses first.

    A row that is pulsed in groups has cells that know nothing of the pulses of other groups.
    """
    hit = np.unique(columns.T[columns.any(axis=0)], axis=0)
    return hit[np.argsort(-hit.sum(axis=1), kind="stable")]


def _fired(
    batch: Batch,
    row: int,
    open_here: npt.NDArray[np.intp],
    before: FloatArray,
    reading: _Reading,
    law: SwitchingLaw | None,
) -> tuple[int | None, int]:
    """Return how many of these open pulses of a row were fired, and how many cells say so.

    They are fired in order: for each number there is an interval in which a cell must be. Only
    cells that they all hit, and no other open pulse, are asked.
    """
    pulses = batch.pulses
    here = np.flatnonzero((pulses.row == row) & (batch.outcome != Outcome.NOT_FIRED))
    others = np.setdiff1d(here[batch.outcome[here] == Outcome.UNKNOWN], open_here)
    now, noise = reading.value[row], reading.noise[row]
    margin = np.maximum(np.maximum(_NOISE * noise, _DRIFT * np.abs(before)), _FLOOR)
    inside = []
    for number in range(len(open_here) + 1):
        low, high = before - margin, before + margin
        for k in here:
            if batch.outcome[k] == Outcome.DONE or k in open_here[:number]:
                low, high = _after(pulses, int(k), low, high, law)
        inside.append((low <= now) & (now <= high))
    # NaN, where nothing was read before, is inside of nothing.
    only_one = np.sum(inside, axis=0) == 1
    concerned = pulses.columns[open_here].all(axis=0) & ~pulses.columns[others].any(axis=0)
    votes = np.array([(states & only_one & concerned).sum() for states in inside])
    best, total = int(votes.argmax()), int(votes.sum())
    enough = 1 if best == len(open_here) else _CELLS
    if votes[best] < max(enough, _MAJORITY * total):
        return None, total
    return best, total


def _after(
    pulses: RowPulses, k: int, low: FloatArray, high: FloatArray, law: SwitchingLaw | None
) -> tuple[FloatArray, FloatArray]:
    """Return where cells are after a pulse, if they were between `low` and `high` before."""
    if law is None:  # what amplitudes do differs from cell to cell, and may be nothing
        set_ = pulses.kind[k] == PulseKind.SET
        after = (low, np.full_like(high, np.inf)) if set_ else (np.full_like(low, -_FLOOR), high)
    elif pulses.kind[k] == PulseKind.SET:
        level = law.conductance(pulses.gate_voltage[k])
        after = np.maximum(low, _SET_LOW * level), np.maximum(high, _SET_HIGH * level)
    else:
        left = np.maximum(max(_RESET_HIGH, 2.0 * law.reset_conductance), _RESET_PART * high)
        after = np.minimum(low, -_FLOOR), np.minimum(high, left)
    hit = pulses.columns[k]
    return np.where(hit, after[0], low), np.where(hit, after[1], high)


def _order(answers: list[Answer], in_doubt: npt.NDArray[np.intp]) -> None:
    """Use that the pulses of an operation are fired in order; where that fails, tell nothing."""
    for part in np.split(in_doubt, np.flatnonzero(np.diff(in_doubt) > 1) + 1):
        done = [k for k in part if answers[k] is Answer.DONE]
        not_done = [k for k in part if answers[k] is Answer.NOT_DONE]
        last = max(done, default=-1)
        first = min(not_done, default=len(answers))
        for k in part:
            if last > first:
                answers[k] = Answer.CANNOT_TELL
            elif k <= last:
                answers[k] = Answer.DONE
            elif k >= first:
                answers[k] = Answer.NOT_DONE


def _settled(outcome: Outcomes, answers: list[Answer], more: dict[Answer, Outcome]) -> Outcomes:
    """Return an outcome with the answers for what was unknown in it."""
    known = _OUTCOMES | more
    after = outcome.copy()
    for k in np.flatnonzero(outcome == Outcome.UNKNOWN):
        after[k] = known.get(answers[k], Outcome.UNKNOWN)
    return after


def _tell(
    batch: Batch, run: str, answers: list[Answer], cells: list[int], outcome: Outcomes
) -> list[Settled]:
    pulses = batch.pulses
    return [
        Settled(
            batch=batch.number,
            run=run,
            time=iso(batch.time),
            row=int(pulses.row[k]),
            kind=PulseKind(pulses.kind[k]).name.lower(),
            columns=np.flatnonzero(pulses.columns[k]).tolist(),
            cells=cells[k],
            answer=answers[k].value,
            entered=Outcome(outcome[k]).name.lower().replace("_", " "),
        )
        for k in np.flatnonzero(batch.outcome == Outcome.UNKNOWN)
    ]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container has users without a name
        return "unknown user"
