"""What rules share whose pulses are moves of a gate voltage by whole steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix, MappingConfig, OneShotUpdate, ProgrammedUpdate
from memlab.numeric import FloatArray

__all__ = ["SteppedUpdate", "check_slopes", "make_stepped", "slope_of"]


class SteppedUpdate(OneShotUpdate):
    """Two-pulse updates of the cells whose gate voltage is moved, and of no others.

    Where cells have no gates, it is the amplitude of their SETs that is moved.
    """

    def move(self, array: Array, volts: FloatArray) -> ProgrammedUpdate:
        """Move gate voltages by so much (V, shape of the array), and pulse the cells that move.

        A cell that would leave the allowed range is pulsed at its end.
        """
        return super().change(array, volts / self.on(array).volts_per_siemens)


def make_stepped(
    mapping: MappingConfig, rng: np.random.Generator, kind: Callable[..., OneShotUpdate]
) -> OneShotUpdate:
    """Return a rule that decides itself which cells are pulsed, with the rest of the mapping.

    `mapping.set_all` and `mapping.threshold` decide it for the one-shot update; here they do not.
    """
    return mapping.model_copy(update={"set_all": False, "threshold": 0.0}).make_rule(rng, kind)


def slope_of(array: Array, given: float, rule: str) -> float:
    """Return the slope (S/V) of a SET over the gate voltage: the given one, or the chip's.

    Raises
    ------
    SettingError
        If it is 0 and the array does not say what its cells do; nothing is pulsed.
    """
    if given:
        return given
    law = array.stated_law
    if law is None:
        raise SettingError(
            f"update.rule={rule} compares what was read with what a SET should do, and this board "
            "does not know its cells: give update.slope, in S/V (memlab characterize staircase "
            "measures it, or set where cells have no gates). Nothing was pulsed"
        )
    return law.set_slope


def check_slopes(matrices: Sequence[DifferentialMatrix], given: float, rule: str) -> None:
    """Raise `SettingError` where `slope_of` a block would, before a run begins."""
    for block in (one for matrix in matrices for one in matrix.blocks):
        if not block.array.writable:
            slope_of(block.array, given, rule)
