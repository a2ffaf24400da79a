"""What the page of a chip shows, as plain values: read from its passport, which may grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.errors import DataError
from memlab.live.cells import Classes
from memlab.numeric import FloatArray
from memlab.passport import Passport
from memlab.passport.story import CellStory, cell_story, summary

__all__ = ["ChipSource", "ChipView", "story_of"]

_NO_FAULT = "in no class"
_LAST = 12
"""Last pulses of a cell that are told one by one."""


@dataclass(frozen=True, eq=False)
class ChipView:
    """A chip as its passport knew it at one look.

    Parameters
    ----------
    path
        The passport.
    summary
        As `memlab.passport.story.summary`.
    pulses
        SETs and RESETs of each cell, those in doubt among them, shape (2, rows, columns).
    energy, known
        Estimated energy (J), and conductance read last (S; NaN where none was).
    classes
        Fault classes; None where nothing was tested.
    budgets
        Used part of each budget that has an end, by name: shape (rows, columns), 1 is all of it.
    """

    path: Path
    summary: dict[str, Any]
    pulses: npt.NDArray[np.int64]
    energy: FloatArray
    known: FloatArray
    classes: Classes | None
    budgets: dict[str, FloatArray]

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the chip."""
        return self.energy.shape[0], self.energy.shape[1]


class ChipSource:
    """Looks at a passport (`memlab.live.watch.Source`).

    Parameters
    ----------
    path
        The passport.
    """

    def __init__(self, path: Path):
        self.path = path
        self._state: tuple[tuple[int, int, int], ...] = ()

    def look(self) -> ChipView | None:
        """Return what the passport knows now; None where it is as it was.

        Raises
        ------
        DataError
            If it cannot be read now.
        """
        state = tuple(_state(self.path.with_name(self.path.name + end)) for end in ("", "-wal"))
        if not any(state[0]):
            self._state = ()
            raise DataError(f"{self.path.name} is not there now")
        if state == self._state:
            return None
        with Passport.read(self.path) as passport, passport.decoding():
            view = _view(passport)
        self._state = state
        return view

    def close(self) -> None:
        """Read it again when somebody looks again."""
        self._state = ()


def story_of(path: Path, row: int, column: int) -> CellStory:
    """Return the story of a cell; it reads the whole ledger."""
    with Passport.read(path) as passport:
        return cell_story(passport, row, column, _LAST)


def _state(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def _view(passport: Passport) -> ChipView:
    totals = passport.ledger.totals
    pulses = (totals.fired + totals.doubtful).astype(np.int64)
    spent = {
        "set": pulses[0],
        "reset": pulses[1],
        "pulses": pulses.sum(0),
        "energy": totals.energy,
        "forming": sum((cells.astype(int) for _, _, cells in passport.formings()), np.zeros(1)),
    }
    limited = passport.budgets.limited
    shape = passport.shape
    return ChipView(
        path=passport.path,
        summary=summary(passport),
        pulses=pulses,
        energy=totals.energy,
        known=totals.known,
        classes=_classes(passport),
        budgets={
            name: np.broadcast_to(np.asarray(spent[name], float) / most, shape)
            for name, most in limited.items()
            if most > 0
        },
    )


def _classes(passport: Passport) -> Classes | None:
    """Return one map of the masks of cells; `pass` first, as where a run finds classes."""
    masks = {name: mask for name, mask in passport.masks().items() if mask.ndim == 2}
    if not masks:
        return None
    names = sorted(masks, key=lambda name: (name != "pass", name))
    if "pass" not in masks:
        names.insert(0, _NO_FAULT)
    codes = np.full(passport.shape, -1, np.int64)
    for code, name in enumerate(names):
        if name in masks:
            codes[masks[name]] = code
    if (codes < 0).any():
        if _NO_FAULT not in names:
            names.append(_NO_FAULT)
        codes[codes < 0] = names.index(_NO_FAULT)
    rows, columns = (np.arange(size) for size in passport.shape)
    return Classes("fault classes", rows, columns, codes, tuple(names))
