"""What full pulses do to the cells of a chip, as its data sheet says or as the chip shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from memlab.array import Array, nearest_step
from memlab.emulator.cells.switching import soft_level
from memlab.errors import DataError
from memlab.mapping.views import read_in_use

__all__ = ["SwitchingLaw", "measure_switching_law"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

PROBES = 4
"""Gate voltages at which a law is measured."""

MOVED = 20e-6
"""In S: a cell whose levels at the ends differ by less does not take part."""


class _Chip(Protocol):
    """What states the law of a chip, for example a `ChipPreset`."""

    @property
    def set_slope(self) -> float: ...
    @property
    def set_offset(self) -> float: ...
    @property
    def set_saturation(self) -> float: ...
    @property
    def set_onset(self) -> float: ...
    @property
    def reset_conductance(self) -> float: ...


@dataclass(frozen=True)
class SwitchingLaw:
    """Where a full SET and a full RESET leave a cell.

        SET      G = max(s (1 - exp(-soft / s)), G)     linear = slope V_gate + offset
        RESET    G = reset_conductance                  soft = w log(1 + exp(linear / w))

    with s the saturation and w the onset. 0 stands for none of either: G = max(linear, G) is the
    law published with Li 2019 and Wang 2019.

    Parameters
    ----------
    set_slope
        In S/V, above 0.
    set_offset, reset_conductance, set_saturation, set_onset
        In S.
    """

    set_slope: float
    set_offset: float
    reset_conductance: float = 0.0
    set_saturation: float = 0.0
    set_onset: float = 0.0

    def __post_init__(self) -> None:
        if not self.set_slope > 0.0:
            raise ValueError(f"a SET law needs a slope above 0 S/V, got {self.set_slope}")

    @classmethod
    def of(cls, chip: _Chip) -> Self:
        """Return the law that a chip preset states."""
        return cls(
            chip.set_slope,
            chip.set_offset,
            chip.reset_conductance,
            chip.set_saturation,
            chip.set_onset,
        )

    def conductance(self, gate_voltage: npt.ArrayLike) -> FloatArray:
        """Return the level (S) of a SET at gate voltages in V."""
        linear = self.set_slope * np.asarray(gate_voltage, np.float64) + self.set_offset
        return soft_level(linear, self.set_onset, self.set_saturation)

    def gate_voltage(self, conductance: npt.ArrayLike) -> FloatArray:
        """Return the gate voltage (V) whose SET ends at a level in S; +-inf where none does."""
        level = np.asarray(conductance, np.float64)
        if self.set_saturation:
            # log1p(-1) is -inf: at the saturation and above no voltage is large enough.
            part = np.minimum(level / self.set_saturation, 1.0)
            with np.errstate(divide="ignore"):
                level = -self.set_saturation * np.log1p(-part)
        if self.set_onset:
            # log(exp(x) - 1), for large x too; every level of a soft onset lies above 0 S.
            x = np.maximum(level, 0.0) / self.set_onset
            with np.errstate(divide="ignore"):
                level = self.set_onset * (x + np.log(-np.expm1(-x)))
        return np.asarray((level - self.set_offset) / self.set_slope)


def measure_switching_law(
    array: Array,
    gate_minimum: float,
    gate_maximum: float,
    *,
    cells: BoolArray | None = None,
    most: int = 256,
    views: Sequence[Array] = (),
) -> SwitchingLaw:
    """Measure the law of an array on some of its cells; it pulses them.

    The cells are RESET, SET and read at four gate voltages, then RESET once more. The law is a
    straight line through the medians of those cells that respond, and their median after a RESET.

    Parameters
    ----------
    array
        The cells.
    gate_minimum, gate_maximum
        First and last gate voltage in V.
    cells
        Which cells may be pulsed, shape (rows, columns); all of them by default.
    most
        How many of them are, evenly picked.
    views
        Views of the array that are read in its place, each under its own load; `cells` lie in them.

    Raises
    ------
    DataError
        If no cell responds.
    LimitError
        If a voltage is outside its limit; nothing is pulsed.
    """
    allowed = np.ones(array.shape, bool) if cells is None else cells
    places = np.flatnonzero(allowed)
    places = places[np.linspace(0, places.size - 1, min(most, places.size)).astype(np.intp)]
    probed = np.zeros(array.shape, bool)
    probed.flat[places] = True
    # The highest first, so that a voltage beyond its limit is refused before any pulse.
    gates = nearest_step(np.linspace(gate_maximum, gate_minimum, PROBES), array.gate_voltage_step)
    levels = np.empty((PROBES, np.count_nonzero(probed)))
    for level, gate in zip(levels, gates, strict=True):
        array.program(gate, reset=probed, set=probed)
        level[:] = read_in_use(array, views)[probed]
    array.program(0.0, reset=probed, set=np.zeros(array.shape, bool))
    reset = read_in_use(array, views)[probed]
    responds = levels[0] - levels[-1] > MOVED
    if not responds.any():
        raise DataError(
            f"none of {reset.size} cells responds to SETs at {gate_minimum:g} to "
            f"{gate_maximum:g} V on the gate: not formed, or stuck; give the law of the chip, "
            "or other cells"
        )
    medians = np.median(levels[:, responds], axis=1)
    slope, offset = np.polyfit(gates, medians, 1)
    return SwitchingLaw(float(slope), float(offset), float(np.median(reset[responds])))
