"""A crossbar by Kirchhoff's law alone: one sparse matrix of all its nodes.

Knows nothing of the emulator: nodes are numbered, branches are stamped, and the whole is solved at
once. Zero ohm joins two nodes.
"""

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

Array = np.ndarray


def nodal_solution(
    conductance: Array,
    ohm: tuple[float, float],
    row_voltage: Array,
    column_voltage: Array,
    driver: float = 0.0,
    sense: float = 0.0,
) -> tuple[Array, Array, Array]:
    """Return cell voltages (TE line less bit line, V) and currents into rows, out of columns (A).

    Rows are driven at column 0, columns at the last row; lines at NaN float.
    """
    rows, columns = conductance.shape
    # In front of each bit line, and behind each TE line, stands the node of its driver.
    bit = np.arange(rows * (columns + 1)).reshape(rows, columns + 1)
    te = np.arange((rows + 1) * columns).reshape(rows + 1, columns) + bit.size
    ends = np.concatenate([bit[:, 0], te[-1]])
    volts = np.concatenate([row_voltage, column_voltage])
    resistors = [
        (bit[:, 0], bit[:, 1], ohm[0] + driver),
        (bit[:, 1:-1], bit[:, 2:], ohm[0]),
        (te[-1], te[-2], ohm[1] + sense),
        (te[:-2], te[1:-1], ohm[1]),
    ]
    name = np.arange(bit.size + te.size)
    branches = [(te[:-1], bit[:, 1:], conductance)]
    for a, b, r in resistors:
        if r:
            branches.append((a, b, np.full(a.shape, 1.0 / r)))
        for x, y in zip(a.ravel(), b.ravel(), strict=True):
            if not r:
                name[name == name[y]] = name[x]
    number = np.unique(name, return_inverse=True)[1]
    a, b = (np.concatenate([number[part[k].ravel()] for part in branches]) for k in (0, 1))
    g = np.concatenate([part[2].ravel() for part in branches])
    size = int(number.max()) + 1
    fixed = np.zeros(size, bool)
    fixed[number[ends[~np.isnan(volts)]]] = True
    potential = np.zeros(size, np.longdouble)
    potential[number[ends[~np.isnan(volts)]]] = volts[~np.isnan(volts)]

    pairs = np.concatenate([a, b, a, b]), np.concatenate([a, b, b, a])
    laplacian = scipy.sparse.csc_matrix((np.concatenate([g, g, -g, -g]), pairs), shape=(size, size))
    free = np.flatnonzero(~fixed)
    # The sum of 1/ohm and G has lost digits of G. What is left over at each node, branch by branch
    # and in more digits, brings them back.
    factors = splu(laplacian[np.ix_(free, free)].tocsc()) if free.size else None
    for _ in range(4):
        current = g * (potential[a] - potential[b])
        left = np.zeros(size, np.longdouble)
        np.add.at(left, a, -current)
        np.add.at(left, b, current)
        if factors is not None:
            potential[free] += factors.solve(left[free].astype(float))
    cell = potential[number[te[:-1]]] - potential[number[bit[:, 1:]]]
    current = conductance * cell
    into = np.where(np.isnan(row_voltage), 0.0, -current.sum(axis=1))
    out = np.where(np.isnan(column_voltage), 0.0, -current.sum(axis=0))
    return cell.astype(float), into.astype(float), out.astype(float)
