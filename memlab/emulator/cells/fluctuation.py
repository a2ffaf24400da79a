"""Read noise of the cells: white, 1/f-like, and random telegraph; all relative to G.

White noise is new in every vector and every cell: G_ij (1 + white z). A column of ohmic cells then
carries a normal current whose variance is exactly white^2 sum_i V_i^2 G_ij^2, so that one deviate
per vector and column is enough. The thermal noise of the same cells, 4 k_B T B sum_i G_ij, flows at
any voltage.

Slow noise is a process in simulated time, of which every vector finds the value of its own time.
Time is resolved to `step`, or a tenth of the shortest dwell time; within it nothing changes.

    1/f-like    K normal terms of variance flicker^2 / K each. Term k is drawn anew every
                T_k = 2^k step, k = 0 ... K - 1, up to `flicker_slowest`; each row has its own
                phase. The one-sided spectrum of a cell relative to G is

                    S(f) = sum_k 2 T_k (flicker^2 / K) sinc^2(f T_k),  sinc x = sin(pi x) / (pi x)

                within 20 % of flicker^2 / (K ln 2 f) between 1 / T_K-1 and 0.1 / step (with the
                defaults 4 mHz and 100 Hz), and falling as 1/f^2 beyond.
    telegraph   a cell has no trap, one (a fraction of the cells) or several (a Poisson number).
                While a trap is full, G is lower by its amplitude. It is full for its duty of the
                time, and changes at rates whose sum is 2 / dwell; dwell times are log-uniform
                between the given limits. Its one-sided spectrum, for amplitude a and duty d, is
                4 a^2 d (1 - d) tau / (1 + (2 pi f tau)^2) with tau = dwell / 2.

All three may depend on the state: times (G_state / G)^exponent, and never more than all of G.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.emulator.normal import NormalSource
from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import bit_generator_for, generator_for
from memlab.storage import State

__all__ = ["Fluctuation", "ReadNoiseParameters"]

FloatArray = npt.NDArray[np.float64]
Lines = npt.NDArray[np.intp]

_LEAST_CONDUCTANCE = 1e-6
"""Below this (S) relative noise no longer grows: a cell that does not conduct has none to show."""

_MOST_OCTAVES = 40


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
        source="form: 1/f between `flicker_slowest` and `step`; number assumed",
    )
    flicker_slowest: float = quantity(
        300.0, "s", "About the period of the slowest term of 1/f-like noise.", gt=0.0
    )
    telegraph_cells: float = quantity(
        0.0,
        "1",
        "Fraction of cells with a trap; not used with `telegraph_traps`.",
        source="form: two states; number assumed",
        le=1.0,
    )
    telegraph_traps: float = quantity(
        0.0,
        "1",
        "Mean number of traps in a cell, Poisson; 0: one in each of `telegraph_cells`.",
        source="form: independent traps; number assumed",
        le=20.0,
    )
    telegraph_amplitude: float = quantity(
        0.0, "1", "Drop while the trap is full, median of the traps.", le=1.0
    )
    amplitude_spread: float = quantity(
        0.0,
        "1",
        "Standard deviation of the logarithm of the traps' amplitudes; 0: all alike.",
        source="form: lognormal; number assumed",
        le=3.0,
    )
    duty_spread: float = quantity(
        0.0,
        "1",
        "Standard deviation of log(duty / (1 - duty)) of the traps; 0: full half of the time.",
        source="form: trap energies normal around the Fermi level; number assumed",
        le=10.0,
    )
    dwell_minimum: float = quantity(0.01, "s", "Shortest mean dwell time.", gt=0.0)
    dwell_maximum: float = quantity(10.0, "s", "Longest mean dwell time.", gt=0.0)
    state_exponent: float = quantity(
        0.0,
        "1",
        "Relative noise of all kinds goes with (state_conductance / G) to this power; 0: does not.",
        source="form: power law, relative noise rises towards high resistance; number assumed",
        le=2.0,
    )
    state_conductance: float = quantity(
        100e-6, "S", "Conductance at which the relative noise is as given.", gt=0.0, le=5e-3
    )
    step: float = quantity(
        1e-3,
        "s",
        "Time resolution of the slow noise, and period of the fastest term of 1/f-like noise.",
        source="choice of the emulator: 1/f up to 100 Hz",
        gt=0.0,
    )

    @property
    def telegraph(self) -> bool:
        """Whether cells have traps."""
        return bool((self.telegraph_cells or self.telegraph_traps) and self.telegraph_amplitude)

    @property
    def slow(self) -> bool:
        """Whether there is noise that changes with time steps."""
        return bool(self.flicker or self.telegraph)

    @property
    def octaves(self) -> int:
        """Number of terms of the 1/f-like noise."""
        octaves = 1 + round(math.log2(max(1.0, self.flicker_slowest / self.step)))
        return min(octaves, _MOST_OCTAVES)

    def of_state(self, conductance: FloatArray) -> FloatArray | None:
        """Return by how much the state (S) multiplies relative noise, same shape; None: by 1."""
        if not self.state_exponent:
            return None
        relative = self.state_conductance / np.maximum(conductance, _LEAST_CONDUCTANCE)
        factor: FloatArray = relative**self.state_exponent
        return factor


class Fluctuation:
    """The slow read noise of all cells."""

    def __init__(
        self, parameters: ReadNoiseParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self.active = parameters.slow
        """False when there is no slow noise."""
        step = parameters.step
        if parameters.telegraph:
            step = min(step, 0.1 * parameters.dwell_minimum)
        self.step = max(1, round(step * 1e9))
        """Time step in ns."""
        self.tick = -1
        """Number of the present time step."""
        self._flicker = _Flicker(parameters, shape, rng) if parameters.flicker else None
        self._traps = _Traps(parameters, shape, rng) if parameters.telegraph else None

    def advance(self, now: int) -> None:
        """Go to the time step that holds `now` (ns)."""
        tick = now // self.step
        if not self.active or tick == self.tick:
            return
        if self._traps is not None and self.tick >= 0:
            self._traps.pass_time((tick - self.tick) * self.step * 1e-9)
        self.tick = tick

    def state(self) -> State:
        """Return the present noise, and where its generators stand."""
        return {
            "tick": self.tick,
            "flicker": None if self._flicker is None else self._flicker.state(),
            "traps": None if self._traps is None else self._traps.state(),
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self.tick = state["tick"]
        if self._flicker is not None:
            self._flicker.restore(state["flicker"])
        if self._traps is not None:
            self._traps.restore(state["traps"])

    def relative(self, rows: Lines, columns: Lines) -> FloatArray:
        """Return the present deviation of some cells, relative to their conductance.

        Shape (len(rows), len(columns)).
        """
        part = _part(rows, columns)
        if self._flicker is None:
            relative = np.zeros((rows.size, columns.size))
        else:
            relative = self._flicker.at(self.tick * self.step, rows)[part].copy()
        if self._traps is not None:
            relative -= self._traps.drop[part]
        return relative

    def next_change(self, now: int) -> int:
        """Return the time (ns) of the next step after `now`."""
        return (now // self.step + 1) * self.step


class _Flicker:
    """The terms of the 1/f-like noise; a row's are drawn when it is looked at."""

    def __init__(
        self, parameters: ReadNoiseParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        octaves = parameters.octaves
        # The steps are those of the parameter, whatever the traps need.
        self._step = max(1, round(parameters.step * 1e9))
        self._deviation = np.float32(parameters.flicker / octaves**0.5)
        self._normal = NormalSource(bit_generator_for(rng, "read_noise.flicker"))
        self._terms = np.zeros((octaves, *shape), np.float32)
        self._sum = np.zeros(shape)
        phases = generator_for(rng, "read_noise.flicker.phases")
        self._phase = phases.integers(1 << octaves, size=shape[0])
        # Differs from the first index in its highest bit: every term is drawn then.
        self._index = np.full(shape[0], -(1 << 60))

    def state(self) -> State:
        return {
            "normal": self._normal.state(),
            "terms": self._terms.copy(),
            "sum": self._sum.copy(),
            "index": self._index.copy(),
        }

    def restore(self, state: State) -> None:
        self._normal.restore(state["normal"])
        self._terms[...], self._sum[...] = state["terms"], state["sum"]
        self._index[...] = state["index"]

    def at(self, now: int, rows: Lines) -> FloatArray:
        """Return the sum of the terms of every cell; of these rows, at a time (ns)."""
        index = self._phase[rows] + now // self._step
        # Term k of a row changes with bit k of the row's index or a higher one, which frexp finds.
        # Its rounding beyond 2^53 makes no difference: all terms change.
        bits = np.frexp((index ^ self._index[rows]).astype(np.float64))[1]
        changed = np.minimum(bits, len(self._terms))
        self._index[rows] = index
        moved = np.flatnonzero(changed)
        if moved.size:
            number = changed[moved]
            first = np.cumsum(number) - number
            row = np.repeat(rows[moved], number)
            octave = np.arange(row.size) - np.repeat(first, number)
            new = np.empty((row.size, self._sum.shape[1]), np.float32)
            self._normal.draw(new)
            new *= self._deviation
            change = np.subtract(new, self._terms[octave, row], dtype=np.float64)
            self._terms[octave, row] = new
            self._sum[rows[moved]] += np.add.reduceat(change, first, axis=0)
        return self._sum


class _Traps:
    """The traps of all cells, sorted by cell."""

    def __init__(
        self, parameters: ReadNoiseParameters, shape: tuple[int, int], rng: np.random.Generator
    ):
        self._rng = generator_for(rng, "read_noise.telegraph")
        if parameters.telegraph_traps:
            number = self._rng.poisson(parameters.telegraph_traps, shape)
            self.cell = np.repeat(np.arange(number.size), number.ravel())
        else:
            has_trap = self._rng.random(shape) < parameters.telegraph_cells
            self.cell = np.flatnonzero(has_trap)
        n = self.cell.size
        low, high = np.log([parameters.dwell_minimum, parameters.dwell_maximum])
        self._relaxation = 0.5 * np.exp(low + (high - low) * self._rng.random(n))
        own = generator_for(rng, "read_noise.telegraph.traps")
        self._duty = 1.0 / (1.0 + np.exp(-parameters.duty_spread * own.standard_normal(n)))
        spread = np.exp(parameters.amplitude_spread * own.standard_normal(n))
        self._amplitude = parameters.telegraph_amplitude * spread
        self.full = self._rng.random(n) < self._duty
        self.drop = np.zeros(shape)
        """What the full traps take of every cell, relative to G."""
        self._add_up()

    def state(self) -> State:
        return {"rng": self._rng.bit_generator.state, "full": self.full.copy()}

    def restore(self, state: State) -> None:
        self._rng.bit_generator.state = state["rng"]
        self.full = state["full"].copy()
        self._add_up()

    def pass_time(self, elapsed: float) -> None:
        """Let traps fill and empty for some time (s): exact for any time."""
        # Full after t with probability d + (full - d) exp(-t / tau).
        left = np.exp(-elapsed / self._relaxation)
        probability = self._duty + (self.full - self._duty) * left
        self.full = self._rng.random(self.full.size) < probability
        self._add_up()

    def _add_up(self) -> None:
        full = np.bincount(self.cell, self._amplitude * self.full, minlength=self.drop.size)
        self.drop.reshape(-1)[...] = full


def _part(rows: Lines, columns: Lines) -> Any:
    """Return the index of some lines; slices, which are faster, where they are neighbours."""
    if rows[-1] - rows[0] + 1 == rows.size and columns[-1] - columns[0] + 1 == columns.size:
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.ix_(rows, columns)
