"""Which cells a procedure is about: lines, cells and masks as people write them, to one mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from memlab.errors import SettingError
from memlab.numeric import BoolArray
from memlab.storage import load_npy

__all__ = ["Region", "format_lines", "parse_lines"]


@dataclass(frozen=True)
class Region:
    """Cells of an array: those that all given conditions leave.

    Parameters
    ----------
    rows, columns
        Lines, see `parse_lines`; all of them if empty.
    cells
        Single cells, each `row,column`; all if none is given.
    mask
        A .npy file of a boolean mask of the array's shape.
    """

    rows: str = ""
    columns: str = ""
    cells: tuple[str, ...] = ()
    mask: Path | None = None

    def pick(self, shape: tuple[int, int]) -> BoolArray:
        """Return the cells as a mask of an array's shape.

        Raises
        ------
        SettingError
            If a line or cell does not exist, the mask cannot be read or has another shape, or no
            cell is left.
        """
        rows = parse_lines(self.rows, shape[0], "rows")
        columns = parse_lines(self.columns, shape[1], "columns")
        chosen = np.zeros(shape, bool)
        chosen[np.ix_(rows, columns)] = True
        if self.cells:
            single = np.zeros(shape, bool)
            for text in self.cells:
                single[_parse_cell(text, shape)] = True
            chosen &= single
        if self.mask is not None:
            chosen &= _load_mask(self.mask, shape)
        if not chosen.any():
            raise SettingError("no cell is left: --rows, --columns, --cells, --mask exclude all")
        return chosen


def parse_lines(text: str, count: int, what: str) -> npt.NDArray[np.intp]:
    """Return rising line numbers of `0:16`, `3`, `3,5`, `0:16,40:` or, for all, an empty text.

    Raises
    ------
    SettingError
        If a line does not exist.
    """
    if not text.strip():
        return np.arange(count)
    picked = np.zeros(count, bool)
    for part in text.split(","):
        first, colon, last = (word.strip() for word in part.partition(":"))
        try:
            start = int(first) if first else 0
            stop = (int(last) if last else count) if colon else start + 1
        except ValueError:
            start, stop = -1, -1
        if not (0 <= start < stop <= count) or not (first or colon):
            raise SettingError(
                f"--{what} {text!r}: {part!r} must be a line or first:end within 0..{count}, "
                f"for example 0:16 or 3,5 (the end is not included)"
            )
        picked[start:stop] = True
    return np.flatnonzero(picked)


def format_lines(lines: Sequence[int]) -> str:
    """Return rising line numbers as `parse_lines` reads them: 3,5,60:64."""
    ends: list[list[int]] = []
    for line in lines:
        if ends and ends[-1][1] == line:
            ends[-1][1] = line + 1
        else:
            ends.append([line, line + 1])
    return ",".join(f"{low}:{high}" if high > low + 1 else f"{low}" for low, high in ends)


def _parse_cell(text: str, shape: tuple[int, int]) -> tuple[int, int]:
    words = text.split(",")
    if len(words) == 2 and all(word.strip().isdecimal() for word in words):
        row, column = int(words[0]), int(words[1])
        if row < shape[0] and column < shape[1]:
            return row, column
    raise SettingError(
        f"--cells {text!r}: write row,column with row below {shape[0]} and column below {shape[1]}"
    )


def _load_mask(path: Path, shape: tuple[int, int]) -> BoolArray:
    mask = load_npy(path, "mask")
    if mask.dtype != np.bool_ or mask.shape != shape:
        raise SettingError(
            f"--mask {path} holds {mask.dtype} of shape {mask.shape}; it must be a boolean array "
            f"of shape {shape} (numpy.save)"
        )
    return mask
