"""A weight matrix on several slices, each of which holds what those before it left.

    W = sum over slices k of (G+ - G-) / R_k,     R_0 < R_1 < ...

A slice misses what it is written to by the noise of a pulse, or the tolerance of write-and-verify.
The next one is written to what was missed, with an R_gw by which that fills its whole window of
conductances, and so its own miss counts less by the ratio of the two R_gw (Song et al., Science
383, 903 (2024), doi:10.1126/science.adi9405). Products are sums of the slices' products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memlab.errors import SettingError
from memlab.mapping.differential import DifferentialMatrix
from memlab.mapping.packing import slice_names
from memlab.mapping.update import DirectUpdate
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["FINER", "SliceTraining", "SlicedMatrix", "held_in_slices", "join_slices", "next_scale"]


FINER = 4.0
"""How much finer each slice is than the one before while a network is trained; assumed."""

_MISSED = 0.5
"""Part of what a slice holds by which a pair with a stuck cell misses, at least: a cell that is off
lies below the window of conductances, one that is on far above it."""


@dataclass(frozen=True)
class SliceTraining:
    """How the slices of a matrix learn.

    Parameters
    ----------
    trained
        Which slice is asked for changes, from 0; the others stay. None: the first is asked, and
        each next one for what those before it left.
    carry_every
        Changes after which what all slices hold is brought to them anew, the coarsest first, so
        that the trained one is near 0 again; 0 for never.
    moved
        How far a weight moves for a change of 1: 2 where both cells of a pair make all of it.
    """

    trained: int | None = None
    carry_every: int = 0
    moved: float = 1.0


class SlicedMatrix(DifferentialMatrix):
    """A weight matrix that is the sum of several.

    Parameters
    ----------
    name
        Names the matrix.
    slices
        Of one shape, the coarsest first. Their R_gw become `FINER` times that of the one before.
    training
        What becomes of a change that is asked for.

    Raises
    ------
    SettingError
        If there is none, they have several shapes, or there is no slice of the number that is to
        be trained.
    """

    def __init__(
        self,
        name: str,
        slices: Sequence[DifferentialMatrix],
        training: SliceTraining | None = None,
    ):
        if len({one.shape for one in slices}) != 1:
            raise SettingError(
                f"{name} needs slices of one shape, got {[one.shape for one in slices]}"
            )
        self.training = training or SliceTraining()
        if not (self.training.trained or 0) < len(slices):
            raise SettingError(
                f"{name} has slices 0 to {len(slices) - 1}; there is no slice "
                f"{self.training.trained} to train"
            )
        first = slices[0]
        self._changes = 0
        self._compose(
            first.plan,
            first.siemens_per_weight,
            first.read_voltage,
            [part for one in slices for part in one._parts],
        )
        self.name = name
        self._slices = list(slices)
        for number, one in enumerate(slices):
            one.siemens_per_weight = first.siemens_per_weight * FINER**number
            for block in one.blocks:
                # On an ideal array a network starts, and learns, as it does without slices.
                if number and isinstance(block.rule, DirectUpdate):
                    block.rule = DirectUpdate(np.zeros(block.array.shape))

    @property
    def slices(self) -> Sequence[DifferentialMatrix]:
        """The matrices whose weights add up to this one."""
        return self._slices

    @property
    def weight(self) -> FloatArray:  # type: ignore[override]
        """Weights from the last read-backs: the sum over the slices, shape (inputs, outputs)."""
        total: FloatArray = np.sum([one.weight for one in self._slices], axis=0)
        return total

    def read_back(self) -> None:
        """Measure every conductance of every slice."""
        for one in self._slices:
            one.read_back()

    def multiply(self, x: FloatArray) -> FloatArray:
        """Multiply on the array: the sum of what the slices make of x; see the base class."""
        total: FloatArray = np.sum([one.multiply(x) for one in self._slices], axis=0)
        return total

    def program(self, weight_change: FloatArray) -> None:
        """Program a change of the weights, as `training` says; `read_back` must follow.

        Where each slice is asked for what those before it left, every slice but the last is read
        back within. Where pulses move weights by another amount than was asked (see the base
        class), the slices after correct that, too.
        """
        self._changes += 1
        trained, every = self.training.trained, self.training.carry_every
        if trained is not None:
            self._slices[trained].program(weight_change)
            if every and self._changes % every == 0:
                self._slices[trained].read_back()
                self._carry()
            return
        wanted = self.weight + weight_change
        first, *others = self._slices
        first.program(weight_change)
        for before, one in pairwise([first, *others]):
            before.read_back()
            one.program((wanted - self.weight) / self.training.moved)

    def _carry(self) -> None:
        """Ask every slice for what those before it do not hold of all that was read back last."""
        wanted, held = self.weight, np.zeros(self.shape)
        for one in self._slices:
            one.program((wanted - held - one.weight) / self.training.moved)
            if one is not self._slices[-1]:
                one.read_back()
                held = held + one.weight

    def learning_state(self) -> State:
        """Return how many changes were asked for; what the slices remember is theirs."""
        return {"changes": self._changes}

    def restore_learning(self, state: State) -> None:
        """Go back to a `learning_state`."""
        self._changes = state["changes"]

    def gather(self, by_block: Sequence[FloatArray]) -> FloatArray:
        """Refuse: what the pairs of several slices hold counts differently; ask the `slices`."""
        raise ValueError(f"{self.name} lies in {len(self._slices)} slices; ask each of them")

    def spread_out(self, weight: FloatArray) -> list[FloatArray]:
        """Return the weights of every pair: the first slice holds all, the others 0."""
        first, *others = self._slices
        return first.spread_out(weight) + [
            zero for one in others for zero in one.spread_out(np.zeros_like(weight))
        ]


def held_in_slices(
    name: str,
    slices: int,
    held: Mapping[str, DifferentialMatrix],
    training: SliceTraining | None = None,
) -> DifferentialMatrix:
    """Return a matrix of which each slice was placed under its own name (`Request.slices`)."""
    found = [held[one] for one in slice_names(name, slices)]
    return found[0] if slices == 1 else SlicedMatrix(name, found, training)


def join_slices(
    held: Mapping[str, DifferentialMatrix], slices: int, training: SliceTraining | None = None
) -> dict[str, DifferentialMatrix]:
    """Return the matrices by name of which each slice was placed under its own name.

    Raises
    ------
    SettingError
        If something was not placed in so many slices.
    """
    names = list(dict.fromkeys(one.rpartition("_slice")[0] or one for one in held))
    wanted = {one for name in names for one in slice_names(name, slices)}
    if slices > 1 and wanted != set(held):
        raise SettingError(
            f"mapping.slices={slices} needs a place for each slice, and {', '.join(held)} were "
            f"placed: ask for them by memlab.mapping.Request(..., slices={slices})"
        )
    return (
        dict(held)
        if slices == 1
        else {name: held_in_slices(name, slices, held, training) for name in names}
    )


def next_scale(left: FloatArray, held: float) -> float:
    """Return the largest weight that the next slice is to hold.

    Pairs with a stuck cell do not count; they get as much as fits. A slice wide enough for what one
    of them misses, up to six times what its slice holds, would be coarser than that, and what all
    others have gained would be lost.

    Parameters
    ----------
    left
        What the slices so far miss.
    held
        The largest weight that the last of them was to hold.
    """
    size = np.abs(left)
    responding = size[size <= _MISSED * held]
    return float(responding.max(initial=0.0)) or held
