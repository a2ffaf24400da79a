"""Weights brought to the cells that hold them, slice after slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memlab.array import Array
from memlab.array.switching_law import SwitchingLaw
from memlab.errors import SettingError
from memlab.mapping.differential import DifferentialMatrix
from memlab.mapping.given_weights import pair_targets
from memlab.mapping.slices import next_scale
from memlab.mapping.views import cells_within
from memlab.mapping.write_verify import WriteVerify, WriteVerifyResult, write_verify
from memlab.numeric import FloatArray

__all__ = ["WrittenSlice", "write_weights"]


IDEAL_WINDOW = 100e-6, 300e-6
"""In S, of weights on an array that is written directly; any would do."""


@dataclass(frozen=True, eq=False)
class WrittenSlice:
    """What became of one slice of each of some matrices.

    Parameters
    ----------
    results
        Of write-and-verify, for each array that was pulsed.
    scales
        Largest weight that the slice of each matrix holds; none where it has no such slice.
    left
        What all slices so far miss the weights of each matrix by, as read.
    clipped
        Cells whose target lay outside of the window.
    """

    results: list[WriteVerifyResult]
    scales: list[float]
    left: list[FloatArray]
    clipped: int


def write_weights(
    matrices: Sequence[DifferentialMatrix],
    weights: Sequence[FloatArray],
    arrays: Sequence[Array],
    settings: WriteVerify | None = None,
    *,
    laws: Mapping[int, SwitchingLaw] | None = None,
    readings: int = 1,
) -> list[WrittenSlice]:
    """Write weights to matrices, to each further slice what those before left.

    Each slice gets the R_gw with which what it is to hold fills the window of conductances that
    SETs reach (`next_scale`). Cells are pulsed and read under the load in which they are used. What
    is on one array is written together. `read_back` must follow.

    Parameters
    ----------
    matrices
        They get new R_gw; their cells are pulsed.
    weights
        Of the shape of each.
    arrays
        The arrays that the blocks of the matrices number from 0.
    settings
        Tolerances, attempts and voltages. `attempts=1` writes blindly: two pulses of a cell at
        most, and what they miss is left to the next slice.
    laws
        What a SET does, by the number of the array; by default what each states.
    readings
        Readings of all slices so far whose mean says what is left.

    Raises
    ------
    SettingError
        If a weight is not finite, or an array does not state its law; nothing is pulsed.
    LimitError
        If a voltage is not allowed; nothing is pulsed.
    """
    for matrix, one in zip(matrices, weights, strict=True):
        if not np.isfinite(one).all():
            raise SettingError(f"the weights of {matrix.name} are not finite; nothing was pulsed")
    settings = settings or WriteVerify()
    used = {block.array_number for matrix in matrices for block in matrix.blocks}
    laws = _laws({number: arrays[number] for number in used}) if laws is None else laws
    window = _window(arrays, laws, settings)
    left = [np.array(one, float) for one in weights]
    scales: dict[int, float] = {}
    steps: list[WrittenSlice] = []
    for step in range(max(len(matrix.slices) for matrix in matrices)):
        here = [k for k, matrix in enumerate(matrices) if step < len(matrix.slices)]
        for k in here:
            scales[k] = next_scale(left[k], scales[k]) if step else _largest(left[k])
        slices = [matrices[k].slices[step] for k in here]
        for k, matrix in zip(here, slices, strict=True):
            matrix.siemens_per_weight = (window[1] - window[0]) / scales[k]
        results, clipped = _write(slices, [left[k] for k in here], arrays, laws, settings, window)
        # All slices are read again, as cells drift from what they were when they were written.
        for k in here:
            held = [_mean_reading(one, readings) for one in matrices[k].slices[: step + 1]]
            left[k] = weights[k] - np.sum(held, axis=0)
        steps.append(WrittenSlice(results, [scales[k] for k in here], list(left), clipped))
    for matrix in matrices:
        matrix.siemens_per_weight = matrix.slices[0].siemens_per_weight
    return steps


def _largest(weight: FloatArray) -> float:
    return float(np.abs(weight).max()) or 1.0


def _laws(arrays: Mapping[int, Array]) -> dict[int, SwitchingLaw]:
    """Return what a SET does on each array that is pulsed, as it states."""
    found = {}
    for number, array in arrays.items():
        if array.writable:
            continue
        if array.stated_law is None:
            raise SettingError(
                f"array {number} does not say what a SET does: give its law "
                "(memlab.mapping.measure_switching_law). Nothing was pulsed"
            )
        found[number] = array.stated_law
    return found


def _window(
    arrays: Sequence[Array], laws: Mapping[int, SwitchingLaw], settings: WriteVerify
) -> tuple[float, float]:
    """Return lowest and highest conductance (S) that every array reaches."""
    ends = [settings.reach(arrays[number], law) for number, law in laws.items()]
    if not ends:
        return IDEAL_WINDOW
    return max(low for low, _ in ends), min(high for _, high in ends)


def _write(
    slices: Sequence[DifferentialMatrix],
    weights: Sequence[FloatArray],
    arrays: Sequence[Array],
    laws: Mapping[int, SwitchingLaw],
    settings: WriteVerify,
    window: tuple[float, float],
) -> tuple[list[WriteVerifyResult], int]:
    """Write one slice of each matrix; return what became of the cells, and how many clipped."""
    blocks = [block for one in slices for block in one.blocks]
    views = {number: [b.array for b in blocks if b.array_number == number] for number in laws}
    targets = {number: np.full(arrays[number].shape, np.nan) for number in laws}
    clipped = 0
    for one, weight in zip(slices, weights, strict=True):
        for block, held in zip(one.blocks, one.spread_out(weight), strict=True):
            target, beyond = pair_targets(held, one.siemens_per_weight, window, block.layout)
            clipped += beyond
            number = block.array_number
            if number in laws:
                targets[number][cells_within(block.array, arrays[number])] = target
            else:
                block.array.write(target)
    results = [
        write_verify(arrays[number], targets[number], law, settings, views=views[number])
        for number, law in laws.items()
        if views[number]
    ]
    return results, clipped


def _mean_reading(matrix: DifferentialMatrix, readings: int) -> FloatArray:
    total = np.zeros(matrix.shape)
    for _ in range(readings):
        matrix.read_back()
        total += matrix.weight
    return total / readings
