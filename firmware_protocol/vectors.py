"""What the items of the streams hold: masks, VMM input vectors, samples with their gains.

Vectors carry the selected rows only and samples the selected columns only. Every item starts on a
byte and has a fixed size, so that streams are addressed by item. Elements smaller than a byte are
filled from the low bits up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_protocol.errors import RemoteProtocolError
from firmware_protocol.messages import COLUMNS, ROW_PULSE, ROWS, ErrorCode, GainMode, InputFormat

_BITS = {InputFormat.BIT1: 1, InputFormat.BIT4: 4, InputFormat.BIT8: 8, InputFormat.U16: 16}


def row_mask(rows: npt.ArrayLike) -> bytes:
    """Return the 128-bit mask of row numbers."""
    return _mask(rows, ROWS)


def column_mask(columns: npt.ArrayLike) -> int:
    """Return the 64-bit mask of column numbers."""
    return int.from_bytes(_mask(columns, COLUMNS), "little")


def rows_of(mask: bytes) -> npt.NDArray[np.intp]:
    """Return the row numbers of a mask, rising."""
    return np.flatnonzero(np.unpackbits(np.frombuffer(mask, np.uint8), bitorder="little"))


def columns_of(mask: int) -> npt.NDArray[np.intp]:
    """Return the column numbers of a mask, rising."""
    return rows_of(int(mask).to_bytes(COLUMNS // 8, "little"))


def _mask(lines: npt.ArrayLike, total: int) -> bytes:
    bits = np.zeros(total, np.uint8)
    bits[np.asarray(lines, np.intp)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def row_pulses(
    row: npt.ArrayLike,
    kind: npt.ArrayLike,
    amplitude: npt.ArrayLike,
    width: npt.ArrayLike,
    columns: npt.NDArray[np.bool_],
    gate: npt.ArrayLike,
) -> npt.NDArray[np.void]:
    """Return `ROW_PULSE` records of n row-parallel pulses.

    `columns` and `gate` have the shape (n, 64), everything else (n,); all values are codes.
    """
    pulses = np.zeros(len(columns), ROW_PULSE)
    pulses["row"], pulses["kind"] = row, kind
    pulses["amp"], pulses["width"] = amplitude, width
    masks = np.packbits(columns, axis=1, bitorder="little")
    pulses["cols"] = np.ascontiguousarray(masks).view("<u8")[:, 0]
    pulses["gate"] = np.where(columns, gate, 0)
    return pulses


def vector_size(rows: int, fmt: int) -> int:
    """Return the bytes of one input vector of so many rows."""
    return (rows * _BITS[InputFormat(fmt)] + 7) // 8


def pack_vectors(levels: npt.ArrayLike, fmt: int) -> bytes:
    """Pack levels or codes, shape (vectors, rows), in the given `InputFormat`."""
    values = np.asarray(levels)
    bits = _BITS[InputFormat(fmt)]
    if bits == 16:
        return values.astype("<u2").tobytes()
    if bits == 8:
        return values.astype(np.uint8).tobytes()
    if bits == 1:
        return np.packbits(values.astype(bool), axis=1, bitorder="little").tobytes()
    padded = np.pad(values.astype(np.uint8), ((0, 0), (0, values.shape[1] % 2)))
    return (padded[:, 0::2] | padded[:, 1::2] << 4).tobytes()


def unpack_vectors(body: bytes, rows: int, fmt: int) -> npt.NDArray[np.uint16]:
    """Return levels or codes, uint16, shape (vectors, rows)."""
    bits = _BITS[InputFormat(fmt)]
    raw = _items(body, vector_size(rows, fmt))
    if bits == 16:
        return raw.view("<u2")
    if bits == 8:
        return raw.astype(np.uint16)
    if bits == 1:
        return np.unpackbits(raw, axis=1, count=rows, bitorder="little").astype(np.uint16)
    levels = np.empty((len(raw), 2 * raw.shape[1]), np.uint16)
    levels[:, 0::2], levels[:, 1::2] = raw & 15, raw >> 4
    return levels[:, :rows]


def sample_size(columns: int, gain_mode: int) -> int:
    """Return the bytes of one row of samples of so many columns."""
    return 2 * columns + ((columns + 3) // 4 if gain_mode == GainMode.AUTO else 0)


def pack_samples(code: npt.ArrayLike, gain: npt.ArrayLike, gain_mode: int) -> bytes:
    """Pack ADC codes and gain numbers (1 to 4), both of shape (items, columns)."""
    codes = np.ascontiguousarray(code, "<u2")
    if gain_mode != GainMode.AUTO:
        return codes.tobytes()
    numbers = np.asarray(gain, np.uint8) - 1
    fours = np.pad(numbers, ((0, 0), (0, -numbers.shape[1] % 4))).reshape(len(numbers), -1, 4)
    bits = (fours << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8)
    return np.hstack([codes.view(np.uint8).reshape(len(codes), -1), bits]).tobytes()


def unpack_samples(
    body: bytes, columns: int, gain_mode: int
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8]]:
    """Return ADC codes and gain numbers (1 to 4), both of shape (items, columns)."""
    raw = _items(body, sample_size(columns, gain_mode))
    codes = np.ascontiguousarray(raw[:, : 2 * columns]).view("<u2")
    if gain_mode != GainMode.AUTO:
        return codes, np.full(codes.shape, gain_mode + 1, np.uint8)
    bits = raw[:, 2 * columns :, None] >> np.array([0, 2, 4, 6], np.uint8) & 3
    gains = bits.reshape(len(raw), -1)[:, :columns] + 1
    return codes, gains.astype(np.uint8)


def _items(body: bytes, size: int) -> npt.NDArray[Any]:
    if len(body) % size:
        raise RemoteProtocolError(f"{len(body)} bytes are not whole items of {size}", ErrorCode.LEN)
    return np.frombuffer(body, np.uint8).reshape(-1, size)
