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
        self._last: tuple[Lines, Lines, FloatArray] | None = None

    def steps(
        self, first: int, period: int, n: int, most: int = 1
    ) -> tuple[npt.NDArray[np.int64], list[int]]:
        """Return the time steps that hold `n` moments, one every `period` ns from `first` ns on.

        At most the first `most` steps; and for each of them the number of moments up to its end.
        """
        most_moments = min(n, most * (self.step // period + 2))
        tick = (first + np.arange(most_moments) * period) // self.step
        begins = np.flatnonzero(np.diff(tick, prepend=-1))
        ends = [*begins[1:].tolist(), most_moments]
        if most_moments < n:  # the last step may go on
            begins, ends = begins[:-1], ends[:-1]
        return tick[begins[:most]], ends[:most]

    def state(self) -> State:
        """Return the present noise, and where its generators stand."""
        return {
            "tick": self.tick,
            "flicker": None if self._flicker is None else self._flicker.state(),
            "traps": None if self._traps is None else self._traps.state(),
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self.tick, self._last = state["tick"], None
        if self._flicker is not None:
            self._flicker.restore(state["flicker"])
        if self._traps is not None:
            self._traps.restore(state["traps"])

    def now(self, time: int, rows: Lines, columns: Lines) -> FloatArray | None:
        """Return `relative` of the one step that holds a time (ns)."""
        if not self.active:
            return None
        tick = time // self.step
        if tick == self.tick and self._last is not None:
            of_rows, of_columns, relative = self._last
            if of_rows is rows and of_columns is columns:
                return relative
        return self.relative(np.array([tick]), rows, columns)

    def relative(self, ticks: npt.NDArray[np.int64], rows: Lines, columns: Lines) -> FloatArray:
        """Let time pass, and return how far some cells are off in each of these steps.

        Parameters
        ----------
        ticks
            Numbers of time steps, rising, none before the present one; shape (n,), n > 0.

        Returns
        -------
        Deviations relative to their conductance, shape (n, len(rows), len(columns)), not to be
        written to.
        """
        if self._flicker is None:
            relative = np.zeros((ticks.size, rows.size, columns.size))
        else:
            relative = self._flicker.at(ticks * self.step, rows, columns)
        if self._traps is not None:
            before = self.tick if self.tick >= 0 else int(ticks[0])
            elapsed = np.diff(ticks, prepend=before) * self.step * 1e-9
            relative -= self._traps.drops(elapsed, rows, columns)
        self.tick = int(ticks[-1])
        self._last = (rows, columns, relative) if len(ticks) == 1 else None
        return relative


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
        self._large = octaves * shape[0] > 1 << 16
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

    def at(self, times: npt.NDArray[np.int64], rows: Lines, columns: Lines) -> FloatArray:
        """Return the sums of the terms of some cells at rising times (ns).

        Shape (len(times), len(rows), len(columns)).
        """
        index = self._phase[rows] + (times // self._step)[:, np.newaxis]
        before = self._index[rows]
        if len(times) > 1:
            before = np.concatenate((before[np.newaxis], index[:-1]))
        # Term k of a row changes with bit k of the row's index or a higher one, which frexp finds.
        # Its rounding beyond 2^53 makes no difference: all terms change.
        bits = np.frexp((index ^ before).astype(np.float64))[1].reshape(-1)
        self._index[rows] = index[-1]
        number = np.minimum(bits, len(self._terms))
        moved = np.flatnonzero(number)
        part = _part(rows, columns)
        if not moved.size:
            return np.repeat(self._sum[part][np.newaxis], len(times), axis=0)
        number = number[moved]
        first = np.cumsum(number) - number
        row = np.repeat(rows[moved % rows.size], number)
        octave = np.arange(row.size) - np.repeat(first, number)
        # A term has 24 bits, and the least of them is 2^-48 of the largest sum: sums are exact, so
        # that those of many times may be made in any order.
        if len(times) == 1:
            new = self._normal.draw(np.empty((row.size, self._sum.shape[1]), np.float32))
            new *= self._deviation
            change = np.subtract(new, self._terms[octave, row], dtype=np.float64)
            self._terms[octave, row] = new
            self._sum[rows[moved]] += np.add.reduceat(change, first, axis=0)
            seen: FloatArray = self._sum[part][np.newaxis].copy()
            return seen
        return self._at_many(len(times), rows, columns, moved, first, octave, row)

    def _at_many(
        self,
        n: int,
        rows: Lines,
        columns: Lines,
        moved: Lines,
        first: Lines,
        octave: Lines,
        row: Lines,
    ) -> FloatArray:
        """Draw terms in the order of time; most are over before any other column is looked at.

        Parameters
        ----------
        moved, first
            Which of (time, row) change, and the first of the terms that each draws.
        octave, row
            Of each term that is drawn.
        """
        part = _part(rows, columns)
        looked_at = part[1] if isinstance(part[1], slice) else columns
        draw = self._normal.indices(row.size, self._sum.shape[1])
        new = self._normal.value(draw[:, looked_at]) * self._deviation
        # Each term replaces the last one of its row and octave. (Short numbers are sorted faster.)
        cell = (row * len(self._terms) + octave).astype(np.int32 if self._large else np.uint16)
        order = np.argsort(cell, kind="stable")
        begins = np.flatnonzero(np.diff(cell[order], prepend=-1))
        old = np.empty_like(new)
        old[order[1:]] = new[order[:-1]]
        opens = order[begins]
        old[opens] = self._terms[octave[opens], row[opens]][:, looked_at]
        change = np.add.reduceat(np.subtract(new, old, dtype=np.float64), first, axis=0)
        total: FloatArray = np.zeros((n, rows.size, columns.size))
        total.reshape(-1, columns.size)[moved] = change
        total[0] += self._sum[part]
        np.cumsum(total, axis=0, out=total)
        # What is left in the end, of all columns.
        last = order[np.append(begins[1:], order.size) - 1]
        left = self._normal.value(draw[last]) * self._deviation
        change = np.subtract(left, self._terms[octave[last], row[last]], dtype=np.float64)
        self._terms[octave[last], row[last]] = left
        of_row = np.flatnonzero(np.diff(row[last], prepend=-1))
        self._sum[row[last][of_row]] += np.add.reduceat(change, of_row, axis=0)
        return total


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
        self._left_for = 0.0
        self._stays_full = self._fills = self._duty
        self.drop = np.zeros(shape)
        """What the full traps take of every cell, relative to G."""
        self._add_up()

    def state(self) -> State:
        return {"rng": self._rng.bit_generator.state, "full": self.full.copy()}

    def restore(self, state: State) -> None:
        self._rng.bit_generator.state = state["rng"]
        self.full = state["full"].copy()
        self._add_up()

    def drops(self, elapsed: FloatArray, rows: Lines, columns: Lines) -> FloatArray:
        """Let traps fill and empty for some times (s) in turn: exact for any time.

        Returns what the full ones take of some cells after each, relative to G, shape
        (len(elapsed), len(rows), len(columns)).
        """
        passing = np.flatnonzero(elapsed > 0.0)
        if len(elapsed) == 1:
            if passing.size:
                self._pass_time(elapsed[0], self._rng.random(self.full.size))
                self._add_up()
            drop: FloatArray = self.drop[_part(rows, columns)][np.newaxis]
            return drop
        full = np.empty((len(elapsed), self.full.size), bool)
        draw = self._rng.random((passing.size, self.full.size))
        full[: len(elapsed) - passing.size] = self.full  # no time has passed before the first
        for k, which in enumerate(passing):
            self._pass_time(elapsed[which], draw[k])
            full[which] = self.full
        self._add_up()
        place = np.full(self.drop.shape, -1)
        place[np.ix_(rows, columns)] = np.arange(rows.size * columns.size).reshape(rows.size, -1)
        place = place.reshape(-1)[self.cell]
        seen = np.flatnonzero(place >= 0)
        size = rows.size * columns.size
        each = place[seen] + np.arange(len(elapsed))[:, np.newaxis] * size
        taken = self._amplitude[seen] * full[:, seen]
        drops = np.zeros((len(elapsed), rows.size, columns.size))
        drops.reshape(-1)[...] = np.bincount(each.reshape(-1), taken.reshape(-1), drops.size)
        return drops

    def _pass_time(self, elapsed: float, draw: FloatArray) -> None:
        # Full after t with probability d + (full - d) exp(-t / tau).
        if elapsed != self._left_for:
            left = np.exp(-elapsed / self._relaxation)
            self._left_for = elapsed
            self._stays_full = self._duty + (1.0 - self._duty) * left
            self._fills = self._duty + (0.0 - self._duty) * left
        self.full = np.where(self.full, draw < self._stays_full, draw < self._fills)

    def _add_up(self) -> None:
        full = np.bincount(self.cell, self._amplitude * self.full, minlength=self.drop.size)
        self.drop.reshape(-1)[...] = full


def _part(rows: Lines, columns: Lines) -> Any:
    """Return the index of some lines; slices, which are faster, where they are neighbours."""
    if rows[-1] - rows[0] + 1 == rows.size and columns[-1] - columns[0] + 1 == columns.size:
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.ix_(rows, columns)
