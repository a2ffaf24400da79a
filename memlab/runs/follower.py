"""Follows a run while it is written: how far it is, its loss, its last maps, and how it ended.

A file is followed as HDF5 means it (single writer, multiple readers): it is opened once, and its
datasets are refreshed. Where another file has taken its place - a run that went on, or a new one -
that is followed from then on. What a follower does not know of a run is not guessed: a procedure
does not say how many readings it will take.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import h5py
import numpy as np

from memlab.errors import DataError
from memlab.numeric import FloatArray
from memlab.runs.opening import open_for_reading
from memlab.runs.reader import ConductanceMap, Run, last_maps, open_run
from memlab.runs.vitals import Vital, vitals

__all__ = ["RATE_OVER", "Follower", "Progress", "file_state"]

RATE_OVER = 30.0
"""Seconds over which a rate is taken: longer than a slow step, short enough to see a change."""


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a run is.

    Parameters
    ----------
    status
        As that of a `Run`.
    done, total, what
        How many of what: epochs, readings, rounds; the total is None where the run does not say it.
    rate
        Of these per second, lately; None before two different looks.
    losses
        Before every update so far; empty without training.
    maps
        Last conductance maps by group.
    vitals
        The numbers of the run as it stands (`memlab.runs.vitals`), pace and time left not among
        them.
    """

    status: str
    done: int
    total: int | None
    what: str
    rate: float | None
    losses: FloatArray
    maps: dict[str, ConductanceMap]
    vitals: dict[str, Vital]

    @property
    def left(self) -> float | None:
        """Seconds that are left at this rate; None where that cannot be told."""
        if self.total is None or not self.rate:
            return None
        return (self.total - self.done) / self.rate

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.status != "running"


class Follower:
    """Looks at a run file again and again; use as a context manager.

    Parameters
    ----------
    path
        Run file, of any kind and status.
    clock
        Seconds of a clock that never goes back.

    Raises
    ------
    DataError
        If it is no run file.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._open = ExitStack()
        self._begin(path)

    def _begin(self, path: Path) -> None:
        """Follow the file that is there now."""
        place = file_state(path)
        self.run: Run = open_run(path)
        self._place = place
        self._close()
        self._seen: deque[tuple[float, int]] = deque()

    def _close(self) -> None:
        self._open.close()
        self._entry: h5py.Group | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def look(self) -> Progress:
        """Return how far the run is now.

        Raises
        ------
        DataError
            If the file cannot be read; the next look may find it whole, or another in its place.
        """
        with self.looking() as entry:
            losses = entry["training/loss"][()] if "training/loss" in entry else np.empty(0)
            return replace(self.progress(entry), losses=losses, maps=last_maps(entry))

    @contextmanager
    def looking(self) -> Iterator[h5py.Group]:
        """Give the entry as it is now, and `run` as it is now, for the block of a `with`.

        Raises
        ------
        DataError
            As `look`.
        """
        if self._is_another:
            self._begin(self.run.path)
        elif self.run.status == "running" and not self.run.alive:
            self.run = open_run(self.run.path)
        if self.run.status != "running":
            # Its attributes and what was written at the end are seen by a new opening only.
            self._close()
            with self.run.entry() as entry:
                yield entry
            return
        if self._entry is None:
            file = self._open.enter_context(open_for_reading(self.run.path))
            self._entry = file["entry"]
        self._refresh(self._entry)
        yield self._entry

    def progress(self, entry: h5py.Group) -> Progress:
        """Return how far an entry of `looking` is, without losses and maps."""
        done, total, what = self.run.steps(entry)
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > RATE_OVER:
            self._seen.popleft()
        (first, then), (last, until) = self._seen[0], self._seen[-1]
        rate = (until - then) / (last - first) if last > first and until > then else None
        numbers = vitals(self.run, entry)
        return Progress(self.run.status, done, total, what, rate, np.empty(0), {}, numbers)

    @property
    def _is_another(self) -> bool:
        """Whether the file is not the one that was opened, or goes on although it had ended."""
        now = file_state(self.run.path)
        if self.run.status == "running":
            return now[:2] != self._place[:2]  # it grows, and is the same
        return now != self._place or self.run.alive

    def _refresh(self, entry: h5py.Group) -> None:
        def visit(_: str, item: h5py.HLObject) -> None:
            if isinstance(item, h5py.Dataset) and item.maxshape[:1] == (None,):
                item.id.refresh()

        try:
            entry.visititems(visit)
        except (OSError, RuntimeError) as error:
            self._close()
            raise DataError(f"{self.run.path} cannot be followed any more: {error}") from error


def file_state(path: Path) -> tuple[int, ...]:
    """Return by what a file is told from another of its name, and from itself before a change."""
    try:
        state = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be followed: {error.strerror}") from error
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
