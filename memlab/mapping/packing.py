"""Automatic placement of weight matrices on the free and good lines of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memlab.chip.shape import PUBLISHED
from memlab.errors import SettingError
from memlab.mapping.floor_plan import Copies, FloorPlan, MatrixPlan, cut
from memlab.numeric import BoolArray

__all__ = ["Request", "first_free", "place", "slice_names"]


def slice_names(name: str, slices: int) -> list[str]:
    """Return what the slices of a matrix are called; an only one as the matrix."""
    return [name] if slices == 1 else [f"{name}_slice{number}" for number in range(slices)]


@dataclass(frozen=True)
class Request:
    """A weight matrix that wants cells.

    Parameters
    ----------
    name
        Names the matrix.
    inputs, outputs
        Shape of the weights, the bias input included.
    copies
        Pairs of each weight.
    slices
        Matrices that hold it together (`memlab.mapping.SlicedMatrix`), each as large; they are
        placed one by one, as `slice_names` calls them.
    """

    name: str
    inputs: int
    outputs: int
    copies: Copies = field(default_factory=Copies)
    slices: int = 1

    def __post_init__(self) -> None:
        if self.slices < 1:
            raise SettingError(f"{self.name} needs at least one slice, got {self.slices}")

    @property
    def rows(self) -> int:
        """Rows of cells when not folded."""
        return 2 * self.inputs * self.copies.stacked

    @property
    def columns(self) -> int:
        """Columns of cells when not folded."""
        return self.outputs * self.copies.beside


ORDERS: tuple[Callable[[Request], int], ...] = (
    lambda request: request.rows * request.columns,
    lambda request: request.rows,
    lambda request: request.columns,
)
"""What to place first: the largest, the tallest or the widest matrix."""


def place(
    requests: Sequence[Request],
    shapes: Sequence[tuple[int, int]] = (PUBLISHED,),
    free: Sequence[BoolArray] | None = None,
) -> FloorPlan:
    """Find room for every matrix; a matrix is folded only as far as it must be.

    Each tile goes to the first free rectangle, in the order of arrays, columns and rows; the
    matrices are tried largest, tallest and widest first.

    Parameters
    ----------
    requests
        The matrices.
    shapes
        (rows, columns) of each array. For an array with bad lines, of its view
        `array[good_rows, good_columns]`.
    free
        Masks of the cells that may be used, one of each array's shape; all of them by default.

    Raises
    ------
    SettingError
        If the matrices do not fit; says how many cells are asked for and free.
    """
    requests = [
        replace(one, name=name, slices=1)
        for one in requests
        for name in slice_names(one.name, one.slices)
    ]
    masks = [np.ones(shape, bool) for shape in shapes] if free is None else list(free)
    if [mask.shape for mask in masks] != list(shapes):
        raise ValueError(f"free masks have shapes {[m.shape for m in masks]}, expected {shapes}")
    cells = sum(r.rows * r.columns for r in requests)
    free_cells = sum(int(mask.sum()) for mask in masks)
    # What cannot fit is not tried: there are as many ways to fold a matrix as it has rows.
    for order in ORDERS if cells <= free_cells else ():
        room = [mask.copy() for mask in masks]
        plans: dict[str, MatrixPlan] = {}
        for request in sorted(requests, key=order, reverse=True):
            plan = _place_one(request, room)
            if plan is None:
                break
            plans[request.name] = plan
        else:
            # In the order of the network, whatever order they were placed in.
            return FloorPlan(tuple(shapes), tuple(plans[request.name] for request in requests))
    wanted = ", ".join(f"{r.name} {r.rows} x {r.columns}" for r in requests)
    available = ", ".join(f"{rows} x {columns}" for rows, columns in shapes)
    raise SettingError(
        f"no room: {wanted} cells ({cells}) do not fit on {available} with {free_cells} free "
        "cells; use fewer units, copies or slices, or more arrays"
    )


def _place_one(request: Request, room: list[BoolArray]) -> MatrixPlan | None:
    """Place a matrix in as few chunks as possible and take its cells; None if there is no room."""
    pair_rows = request.rows // 2
    widest = max(mask.shape[1] for mask in room)
    if request.copies.beside > widest:
        return None
    parts = -(-request.outputs // (widest // request.copies.beside))
    for chunks in range(1, pair_rows + 1):
        trial = [mask.copy() for mask in room]
        tiles = []
        shape = request.inputs, request.outputs
        for tile in cut(shape, request.copies, chunks, parts):
            found = first_free(tile.shape, trial)
            if found is None:
                break
            array, row, column = found
            tiles.append(tile.at(row, column, array))
        else:
            room[:] = trial
            return MatrixPlan(request.name, *shape, request.copies, tuple(tiles))
    return None


def first_free(shape: tuple[int, int], room: Sequence[BoolArray]) -> tuple[int, int, int] | None:
    """Return array, row and column of the first free rectangle, and take its cells; or None.

    Parameters
    ----------
    shape
        (rows, columns) of the rectangle.
    room
        Masks of the free cells of each array; changed.
    """
    rows, columns = shape
    for array, mask in enumerate(room):
        if rows > mask.shape[0] or columns > mask.shape[1]:
            continue
        # Sums over rectangles from one table of sums from the corner.
        table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), int)
        table[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
        count = (
            table[rows:, columns:]
            - table[:-rows, columns:]
            - table[rows:, :-columns]
            + table[:-rows, :-columns]
        )
        fits = np.argwhere((count == rows * columns).T)
        if fits.size:
            column, row = map(int, fits[0])
            mask[row : row + rows, column : column + columns] = False
            return array, row, column
    return None
