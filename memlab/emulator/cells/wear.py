"""Endurance: what pulses wear out.

Cell (i, j) survives N_ij pulses, SET and RESET counted alike, with N Weibull distributed,
P(N < n) = 1 - exp(-(n / lifetime)^shape); after that it stays where it is. While it lives, its SET
level shrinks by `window_loss` per decade of pulses:

    level <- level max(0, 1 - window_loss log10(1 + n))
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for
from memlab.numeric import BoolArray, Cells, FloatArray

__all__ = ["Wear", "WearParameters"]


class WearParameters(Parameters):
    """Endurance; `lifetime` = 0 is for ever, `window_loss` = 0 is no loss."""

    lifetime: float = quantity(
        0.0, "1", "Pulses that 63 % of the cells do not survive; 0: endless."
    )
    shape: float = quantity(
        1.5, "1", "Weibull shape of the lifetimes.", source="form: Weibull; number assumed", gt=0.0
    )
    window_loss: float = quantity(0.0, "1/decade", "Relative loss of SET level.", le=1.0)


class Wear:
    """Pulses received by every cell, and what they have done to it."""

    def __init__(
        self, parameters: WearParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self._parameters = parameters
        self.active = bool(parameters.lifetime or parameters.window_loss)
        """False when nothing wears, so that nothing need be counted."""
        self.pulses = np.zeros(shape if self.active else (0, 0), np.int64)
        """Pulses that each cell has received, shape (rows, columns), while `active`."""
        self._life: FloatArray | None = None
        """Pulses that each cell survives; None where that is any number."""
        if parameters.lifetime:
            deviate = generator_for(rng, "wear").weibull(parameters.shape, shape)
            self._life = parameters.lifetime * deviate

    def alive(self, cells: Cells) -> BoolArray | None:
        """Return which of these cells still switch; None where all do."""
        return None if self._life is None else self.pulses[cells] < self._life[cells]

    @property
    def life(self) -> FloatArray | None:
        """Pulses that each cell survives, shape (rows, columns), a copy; None for any number."""
        return None if self._life is None else self._life.copy()

    def window(self, cells: Cells) -> FloatArray | None:
        """Return what is left of the SET level of each of these cells, 0 to 1; None if all."""
        loss = self._parameters.window_loss
        if not loss:
            return None
        left: FloatArray = 1.0 - loss * np.log10(1.0 + self.pulses[cells])
        return np.maximum(left, 0.0)

    def count(self, cells: Cells, pulses: BoolArray | npt.NDArray[np.intp]) -> None:
        """Count pulses of each of these cells: one where a mask of selected cells is given."""
        if self.active:
            self.pulses[cells] += pulses
