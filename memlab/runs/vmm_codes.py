"""The codes of every vector that a block of differential pairs multiplied: written and read back.

Row codes are most of a full log, and little of it is news: the - row of a pair has the mirrored
voltage of its + row, and where an input is 0 neither is driven. So of each pass (what was written
at once) only the + rows that are driven are there, as steps from the code of 0 V:

    driven (vector, byte)   a bit for each input, the first one highest: 1 where its rows are driven
    step/step (bytes)       code of the + row less `zero_code`, of the driven inputs one after the
                            other, vector by vector, and a 0 at the end where they are an odd
                            number; two of 12 bits, two's complement, in three bytes, lowest first
    pass/begin, pass/byte  where each pass begins

The - row has `zero_code` less the step; `layout` says which rows are which. A pass that is not so,
as of a calibrated board, is in `other/dac_code` as it is; `other/number` has the numbers of its
vectors. Files of schema 2 and before have `dac_code` (vector, row) in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from memlab.mapping import Block
from memlab.mapping.layout import Layout, pair_rows
from memlab.runs.opening import open_for_reading
from memlab.runs.run_file import RunFile

__all__ = ["SUFFIX", "VmmCodes", "VmmLog", "read_row_codes"]

SUFFIX = "_vmm"
"""Behind the name of a block: the group of its vectors."""

_CHUNK = 16 * 2**10
"""Bytes in a chunk, about: each costs some 10 us, and the last one may be almost empty."""

_PASSES = 128
"""Passes in a chunk."""

_LARGEST = 2**11 - 1
"""Steps in 12 bits."""

_Codes = npt.NDArray[np.integer[Any]]


class VmmLog:
    """Writes the codes of one block; make it before the run file is started.

    Parameters
    ----------
    run
        Where to write. One that goes on from an earlier version keeps the form that it has.
    block
        Of which array, and in which layout.
    vectors
        Vectors that a chunk should hold at least.
    attributes
        Of the group.
    """

    def __init__(self, run: RunFile, block: Block, vectors: int, attributes: dict[str, Any]):
        self.group = f"{block.name}{SUFFIX}"
        self.recorded = 0
        """Vectors that are in the log."""
        self._run = run
        self._row_type, sense_type = map(np.dtype, block.array.code_types)
        self._in_full = run.grows(f"{self.group}/dac_code")
        board = block.array.describe()["board"]
        zero = int(board["row"]["zero_code"]) if "row" in board else 0
        (self._zero,) = _wrapping(self._row_type, zero)
        rows = len(block.array.rows)
        self._inputs = rows // 2
        self._bytes = max(1, -(-self._inputs // 8))
        self._paired = rows % 2 == 0
        self._plus, self._minus = pair_rows(block.layout, self._inputs)

        name = self.group
        more = {} if self._in_full else {"layout": block.layout.value, "zero_code": zero}
        run.group(name, "NXdata", {"signal": "adc_code", **attributes, **more})
        row, column = run.scale_lines(name, block.array.rows, block.array.columns)
        if not self._in_full:
            # Before the vectors: who counts these finds their codes (`RunFile.start`).
            run.group(f"{name}/other", "NXcollection")
            other = f"{name}/other/number"
            run.scale(other, None, "1", "Number of a vector whose row codes stand here")
            text = "Row DAC codes"
            run.declare(f"{name}/other/dac_code", self._row_type, (other, row), "1", text, vectors)
            run.group(f"{name}/pass", "NXcollection")
            begin = f"{name}/pass/begin"
            run.scale(begin, None, "1", "First vector of the pass", chunk=_PASSES, packed=True)
            text = "First byte of its steps"
            byte = f"{name}/pass/byte"
            run.declare(byte, "i8", (begin,), "1", text, _PASSES, packed=True)
            run.group(f"{name}/step", "NXcollection")
            text = "Codes of driven + rows less zero_code, 12 bits each"
            run.scale(f"{name}/step/step", None, "1", text, np.uint8, _CHUNK)
        vector = f"{name}/vector"
        run.scale(vector, None, "1", "Number of the recorded vector, from 0", packed=True)
        text = "Update whose forward pass this was"
        run.declare(f"{name}/update", "i8", (vector,), "1", text, 1024, packed=True)
        if not self._in_full:
            byte = f"{name}/byte"
            run.scale(byte, np.arange(self._bytes), "1", "Inputs 8 n to 8 n + 7")
            text = "A bit for each input, the first one highest: 1 where its rows are driven"
            chunk = max(vectors, _CHUNK // self._bytes)
            run.declare(f"{name}/driven", "u1", (vector, byte), "1", text, chunk)
        out, columns = (vector, column), len(block.array.columns)
        chunk = max(vectors, _CHUNK // (columns * np.dtype(sense_type).itemsize))
        run.declare(f"{name}/adc_code", sense_type, out, "1", "Column ADC codes", chunk)
        text = "Gain numbers of the ADC codes"
        run.declare(
            f"{name}/gain", "u1", out, "1", text, max(vectors, _CHUNK // columns), packed=True
        )

    def append(self, update: int, dac_code: _Codes, adc_code: _Codes, gain: _Codes) -> None:
        """Queue the codes of some vectors, shapes (n, rows) and (n, columns), of an update."""
        run, name, first = self._run, self.group, self.recorded
        place = run.count(f"{name}/vector")
        self.recorded += len(dac_code)
        run.append(f"{name}/vector", np.arange(first, first + len(dac_code)))
        run.append(f"{name}/update", np.full(len(dac_code), update))
        # They wait, and whoever measured may write into its arrays again.
        run.append(f"{name}/adc_code", np.array(adc_code))
        run.append(f"{name}/gain", np.array(gain))
        if self._in_full:
            run.append(f"{name}/dac_code", np.array(dac_code))
            return
        steps = self._steps(dac_code)
        run.append(f"{name}/pass/begin", [place])
        run.append(f"{name}/pass/byte", [run.count(f"{name}/step/step")])
        if steps is None:
            run.append(f"{name}/other/number", np.arange(place, place + len(dac_code)))
            run.append(f"{name}/other/dac_code", np.array(dac_code))
            run.append(f"{name}/driven", np.zeros((len(dac_code), self._bytes), np.uint8))
            return
        driven = steps != 0
        run.append(f"{name}/step/step", _pack(steps.take(np.flatnonzero(driven))))
        run.append(f"{name}/driven", np.packbits(driven).reshape(-1, self._bytes))

    def _steps(self, dac_code: _Codes) -> _Codes | None:
        """Return the steps of the + rows from 0 V; None where they are not all there is to tell.

        Behind those of a vector are zeros, as many as fill the last byte of its bits.
        """
        codes = np.asarray(dac_code, self._row_type).view(self._zero.dtype)
        if not self._paired:
            return None
        steps = np.zeros((len(codes), 8 * self._bytes), codes.dtype)
        plus = np.subtract(codes[:, self._plus], self._zero, out=steps[:, : self._inputs])
        if (plus + codes[:, self._minus] != self._zero).any():
            return None
        signed: _Codes = steps.view(f"i{codes.itemsize}")
        if signed.size and not -_LARGEST <= signed.min() <= signed.max() <= _LARGEST:
            return None
        return signed.astype(np.int16, copy=False)


def _wrapping(dtype: np.dtype[Any], *codes: int) -> list[npt.NDArray[Any]]:
    """Return codes in the type of as many bytes whose sums wrap."""
    unsigned = np.dtype(f"u{dtype.itemsize}")
    return [np.array(code % 2 ** (8 * dtype.itemsize), unsigned) for code in codes]


def _pack(steps: _Codes) -> npt.NDArray[np.uint8]:
    """Return numbers of 12 bits, two in three bytes; a 0 fills up."""
    whole = steps if len(steps) % 2 == 0 else np.append(steps, np.int16(0))
    pairs = whole.astype("<i2", copy=False).view("<u4")
    together = (pairs & 0xFFF | pairs >> 4 & 0xFFF000).astype("<u4", copy=False)
    three_of_four = together.view(np.uint8)
    packed = np.empty((len(pairs), 3), np.uint8)
    for byte in range(3):
        packed[:, byte] = three_of_four[byte::4]
    return packed.ravel()


def _unpack(packed: npt.NDArray[np.uint8]) -> _Codes:
    """Return the numbers that `_pack` was given, and the 0 that fills up."""
    low, middle, high = packed.reshape(-1, 3).T.astype(np.uint16)
    pairs = np.stack([low | middle << 8, middle >> 4 | high << 4], axis=-1)
    return (pairs << 4).view(np.int16).ravel() >> 4


def read_row_codes(group: h5py.Group, vectors: slice = slice(None)) -> _Codes:
    """Return the row DAC codes of vectors, shape (vectors, rows).

    Parameters
    ----------
    group
        Of a run file, with the vectors of a block or of a procedure.
    vectors
        Which, by their numbers; no steps.
    """
    total = len(group["vector"])  # a writer that was killed may have left the others longer
    first, last, _ = vectors.indices(total)
    last = max(first, last)
    if "dac_code" in group:
        whole: _Codes = group["dac_code"][first:last]
        return whole
    dtype, rows = group["other/dac_code"].dtype, len(group["row"])
    code = int(group.attrs["zero_code"])
    zero, twice = _wrapping(dtype, code, 2 * code)
    plus = np.full((last - first, rows // 2), zero)
    begins = [*(int(n) for n in group["pass/begin"][()] if n < total), total]
    for number, (begin, end) in enumerate(pairwise(begins)):
        if first < end and begin < last:
            steps = _read_steps(group, number, slice(begin, min(end, last)), rows // 2)
            plus[max(begin - first, 0) : end - first] += steps[max(first - begin, 0) :]
    codes = np.empty((last - first, rows), zero.dtype)
    if rows % 2 == 0:
        to_plus, to_minus = pair_rows(Layout(group.attrs["layout"]), rows // 2)
        codes[:, to_plus] = plus
        np.subtract(twice, plus, out=codes[:, to_minus])
    numbers = group["other/number"][()]
    begin, end = (int(n) for n in np.searchsorted(numbers, (first, last)))
    found: _Codes = codes.view(dtype)
    found[numbers[begin:end] - first] = group["other/dac_code"][begin:end]
    return found


def _read_steps(group: h5py.Group, number: int, vectors: slice, inputs: int) -> _Codes:
    """Return the steps of all inputs, shape (vectors, inputs), of the first vectors of a pass."""
    driven = np.unpackbits(group["driven"][vectors], axis=1, count=inputs).view(bool)
    count, byte = int(np.count_nonzero(driven)), int(group["pass/byte"][number])
    packed = group["step/step"][byte : byte + 3 * -(-count // 2)]
    steps = np.zeros(driven.shape, group["other/dac_code"].dtype.str.replace("i", "u"))
    steps[driven] = _unpack(packed)[:count]
    return steps


@dataclass(frozen=True)
class VmmCodes:
    """The codes of the vectors that one block multiplied, read from the file when asked for.

    Parameters
    ----------
    path
        Of the run file.
    group
        Name of the group below its entry.
    """

    path: Path
    group: str

    def __len__(self) -> int:
        """Return how many vectors there are."""
        with open_for_reading(self.path) as file:
            return len(file["entry"][self.group]["vector"])

    @property
    def update(self) -> _Codes:
        """Update whose forward pass each was, from 0, shape (vectors,)."""
        return self._read("update")

    @property
    def dac_code(self) -> _Codes:
        """Row DAC codes, shape (vectors, rows)."""
        with open_for_reading(self.path) as file:
            return read_row_codes(file["entry"][self.group])

    @property
    def adc_code(self) -> _Codes:
        """Column ADC codes, shape (vectors, columns)."""
        return self._read("adc_code")

    @property
    def gain(self) -> _Codes:
        """Gain numbers of the ADC codes, shape (vectors, columns)."""
        return self._read("gain")

    def _read(self, name: str) -> _Codes:
        with open_for_reading(self.path) as file:
            group = file["entry"][self.group]
            # A writer that was killed may have left the others longer.
            found: _Codes = group[name][: len(group["vector"])]
            return found
