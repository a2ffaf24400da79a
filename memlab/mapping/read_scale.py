"""What a chip has lost of its products since it was written, measured and given back.

Conductances that fade alike make all products of an array smaller alike. Right after writing, some
known vectors are multiplied; later they are again, and what is left of their currents,

    left = sum I(t) I(0) / sum I(0)^2,

divides every product from then on (global drift compensation: Joshi et al., Nature Communications
11, 2473 (2020), doi:10.1038/s41467-020-16108-9, with one factor for each block here). The vectors
are driven as any other, + and - to the two cells of a pair, so that what all cells gain or lose
alike, and the conductance that they all fade to, cancels. What single cells do stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from memlab.errors import DeviceError
from memlab.mapping.block import Block
from memlab.mapping.differential import DifferentialMatrix
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["ReadScale"]


class ReadScale:
    """The factors that products of some matrices are multiplied by; drives known vectors now.

    Parameters
    ----------
    matrices
        They were just written. A factor belongs to each of their blocks.
    vectors
        How many are driven each time, at least 1.
    seed
        Draws them: random signs, of the read voltage of the matrix.
    """

    def __init__(self, matrices: Iterable[DifferentialMatrix], *, vectors: int = 32, seed: int = 1):
        if vectors < 1:
            raise ValueError(f"at least one vector is needed, got {vectors}")
        rng = np.random.default_rng(seed)
        self._blocks: list[Block] = []
        self._driven: list[tuple[FloatArray, float]] = []
        """Signs, and the read voltage (V)."""
        for matrix in matrices:
            for block in matrix.blocks:
                signs = rng.choice(np.array([-1.0, 1.0]), (vectors, block.shape[0]))
                self._blocks.append(block)
                self._driven.append((signs, matrix.read_voltage))
        self._first = self._measured()

    @property
    def factors(self) -> dict[str, float]:
        """What the products of each block are multiplied by, by its name."""
        return {block.name: block.read_scale for block in self._blocks}

    def measure(self) -> dict[str, float]:
        """Drive the vectors again; from now on products are scaled by what was found.

        Returns
        -------
        The `factors`.

        Raises
        ------
        DeviceError
            If nothing is left of the currents of a block; no factor is changed.
        """
        factors = []
        for block, first, now in zip(self._blocks, self._first, self._measured(), strict=True):
            power = float(np.sum(first * first))
            left = float(np.sum(first * now)) / power if power else 1.0
            if not left > 0.0:
                raise DeviceError(
                    f"{block.name}: {left:.2g} of the currents of known vectors is left since it "
                    "was written; write it again"
                )
            factors.append(1.0 / left)
        for block, factor in zip(self._blocks, factors, strict=True):
            block.read_scale = factor
        return self.factors

    def forget(self) -> None:
        """From now on, take products as they are; the first currents stay for `measure`."""
        for block in self._blocks:
            block.read_scale = 1.0

    def state(self) -> State:
        """Return the first currents (A) and the factors, for another program, days later."""
        return {"first": self._first, "factors": [block.read_scale for block in self._blocks]}

    def restore(self, state: State) -> None:
        """Go back to a `state`, of the same matrices, vectors and seed."""
        shapes = [one.shape for one in state["first"]]
        if shapes != [one.shape for one in self._first]:
            raise ValueError(f"a state of currents of shapes {shapes} belongs to other matrices")
        self._first = list(state["first"])
        for block, factor in zip(self._blocks, state["factors"], strict=True):
            block.read_scale = factor

    def _measured(self) -> list[FloatArray]:
        """Return the currents (A) of the known vectors, not scaled; no log hears of them."""
        found = []
        for block, (signs, voltage) in zip(self._blocks, self._driven, strict=True):
            listener, block.array.on_vmm = block.array.on_vmm, None
            try:
                found.append(block.measured_current(signs, 1.0, voltage))
            finally:
                block.array.on_vmm = listener
        return found
