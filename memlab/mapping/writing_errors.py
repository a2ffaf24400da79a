"""What cells are off by once weights were written to them, and training that expects it.

A cell that is written ends at its target plus the noise of its last pulse, normal in S; one that is
verified was written again until that lay within the tolerance, so that its noise is the part of
the normal distribution within it. A stuck cell is where it is. Weights are trained in software
while every update finds them as other cells of such a chip would hold them (weight noise: Joshi et
al., Nature Communications 11, 2473 (2020)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import ndtr, ndtri

from memlab.array import Array
from memlab.array.switching_law import SwitchingLaw
from memlab.emulator import ChipPreset
from memlab.errors import SettingError
from memlab.mapping.block import Block, pair_conductance, pair_weight
from memlab.mapping.differential import DifferentialMatrix
from memlab.mapping.given_weights import pair_targets
from memlab.mapping.update import DirectUpdate, ProgrammedUpdate
from memlab.mapping.write_verify import WriteVerify
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["WritingErrors", "disturb", "learnt", "settle"]


@dataclass(frozen=True)
class WritingErrors:
    """What cells are off by once weights were written to them.

    Parameters
    ----------
    window
        Lowest and highest conductance that weights are written to, in S.
    noise
        Standard deviation of a cell in S.
    stuck
        Share of the cells, and the conductance in S where they are stuck, of each kind.
    tolerance
        Noise in S beyond which a cell is written again; infinite for blind writing.
    """

    window: tuple[float, float]
    noise: float = 0.0
    stuck: tuple[tuple[float, float], ...] = ()
    tolerance: float = math.inf

    def __post_init__(self) -> None:
        low, high = self.window
        shares = [share for share, _ in self.stuck]
        if not (0.0 <= low < high and self.noise >= 0.0):
            raise SettingError(
                f"a window of {low:g} to {high:g} S and noise of {self.noise:g} S: it must rise "
                "from 0 or above, and noise be 0 or above"
            )
        if not (all(share >= 0.0 for share in shares) and sum(shares) <= 1.0):
            raise SettingError(f"shares of stuck cells are {shares}: from 0 on, 1 in all")
        if not self.tolerance > 0.0:
            raise SettingError(f"a tolerance of {self.tolerance:g} S: it must lie above 0")

    @classmethod
    def of(cls, array: Array, settings: WriteVerify | None = None) -> Self:
        """Return what the emulator states of its chip; raise `SettingError` where none is.

        Without settings cells are written blindly.
        """
        simulation = array.simulation
        if simulation is None:
            raise SettingError(
                "this board does not say what its cells are off by: give WritingErrors(window, "
                "noise, stuck) as measured (memlab characterize variation, yield)"
            )
        chip = simulation.truth(array.rows, array.columns).preset
        return cls.of_chip(chip, array, settings)

    @classmethod
    def of_chip(cls, chip: ChipPreset, array: Array, settings: WriteVerify | None = None) -> Self:
        """Return what a chip does to what is written to it on an array."""
        own = settings or WriteVerify()
        window = own.reach(array, array.stated_law or SwitchingLaw.of(chip))
        defects = chip.defects
        stuck = (
            (chip.non_responsive, 0.0),
            (defects.stuck_off, defects.off_conductance),
            (defects.stuck_on, defects.on_conductance),
        )
        blind = settings is None or own.attempts == 1
        return cls(window, chip.noise, stuck, math.inf if blind else own.tolerance)

    def scaled(self, factor: float) -> Self:
        """Return the same with so many times the noise."""
        return replace(self, noise=factor * self.noise)

    def cells(self, target: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return the conductances (S) of cells that were written to targets (S), same shape."""
        cells = target.copy()
        drawn = rng.random((2, *target.shape))
        if self.noise:
            # The inverse of the distribution function, between the two ends that are accepted.
            beyond = float(ndtr(-self.tolerance / self.noise))
            cells += self.noise * ndtri(beyond + drawn[0] * (1.0 - 2.0 * beyond))
        least = 0.0
        for share, conductance in self.stuck:
            cells[(drawn[1] >= least) & (drawn[1] < least + share)] = conductance
            least += share
        return cells


class _Disturbed(DirectUpdate):
    """Remembers conductances exactly, and writes what cells of a chip would hold of them."""

    def __init__(
        self,
        rule: DirectUpdate,
        block: Block,
        siemens_per_weight: float,
        errors: WritingErrors,
        rng: np.random.Generator,
    ):
        super().__init__(np.zeros(block.array.shape))
        super().restore(rule.state())
        self.anew = rule.anew
        self._layout, self._scale = block.layout, siemens_per_weight
        self._errors, self._rng = errors, rng
        self.together: Sequence[_Disturbed] = [self]
        """Those of all blocks of a matrix: the largest of its weights fills the window."""

    @property
    def weight(self) -> FloatArray:
        """The weights that are remembered, of every pair."""
        return pair_weight(self._conductance, self._scale, self._layout)

    def settle(self, array: Array) -> None:
        """Write what is remembered."""
        super()._write(array)

    def _write(self, array: Array) -> ProgrammedUpdate:
        low, high = self._errors.window
        largest = max(float(np.abs(one.weight).max()) for one in self.together) or 1.0
        scale = (high - low) / largest
        target, _ = pair_targets(self.weight, scale, self._errors.window, self._layout)
        held = pair_weight(self._errors.cells(target, self._rng), scale, self._layout)
        array.write(pair_conductance(held, self._scale, 0.0, self._layout))
        return self._programmed(array)

    def state(self) -> State:
        """Return what the rule remembers, and where the generator stands."""
        return {**super().state(), "drawn": self._rng.bit_generator.state}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        super().restore(state)
        if "drawn" in state:
            self._rng.bit_generator.state = state["drawn"]


def disturb(
    matrices: Sequence[DifferentialMatrix],
    errors: Sequence[WritingErrors],
    rng: np.random.Generator,
) -> None:
    """From now on, let matrices on ideal arrays hold what a chip would make of their weights.

    At every update all cells are drawn anew. What is learnt adds up exactly.

    Parameters
    ----------
    matrices
        Not initialised yet.
    errors
        Of each array that their blocks number from 0.
    rng
        Draws what cells are off by.
    """
    for matrix in matrices:
        rules = []
        for block in matrix.blocks:
            if not isinstance(block.rule, DirectUpdate):
                raise SettingError(f"{matrix.name} lies on a board; its cells disturb it anyway")
            own = errors[block.array_number]
            block.rule = _Disturbed(block.rule, block, matrix.siemens_per_weight, own, rng)
            rules.append(block.rule)
        for rule in rules:
            rule.together = rules


def learnt(matrix: DifferentialMatrix) -> FloatArray:
    """Return the weights that a matrix has learnt, whatever its cells make of them."""
    rules = [block.rule for block in matrix.blocks]
    disturbed = [rule.weight for rule in rules if isinstance(rule, _Disturbed)]
    return matrix.gather(disturbed) if disturbed else matrix.weight


def settle(matrices: Sequence[DifferentialMatrix]) -> None:
    """Let the matrices that were disturbed hold what they have learnt, and read them back."""
    for matrix in matrices:
        for block in matrix.blocks:
            if isinstance(block.rule, _Disturbed):
                block.rule.settle(block.array)
        matrix.read_back()
