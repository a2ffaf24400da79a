"""The wires of a crossbar: what their resistance leaves of a voltage, exactly.

Geometry. A bit line (row) is driven at its column-0 end; a TE line (column) is sensed at its
last-row end, at virtual ground. One segment lies between driver and first cell, one between
neighbouring cells, one between last cell and sense amplifier; the far ends are open.

            column 0     column 1
      V ──r──W──────r──────W               W, B   nodes of the bit line, of the TE line
             G             G               G      the cell between them
             B             B
             r             r               r      one segment
             ⋮             ⋮
             r             r
            0 V           0 V              sense amplifiers

Reading (`effective_conductance`). Give the TE nodes of one row the voltages B and its driver V. Its
bit line is a ladder with nodal matrix T (tridiagonal), whose inverse is known in closed form, so
that its nodes W are eliminated; behind the first segment r₀, the current into the TE nodes is

    b V - K B        b = G T⁻¹ e₀ / r₀        K = diag(G) - G T⁻¹ G

Now walk along the TE lines towards the amplifiers. All rows passed so far look, from the TE nodes
where we stand, like a Norton source: currents H V beside an admittance N (columns x columns). A new
row adds K to N, and b to H as one more column. The segment r to the next row divides the current:

    H' = X H        N' = X N = (1 - X) / r        X = (1 + r N)⁻¹

The last segment and the input resistances of the amplifiers, a diagonal R, leave (1 + N R)⁻¹ H V.

Only N, X and H are held: memory goes with columns² and rows x columns. One Cholesky inverse and one
product per row make R C³ + R² C² multiply-adds. The adjoint sweep (amplifiers first) stores all its
blocks, R C² numbers, for 3 R C³. Reciprocity lets the sweep always run along the longer side. No
formula divides by a resistance of a wire that may be zero: zero is an ordinary value.

Programming (`cell_voltage`). One row is pulsed at a time: a ladder each, many solved at once.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import blas, lapack

from memlab.emulator.blas import one_blas_thread
from memlab.emulator.ladders import (
    Crossbar,
    Ladders,
    invert,
    require_regular,
    row_admittances,
    symmetric,
)

__all__ = ["cell_voltage", "effective_conductance", "row_voltage_share", "wire_segments"]

# (1 - X)/r has the rounding of 1/r: too coarse when what still follows is this many times r, which
# only a large amplifier (or driver) resistance is. X N then keeps the digits, for one product more.
_CANCELLATION = 1e4


def effective_conductance(
    conductance: ArrayLike,
    wire_resistance: float | tuple[float, float],
    *,
    driver_resistance: ArrayLike = 0.0,
    sense_resistance: ArrayLike = 0.0,
    row_segments: ArrayLike = 1.0,
    column_segments: ArrayLike = 1.0,
) -> NDArray[np.float64]:
    """Transfer matrix (rows, columns) in S of a crossbar with resistive wires: I = V @ G_eff.

    The exact nodal solution, to rounding. The bits of the result do not depend on the number of
    BLAS threads. Takes nothing but time; no device is touched.

    Parameters
    ----------
    conductance
        Cells, shape (rows, columns), in S, finite and not negative. Zero is an open cell.
    wire_resistance
        Resistance of one segment in ohm; a pair is (bit line, TE line). 0 gives the conductance
        itself, bit for bit (with no other resistance in the path).
    driver_resistance, sense_resistance
        In series with the driver of each bit line and the amplifier of each TE line, in ohm: a
        number, or one per line of shape (rows,) and (columns,).
    row_segments
        Shape (columns,): length, in segments, of the piece of bit line that leads from the driver's
        side to each column; default 1. `wire_segments` gives both for part of a larger array.
    column_segments
        Shape (rows,): length of the piece of TE line that leaves each row towards the amplifier.

    Returns
    -------
    Current into the amplifier of each column per volt at the driver of each row, the other drivers
    at 0 V: shape (rows, columns), in S.

    Raises
    ------
    ValueError
        For a wrong shape, or a conductance or resistance that is negative or not finite.

    Notes
    -----
    Of 128 x 64 cells of 242 uS, 0.859 / 0.678 / 0.407 / 0.232 are left in the mean at 0.1 / 0.3 /
    1 / 2.5 ohm. The same holds for the mean of a map that is spread around 242 uS; the mean of its
    ratios is larger, because a small cell gets current through its large neighbours.
    """
    crossbar = Crossbar.of(
        conductance,
        wire_resistance,
        driver_resistance=driver_resistance,
        sense_resistance=sense_resistance,
        row_segments=row_segments,
        column_segments=column_segments,
    )
    if not crossbar.has_resistance:
        return crossbar.cells.copy()
    rows, columns = crossbar.cells.shape
    with one_blas_thread():
        if columns <= rows:
            return _sweep(crossbar)
        return np.ascontiguousarray(_sweep(crossbar.reciprocal())[::-1, ::-1].T)


def row_voltage_share(
    conductance: ArrayLike,
    wire_resistance: float | tuple[float, float],
    *,
    driver_resistance: ArrayLike = 0.0,
    row_segments: ArrayLike = 1.0,
) -> NDArray[np.float64]:
    """Voltage on a bit line at each cell over that of its driver, all TE lines at 0 V.

    Parameters as in `effective_conductance`, shape (rows, columns), 0 to 1.
    """
    crossbar = Crossbar.of(
        conductance,
        wire_resistance,
        driver_resistance=driver_resistance,
        sense_resistance=0.0,
        row_segments=row_segments,
        column_segments=1.0,
    )
    return np.multiply.accumulate(Ladders.of(crossbar).transfer, axis=0).T


def wire_segments(
    rows: ArrayLike, columns: ArrayLike, shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths of wire between the lines in use, when the other lines of the array take no part.

    Parameters
    ----------
    rows, columns
        Strictly increasing indices of the lines in use.
    shape
        (rows, columns) of the whole array: the amplifiers sit behind its last row.

    Returns
    -------
    `row_segments` (one per column in use) and `column_segments` (one per row in use), in segments.

    Raises
    ------
    ValueError
        If an index is outside the array, or they do not increase.
    """
    row = _positions(rows, shape[0], "rows")
    column = _positions(columns, shape[1], "columns")
    row_segments = np.diff(column, prepend=-1)
    column_segments = np.diff(row, append=shape[0])
    return row_segments.astype(np.float64), column_segments.astype(np.float64)


