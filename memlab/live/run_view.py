"""What the page of a run shows, as plain values: read from an open entry, a bounded part of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from memlab.live.cells import (
    CellMap,
    Classes,
    Currents,
    complete,
    read_cells,
    read_classes,
    read_currents,
)
from memlab.live.curve import Curve, Points
from memlab.live.trail import Readings, Trail
from memlab.markup import spelt
from memlab.report import Row, Summary, summary_of
from memlab.runs.follower import RATE_OVER, Progress
from memlab.runs.reader import Run
from memlab.runs.vitals import duration
from memlab.units import with_error

__all__ = ["RunMemory", "RunView", "in_words"]

_AT_ONCE = 1 << 20
"""Items of a curve that are read at once."""


@dataclass(frozen=True, eq=False)
class RunView:
    """A run as it was at one look.

    Parameters
    ----------
    run, progress, summary
        What it is, how far it is, and what it says of itself.
    about
        Times, rates, counts, cost.
    curves
        Loss, accuracy and validation loss by name, of those that it has.
    maps, currents, readings, classes
        Of the cells; empty or None where the run has none.
    faults
        What went wrong so far, in numbers.
    """

    run: Run
    progress: Progress
    summary: Summary
    about: list[Row]
    curves: dict[str, Points]
    maps: list[CellMap]
    currents: list[Currents]
    readings: Readings | None
    classes: Classes | None
    faults: list[Row]


class RunMemory:
    """What is kept of a run from one look to the next, so that each reads only what is new.

    Parameters
    ----------
    run
        Of which.
    """

    def __init__(self, run: Run):
        self.run_id = run.run_id
        self._curves = {name: Curve() for name in _CURVES}
        self._trail = Trail()
        self._counted: deque[tuple[float, dict[str, int]]] = deque()
        self._summary: Summary | None = None

    def look(self, run: Run, entry: h5py.Group, progress: Progress) -> RunView:
        """Return what there is to see now."""
        if self._summary is None or self._summary.status != run.status:
            self._summary = summary_of(run)
        readings = self._trail.follow(entry)
        maps = list(read_cells(entry))
        return RunView(
            run=run,
            progress=progress,
            summary=self._summary,
            about=[*_steps(progress), *self._counts(entry, progress), *_numbers(progress)],
            curves=self._follow_curves(entry),
            maps=maps,
            currents=list(read_currents(entry)),
            readings=readings,
            classes=read_classes(entry),
            faults=list(_faults(entry, progress, readings, maps)),
        )

    def _follow_curves(self, entry: h5py.Group) -> dict[str, Points]:
        for name, (group, dataset) in _CURVES.items():
            items = entry.get(f"{group}/{dataset}")
            if items is None:
                continue
            count, curve = complete(entry[group]), self._curves[name]
            if count < curve.count:
                curve = self._curves[name] = Curve()
            while curve.count < count:
                end = min(count, curve.count + _AT_ONCE)
                curve.extend(items[curve.count : end].astype(np.float64))
        return {name: curve.points() for name, curve in self._curves.items() if curve.count}

    def _counts(self, entry: h5py.Group, progress: Progress) -> Iterator[Row]:
        """Say how much there is of what is counted, and how much of it comes in a second."""
        counts = {name: _length(entry, path) for name, path in _RECORDED.items()}
        for name in _COUNTED:
            one = progress.vitals.get(name)
            if one is not None and np.isfinite(one.value).all():
                counts[one.label] = int(np.max(one.value))
        now = time.monotonic()
        self._counted.append((now, counts))
        while len(self._counted) > 2 and now - self._counted[0][0] > RATE_OVER:
            self._counted.popleft()
        began, before = self._counted[0]
        for name, count in counts.items():
            new = count - before.get(name, count)
            if count and name != progress.what:  # that stands above
                pace = f"{new / (now - began):.3g} a second" if new and now > began else ""
                yield Row(name, f"{count:,}", "" if progress.over else pace)


_CURVES = {
    "loss": ("training", "loss"),
    "accuracy": ("training", "accuracy"),
    "validation loss": ("validation", "loss"),
}
"""Group and dataset of each curve."""


def _length(entry: h5py.Group, name: str) -> int:
    return len(entry[name]) if name in entry else 0


_RECORDED = {"updates": "training/update", "readings": "map/reading"}
_COUNTED = ("vectors", "sets", "resets", "pulses")
_DOUBTS = ("in_doubt", "saturated", "currents")
"""Numbers (`memlab.runs.vitals`) that are counted, and those that stand elsewhere on the page."""


def _steps(progress: Progress) -> Iterator[Row]:
    total = "" if progress.total is None else f" of {progress.total:,}"
    rate = "" if not progress.rate or progress.over else f"{progress.rate:.3g} a second"
    if progress.done or progress.total is not None:
        yield Row(progress.what, f"{progress.done:,}{total}", rate)
    if progress.left is not None and not progress.over:
        yield Row("time left", duration(progress.left), "at this rate")


def _numbers(progress: Progress) -> Iterator[Row]:
    for name, one in progress.vitals.items():
        if name not in (*_COUNTED, *_DOUBTS):
            yield Row(_LABELS.get(name, one.label), spelt(one.words))


_LABELS = {
    "wall": "wall time",
    "simulated": "simulated time of the chip",
    "on_board": "time on the real board",
    "energy": "energy on the real board",
}
"""Where a page has room for more than the word of a terminal."""


def in_words(value: float, units: str) -> str:
    """Return a number in a unit with prefix, as pages spell it: 47.8 µJ."""
    return spelt(with_error(value, None, units))


def _faults(
    entry: h5py.Group, progress: Progress, readings: Readings | None, maps: list[CellMap]
) -> Iterator[Row]:
    for name in ("saturated", "in_doubt"):
        if (one := progress.vitals.get(name)) is not None:
            yield Row(one.label, one.words)
    if "programmed" in entry:
        if "in_doubt" not in progress.vitals:
            yield Row("pulses in doubt", "0")
        sent = _length(entry, "program/batch") - _length(entry, "programmed/batch")
        yield Row("batches of pulses without an answer", f"{max(0, sent):,}")
    if readings is not None:
        yield Row("saturated cells of the last reading", f"{readings.saturated[-1]:.0f}")
    for one_map in maps:
        if lost := int(np.count_nonzero(~np.isfinite(one_map.conductance))):
            yield Row(f"cells of {one_map.name} without a value", f"{lost:,}")
