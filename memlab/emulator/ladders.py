"""Crossbars as networks of resistors, and their bit lines solved one by one.

The geometry is that of `memlab.emulator.wires`. A bit line is a ladder: wire in series, cells in
shunt. With the TE nodes given it is solved in closed form, and what is left are the TE lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import blas, lapack

__all__ = ["Crossbar", "Ladders", "invert", "require_regular", "row_admittances", "symmetric"]

# Rows are prepared in batches of about this many matrix elements (1 MB): they stay in the cache
# until the sweep reaches them, and the memory does not grow with the number of rows.
_BATCH_ELEMENTS = 1 << 17

# Transfer ratios are products along a ladder, formed as quotients of products over a panel of so
# many columns: few of them are fast; the narrow ones stay in range unless a single ratio is below
# 1e-19 (wire ohm x cell S > 1e19), and the wide ones where the product over all columns does.
_WIDE, _NARROW = 64, 16

# Larger matrices are inverted by halves: LAPACK inverts at a third of the speed of a product.
_ONE_PIECE = 96


@dataclass(frozen=True)
class Crossbar:
    """A crossbar in ohm and S, checked. Lines in use only."""

    cells: NDArray[np.float64]
    """(rows, columns) in S."""
    along_row: NDArray[np.float64]
    """(columns,) in ohm: the piece of every bit line that leads to each column."""
    along_column: NDArray[np.float64]
    """(rows,) in ohm: the piece of every TE line that leaves each row."""
    driver: NDArray[np.float64]
    """(rows,) in ohm."""
    sense: NDArray[np.float64]
    """(columns,) in ohm."""

    @classmethod
    def of(
        cls,
        conductance: ArrayLike,
        wire_resistance: float | tuple[float, float],
        *,
        driver_resistance: ArrayLike,
        sense_resistance: ArrayLike,
        row_segments: ArrayLike,
        column_segments: ArrayLike,
    ) -> Self:
        """Build from the arguments of the public functions."""
        cells = np.asarray(conductance, dtype=np.float64)
        if cells.ndim != 2 or cells.size == 0:
            raise ValueError(f"conductance must be (rows, columns), not shape {cells.shape}")
        _check(cells, "conductance")
        rows, columns = cells.shape
        wire = wire_resistance if isinstance(wire_resistance, tuple) else (wire_resistance,) * 2
        row_wire, column_wire = _per_line(wire, 2, "wire_resistance")
        return cls(
            cells=cells,
            along_row=row_wire * _per_line(row_segments, columns, "row_segments"),
            along_column=column_wire * _per_line(column_segments, rows, "column_segments"),
            driver=_per_line(driver_resistance, rows, "driver_resistance"),
            sense=_per_line(sense_resistance, columns, "sense_resistance"),
        )

    @property
    def has_resistance(self) -> bool:
        """Whether any wire or terminal drops a voltage."""
        return any(
            np.any(part) for part in (self.along_row, self.along_column, self.driver, self.sense)
        )

    def reciprocal(self) -> "Crossbar":
        """The same network driven where it was sensed: its transfer matrix is ours, transposed.

        The new bit lines are the old TE lines from the amplifier upwards, so every index reverses.
        """
        return Crossbar(
            cells=self.cells[::-1, ::-1].T,
            along_row=self.along_column[::-1],
            along_column=self.along_row[::-1],
            driver=self.sense[::-1],
            sense=self.driver[::-1],
        )


def row_admittances(
    crossbar: Crossbar,
    scale: NDArray[np.float64] | None = None,
    added: NDArray[np.float64] | None = None,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Each row as seen from its TE nodes: admittance K (lower triangle, Fortran order), source b.

    With `scale` and `added`, shape (rows,), it is scale K + added 1 that is returned in place of K.

    T⁻¹[j, k] is a term in j times a term in k (`Ladders`), so that K is an outer product. Over a
    long line of high resistance the running product of t leaves the range of floating point;
    starting it again in every panel of columns keeps it inside.
    """
    rows, columns = crossbar.cells.shape
    cells = crossbar.cells
    ladders = Ladders.of(crossbar)
    transfer = np.ascontiguousarray(ladders.transfer.T)
    into = -cells * ladders.impedance.T
    own = ladders.own_admittance(crossbar).T
    if scale is not None and added is not None:
        into *= scale[:, None]
        own = own * scale[:, None] + added[:, None]
    reached = np.multiply.accumulate(transfer, axis=1)
    width = _WIDE if reached.min() > 1e-250 else _NARROW
    source = cells * reached
    batch = max(1, _BATCH_ELEMENTS // columns**2)
    K = np.zeros((min(batch, rows), columns, columns))
    diagonal = np.einsum("ijj->ij", K)
    for start in range(0, rows, batch):
        stop = min(start + batch, rows)
        for first in range(0, columns, width):
            panel = slice(first, first + width)
            product = transfer[start:stop, first:].copy()
            product[:, 0] = 1.0
            np.multiply.accumulate(product, axis=1, out=product)
            np.multiply(
                (into[start:stop, panel] / product[:, :width])[:, :, None],
                (cells[start:stop, first:] * product)[:, None, :],
                out=K[: stop - start, panel, first:],
            )
        diagonal[: stop - start] = own[start:stop]
        for row in range(start, stop):
            yield K[row - start].T, source[row]


@dataclass(frozen=True)
class Ladders:
    """The bit lines solved with driver and TE nodes at 0 V: what is needed of T⁻¹, (columns, rows).

    Seen from node k: z_k, the impedance (ohm) towards the driver without the cell of node k; y_k,
    the admittance (S) of that cell and all that lies beyond. The recursions are each other's dual,

        z_{k+1} = z_k / (1 + z_k G_k) + r_{k+1}        y_{k-1} = y_k / (1 + y_k r_k) + G_{k-1}

    and every sum here is one of positive terms, so that nothing cancels. A current into node j
    raises it by s_j per ampere, and each node after it by t of the node before:

        s_k = z_k / (1 + z_k y_k)      t_k = 1 / (1 + r_k y_k)
        T⁻¹[j, k] = s_j t_{j+1} ... t_k    for j <= k
    """

    z: NDArray[np.float64]
    y: NDArray[np.float64]
    transfer: NDArray[np.float64]
    """t: voltage of a node over that of the node before it (of the driver for the first)."""
    impedance: NDArray[np.float64]
    """s: diagonal of T⁻¹, in ohm."""

    @classmethod
    def of(cls, crossbar: Crossbar) -> Self:
        """Solve every bit line of a crossbar, both directions in one loop over the columns."""
        rows, columns = crossbar.cells.shape
        segment = np.repeat(crossbar.along_row[:, None], rows, axis=1)
        segment[0] += crossbar.driver
        series, shunt, seen = np.empty((3, columns, 2, rows))
        series[:, 0] = shunt[::-1, 1] = segment
        shunt[:, 0] = series[::-1, 1] = crossbar.cells.T
        seen[0] = series[0]
        for here, beside, between, beyond in zip(
            seen[:-1], shunt[:-1], series[1:], seen[1:], strict=True
        ):
            np.multiply(here, beside, out=beyond)
            beyond += 1.0
            np.divide(here, beyond, out=beyond)
            beyond += between
        z, y = seen[:, 0], seen[::-1, 1]
        return cls(z, y, transfer=1.0 / (1.0 + segment * y), impedance=z / (1.0 + z * y))

    def own_admittance(self, crossbar: Crossbar) -> NDArray[np.float64]:
        """Diagonal of K, G - G² s, as G (1 + z rest) / (1 + z y); rest is y without the cell."""
        rest = np.zeros_like(self.y)
        rest[:-1] = self.y[1:] * self.transfer[1:]
        return crossbar.cells.T * (1.0 + self.z * rest) / (1.0 + self.z * self.y)

    def voltage(
        self, current: NDArray[np.float64], driver_voltage: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Node voltages (columns, rows) for a current into each, (columns, rows), in A.

        `driver_voltage` has shape (rows,). This is T⁻¹ applied: what comes from the
        driver's side is carried outwards, the rest inwards.
        """
        t, s = self.transfer, self.impedance
        columns, rows = t.shape
        ratio, carried = np.empty((2, columns, 2, rows))
        ratio[:, 0] = t
        ratio[1:, 1] = t[:0:-1]
        carried[:, 0] = s * current
        carried[0, 0] += t[0] * driver_voltage
        carried[0, 1] = 0.0
        carried[1:, 1] = (t * current)[:0:-1]
        for before, here, t_here in zip(carried[:-1], carried[1:], ratio[1:], strict=True):
            here += t_here * before
        outwards, inwards = carried[:, 0], carried[::-1, 1]
        return outwards + s * inwards


def invert(matrix: NDArray[np.float64]) -> None:
    """Invert a positive definite matrix in place; of both only the lower triangle."""
    if len(matrix) > _ONE_PIECE:
        _invert_by_halves(matrix)
        return
    _, not_positive = lapack.dpotrf(matrix, lower=1, overwrite_a=1, clean=0)
    _, not_regular = lapack.dpotri(matrix, lower=1, overwrite_c=1)
    require_regular(not_positive or not_regular)


def _invert_by_halves(matrix: NDArray[np.float64]) -> None:
    """Do what `invert` does with P Q' / Q S, by P and its Schur complement S - Q P⁻¹ Q'."""
    half = len(matrix) // 2
    first, second = (np.asfortranarray(matrix[k, k]) for k in (slice(half), slice(half, None)))
    invert(first)
    across = blas.dsymm(1.0, first, matrix[half:, :half], side=1, lower=1)
    blas.dgemm(-1.0, across, matrix[half:, :half], beta=1.0, c=second, trans_b=1, overwrite_c=1)
    invert(second)
    below = blas.dsymm(-1.0, second, across, lower=1)
    blas.dgemm(-1.0, across, below, beta=1.0, c=first, trans_a=1, overwrite_c=1)
    matrix[:half, :half], matrix[half:, :half], matrix[half:, half:] = first, below, second


def require_regular(info: int) -> None:
    """LAPACK found a regular matrix: with checked input it is one."""
    if info:
        raise np.linalg.LinAlgError(f"singular wire network (LAPACK info {info})")


def symmetric(lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """The full matrix of a lower triangle, in Fortran order."""
    return np.asfortranarray(np.where(_below(len(lower)), lower, lower.T))


@cache
def _below(lines: int) -> NDArray[np.bool_]:
    """Where a square matrix has its lower triangle."""
    return np.tri(lines, dtype=bool)


def _per_line(value: ArrayLike, lines: int, name: str) -> NDArray[np.float64]:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim > 1 or (array.ndim == 1 and array.size != lines):
        raise ValueError(f"{name} must be a number or have shape ({lines},), not {array.shape}")
    _check(array, name)
    return np.full(lines, array)


def _check(value: NDArray[np.float64], name: str) -> None:
    if not (value.min() >= 0.0 and value.max() < np.inf):  # false for NaN, too
        raise ValueError(f"{name} must be finite and not negative")
