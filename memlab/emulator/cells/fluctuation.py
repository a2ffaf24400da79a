"""Read noise of the cells: white, 1/f-like, and random telegraph; all relative to G.

White noise is new in every vector and every cell: G_ij (1 + white z). A column of ohmic cells then
carries a normal current whose variance is exactly white^2 sum_i V_i^2 G_ij^2, so that one deviate
per vector and column is enough. The thermal noise of the same cells, 4 k_B T B sum_i G_ij, flows at
any voltage.

Slow noise changes in steps of `step` simulated seconds, so that it depends on time and not on how
vectors are batched:

    1/f-like    K normal terms of variance flicker^2 / K each; term k is drawn anew every 2^k steps.
                The spectrum is within a factor of two of 1/f between 1/(2^K step) and 1/(2 step)
                (the Voss-McCartney construction), the standard deviation is `flicker`.
    telegraph   a fraction of the cells has one trap. While it is full, G is lower by `amplitude`.
                It is full half of the time and keeps a state for a time that is exponentially
                distributed; mean dwell times are log-uniform between the given limits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for

__all__ = ["Fluctuation", "ReadNoiseParameters"]

FloatArray = npt.NDArray[np.float64]

_OCTAVES = 16


class ReadNoiseParameters(Parameters):
    """Read noise of the cells; 0 switches each kind off."""

    white: float = quantity(0.0, "1", "Standard deviation of white noise, relative to G.")
    bandwidth: float = quantity(
        0.0, "Hz", "Bandwidth of the cells' thermal noise; 0: none.", source="Johnson-Nyquist"
    )
    flicker: float = quantity(
        0.0,
        "1",
        "Standard deviation of 1/f-like noise, relative to G.",
        source="form: 1/f over 16 octaves; number assumed",
    )
    telegraph_cells: float = quantity(
        0.0,
        "1",
        "Fraction of cells with a trap.",
        source="form: two states; number assumed",
        le=1.0,
    )
    telegraph_amplitude: float = quantity(0.0, "1", "Drop while the trap is full.", le=1.0)
    dwell_minimum: float = quantity(0.01, "s", "Shortest mean dwell time.", gt=0.0)
    dwell_maximum: float = quantity(10.0, "s", "Longest mean dwell time.", gt=0.0)
    step: float = quantity(
        0.01, "s", "Time step of the slow noise.", source="choice of the emulator", gt=0.0
    )

    @property
    def slow(self) -> bool:
        """Whether there is noise that changes with time steps."""
        return bool(self.flicker or (self.telegraph_cells and self.telegraph_amplitude))


class Fluctuation:
    """The slow read noise of all cells."""

    def __init__(
        self, parameters: ReadNoiseParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self._parameters = parameters
        self.active = parameters.slow
        """False when there is no slow noise."""
        self.step = max(1, round(parameters.step * 1e9))
        """Time step in ns."""
        self.tick = -1
        """Number of the time step that `relative` belongs to."""
        self.relative = np.zeros(shape if self.active else (0, 0))
        """Present deviation of every cell, relative to its conductance, shape (rows, columns)."""
        self._flicker_rng = generator_for(rng, "read_noise.flicker")
        # Entry k is the sum of the terms k, k + 1, ...: drawing term k anew leaves those above.
        octaves = _OCTAVES if parameters.flicker else 0
        self._sums = np.zeros((octaves + 1, *shape), np.float32)
        self._deviation = np.float32(parameters.flicker / _OCTAVES**0.5)
        self._trap_rng = generator_for(rng, "read_noise.telegraph")
        self._trapped = np.empty(0, np.intp)
        if parameters.telegraph_cells and parameters.telegraph_amplitude:
            has_trap = self._trap_rng.random(shape) < parameters.telegraph_cells
            self._trapped = np.flatnonzero(has_trap)
            low, high = np.log([parameters.dwell_minimum, parameters.dwell_maximum])
            self._dwell = np.exp(low + (high - low) * self._trap_rng.random(self._trapped.size))
            self._full = self._trap_rng.random(self._trapped.size) < 0.5

    def advance(self, now: int) -> None:
        """Go to the time step that holds `now` (ns)."""
        tick = now // self.step
        if not self.active or tick == self.tick:
            return
        before, self.tick = self.tick, tick
        if len(self._sums) > 1:
            # Term k changes with bit k of the step's number or a higher one.
            changed = _OCTAVES if before < 0 else min(_OCTAVES, (tick ^ before).bit_length())
            for octave in range(changed - 1, -1, -1):
                term = self._sums[octave]
                self._flicker_rng.standard_normal(out=term, dtype=np.float32)
                term *= self._deviation
                term += self._sums[octave + 1]
        self.relative[...] = self._sums[0]
        if self._trapped.size:
            if before >= 0:
                # A trap that changes at rate 1/dwell either way is in its old state after t with
                # probability (1 + exp(-2 t / dwell)) / 2.
                elapsed = (tick - before) * self.step * 1e-9
                change = -0.5 * np.expm1(-2.0 * elapsed / self._dwell)
                self._full ^= self._trap_rng.random(self._dwell.size) < change
            self.relative.reshape(-1)[self._trapped] -= (
                self._parameters.telegraph_amplitude * self._full
            )

    def next_change(self, now: int) -> int:
        """Return the time (ns) of the next step after `now`."""
        return (now // self.step + 1) * self.step
