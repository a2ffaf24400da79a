"""The load of a reading: what the board does with all lines of the chip while some are measured.

A selected row is driven, or held at 0 V; the gate of a selected column is open, and its line is
held at 0 V by its amplifier. All other rows float, and all other gates are at 0 V, so that no cell
of theirs conducts. Every cell that does conduct loads the row that is driven, and what its current
drops on drivers and wires is missing at the cell that is read. So the same cell reads lower the
more lines are selected: the first 8 x 8 cells of `ta-hfo2-full`, SET at 1 V on the gate, read
119 uS in a map of the whole array and 221 uS by themselves (medians).

In an array without transistors no gate closes a cell off. What its other lines do - at 0 V, or
floating - is the board's (`drivers.capabilities.Rest`): where they are at 0 V all lines take part
in every reading; where they float, current finds ways through their cells (sneak paths), which is
in what is read.

Neither is wrong, they are answers to different questions. A target, a law or a map means something
for cells that are used under the load of its reading; comparing readings under different loads
compares wires. Any load that holds the lines of interest can be chosen (`Array.under`): rows that
shall be at 0 V and not float are part of it, and so are gates that shall be open.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from memlab.errors import DataError, LoadWarning, SettingError

__all__ = ["NOT_RECORDED", "Load", "line_ranges", "load_of", "told_of_loads", "warn_of_loads"]

NOT_RECORDED = "not recorded"
"""What files of before say about their load: nothing."""

Lines = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Load:
    """Which lines of a chip take part in a reading; other rows float, other gates are at 0 V.

    Where cells have no gates, other columns float too.

    Parameters
    ----------
    rows
        Lines that are driven or held at 0 V, rising.
    columns
        Lines whose gates are open, where there are any, and which are held at 0 V by their
        amplifiers, rising.
    shape
        (rows, columns) of the chip.
    parts
        1 where all these rows were connected throughout. A board whose own read connects a part of
        the rows at a time (`drivers.board.Capabilities.read_rows`) reads in so many parts, and
        while one is read, the rows of the others float.
    gates
        Whether cells have gates.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    shape: tuple[int, int]
    parts: int = 1
    gates: bool = True

    def __post_init__(self) -> None:
        for name, lines, count in zip(
            ("rows", "columns"), (self.rows, self.columns), self.shape, strict=True
        ):
            rising = all(low < high for low, high in pairwise(lines))
            if not (lines and rising and min(lines) >= 0 and lines[-1] < count):
                raise SettingError(
                    f"{name} of a load must be rising lines within 0..{count - 1}, got {lines}"
                )

    @classmethod
    def of(cls, rows: Lines, columns: Lines, shape: tuple[int, int], *, gates: bool = True) -> Self:
        """Return the load of a selection of lines, in any order."""
        lines = tuple(np.sort(rows).tolist()), tuple(np.sort(columns).tolist())
        return cls(*lines, shape, gates=gates)

    @property
    def floating_rows(self) -> int:
        """How many rows float."""
        return self.shape[0] - len(self.rows)

    @property
    def other_columns(self) -> int:
        """How many columns have gates at 0 V, or float where there are no gates."""
        return self.shape[1] - len(self.columns)

    def holds(self, rows: Lines, columns: Lines) -> bool:
        """Whether lines are all part of it."""
        return set(rows.tolist()) <= set(self.rows) and set(columns.tolist()) <= set(self.columns)

    def __str__(self) -> str:
        """Return it in words."""
        rows = f"rows {line_ranges(self.rows)} driven or at 0 V"
        others = "no other" if not self.floating_rows else f"{self.floating_rows} others floating"
        columns, count = line_ranges(self.columns), self.other_columns
        if self.gates:
            columns, rest = f"gates of columns {columns} open", f"{count} others at 0 V"
        else:
            columns, rest = f"columns {columns} at 0 V", f"{count} others floating"
        parts = "" if self.parts == 1 else f"; in {self.parts} parts, whose rows take turns"
        return f"{rows}, {others}; {columns}, {rest if count else 'no other'}{parts}"

    def document(self) -> dict[str, Any]:
        """Return it as plain values, in words too, for JSON."""
        return {
            "words": str(self),
            "rows": line_ranges(self.rows),
            "unselected_rows": "floating" if self.floating_rows else "none",
            **self._columns_document(),
            "parts": self.parts,
            "chip": list(self.shape),
        }

    def _columns_document(self) -> dict[str, Any]:
        columns, others = line_ranges(self.columns), self.other_columns
        if self.gates:
            return {"open_gates": columns, "unselected_gates": "0 V" if others else "none"}
        return {"columns": columns, "unselected_columns": "floating" if others else "none"}

    def attributes(self) -> dict[str, Any]:
        """Return it as attributes of a group in a run file: `load` in words, and its values."""
        document = self.document()
        words = document.pop("words")
        return {"load": words, **{f"load.{name}": value for name, value in document.items()}}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the load of a document; raises `DataError` where it is none."""
        try:
            rows, columns = document["chip"]
            shape = int(rows), int(columns)
            gates = "columns" not in document
            lines = _lines(document["rows"]), _lines(document["open_gates" if gates else "columns"])
            return cls(*lines, shape, int(document["parts"]), gates)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{document!r} does not describe a load: {error}") from error


def load_of(attributes: Mapping[str, Any]) -> Load | None:
    """Return the load in the attributes of a group of a run file, None where none is recorded.

    It is read from its values, not from its words.
    """
    named = {
        name.removeprefix("load."): attributes[name]
        for name in attributes
        if name.startswith("load.")
    }
    if not named:
        return None
    if isinstance(named.get("chip"), str):  # lists are JSON there
        named["chip"] = json.loads(named["chip"])
    return Load.from_document(named)


def line_ranges(lines: Iterable[int]) -> str:
    """Return rising line numbers as people write them: `0:8,12,16:20` (ends not included)."""
    numbers = np.fromiter(lines, np.intp)
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ",".join(f"{p[0]}" if p.size == 1 else f"{p[0]}:{p[-1] + 1}" for p in parts)


def warn_of_loads(what: str, loads: Iterable[Load | None], stacklevel: int = 2) -> bool:
    """Warn with `LoadWarning` where readings that are compared had different loads.

    Parameters
    ----------
    what
        What is compared, to begin a sentence with.
    loads
        Of the readings; None, which says nothing, where a file has none.
    stacklevel
        As of `warnings.warn`, from the caller.

    Returns
    -------
    Whether they differ.
    """
    text = told_of_loads(what, loads)
    if text:
        warnings.warn(text, LoadWarning, stacklevel=stacklevel + 1)
    return bool(text)


def told_of_loads(what: str, loads: Iterable[Load | None]) -> str:
    """Return what `warn_of_loads` says, or nothing where all known loads are one."""
    different = list(dict.fromkeys(load for load in loads if load is not None))
    if len(different) < 2:
        return ""
    one, other = different[:2]
    return (
        f"{what} were read under different loads ({one} - and {other}): they differ by what the "
        "wires drop, whatever the cells do. Read them again under one (Array.under, --load)"
    )


def _lines(text: str) -> tuple[int, ...]:
    lines: list[int] = []
    for part in str(text).split(","):
        first, colon, end = part.partition(":")
        lines += range(int(first), int(end)) if colon else [int(first)]
    return tuple(lines)
