"""What a passport tells people: a summary of the chip, and the story of one cell."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import PulseKind
from memlab.chip.load import NOT_RECORDED
from memlab.errors import SettingError
from memlab.passport.ledger import Batch
from memlab.passport.passport import Passport
from memlab.passport.pulses import Outcome
from memlab.units import statistic

__all__ = ["CellStory", "Chapter", "PulseEvent", "cell_story", "summary"]


def summary(passport: Passport) -> dict[str, Any]:
    """Return what a passport knows of its chip as plain values; times in ISO 8601, UTC.

    `pulses` and `energy` (J, estimated) have minimum, median and maximum over the cells that were
    pulsed, `yield` is the part that passed of the cells that were tested; `formed` and masks are
    numbers of cells or lines. `others` names pulses of other computers, which are in no sum.
    """
    with passport.decoding():
        return _summary(passport)


def _summary(passport: Passport) -> dict[str, Any]:
    totals, masks = passport.ledger.totals, passport.masks()
    used = totals.fired + totals.doubtful
    runs = passport.runs()
    rows, columns = passport.good_lines
    passed = masks.get("pass")
    last = max(passport.maps(), key=lambda found: found[1], default=None)
    return {
        "passport": str(passport.path),
        "chip": passport.chip,
        "rows": passport.shape[0],
        "columns": passport.shape[1],
        "created": iso(passport.created),
        "boards": sorted({run["board"] for run in runs.values() if run["board"]}),
        "runs": [{"run": n, **run, "started": iso(run["started"])} for n, run in runs.items()],
        "calibration": passport.calibration,
        "formed": int(passport.formed.sum()),
        "yield": None if passed is None else _yield(passed, masks.get(_NOT_TESTED)),
        "masks": {name: int(mask.sum()) for name, mask in sorted(masks.items())},
        "mask_loads": {
            name: str(passport.mask_load(name) or NOT_RECORDED) for name in sorted(masks)
        },
        "good_rows": int(rows.size),
        "good_columns": int(columns.size),
        "pulsed_cells": int((used.sum(0) > 0).sum()),
        "set": _spread(used[0], used.sum(0) > 0),
        "reset": _spread(used[1], used.sum(0) > 0),
        "pulses": _spread(used.sum(0), used.sum(0) > 0),
        "energy": _spread(totals.energy, used.sum(0) > 0, "J"),
        "unknown": int(totals.doubtful.sum()),
        "others": [{"pulses": name, "found": iso(when)} for name, when in passport.others],
        "budgets": asdict(passport.budgets),
        "last_map": None
        if last is None
        else {
            "run": last[0],
            "time": iso(last[1]),
            "loads": [str(one) for one in passport.last_map_loads or ()] or NOT_RECORDED,
        },
    }


_NOT_TESTED = "not tested"
"""Mask of the cells that the test of yield has not pulsed."""


def _yield(passed: npt.NDArray[np.bool_], left_out: npt.NDArray[np.bool_] | None) -> dict[str, Any]:
    """Return the part of the tested cells that passed, and how many were tested."""
    tested = passed.size - (0 if left_out is None else int(left_out.sum()))
    share = int(passed.sum()) / tested if tested else None
    return statistic(share, "1", tested, "cells tested")


@dataclass(frozen=True)
class PulseEvent:
    """One pulse of a cell; amplitude and gate voltage in V, width in s."""

    time: str
    run: int
    kind: str
    amplitude: float
    gate_voltage: float
    width: float
    outcome: str


@dataclass
class Chapter:
    """What one run did to a cell: pulses that were fired or may have been, and what it read.

    Parameters
    ----------
    run, label, board, started
        As in the passport.
    set, reset, unknown
        Pulses; those of unknown fate (`unknown`) are in `set` and `reset` too.
    formed
        When the run formed the cell, None if it did not.
    conductance
        What it read last, in S; None if nothing.
    load
        Under which load, or loads (`memlab.chip.load`): conductances under different ones
        differ by what the wires drop.
    """

    run: int
    label: str
    board: str
    started: str
    set: int = 0
    reset: int = 0
    unknown: int = 0
    formed: str | None = None
    conductance: float | None = None
    load: str | None = None


@dataclass
class CellStory:
    """The life of one cell, over all runs.

    Parameters
    ----------
    row, column
        Which cell.
    set, reset, unknown, energy
        Totals; energy is estimated, in J.
    formed
        Times at which it was formed.
    masks
        Masks it is in: fault classes by name.
    budgets
        What is left of each budget that has an end.
    runs
        Run by run.
    last_pulses
        The last ones, oldest first.
    """

    row: int
    column: int
    set: int
    reset: int
    unknown: int
    energy: float
    formed: list[str]
    masks: list[str]
    budgets: dict[str, float]
    runs: list[Chapter]
    last_pulses: list[PulseEvent] = field(default_factory=list)


def cell_story(passport: Passport, row: int, column: int, last: int = 10) -> CellStory:
    """Return the story of a cell; reads the whole ledger.

    Parameters
    ----------
    passport
        Of its chip.
    row, column
        Which cell.
    last
        How many of its last pulses to tell one by one.

    Raises
    ------
    SettingError
        If there is no such cell.
    """
    with passport.decoding():
        return _cell_story(passport, row, column, last)


def _cell_story(passport: Passport, row: int, column: int, last: int) -> CellStory:
    rows, columns = passport.shape
    if not (0 <= row < rows and 0 <= column < columns):
        raise SettingError(
            f"there is no cell [{row}, {column}]: rows are 0..{rows - 1}, columns 0..{columns - 1}"
        )
    chapters = {
        number: Chapter(number, run["label"], run["board"], iso(run["started"]))
        for number, run in passport.runs().items()
    }
    formed = []
    for run, when, cells in passport.formings():
        if cells[row, column]:
            formed.append(iso(when))
            chapters[run].formed = formed[-1]
    loads = passport.map_loads()
    for run, _, conductance in passport.maps():
        value = float(conductance[row, column])
        if not np.isnan(value):
            chapters[run].conductance = value
            words = " or ".join(str(one) for one in loads[run] or ())
            chapters[run].load = words or NOT_RECORDED
    events: deque[PulseEvent] = deque(maxlen=last)
    for batch in passport.ledger.batches():
        _tell(batch, row, column, chapters[batch.run], events)
    totals = passport.ledger.totals
    sets, resets = (int(n) for n in (totals.fired + totals.doubtful)[:, row, column])
    energy = float(totals.energy[row, column])
    spent = {
        "set": sets,
        "reset": resets,
        "pulses": sets + resets,
        "energy": energy,
        "forming": len(formed),
    }
    masks = passport.masks()
    return CellStory(
        row=row,
        column=column,
        set=sets,
        reset=resets,
        unknown=int(totals.doubtful[:, row, column].sum()),
        energy=energy,
        formed=formed,
        masks=sorted(n for n, mask in masks.items() if mask.ndim == 2 and mask[row, column]),
        budgets={n: budget - spent[n] for n, budget in passport.budgets.limited.items()},
        runs=[c for c in chapters.values() if c.set or c.reset or c.formed or c.conductance],
        last_pulses=list(events),
    )


def iso(seconds: float) -> str:
    """Return a time in s since 1970 as people read it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _tell(batch: Batch, row: int, column: int, chapter: Chapter, events: deque[PulseEvent]) -> None:
    pulses = batch.pulses
    for k in np.flatnonzero((pulses.row == row) & pulses.columns[:, column]):
        outcome, kind = Outcome(batch.outcome[k]), PulseKind(pulses.kind[k])
        if outcome is not Outcome.NOT_FIRED:
            chapter.set += kind is PulseKind.SET
            chapter.reset += kind is PulseKind.RESET
            chapter.unknown += outcome is not Outcome.DONE
        events.append(
            PulseEvent(
                time=iso(batch.time),
                run=batch.run,
                kind=kind.name.lower(),
                amplitude=float(pulses.amplitude[k]),
                gate_voltage=float(pulses.gate_voltage[k, column]),
                width=float(f"{pulses.width[k]:.6g}"),  # it was kept as float32
                outcome=outcome.name.lower().replace("_", " "),
            )
        )


def _spread(
    values: npt.NDArray[Any], which: npt.NDArray[np.bool_], units: str = "1"
) -> dict[str, Any] | None:
    """Return minimum, median and maximum over some cells."""
    if not which.any():
        return None
    low, middle, high = np.quantile(values[which], (0.0, 0.5, 1.0))
    return {
        "min": float(low),
        "median": float(middle),
        "max": float(high),
        "units": units,
        "n": int(which.sum()),
        "of": "cells that were pulsed",
    }
