"""Fits the SET law, its spreads and the RESET state of the emulator to a gate sweep.

The law is that of a soft onset and a saturation. What a formula of it says of the cells,

    median      larger of level and RESET state
    between     (level' s_offset)^2 + (level s_level)^2
    within      (level' slope s_gate (1 + wider below the onset))^2 + (level s_cycle)^2

is only where the fit starts: the emulated chip is taken through the same sweep, and what it shows
less what the formula says is added to the formula, until the chip shows what the table does. So the
larger of two levels, sweeps that were stopped, small samples and codes are accounted for.

Of a table that a straight line shows as well, an onset or a saturation would only trade with slope
and offset: what the numbers do not need is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, least_squares
from scipy.special import expit, ndtri, stdtrit

from memlab.emulator import ChipPreset
from memlab.errors import DataError
from memlab.numeric import BoolArray, FloatArray
from memlab.twin.gate_sweep import SweepProtocol, Sweeps, run_sweeps
from memlab.twin.statistics import quantiles, quartile_spread, split_tolerance

__all__ = ["fit_sweeps", "told_of_ends"]


_ROUNDS = 4
_DRAWS = 60
_FEWEST = 4
"""Cells from which errors are told."""
_SHAPE = (32, 64)
"""Of the emulated chip, whose chance adds to the error."""
_SMALL = (8, 64)
"""Of those that show how the statistics follow the parameters."""
_SPLITS = 100

_LAW = ("set_slope", "set_offset", "set_onset", "set_saturation")
_BETWEEN = ("spread.set_offset", "spread.set_level")
_WITHIN = ("spread.cycle_gate", "spread.cycle_onset", "spread.cycle")
_RESET = ("reset_conductance", "spread.reset_log", "spread.reset_cycle")
_PARAMETERS = _LAW + _BETWEEN + _WITHIN
_UNITS = np.array([1e-3, 1e-3, 1e-5, 1e-4, 1e-5, 0.1, 0.01, 1.0, 0.1])
_LOWEST = np.array([1e-3, -np.inf, 1e-2, 1e-2, 0.0, 0.0, 0.0, 0.0, 0.0])
_HIGHEST = np.array([np.inf, np.inf, np.inf, 50.0, np.inf, 5.0, np.inf, 3.0, 5.0])
_OFF = {"noise": 0.0, "spread.set_slope": 0.0, "spread.reset": 0.0}
"""Spreads of other laws, whose place the fitted ones take."""

_BENDS = {"set_onset": ("set_onset", "spread.cycle_onset"), "set_saturation": ("set_saturation",)}
"""What bends the law, and the parameters that are nothing without it."""

_NEEDED = 9.0
"""By how much a parameter lowers the squares of the numbers' errors if it is needed: three errors.
Neighbouring numbers are of the same cells and err together, so that this asks for a little more."""

_SMALLEST = 1e-7
"""In S: what no statistic of a table is known to better."""


def fit_sweeps(
    protocol: SweepProtocol,
    sweeps: Sweeps,
    before: Sweeps | None,
    base: ChipPreset,
    seed: int = 0,
    on_step: Callable[[int, float], None] | None = None,
) -> tuple[dict[str, tuple[float, float]], float]:
    """Fit a chip to a gate sweep.

    Parameters
    ----------
    protocol, sweeps, before
        From `measured_sweeps`: readings after and, where there are any, before each SET.
    base
        Preset of everything else.
    seed
        Of the emulated chips.
    on_step
        Called after each round with its number and the largest difference in errors.

    Returns
    -------
    Parameter of the emulator: its value and one standard error; and the root mean square of what is
    left between chip and table, in errors of the table's numbers.

    Raises
    ------
    DataError
        If cells were swept through too few gate voltages.
    """
    if np.count_nonzero(sweeps.usable) < len(_LAW):
        raise DataError("a SET law with an onset needs cells swept through 4 gate voltages or more")
    reset = _reset_state(sweeps if before is None else before, protocol, before is not None)
    fit = _Fit(protocol, sweeps, reset, base, seed)
    for step in range(1, _ROUNDS + 1):
        distance = fit.improve()
        if on_step is not None:
            on_step(step, distance)
    values = zip(_PARAMETERS, fit.x * _UNITS, fit.errors(), strict=True)
    found = {name: (float(value), float(error)) for name, value, error in values}
    found = {name: one for name, one in found.items() if name in fit.names} | reset
    found |= dict.fromkeys(fit.left_out, (0.0, np.nan))
    if fit.tail:
        found["spread.cycle_tail"] = (fit.tail, fit.tail_error())
    return found | {name: (value, np.nan) for name, value in _OFF.items()}, distance


def told_of_ends(found: Mapping[str, tuple[float, float]]) -> dict[str, str]:
    """Return which parameters of a sweep lie at an end of what a fit may give, and what that means.

    At 0, where effects are off, an error is an error; at another end it says how cells vary, and
    nothing of how far the table would have gone. What bends the law is 0 where it was left out.
    """
    told = {
        name: "a law without it shows the table as well; 0, none, is used"
        for names in _BENDS.values()
        for name in names
        if found.get(names[0], (np.nan, np.nan))[0] == 0.0 and name in found
    }
    for name, *ends in zip(_PARAMETERS, _LOWEST * _UNITS, _HIGHEST * _UNITS, strict=True):
        value = found.get(name, (np.nan, np.nan))[0]
        for end in ends:
            if end and np.isfinite(end) and abs(value - end) <= 1e-6 * abs(end):
                told[name] = (
                    f"the fit ends at {value:.3g}, where what it may give ends; that is used"
                )
    return told


class _Fit:
    """The state of a fit: parameters `x` in `_UNITS`, and how far the formula is off the chip."""

    def __init__(
        self,
        protocol: SweepProtocol,
        sweeps: Sweeps,
        reset: dict[str, tuple[float, float]],
        base: ChipPreset,
        seed: int,
    ):
        self._protocol, self._sweeps, self._base, self._seed = protocol, sweeps, base, seed
        self._use = sweeps.usable
        self._cells = sweeps.medians.shape[1]
        self._fixed = _OFF | {name: value for name, (value, _) in reset.items()}
        gates = protocol.gates[self._use]
        self._formula = _Formula(gates, *(self._fixed.get(name, 0.0) for name in _RESET))
        self._target = self._statistics(sweeps)
        self._error = self._statistics_errors()
        self._correction = np.zeros(self._target.size)
        medians, between, within = self._target.reshape(3, -1)
        self.has_cycles = bool(np.isfinite(within).any())
        """Whether there are enough sweeps to tell what changes from one to the next."""
        self.names = _LAW + _BETWEEN * bool(np.isfinite(between).any()) + _WITHIN * self.has_cycles
        """The parameters that the table tells."""
        start = _start(gates, medians)
        self.left_out = self._choose_law(start)
        """Those of them that it does not need."""
        self.names = tuple(name for name in self.names if name not in self.left_out)
        self._free = self._are_free(self.left_out)
        self.x = np.where(self._free, start, 0.0)
        self.tail = 0.0
        """Degrees of freedom of the deviation of a pulse; 0: normal."""
        self._ratio = _tail_ratio(sweeps, self._use)
        self._goal = float(ndtri(0.95) / ndtri(0.75))

    def improve(self) -> float:
        """Fit the corrected formula, ask the chip, and return how far it is off, in errors."""
        self.x = self._solve(self._target, self.x)
        self.tail = _freedom(self._goal)
        shown = self._chip(self.x, _SHAPE)
        found = self._statistics(shown)
        there = np.isfinite(found)
        # Where the chip had no cells left it says nothing against the formula.
        self._correction = np.where(there, found - self._formula(self.x), self._correction)
        self._goal += self._ratio - _tail_ratio(shown, self._use)
        left = ((found - self._target) / self._error)[there & np.isfinite(self._target)]
        return float(np.sqrt(np.mean(left**2)))

    def errors(self) -> FloatArray:
        """Return one standard error of each parameter in SI units; NaN where cells are too few.

        Cells are drawn anew, and followed by the formula and by the chip: on 24 chips of known
        truth the deviations were 1 to 2 errors of one way alone, and 0.9 to 1.3 of both together.
        """
        if self._cells < _FEWEST:
            return np.full(self.x.size, np.nan)
        draws = np.random.default_rng(self._seed).integers(0, self._cells, (_DRAWS, self._cells))
        again = [self._statistics(self._sweeps, draw.astype(np.intp)) for draw in draws]
        by_formula = np.std([self._solve(one, self.x) for one in again], axis=0, ddof=1)
        by_chip = np.zeros(self.x.size)
        apart = np.nan_to_num((np.array(again) - self._target) / self._error)
        by_chip[self._free] = np.std(apart @ self._moves().T, axis=0, ddof=1)
        chance = (1.0 + self._cells / (_SHAPE[0] * _SHAPE[1])) ** 0.5
        return np.asarray(np.hypot(by_formula, by_chip) * _UNITS * chance)

    def tail_error(self) -> float:
        """Return one standard error of `tail`, from cells drawn anew; NaN where they are few."""
        if self._cells < _FEWEST:
            return np.nan
        found = []
        for draw in np.random.default_rng(self._seed).integers(0, self._cells, (20, self._cells)):
            again = Sweeps(self._sweeps.conductance[:, draw])
            found.append(_freedom(self._goal + _tail_ratio(again, self._use) - self._ratio))
        return float(np.std(found, ddof=1))

    def _are_free(self, left_out: tuple[str, ...]) -> BoolArray:
        return np.array([name in self.names and name not in left_out for name in _PARAMETERS])

    def _choose_law(self, start: FloatArray) -> tuple[str, ...]:
        """Return which parameters the formula does without, as far as the numbers tell."""
        known = np.isfinite(self._target)
        best = np.inf
        chosen: tuple[str, ...] = ()
        for bends in ((), *((one,) for one in _BENDS), tuple(_BENDS)):
            left_out = tuple(name for bend in bends for name in _BENDS[bend] if name in self.names)
            self._free = self._are_free(left_out)
            x = self._solve(self._target, np.where(self._free, start, 0.0))
            apart = ((self._formula(x) - self._target) / self._error)[known]
            worth = float(apart @ apart) + _NEEDED * np.count_nonzero(self._free)
            if worth < best:
                best, chosen = worth, left_out
        return chosen

    def _statistics(
        self, sweeps: Sweeps, cells: npt.NDArray[np.intp] | slice = slice(None)
    ) -> FloatArray:
        return sweeps.statistics(cells)[:, self._use].ravel()

    def _statistics_errors(self) -> FloatArray:
        """Return one standard error (S) of each; all alike where cells do not tell them."""
        if self._cells < _FEWEST:
            return np.full(self._target.size, 1e-6)
        apart = split_tolerance(
            lambda cells: self._statistics(self._sweeps, np.flatnonzero(cells)),
            self._cells,
            self._seed,
            _SPLITS,
        )[1]
        # Halves are apart by twice the error of all cells together.
        error = np.maximum(0.5 * quartile_spread(apart.T, 20), _SMALLEST)
        known = np.isfinite(error)
        middle = float(np.median(error[known])) if known.any() else 1e-6
        return np.where(known, error, middle)

    def _solve(self, numbers: FloatArray, x: FloatArray) -> FloatArray:
        """Return the parameters at which the corrected formula gives these numbers."""
        known = np.isfinite(self._target) & np.isfinite(numbers)
        solved, free = x.copy(), self._free

        def left(moved: FloatArray) -> FloatArray:
            solved[free] = moved
            return ((self._formula(solved) + self._correction - numbers) / self._error)[known]

        scale = np.maximum(np.abs(x[free]), 0.1)
        bounds = _LOWEST[free], _HIGHEST[free]
        solved[free] = least_squares(left, x[free], bounds=bounds, x_scale=scale).x
        return solved

    def _chip(self, x: FloatArray, shape: tuple[int, int]) -> Sweeps:
        """Take a chip of these parameters through the sweep; its seed is always the same."""
        values = dict(zip(_PARAMETERS, (x * _UNITS).tolist(), strict=True))
        chip = self._base.replace(**self._fixed, **values, **{"spread.cycle_tail": self.tail})
        return run_sweeps(chip, self._protocol, self._seed, shape)

    def _moves(self) -> FloatArray:
        """Return how the parameters follow the statistics of a chip, shape (free, statistics)."""

        def shown(x: FloatArray) -> FloatArray:
            return self._statistics(self._chip(x, _SMALL)) / self._error

        here, columns = shown(self.x), []
        for k in np.flatnonzero(self._free):
            moved = self.x.copy()
            moved[k] += max(0.1 * abs(moved[k]), 0.05)
            columns.append((shown(moved) - here) / (moved[k] - self.x[k]))
        return np.asarray(np.linalg.pinv(np.nan_to_num(np.stack(columns, axis=1)), rcond=1e-3))


class _Formula:
    """What the parameters say of a sweep at these gate voltages (V), with this RESET state."""

    def __init__(self, gates: FloatArray, reset: float, between: float, within: float):
        self._gates, self._reset = gates, reset
        # Quartiles of a log-normal distribution.
        self._between, self._within = (
            reset * 2.0 * np.sinh(0.6745 * one) / 1.349 for one in (between, within)
        )

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return `gate_sweep.STATISTICS` in S, flat."""
        slope, offset, onset, saturation, *spreads = x * _UNITS
        s_offset, s_level, s_gate, wider, s_cycle = spreads
        linear = slope * self._gates + offset
        if onset:
            soft, steep = onset * np.logaddexp(0.0, linear / onset), expit(linear / onset)
        else:
            soft, steep = np.maximum(linear, 0.0), (linear > 0.0).astype(float)
        gate = slope * s_gate * (1.0 + wider * (1.0 - steep))
        level = soft
        if saturation:
            level = saturation * -np.expm1(-soft / saturation)
            steep = steep * np.exp(-soft / saturation)
        # The state after a RESET counts where a SET does not reach above it.
        above = self._reset**4
        left = above / (above + level**4) if above else np.zeros(level.size)
        between = (steep * s_offset) ** 2 + (level * s_level) ** 2
        within = (steep * gate) ** 2 + (level * s_cycle) ** 2
        shown: FloatArray = np.concatenate(
            [
                np.maximum(level, self._reset),
                np.sqrt((1.0 - left) * between + left * self._between**2),
                np.sqrt((1.0 - left) * within + left * self._within**2),
            ]
        )
        return shown