def cell_voltage(
    conductance: ArrayLike,
    wire_resistance: float | tuple[float, float],
    row_voltage: ArrayLike,
    column_voltage: ArrayLike,
    *,
    driver_resistance: ArrayLike = 0.0,
    sense_resistance: ArrayLike = 0.0,
    row_segments: ArrayLike = 1.0,
    column_segments: ArrayLike = 1.0,
) -> NDArray[np.float64]:
    """Voltage (V) that each cell gets when its row is pulsed alone: TE side minus bit-line side.

    SET: rows at 0 V, columns at V_SET, the result is positive. RESET: rows at V_RESET, columns at
    0 V, the result is negative. Every row is a pulse of its own, all are solved at once; the rows
    not pulsed float, and the little current that flows through their cells from one TE line to
    another is left out (it changes a voltage by less than 1e-4 of itself: 34 x 60 cells of
    10 to 474 uS, 0.3 ohm). A cell whose gate is off has conductance 0; what is returned for it is
    the voltage across cell and transistor together.

    Parameters
    ----------
    conductance
        Path from TE line to bit line (memristor and transistor) during the pulse, (rows, columns),
        in S. Linear: a caller whose conductance depends on the voltage iterates.
    wire_resistance, row_segments, column_segments
        As in `effective_conductance`.
    row_voltage
        At the column-0 ends of the bit lines, in V: a number or shape (rows,).
    column_voltage
        At the last-row ends of the TE lines, in V: a number, (columns,), or (rows, columns) when it
        differs from pulse to pulse.
    driver_resistance, sense_resistance
        Of the sources at the ends of bit lines and TE lines, in ohm: a number or one per line.

    Returns
    -------
    Shape (rows, columns), in V.

    Raises
    ------
    ValueError
        For a wrong shape, or a conductance or resistance that is negative or not finite.
    """
    crossbar = Crossbar.of(
        conductance,
        wire_resistance,
        driver_resistance=driver_resistance,
        sense_resistance=sense_resistance,
        row_segments=row_segments,
        column_segments=column_segments,
    )
    source = np.broadcast_to(np.asarray(column_voltage, dtype=np.float64), crossbar.cells.shape)
    row_source = np.broadcast_to(
        np.asarray(row_voltage, dtype=np.float64), crossbar.cells.shape[:1]
    )
    # With one row active a TE line carries the current of one cell only: from its source down to
    # the row it is a plain series resistance, and the cell with it is one branch of the bit line.
    in_series = np.cumsum(crossbar.along_column[::-1])[::-1, None] + crossbar.sense
    divider = 1.0 / (1.0 + crossbar.cells * in_series)
    branches = replace(crossbar, cells=crossbar.cells * divider)
    node = Ladders.of(branches).voltage((branches.cells * source).T, row_source).T
    return (source - node) * divider


