"""Where weight matrices lie on arrays: copies of pairs, folding into chunks, rectangles of cells.

A weight of `Copies(stacked, beside)` has stacked * beside differential pairs, which are averaged.
Stacked copies lie below each other: the matrix has inputs * stacked *rows of pairs*, and row of
pairs p carries input p % inputs, so that the column adds the copies up. Copies beside each other
have columns of their own and are added up in software. A matrix that is too tall is folded: cut
into chunks of rows of pairs that stand in other columns, whose partial sums software adds up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from memlab.chip.shape import LARGEST
from memlab.errors import SettingError
from memlab.numeric import BoolArray

__all__ = ["Copies", "FloorPlan", "MatrixPlan", "Tile", "cut"]


@dataclass(frozen=True)
class Copies:
    """How many differential pairs stand for one weight: stacked * beside."""

    stacked: int = 1
    beside: int = 1

    def __post_init__(self) -> None:
        if self.stacked < 1 or self.beside < 1:
            raise SettingError(f"a weight needs at least one pair, got {self}")

    @property
    def count(self) -> int:
        """Differential pairs per weight."""
        return self.stacked * self.beside


@dataclass(frozen=True)
class Tile:
    """A rectangle of cells with some rows of pairs and some outputs of a matrix.

    Parameters
    ----------
    pairs
        Rows of pairs of the matrix, counted through all stacked copies.
    outputs
        Outputs (columns) of the matrix.
    beside
        Copies beside each other: first every output once, then every output again.
    array, row, column
        Number of the array, and the line of that array where the rectangle starts.
    """

    pairs: range
    outputs: range
    beside: int = 1
    array: int = 0
    row: int = 0
    column: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of cells."""
        return 2 * len(self.pairs), self.beside * len(self.outputs)

    @property
    def rows(self) -> slice:
        """Rows of the array."""
        return slice(self.row, self.row + self.shape[0])

    @property
    def columns(self) -> slice:
        """Columns of the array."""
        return slice(self.column, self.column + self.shape[1])

    def at(self, row: int, column: int, array: int = 0) -> Tile:
        """Return this tile at another place."""
        return replace(self, row=row, column=column, array=array)

    def overlaps(self, other: Tile) -> bool:
        """Tell whether the two tiles share a cell."""
        return (
            self.array == other.array
            and self.rows.start < other.rows.stop
            and other.rows.start < self.rows.stop
            and self.columns.start < other.columns.stop
            and other.columns.start < self.columns.stop
        )


@dataclass(frozen=True)
class MatrixPlan:
    """The tiles of one weight matrix of shape (inputs, outputs)."""

    name: str
    inputs: int
    outputs: int
    copies: Copies
    tiles: tuple[Tile, ...]

    def __post_init__(self) -> None:
        if self.weights > LARGEST:
            raise SettingError(
                f"{self.name} would have {self.inputs} x {self.outputs} weights; allowed: "
                f"{LARGEST} in a matrix. Ask for a smaller network"
            )
        cover = np.zeros((self.inputs * self.copies.stacked, self.outputs), int)
        for tile in self.tiles:
            cover[tile.pairs.start : tile.pairs.stop, tile.outputs.start : tile.outputs.stop] += 1
        if (cover != 1).any() or {tile.beside for tile in self.tiles} != {self.copies.beside}:
            raise SettingError(f"the tiles of {self.name} do not hold each of its weights once")

    @classmethod
    def placed(
        cls,
        name: str,
        shape: tuple[int, int],
        corner: tuple[int, int],
        copies: Copies | None = None,
        chunks: int = 1,
        array: int = 0,
    ) -> MatrixPlan:
        """Put a matrix of a shape at a (row, column) of an array, its chunks side by side."""
        copies = copies or Copies()
        row, column = corner
        tiles = []
        for tile in cut(shape, copies, chunks):
            tiles.append(tile.at(row, column, array))
            column += tile.shape[1]
        return cls(name, *shape, copies, tuple(tiles))

    @property
    def weights(self) -> int:
        """Number of weights."""
        return self.inputs * self.outputs

    @property
    def cells(self) -> int:
        """Number of cells in use."""
        return sum(tile.shape[0] * tile.shape[1] for tile in self.tiles)

    @property
    def bounds(self) -> tuple[int, int]:
        """(rows, columns) of the smallest rectangle around all tiles; they must be on one array."""
        if len({tile.array for tile in self.tiles}) != 1:
            raise SettingError(f"{self.name} lies on several arrays")
        rows, columns = [t.rows for t in self.tiles], [t.columns for t in self.tiles]
        return (
            max(r.stop for r in rows) - min(r.start for r in rows),
            max(c.stop for c in columns) - min(c.start for c in columns),
        )


@dataclass(frozen=True)
class FloorPlan:
    """Matrices on one array or several; every tile fits, and no cell is used twice.

    Parameters
    ----------
    shapes
        (rows, columns) of each array (or of its good lines).
    matrices
        What lies on them.

    Raises
    ------
    SettingError
        If a tile does not fit, or two share a cell.
    """

    shapes: tuple[tuple[int, int], ...]
    matrices: tuple[MatrixPlan, ...]

    def __post_init__(self) -> None:
        placed = [(plan.name, tile) for plan in self.matrices for tile in plan.tiles]
        for name, tile in placed:
            rows, columns = self.shapes[tile.array]
            if tile.rows.stop > rows or tile.columns.stop > columns:
                raise SettingError(
                    f"{name} needs {tile.shape[0]} x {tile.shape[1]} cells at "
                    f"({tile.row}, {tile.column}); the array has {rows} x {columns}"
                )
        for (name, tile), (other_name, other) in combinations(placed, 2):
            if tile.overlaps(other):
                raise SettingError(f"{name} and {other_name} share cells")

    def __getitem__(self, name: str) -> MatrixPlan:
        for plan in self.matrices:
            if plan.name == name:
                return plan
        raise KeyError(name)

    def __iter__(self) -> Iterator[MatrixPlan]:
        return iter(self.matrices)

    @property
    def weights(self) -> int:
        """Number of weights of all matrices."""
        return sum(plan.weights for plan in self.matrices)

    @property
    def cells(self) -> int:
        """Number of cells in use."""
        return sum(plan.cells for plan in self.matrices)

    def used(self, array: int = 0) -> BoolArray:
        """Return True for the cells of an array that are in use, shape (rows, columns)."""
        used = np.zeros(self.shapes[array], bool)
        for plan in self.matrices:
            for tile in plan.tiles:
                if tile.array == array:
                    used[tile.rows, tile.columns] = True
        return used


def cut(shape: tuple[int, int], copies: Copies, chunks: int = 1, parts: int = 1) -> list[Tile]:
    """Cut a matrix into tiles, none of them placed yet.

    Parameters
    ----------
    shape
        (inputs, outputs) of the matrix.
    copies
        Pairs of each weight.
    chunks
        Into how many chunks the rows of pairs are folded; all but the last are of one size.
    parts
        Into how many parts the outputs are divided.
    """
    inputs, outputs = shape
    return [
        Tile(pairs, part, copies.beside)
        for part in _divide(outputs, parts)
        for pairs in _divide(inputs * copies.stacked, chunks)
    ]


def _divide(total: int, pieces: int) -> list[range]:
    size = -(-total // pieces)
    return [range(first, min(first + size, total)) for first in range(0, total, size)]