def _start(gates: FloatArray, medians: FloatArray) -> FloatArray:
    """Return a first guess from the cells' medians (S): the steepest part as a line."""
    largest = float(np.nanmax(medians))
    steep = (medians > 0.2 * largest) & (medians < 0.8 * largest)
    if np.count_nonzero(steep) < 2:
        steep = np.isfinite(medians)
    slope, offset = np.polyfit(gates[steep], medians[steep], 1)
    slope = max(float(slope), 1e-6)
    law = 1.5 * slope, 1.5 * float(offset), 0.15 * largest, 1.3 * largest
    spreads = 0.1 * largest, 0.03, 0.02, 0.5, 0.03
    return np.asarray(np.maximum(np.array([*law, *spreads]) / _UNITS, _LOWEST + 1e-3))


def _reset_state(
    readings: Sweeps, protocol: SweepProtocol, alone: bool
) -> dict[str, tuple[float, float]]:
    """Return what a RESET leaves, from readings after it; of SETs that did nothing where not alone.

    Empty where the lowest gate voltages do something.
    """
    medians = quantiles(readings.medians, (0.5,))[0]
    gates = np.isfinite(medians)
    if not alone:
        lowest = medians[gates][:3].mean() if protocol.resets else np.inf
        gates &= medians < 1.1 * lowest
        gates &= np.cumsum(~gates) == 0
        # The highest of them may cut off what lies lowest.
        gates[np.flatnonzero(gates)[3:][-1:]] = False
        if np.count_nonzero(gates) < 3 or not lowest < 0.2 * np.nanmax(medians):
            return {}
    chosen = readings.conductance[gates]
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.where(chosen > 0.0, np.log(chosen), np.nan)
    logs = np.moveaxis(logs, 1, 0).reshape(logs.shape[1], -1)
    cells = quantiles(logs, (0.5,), 3)[0]
    within, between = quartile_spread(logs, 3), float(quartile_spread(cells, 3))
    cells = cells[np.isfinite(cells)]
    if not cells.size:
        return {}
    n = cells.size
    few = int(np.median(np.isfinite(logs).sum(axis=1)))
    middle, spread = float(np.exp(np.median(cells))), float(np.nanmedian(within)) / _of_few(few)
    between = between if np.isfinite(between) else 0.0
    # Errors of a median and of a quartile distance of n normal deviates.
    return {
        "reset_conductance": (middle, middle * 1.25 * between / n**0.5),
        "spread.reset_log": (between, 1.17 * between / n**0.5),
        "spread.reset_cycle": (spread, 1.17 * float(quartile_spread(within, 3)) / n**0.5),
    }