def _sweep(crossbar: Crossbar) -> NDArray[np.float64]:
    """Carry the Norton source of the rows (see the top) from the first row to the amplifiers."""
    rows, columns = crossbar.cells.shape
    segments = crossbar.along_column
    # The most that still follows each segment, in ohm.
    following = np.cumsum(segments[::-1])[::-1] - segments + crossbar.sense.max()
    last = segments[-1] + crossbar.sense
    steps = np.append(segments[:-1], last[0])
    if (last == steps[-1]).all() and (following < _CANCELLATION * steps).all():
        return _sweep_alike(crossbar, steps)
    # Fortran order: the columns of H filled so far are one contiguous block for BLAS. Of N and X
    # only the lower triangle is meaningful.
    H, H_next = np.empty((2, rows, columns)).transpose(0, 2, 1)
    N = np.zeros((columns, columns), order="F")
    X = np.empty((columns, columns), order="F")
    N_diagonal, X_diagonal = np.einsum("ii->i", N), np.einsum("ii->i", X)
    for row, (K, b) in enumerate(row_admittances(crossbar)):
        N += K
        H[:, row] = b
        r = float(segments[row])
        if row == rows - 1 or r == 0.0:
            continue
        np.multiply(N, r, out=X)
        X_diagonal += 1.0
        invert(X)
        blas.dsymm(1.0, X, H[:, : row + 1], lower=1, c=H_next[:, : row + 1], overwrite_c=1)
        H, H_next = H_next, H
        if following[row] < _CANCELLATION * r:
            np.multiply(X, -1.0 / r, out=N)
            N_diagonal += 1.0 / r
        else:
            N[:] = blas.dsymm(1.0, X, symmetric(N), lower=1)
    if not last.any():
        return H.T
    # R is not the same for every column, so 1 + N R is not symmetric: LU instead of Cholesky.
    divided = symmetric(N) * last
    np.einsum("ii->i", divided)[:] += 1.0
    _, _, current, info = lapack.dgesv(divided, H, overwrite_a=1, overwrite_b=1)
    require_regular(info)
    transfer: NDArray[np.float64] = current.T
    return transfer


def _sweep_alike(crossbar: Crossbar, segments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do what `_sweep` does where the steps are all alike: none is 0, and none of N's digits go.

    Then X says what N is, and nothing else is carried along. `segments` (ohm) are those below each
    row, the last one with the amplifiers'; q is the ratio of one to that before:

        1 + r (N + K) = r K + (1 + q) 1 - q X
    """
    rows, columns = crossbar.cells.shape
    H, H_next = np.empty((2, rows, columns)).transpose(0, 2, 1)
    X = np.eye(columns, order="F")
    ratio = segments / np.append(segments[0], segments[:-1])
    for row, (scaled, b) in enumerate(row_admittances(crossbar, segments, 1.0 + ratio)):
        if ratio[row] != 1.0:
            X *= ratio[row]
        np.subtract(scaled, X, out=X)
        invert(X)
        H[:, row] = b
        blas.dsymm(1.0, X, H[:, : row + 1], lower=1, c=H_next[:, : row + 1], overwrite_c=1)
        H, H_next = H_next, H
    return H.T


def _positions(index: ArrayLike, size: int, name: str) -> NDArray[np.intp]:
    position = np.asarray(index, dtype=np.intp)
    if position.ndim != 1 or position.size == 0 or np.any(np.diff(position) <= 0):
        raise ValueError(f"{name} must be strictly increasing indices, not {index!r}")
    if position[0] < 0 or position[-1] >= size:
        raise ValueError(f"{name} must lie in 0..{size - 1}, not {position[0]}..{position[-1]}")
    return position
