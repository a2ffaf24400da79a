"""Spread from cell to cell, and from pulse to pulse.

Each cell has its own SET law and RESET level, drawn once:

    slope_ij = slope (1 + s_slope z1)    offset_ij = offset + s_offset z2
    reset_ij = reset (1 + s_reset z3) exp(s_log z5)    z normal

Behind onset and saturation of the law, the level of a cell is larger than another's by

    level_ij = level (1 + s_level z4)

and where cells switch by voltage alone, its thresholds by 1 + s_threshold z6.

Each pulse adds to the level it reaches a normal deviate, absolute (`noise` of the preset, the term
of the published simulations) and relative to the level (`cycle`). Or it deviates as if its gate
voltage did (`cycle_gate`): by much where the law is steep, by little at its onset and where it
saturates, and not at all where the level lies below what the cell has already. This deviation may
be larger by 1 + `cycle_onset` / (1 + exp(linear / s)) around a soft onset of scale s, and have the
tails of Student's distribution; its quartiles are those of a normal one. What a RESET leaves is
broad: exp(`reset_cycle` z) times the level of the cell (log-normal, anew at each pulse).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import expit, ndtri, stdtrit

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for
from memlab.numeric import Cells, FloatArray
from memlab.storage import State

__all__ = ["Spread", "SpreadParameters"]

_MOST = 10.0
"""Relative, or of a logarithm: no level is finite whose logarithm varies much more."""


class SpreadParameters(Parameters):
    """Standard deviations; 0 is no spread."""

    set_slope: float = quantity(0.0, "1", "Device to device: of the SET slope, relative.", le=_MOST)
    set_offset: float = quantity(0.0, "S", "Device to device: of the SET offset.")
    reset: float = quantity(0.0, "1", "Device to device: of the RESET level, relative.", le=_MOST)
    set_level: float = quantity(0.0, "1", "Device to device: of the SET level, relative.", le=_MOST)
    threshold: float = quantity(
        0.0, "1", "Device to device: of both thresholds of a law with a rate, relative."
    )
    reset_log: float = quantity(
        0.0, "1", "Device to device: of the logarithm of the RESET level.", le=_MOST
    )
    reset_cycle: float = quantity(
        0.0, "1", "Cycle to cycle: of the logarithm of the RESET level.", le=_MOST
    )
    cycle: float = quantity(0.0, "1", "Cycle to cycle: of the level a pulse reaches, relative.")
    cycle_gate: float = quantity(
        0.0, "V", "Cycle to cycle: of a SET, as a deviation of its gate voltage (by quartiles)."
    )
    cycle_onset: float = quantity(
        0.0, "1", "By how much `cycle_gate` is larger below a soft onset of the SET law, relative."
    )
    cycle_tail: float = quantity(
        0.0, "1", "Degrees of freedom (Student) of the deviation `cycle_gate`; 0: normal."
    )


class Spread:
    """The cells' own deviations, and the relative part of the pulse noise."""

    def __init__(
        self, parameters: SpreadParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self._cycle = parameters.cycle
        self._cycle_rng = generator_for(rng, "spread.cycle")
        self._gate, self._tail = parameters.cycle_gate, parameters.cycle_tail
        self._onset = parameters.cycle_onset
        self._gate_rng = generator_for(rng, "spread.cycle_gate")
        # Of its own, so that neither depends on how many are drawn at once.
        self._tail_rng = generator_for(rng, "spread.cycle_tail")
        if self._gate and self._tail:
            self._gate *= float(ndtri(0.75) / stdtrit(self._tail, 0.75))

        def fixed(name: str, deviation: float) -> FloatArray | None:
            # Each from a generator of its own, so that one does not depend on the others.
            if not deviation:
                return None
            return deviation * generator_for(rng, f"spread.{name}").standard_normal(shape)

        self._slope = fixed("set_slope", parameters.set_slope)
        self._offset = fixed("set_offset", parameters.set_offset)
        self._reset = fixed("reset", parameters.reset)
        self._reset_log = fixed("reset_log", parameters.reset_log)
        self._reset_cycle = parameters.reset_cycle
        self._reset_rng = generator_for(rng, "spread.reset_cycle")
        self._level = fixed("set_level", parameters.set_level)
        self._threshold = fixed("threshold", parameters.threshold)

    def state(self) -> State:
        """Return where the generators of the pulses' noise stand."""
        return {name: rng.bit_generator.state for name, rng in self._generators.items()}

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        for name, rng in self._generators.items():
            rng.bit_generator.state = state[name]

    @property
    def _generators(self) -> dict[str, np.random.Generator]:
        return {
            "cycle": self._cycle_rng,
            "cycle_gate": self._gate_rng,
            "cycle_tail": self._tail_rng,
            "reset_cycle": self._reset_rng,
        }

    def set_law(self, slope: float, offset: float, cells: Cells, gate: FloatArray) -> FloatArray:
        """Return slope * gate + offset with the deviations of each of these cells, in S."""
        steep = slope * gate
        if self._slope is not None:
            steep = steep * (1.0 + self._slope[cells])
        level: FloatArray = steep + offset
        if self._offset is not None:
            level = level + self._offset[cells]
        return level

    def set_level(self, level: FloatArray, cells: Cells) -> FloatArray:
        """Return SET levels (S) of these cells with the relative deviation of each."""
        return level if self._level is None else level * (1.0 + self._level[cells])

    def threshold(self, voltage: float) -> FloatArray | None:
        """Return the threshold (V) of each cell, (rows, columns); None where all have this one."""
        if self._threshold is None:
            return None
        return voltage * np.maximum(1.0 + self._threshold, 0.0)

    def pulse_gate(
        self,
        gate: FloatArray,
        selected: npt.NDArray[np.bool_],
        linear: Callable[[], FloatArray],
        onset: float,
    ) -> FloatArray:
        """Return the gate voltages (V) of one SET pulse as the selected cells respond to them.

        `linear` gives the linear law (S) at these voltages, `onset` is its scale in S.
        """
        if not self._gate:
            return gate
        deviation = self._gate * self._gate_rng.standard_normal(np.count_nonzero(selected))
        if self._onset and onset:
            deviation *= 1.0 + self._onset * expit(-linear()[selected] / onset)
        if self._tail:
            deviation /= np.sqrt(self._tail_rng.chisquare(self._tail, deviation.size) / self._tail)
        seen = np.array(np.broadcast_to(gate, selected.shape), np.float64)
        seen[selected] += deviation
        return seen

    def reset_level(self, level: float, cells: Cells, shape: tuple[int, ...]) -> FloatArray:
        """Return the level of a full RESET of each of these cells, in S."""
        full = np.full(shape, level)
        if self._reset is not None:
            full = full * (1.0 + self._reset[cells])
        return full if self._reset_log is None else full * np.exp(self._reset_log[cells])

    def pulse_reset(self, level: FloatArray, selected: npt.NDArray[np.bool_]) -> FloatArray:
        """Return where one RESET pulse leaves the selected cells, from the level (S) of each."""
        if not self._reset_cycle:
            return level
        left = level.copy()
        deviate = self._reset_rng.standard_normal(np.count_nonzero(selected))
        left[selected] *= np.exp(self._reset_cycle * deviate)
        return left

    def cycle(self, level: FloatArray) -> FloatArray | None:
        """Draw the relative part of the noise of one pulse to each of these levels, in S."""
        if not self._cycle:
            return None
        return self._cycle * level * self._cycle_rng.standard_normal(level.shape)