def _of_few(n: int) -> float:
    """Return the median of the quartile spread of n normal deviates: 1 for many, less for few."""
    if n > 500:
        return 1.0
    sample = np.random.default_rng(0).standard_normal((200_000 // n, n))
    return float(np.median(quartile_spread(sample)))


def _tail_ratio(sweeps: Sweeps, use: BoolArray) -> float:
    """Return by how much 90 % of the readings of a cell are wider apart than the middle half is.

    Where the law is steep; NaN where there are too few readings.
    """
    medians = quantiles(sweeps.medians, (0.5,))[0]
    largest = np.nanmax(medians[use])
    steep = use & (medians > 0.3 * largest) & (medians < 0.85 * largest)
    left = sweeps.conductance[steep] - sweeps.medians[steep][..., np.newaxis]
    left /= quantiles(sweeps.spreads[steep], (0.5,))[0][:, np.newaxis, np.newaxis]
    low, first, third, high = quantiles(left.reshape(-1), (0.05, 0.25, 0.75, 0.95), 100)
    return float((high - low) / (third - first))


def _freedom(ratio: float) -> float:
    """Return the degrees of freedom of Student's distribution with this ratio; 0 is the normal."""

    def excess(freedom: float) -> float:
        return float(stdtrit(freedom, 0.95) / stdtrit(freedom, 0.75) - ratio)

    if not excess(50.0) < 0.0:  # nor where there is no ratio
        return 0.0
    return float(brentq(excess, 1.0, 50.0)) if excess(1.0) > 0.0 else 1.0
