"""Read noise of the cells: white, 1/f-like, and random telegraph; all relative to G.

White noise is new in every vector and every cell: G_ij (1 + white z). A column of ohmic cells then
carries a normal current whose variance is exactly white^2 sum_i V_i^2 G_ij^2, so that one deviate
per vector and column is enough. The thermal noise of the same cells, 4 k_B T B sum_i G_ij, flows at
any voltage.

Slow noise is a process in simulated time, of which every vector finds the value of its own time.
Time is resolved to `step`, or a tenth of the shortest dwell time; within it nothing changes.

    1/f-like    K normal terms of variance flicker^2 / K each. Term k is drawn anew every
                T_k = 2^k step, k = 0 ... K - 1, up to `flicker_slowest`; terms of 64 steps and
                more at a time of its own in each row. The one-sided spectrum of a cell relative
                to G is

                    S(f) = sum_k 2 T_k (flicker^2 / K) sinc^2(f T_k),  sinc x = sin(pi x) / (pi x)

                within 20 % of flicker^2 / (K ln 2 f) between 1 / T_K-1 and 0.1 / step (with the
                defaults 4 mHz and 100 Hz), and falling as 1/f^2 beyond.
    telegraph   a cell has no trap, one (a fraction of the cells) or several (a Poisson number).
                While a trap is full, G is lower by its amplitude. It is full for its duty of the
                time, and changes at rates whose sum is 2 / dwell; dwell times are log-uniform
                between the given limits. Its one-sided spectrum, for amplitude a and duty d, is
                4 a^2 d (1 - d) tau / (1 + (2 pi f tau)^2) with tau = dwell / 2.

All three may depend on the state: times (G_state / G)^exponent, and never more than all of G.

A pulse that is too weak to move a cell may end its traps (Rao et al., Nature 615, 823 (2023),
doi:10.1038/s41586-023-05759-5: islands of incomplete conduction channels fluctuate, and pulses
below the threshold of switching take them away or complete them). With `denoising` above 0, each
such pulse of at least `denoising_voltage` at the cell ends each of its traps with that probability;
a pulse that moves the cell makes its filament anew, with all its traps. Left out: that conductances
shift a little when an island goes, that new ones form, half-selected cells of passive arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from memlab.emulator.cells.flicker import Flicker
from memlab.emulator.parameters import Parameters, quantity
from memlab.emulator.seeds import generator_for
from memlab.numeric import BoolArray, FloatArray
from memlab.storage import State

__all__ = ["Deviation", "Fluctuation", "ReadNoiseParameters", "Steps"]

Lines = npt.NDArray[np.intp]

_LEAST_CONDUCTANCE = 1e-6
"""Below this (S) relative noise no longer grows: a cell that does not conduct has none to show."""

_MOST_OCTAVES = 40

_TOGETHER = 1 << 21
"""Deviations that are made together: four megabytes."""


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
    denoising: float = quantity(
        0.0,
        "1",
        "Probability with which a pulse below the threshold ends a trap of its cell; 0: never.",
        source="form: Rao et al. 2023, pulses below the threshold denoise; number assumed",
        le=1.0,
    )
    denoising_voltage: float = quantity(
        0.3, "V", "Least voltage at the cell of a pulse that does.", gt=0.0
    )
    step: float = quantity(
        1e-3,
        "s",
        "Time resolution of the slow noise, and period of the fastest term of 1/f-like noise.",
        source="choice of the emulator: 1/f up to 100 Hz",
        gt=0.0,
        le=1e3,
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


@dataclass(frozen=True, eq=False)
class Deviation:
    """How far cells are off at some moments, relative to their conductance: unit number - drop.

    Parameters
    ----------
    number
        Of the 1/f-like noise, shape (moments, rows, columns), or None.
    unit
        What one of its whole numbers is.
    cell, drop
        Cells with traps, by their number in the order of rows, and what these take of each at each
        moment, shape (moments, cells).
    most
        The largest deviation there can be, at any moment.
    """

    number: npt.NDArray[np.int16] | None
    unit: float
    cell: Lines
    drop: FloatArray
    most: float


class Steps(NamedTuple):
    """Time steps, and which moments lie in them."""

    stops: list[int]
    """The number of the first moment after those of each step."""
    deviation: Deviation
    """Of some cells in each step."""


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
        self._flicker = None
        if parameters.flicker:
            # The steps are those of the parameter, whatever the traps need.
            own = max(1, round(parameters.step * 1e9))
            self._flicker = Flicker(parameters.flicker, parameters.octaves, own, shape, rng)
        self._traps = _Traps(parameters, shape, rng) if parameters.telegraph else None
        self.denoised_from = math.inf
        """Voltage (V) at a cell from which a pulse that does not move it may end its traps."""
        if parameters.telegraph and parameters.denoising:
            self.denoised_from = parameters.denoising_voltage
        self._last: tuple[Lines, Lines, Deviation] | None = None

    def steps(self, first: int, period: int, n: int, rows: Lines, columns: Lines) -> Steps:
        """Let time pass, and return the steps that `n` moments lie in, and the cells meanwhile.

        Of moments every `period` ns from `first` ns on, not before the last ones; or of as many of
        them, one at least, as can be made together.
        """
        ticks, stops = self.ticks(first, period, n, max(1, _TOGETHER // (rows.size * columns.size)))
        return Steps(stops, self.deviation(ticks, rows, columns))

    def ticks(
        self, first: int, period: int, n: int, most: int
    ) -> tuple[npt.NDArray[np.int64], list[int]]:
        """Return the time steps that moments as those of `steps` lie in, at most the first `most`.

        And for each of them the number of moments up to its end.
        """
        if n == 1:
            return np.array([first // self.step]), [1]
        most_moments = min(n, most * (self.step // period + 2))
        tick = (first + np.arange(most_moments) * period) // self.step
        begins = np.flatnonzero(np.diff(tick, prepend=-1))
        ends = [*begins[1:].tolist(), most_moments]
        if most_moments < n:  # the last step may go on
            begins, ends = begins[:-1], ends[:-1]
        return tick[begins[:most]], ends[:most]

    def pulsed(self, rows: Lines, weak: BoolArray, moved: BoolArray) -> None:
        """Hear of pulses to cells of different rows, in turn.

        Parameters
        ----------
        rows
            Each at most once, shape (n,).
        weak, moved
            Cells whose traps may end, and those that have moved, shape (n, columns).
        """
        if self._traps is not None and (weak | moved).any():
            self._traps.pulsed(rows, weak, moved)
            self._last = None

    def state(self) -> State:
        """Return the present noise, and where its generators stand."""
        return {
            "tick": self.tick,
            "traps": None if self._traps is None else self._traps.state(),
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`."""
        self.tick, self._last = state["tick"], None
        if self._traps is not None:
            self._traps.restore(state["traps"])

    def deviation(self, ticks: npt.NDArray[np.int64], rows: Lines, columns: Lines) -> Deviation:
        """Let time pass, and return how far some cells are off in each of these steps.

        Parameters
        ----------
        ticks
            Numbers of time steps, rising, none before the present one; shape (n,), n > 0.
        """
        if len(ticks) == 1 and ticks[0] == self.tick and self._last is not None:
            of_rows, of_columns, deviation = self._last
            if of_rows is rows and of_columns is columns:
                return deviation
        number, unit, most = None, 0.0, 0.0
        if self._flicker is not None:
            number = self._flicker.at(ticks * self.step, rows, columns)
            unit, most = self._flicker.unit, self._flicker.most
        cell, drop = np.empty(0, np.intp), np.empty((ticks.size, 0))
        if self._traps is not None:
            before = self.tick if self.tick >= 0 else int(ticks[0])
            elapsed = np.diff(ticks, prepend=before) * self.step * 1e-9
            cell, drop = self._traps.drops(elapsed, rows, columns)
            most += self._traps.most
        self.tick = int(ticks[-1])
        deviation = Deviation(number, unit, cell, drop, most)
        self._last = (rows, columns, deviation) if len(ticks) == 1 else None
        return deviation


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
        self._denoising = parameters.denoising
        self._ended_rng = generator_for(rng, "read_noise.denoising")
        self.ended = np.zeros(n, bool)
        """Traps that weak pulses have ended."""
        self._left_for = 0.0
        self._stays_full = self._fills = self._duty
        self._columns = shape[1]
        self.most = float(np.bincount(self.cell, self._amplitude).max(initial=0.0))
        """What full traps take of a cell at most, relative to G."""
        self._seen: tuple[Lines, Lines, Lines, Lines, Lines] | None = None

    def state(self) -> State:
        state: State = {"rng": self._rng.bit_generator.state, "full": self.full.copy()}
        if not self._denoising:
            return state
        ended = {"ended": self.ended.copy(), "ended_rng": self._ended_rng.bit_generator.state}
        return {**state, **ended}

    def restore(self, state: State) -> None:
        self._rng.bit_generator.state = state["rng"]
        self.full = state["full"].copy()
        if self._denoising:
            self.ended = state["ended"].copy()
            self._ended_rng.bit_generator.state = state["ended_rng"]

    def pulsed(self, rows: Lines, weak: BoolArray, moved: BoolArray) -> None:
        row, column = np.divmod(self.cell, self._columns)
        place = np.full(row.max(initial=-1) + 1, -1)
        place[rows[rows < place.size]] = np.flatnonzero(rows < place.size)
        at = place[row]
        there = np.flatnonzero(at >= 0)
        # In the order of the pulses, so that a batch may be cut anywhere.
        there = there[np.argsort(at[there], kind="stable")]
        self.ended[there[moved[at[there], column[there]]]] = False
        weakly = there[weak[at[there], column[there]] & ~self.ended[there]]
        self.ended[weakly] = self._ended_rng.random(weakly.size) < self._denoising

    def drops(self, elapsed: FloatArray, rows: Lines, columns: Lines) -> tuple[Lines, FloatArray]:
        """Let traps fill and empty for some times (s) in turn: exact for any time.

        Returns which cells of these lines have traps, by their number in the order of rows, and
        what the full ones take of each after each time, relative to G, shape (times, cells).
        """
        trap, cells, cell = self._of(rows, columns)
        taken = self._pass_time(elapsed)[:, trap] * (self._amplitude * ~self.ended)[trap]
        if cells.size == trap.size:  # one each
            return cells, taken
        each = cell + np.arange(len(elapsed))[:, np.newaxis] * cells.size
        shape = len(elapsed), cells.size
        drops = np.bincount(each.reshape(-1), taken.reshape(-1), shape[0] * shape[1])
        return cells, np.asarray(drops, np.float64).reshape(shape)

    def _of(self, rows: Lines, columns: Lines) -> tuple[Lines, Lines, Lines]:
        """Return the traps of these lines, the cells that have any, and which of them each is in.

        Those of the last lines are kept.
        """
        if self._seen is None or self._seen[0] is not rows or self._seen[1] is not columns:
            row, column = np.divmod(self.cell, self._columns)
            row, column = _places(rows, row), _places(columns, column)
            trap = np.flatnonzero((row >= 0) & (column >= 0))
            number = row[trap] * columns.size + column[trap]
            cells, cell = np.unique(number, return_inverse=True)
            self._seen = rows, columns, trap, cells, cell
        return self._seen[2:]

    def _pass_time(self, elapsed: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which traps are full after each time (s), shape (len(elapsed), traps)."""
        passing = elapsed[elapsed > 0.0].tolist()
        full = np.empty((len(elapsed), self.full.size), np.bool_)
        full[: len(elapsed) - len(passing)] = self.full  # no time has passed before
        if passing:
            chances = {time: self._chances(time) for time in set(passing)}
            each = passing if len(chances) > 1 else passing[:1]
            stays_full, fills = np.swapaxes([chances[time] for time in each], 0, 1)
            draw = self._rng.random((len(passing), self.full.size))
            stays, now = draw < stays_full, full[-len(passing) :]
            np.less(draw, fills, out=now)
            now[0] |= self.full & stays[0]
            # What two neighbours do in turn, then each two pairs of them, and so on.
            k = 1
            while k < len(passing):
                now[k:] |= now[:-k] & stays[k:]
                stays[k:] &= stays[:-k]
                k *= 2
            self.full = now[-1].copy()
        return full

    def _chances(self, elapsed: float) -> tuple[FloatArray, FloatArray]:
        """Return with what probability traps stay full, and fill, in a time (s)."""
        # Full after t with probability d + (full - d) exp(-t / tau).
        if elapsed != self._left_for:
            left = np.exp(-elapsed / self._relaxation)
            self._left_for = elapsed
            self._stays_full = self._duty + (1.0 - self._duty) * left
            self._fills = self._duty + (0.0 - self._duty) * left
        return self._stays_full, self._fills


def _places(lines: Lines, line: Lines) -> Lines:
    """Return where each of some lines is among those looked at, rising; -1: nowhere."""
    place = lines.searchsorted(line)
    return np.where(lines.take(place, mode="clip") == line, place, -1)
