"""Row-pulses in volts and seconds, and how a passport stores them.

A batch is stored as two blobs without gaps, little-endian. `pulses` has one record for each
row-pulse: row (u2), kind (u1), uniform (u1), columns (packed bits, column 0 in the lowest),
amplitude (f4, V) and width (f4, s). `gates` has the gate voltages as u2 in units of `GATE_STEP`,
row-pulse by row-pulse: that of every selected cell in the order of the columns, or a single one
where it is the same for all of them (`uniform`). Voltages are exact: those of our DACs are whole
steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.board import Outcome
from memlab.numeric import BoolArray

__all__ = ["Outcome", "RowPulses", "decode", "encode"]


GATE_STEP = 10.0 / 65536
"""V; one step of the gate DACs, 0 to 10 V."""


@dataclass(frozen=True, eq=False)
class RowPulses:
    """Programming pulses of rows, in order.

    Parameters
    ----------
    row
        Row of each pulse, shape (n,).
    kind
        0 for SET, 1 for RESET (`drivers.board.PulseKind`), uint8, shape (n,).
    columns
        Selected cells, bool, shape (n, columns).
    amplitude, width
        In V and s, shape (n,).
    gate_voltage
        In V, shape (n, columns); ignored where a cell is not selected.
    """

    row: npt.NDArray[np.intp]
    kind: npt.NDArray[np.uint8]
    columns: npt.NDArray[np.bool_]
    amplitude: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    gate_voltage: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.row)


@cache
def _pulse_dtype(columns: int) -> np.dtype[Any]:
    mask = (-(-columns // 8),)
    return np.dtype(
        [
            ("row", "<u2"),
            ("kind", "u1"),
            ("uniform", "u1"),
            ("columns", "u1", mask),
            ("amplitude", "<f4"),
            ("width", "<f4"),
        ]
    )


def encode(pulses: RowPulses) -> tuple[bytes, bytes]:
    """Return the blobs `pulses` and `gates` of a batch."""
    records = np.empty(len(pulses), _pulse_dtype(pulses.columns.shape[1]))
    for name in ("row", "kind", "amplitude", "width"):
        records[name] = getattr(pulses, name)
    records["columns"] = np.packbits(pulses.columns, axis=1, bitorder="little")
    steps = np.rint(pulses.gate_voltage / GATE_STEP).astype("<u2")
    of_first = np.arange(len(pulses)), pulses.columns.argmax(axis=1)
    uniform = ((steps == steps[of_first][:, np.newaxis]) | ~pulses.columns).all(axis=1)
    records["uniform"] = uniform
    return records.tobytes(), steps[_stored(pulses.columns, uniform)].tobytes()


def decode(pulses: bytes, gates: bytes, columns: int) -> RowPulses:
    """Return the batch of two blobs; raises `ValueError` where they are damaged."""
    records = np.frombuffer(pulses, _pulse_dtype(columns))
    selected = np.unpackbits(records["columns"], axis=1, count=columns, bitorder="little")
    mask = selected.astype(bool)
    gate_voltage = np.zeros(mask.shape)
    uniform = records["uniform"].astype(bool)
    gate_voltage[_stored(mask, uniform)] = np.frombuffer(gates, "<u2") * GATE_STEP
    gate_voltage[uniform] = mask[uniform] * gate_voltage[uniform].sum(axis=1, keepdims=True)
    return RowPulses(
        row=records["row"].astype(np.intp),
        kind=records["kind"].copy(),
        columns=mask,
        amplitude=records["amplitude"].astype(np.float64),
        width=records["width"].astype(np.float64),
        gate_voltage=gate_voltage,
    )


def _stored(selected: BoolArray, uniform: BoolArray) -> BoolArray:
    """Return the cells whose gate voltage is stored: of uniform pulses the first one."""
    is_first = np.arange(selected.shape[1]) == selected.argmax(axis=1)[:, np.newaxis]
    stored: BoolArray = selected & (is_first | ~uniform[:, np.newaxis])
    return stored
