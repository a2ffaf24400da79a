"""Weights brought to the cells that hold them, slice after slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memlab.array import Array
from memlab.array.switching_law import SwitchingLaw
from memlab.errors import SettingError
from memlab.mapping.block import Block
from memlab.mapping.differential import DifferentialMatrix
from memlab.mapping.given_weights import pair_targets
from memlab.mapping.slices import next_scale
from memlab.mapping.views import cells_within
from memlab.mapping.write_verify import WriteVerify, WriteVerifyResult, write_verify
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["Writing", "WrittenSlice", "write_weights"]


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


class Writing:
    """Weights on their way to matrices, slice after slice; nothing here is pulsed.

    Each slice gets the R_gw with which what it is to hold fills a window of conductances.

    Parameters
    ----------
    matrices
        They get new R_gw.
    weights
        Of the shape of each.
    window
        Lowest and highest conductance in S that cells reach.
    centred
        Both cells of a pair around the middle of the window; else one at its lower end.
    clip
        Share of the weights of a matrix, the largest ones, that the first slice need not hold.
    readings
        Readings of all slices so far whose mean says what is left.
    """

    def __init__(
        self,
        matrices: Sequence[DifferentialMatrix],
        weights: Sequence[FloatArray],
        window: tuple[float, float],
        *,
        centred: bool = False,
        clip: float = 0.0,
        readings: int = 1,
    ):
        self.matrices, self.weights = list(matrices), list(weights)
        self.left = [np.array(one, float) for one in weights]
        """What the slices so far miss the weights of each matrix by, as read."""
        self._window, self._centred, self._readings = window, centred, readings
        self._scales = [_largest(one, clip) for one in weights]
        self.steps = max(len(one.slices) for one in matrices)
        """Slices of the matrix that has most."""
        self.step = 0
        """The slice that is next, from 0."""

    @property
    def here(self) -> list[int]:
        """Numbers of the matrices that have a slice at this step."""
        return [k for k, one in enumerate(self.matrices) if self.step < len(one.slices)]

    @property
    def scales(self) -> list[float]:
        """The largest weight that the slice of each of them is to hold."""
        return [self._scales[k] for k in self.here]

    def targets(self) -> tuple[list[tuple[Block, FloatArray]], int]:
        """Return the target conductances (S) of every block of the slice, and how many clipped."""
        targets, clipped = [], 0
        for k in self.here:
            one = self.matrices[k].slices[self.step]
            one.siemens_per_weight = (self._window[1] - self._window[0]) / self._scales[k]
            for block, held in zip(one.blocks, one.spread_out(self.left[k]), strict=True):
                target, beyond = pair_targets(
                    held,
                    one.siemens_per_weight,
                    self._window,
                    block.layout,
                    centred=self._centred,
                )
                targets.append((block, target))
                clipped += beyond
        return targets, clipped

    def written(self) -> None:
        """Read what the slices hold, as cells drift from what they were; go to the next one."""
        for k in self.here:
            slices = self.matrices[k].slices[: self.step + 1]
            held = [_mean_reading(one, self._readings) for one in slices]
            self.left[k] = self.weights[k] - np.sum(held, axis=0)
            self._scales[k] = next_scale(self.left[k], self._scales[k])
        self.step += 1
        if self.step == self.steps:
            for matrix in self.matrices:
                matrix.siemens_per_weight = matrix.slices[0].siemens_per_weight

    def state(self) -> State:
        """Return where it stands."""
        return {
            "step": self.step,
            "left": [one.copy() for one in self.left],
            "scales": list(self._scales),
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`, of the same matrices and weights."""
        self.step, self.left, self._scales = state["step"], state["left"], state["scales"]


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
    writing = Writing(matrices, weights, window, readings=readings)
    steps: list[WrittenSlice] = []
    while writing.step < writing.steps:
        scales = writing.scales
        targets, clipped = writing.targets()
        results = _write(targets, arrays, laws, settings)
        writing.written()
        steps.append(WrittenSlice(results, scales, list(writing.left), clipped))
    return steps


def _largest(weight: FloatArray, clip: float) -> float:
    """Return the largest weight but for a share that may be clipped; 1 where all are 0."""
    return float(np.quantile(np.abs(weight), 1.0 - clip)) or 1.0


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
    targets: Sequence[tuple[Block, FloatArray]],
    arrays: Sequence[Array],
    laws: Mapping[int, SwitchingLaw],
    settings: WriteVerify,
) -> list[WriteVerifyResult]:
    """Write the blocks of a slice; what is on one array is written together."""
    whole = {number: np.full(arrays[number].shape, np.nan) for number in laws}
    views: dict[int, list[Array]] = {number: [] for number in laws}
    for block, target in targets:
        number = block.array_number
        if number in laws:
            whole[number][cells_within(block.array, arrays[number])] = target
            views[number].append(block.array)
        else:
            block.array.write(target)
    return [
        write_verify(arrays[number], whole[number], law, settings, views=views[number])
        for number, law in laws.items()
        if views[number]
    ]


def _mean_reading(matrix: DifferentialMatrix, readings: int) -> FloatArray:
    total = np.zeros(matrix.shape)
    for _ in range(readings):
        matrix.read_back()
        total += matrix.weight
    return total / readings
