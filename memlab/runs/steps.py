"""How far a run is: which of its growing datasets counts, as its kind declares it.

The declaration stands in the run file, so that whoever follows it needs neither the kind nor a
guess.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from memlab.runs.schema import Family

__all__ = ["Steps", "count_steps"]

_STEPS = "steps"


@dataclass(frozen=True)
class Steps:
    """What counts the steps of a kind of run.

    Parameters
    ----------
    dataset
        Growing dataset, `map/reading`: its length, or, where `numbered`, its last item.
    what
        What a step is: readings.
    total
        Dotted name of the setting that says how many there will be; '' where none does.
    numbered
        Each item is the number, from 0, of the step that it belongs to.
    """

    dataset: str
    what: str
    total: str = ""
    numbered: bool = False

    def attributes(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """Return what a run file says of it."""
        total: Any = settings
        for part in self.total.split(".") if self.total else ():
            total = total.get(part) if isinstance(total, Mapping) else None
        known = int(total) if self.total and isinstance(total, int | float) else None
        return {_STEPS: json.dumps([self.dataset, self.what, known, self.numbered])}


_BEFORE = {
    Family.EXPERIMENT: Steps("training/epoch", "epochs", "train.epochs", numbered=True),
    Family.PROCEDURE: Steps("map/reading", "readings"),
    Family.IMPORT: Steps("map/reading", "readings"),
    Family.CALIBRATION: Steps("single/pass", "passes"),
    Family.OPERATION: Steps("program/read", "rounds"),
}
"""Of files that do not say it, those of schema 2 before 0.2 was out and older ones."""


def count_steps(
    entry: h5py.Group,
    attributes: Mapping[str, Any],
    family: Family,
    settings: Mapping[str, Any],
    *,
    finished: bool,
) -> tuple[int, int | None, str]:
    """Return how many steps are done, how many there will be (None: not known), and of what."""
    said = attributes.get(_STEPS) or _BEFORE[family].attributes(settings)[_STEPS]
    dataset, what, total, numbered = json.loads(said)
    if dataset not in entry:
        return 0, None, "items"
    items = entry[dataset]
    done = len(items)
    if numbered and done:
        done = int(items[done - 1]) + (1 if finished or _is_whole(items) else 0)
    return done, total, what


_TAIL = 1024
"""Items that are read at first: most steps are shorter."""


def _is_whole(items: h5py.Dataset) -> bool:
    """Return whether the last step has as many items as the one before.

    All have the same number. While there is one step only, that cannot be known of a run that goes
    on: it is under way.
    """
    size = _TAIL
    while True:
        tail = items[-min(size, len(items)) :]
        begins = np.flatnonzero(np.diff(tail)) + 1
        if len(begins) > 1 or size >= len(items):
            break
        size *= 8
    if not len(begins):
        return False
    before = begins[-2] if len(begins) > 1 else 0
    return bool(len(tail) - begins[-1] >= begins[-1] - before)
