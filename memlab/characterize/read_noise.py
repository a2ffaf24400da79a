"""Read noise: white, 1/f and telegraph noise of the cells, told apart from that of the electronics.

At some conductance levels three things are recorded:

zeros
    Vectors of zeros. What scatters is the electronics, with the same cells below the amplifiers;
    it is taken off the variances that follow.
bursts
    Each row read many times in quick succession: what scatters within a burst, and does not wander
    (`bursts`), is white noise.
series
    Maps of all cells at even intervals. `telegraph` finds the cells that jump between two states;
    jumps that are small or slow it cannot see, and says so. Cells that wander by far more than the
    others are set apart. The periodograms of the rest say how their noise depends on frequency
    (`spectra`).

One gain serves all of a level, so that the electronics are the same in all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from drivers.board import AUTO_GAIN
from memlab.analysis.bursts import Bursts, white_noise
from memlab.analysis.patterns import largest_group
from memlab.analysis.rounding import FINE, mean_rounding, unrounded_variance
from memlab.analysis.spectra import (
    Flicker,
    Periodograms,
    fit_flicker,
    periodograms,
    restless_cells,
)
from memlab.analysis.statistics import on_map
from memlab.analysis.telegraph import SLOWEST, TwoStates, find_two_states
from memlab.characterize.bench import Bench
from memlab.characterize.codes import value_step
from memlab.characterize.levels import LevelsConfig
from memlab.characterize.procedure import Demand, Procedure
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Seconds, Siemens, in_unit

__all__ = ["ReadNoise", "ReadNoiseConfig"]

Lines = npt.NDArray[np.intp]

_ZEROS = -1.0
"""Value of the coordinate `driven_row` of vectors of zeros."""


class ReadNoiseConfig(LevelsConfig):
    """Settings of the noise test."""

    gate_voltages: Annotated[tuple[float, ...], in_unit("V")] = Field(
        (1.0, 2.0),
        min_length=1,
        description="Each SET with one of these gate voltages makes a level.",
    )
    groups: int = Field(4, description="One cell in so many is measured, the rest RESET.", ge=1)
    reads: int = Field(128, description="Maps of the series at each level.", ge=16)
    interval: Seconds = Field(0.02, description="From map to map.", gt=0)
    burst: int = Field(16, description="Reads of each row in quick succession.", ge=2)
    zeros: int = Field(256, description="Vectors of zeros at each level.", ge=8)
    minimum_conductance: Siemens = Field(
        20e-6, description="Cells below this say nothing about their noise.", gt=0
    )


WHITE = Quantity("white", "1", "White noise of a read, relative to G")
FLICKER_POWER = Quantity("flicker_power", "1", "1/f noise: S_G / G^2 = flicker_power / f")
FLICKER_EXPONENT = Quantity(
    "flicker_exponent", "1", "Exponent of f in the 1/f noise, fitted freely"
)
TELEGRAPH_CELLS = Quantity(
    "telegraph_cells", "1", "Share of the cells with two states: a lower bound"
)
TELEGRAPH_SMALLEST = Quantity(
    "telegraph_smallest", "1", "Amplitude of jumps of which nine in ten are found"
)
TELEGRAPH_SLOWEST = Quantity(
    "telegraph_slowest", "s", "Mean dwell time up to which 95 in 100 cells are found"
)
TELEGRAPH_AMPLITUDE = Quantity(
    "telegraph_amplitude", "1", "Their amplitude, relative to the upper state: mean"
)
RESTLESS_CELLS = Quantity(
    "restless_cells",
    "1",
    "Share of the cells that wander or jump by far more than others, but show no two states",
)
LEVEL = Quantity("level", "1", "Number of the level")
CONDUCTANCE = Quantity("conductance", "S", "Mean of the cells", ("level",))
ELECTRONICS = Quantity(
    "electronics", "S", "Rms noise of the electronics, as a conductance; taken off", ("level",)
)
LEVEL_WHITE = Quantity("level_white", "1", "White noise of a read, relative to G", ("level",))
FREQUENCY = Quantity("frequency", "Hz", "Frequency, at the first level")
_SPECTRA, _MAP = ("level", "frequency"), ("row", "column")
DENSITY = Quantity("density", "S^2/Hz", "Mean power spectral density of G", _SPECTRA)
RELATIVE_DENSITY = Quantity("relative_density", "1/Hz", "Relative to G^2", _SPECTRA)
TELEGRAPH = Quantity("telegraph", "1", "1 where a cell has two states", _MAP)
CELL_AMPLITUDE = Quantity("cell_amplitude", "1", "Amplitude of each cell with two states", _MAP)
SEPARATION = Quantity(
    "separation",
    "1",
    "Distance of the two states over the scatter within, at the clearest level",
    _MAP,
)
CLEAREST_LEVEL = Quantity("clearest_level", "1", "Number of it", _MAP)
CELL_WHITE = Quantity("cell_white", "1", "White noise of each cell, relative", _MAP)


class ReadNoise(Procedure[ReadNoiseConfig]):
    """The noise test (see the module's documentation)."""

    name = "read-noise"
    title = "Read noise: white, 1/f and telegraph"
    about = "White, 1/f and telegraph noise of reads; the spectrum."
    Config = ReadNoiseConfig
    quantities: ClassVar = (
        WHITE,
        FLICKER_POWER,
        FLICKER_EXPONENT,
        TELEGRAPH_CELLS,
        TELEGRAPH_AMPLITUDE,
        TELEGRAPH_SMALLEST,
        TELEGRAPH_SLOWEST,
        RESTLESS_CELLS,
        LEVEL,
        CONDUCTANCE,
        ELECTRONICS,
        LEVEL_WHITE,
        FREQUENCY,
        DENSITY,
        RELATIVE_DENSITY,
        TELEGRAPH,
        CELL_AMPLITUDE,
        SEPARATION,
        CLEAREST_LEVEL,
        CELL_WHITE,
    )
    picture = "memlab.characterize.pictures.read_noise"
    needs_gates = ""
    coordinates: ClassVar = {"level": Coordinate("1", "Number of the level; -1: to find its gain")}
    vector_coordinates: ClassVar = {
        "level": Coordinate("1", "Number of the level"),
        "driven_row": Coordinate("1", "Row of the view that is driven; -1: none"),
    }

    def demands(self) -> Sequence[Demand]:
        """Return the highest SET."""
        return (Demand(max(self.config.gate_voltages)),)

    def measure(self, bench: Bench) -> None:
        """Make each level and record zeros, bursts and the series."""
        config = self.config
        chosen = self._chosen(bench.array.rows, bench.array.columns, bench.mask)
        gates = config.gate_voltages
        controls = config.controls(self.control, gates, (min(gates), max(gates)))
        for level, control in enumerate(controls.tolist()):
            bench.program_to(control, reset=bench.mask, set=chosen)
            gain = self._gain(bench, chosen)
            where = {"level": float(level)}
            rows = bench.shape[0]
            bench.vmm(np.zeros((config.zeros, rows)), gain=gain, driven_row=_ZEROS, **where)
            for row in range(rows):
                vectors = np.zeros((config.burst, rows))
                vectors[:, row] = config.point.read_voltage
                bench.vmm(vectors, gain=gain, driven_row=float(row), **where)
            start = bench.now
            for k in range(config.reads):
                bench.wait_until(start + k * config.interval)
                bench.read(gain=gain, **where)

    def _gain(self, bench: Bench, chosen: BoolArray) -> int:
        """Return the gain at which nearly all chosen cells fit: that of the upper percentile."""
        typical = np.quantile(bench.read(gain=AUTO_GAIN, level=-1.0)[chosen], 0.99)
        capabilities = bench.array.board.capabilities
        current = float(typical) * self.config.point.read_voltage
        fits = [current * R < capabilities.gain_threshold for R in capabilities.transimpedance]
        return max(1, sum(fits))

    def _chosen(self, rows: Lines, columns: Lines, mask: BoolArray) -> BoolArray:
        return largest_group(rows, columns, mask, self.config.groups)

    def analyse(self, record: Record) -> Findings:
        """Fit white noise, spectrum and telegraph cells at each level."""
        chosen = self._chosen(record.rows, record.columns, record.mask)
        levels = [
            self._level(record, level, chosen) for level in range(len(self.config.gate_voltages))
        ]
        findings = Findings()
        findings.add_axis(LEVEL, np.arange(len(levels)))
        _add_numbers(findings, levels)
        _add_spectra(findings, levels)
        _add_cells(findings, levels, chosen)
        return findings

    def _level(self, record: Record, level: int, chosen: BoolArray) -> _Level:
        """Sort what was recorded at a level, as conductances of the chosen cells."""
        readings, vectors = record.readings, record.vectors
        of_level = vectors.coordinate("level") == level
        driven_row = vectors.coordinate("driven_row")

        def product(row: float) -> FloatArray:
            which = np.flatnonzero(of_level & (driven_row == row))
            values = np.array([vectors.measurements[k].value for k in which])
            return values / self.config.point.read_voltage

        zeros = product(_ZEROS)
        series = np.flatnonzero(readings.coordinate("level") == level)
        bursts = np.stack([product(float(row)) for row in range(chosen.shape[0])], axis=1)
        reads = np.array([readings.measurements[k].value - zeros.mean(axis=0) for k in series])
        of_last = np.flatnonzero(of_level)[-1]
        step = value_step(vectors.measurements[of_last]) / self.config.point.read_voltage
        return _Level(
            series=reads[:, chosen],
            interval=float(np.median(np.diff(readings.coordinate("time")[series]))),
            bursts=bursts[:, chosen],
            electronics=np.broadcast_to(zeros.var(axis=0, ddof=1), chosen.shape)[chosen],
            zeros=len(zeros),
            step=float(np.nanmedian(step)) if np.isfinite(step).any() else 0.0,
            column=np.broadcast_to(np.arange(chosen.shape[1]), chosen.shape)[chosen],
            minimum=self.config.minimum_conductance,
        )


@dataclass(frozen=True, eq=False)
class _Level:
    """What was recorded at one level of the chosen cells, and what follows from it.

    Parameters
    ----------
    series
        Conductance in S at even intervals, shape (reads, cells).
    interval
        In s.
    bursts
        Conductance in S in quick succession, shape (reads, cells).
    electronics
        Variance of vectors of zeros, in S^2, shape (cells,).
    zeros
        How many vectors of zeros there were.
    step
        Of the converter, in S.
    column
        Of each cell, shape (cells,).
    minimum
        Cells below this, in S, are left out.
    """

    series: FloatArray
    interval: float
    bursts: FloatArray
    electronics: FloatArray
    zeros: int
    step: float
    column: Lines
    minimum: float

    @cached_property
    def conductance(self) -> FloatArray:
        """Mean conductance (S), shape (cells,)."""
        mean: FloatArray = self.series.mean(axis=0)
        return mean

    @cached_property
    def usable(self) -> BoolArray:
        """Cells that conduct enough."""
        enough: BoolArray = self.conductance > self.minimum
        return enough

    @cached_property
    def states(self) -> TwoStates:
        """Two states of the usable cells."""
        return find_two_states(self.series[:, self.usable])

    @property
    def smallest_jump(self) -> float:
        """Relative amplitude from which jumps are seen: at least a step of the converter."""
        step = self.step / float(np.median(self.conductance[self.usable]))
        return max(self.states.smallest_jump, step)

    @cached_property
    def steady(self) -> BoolArray:
        """Usable cells without two states, of all chosen cells."""
        steady = self.usable.copy()
        steady[steady] = ~self.states.found
        return steady

    @cached_property
    def restless(self) -> BoolArray:
        """Steady cells that wander or jump by far more than the others, of all chosen cells."""
        restless = self.steady.copy()
        restless[restless] = restless_cells(self.series[:, restless])
        return restless

    @cached_property
    def quiet(self) -> BoolArray:
        """The other steady cells, of all chosen cells."""
        quiet: BoolArray = self.steady & ~self.restless
        return quiet

    @cached_property
    def spectrum(self) -> Periodograms:
        """Of the quiet cells."""
        return periodograms(self.series[:, self.quiet], self.interval)

    @cached_property
    def variance(self) -> FloatArray:
        """Of the reads of a burst, in S^2, shape (cells,)."""
        variance: FloatArray = self.bursts.var(axis=0, ddof=1)
        return variance

    @cached_property
    def scatter(self) -> float:
        """Standard deviation of the reads of a burst before they were rounded, in steps."""
        return self._in_steps(self.variance)

    @cached_property
    def wandering(self) -> float:
        """The same of the series."""
        return self._in_steps(self.series.var(axis=0, ddof=1))

    def _in_steps(self, variance: FloatArray) -> float:
        """Return the standard deviation of quiet cells before rounding, in steps."""
        if not self.step > 0.0 or not self.quiet.any():
            return np.inf
        before = unrounded_variance(float(variance[self.quiet].mean()), self.step)
        return float(before**0.5) / self.step

    @cached_property
    def board(self) -> tuple[FloatArray, float]:
        """Variance of a read that is the board's, shape (cells,), and error by rounding, in S^2."""
        if not np.isfinite(self.scatter):
            return self.electronics, 0.0
        square = self.step**2
        zeros = float(self.electronics.mean())
        reads = float(self.variance[self.quiet].mean())
        still = unrounded_variance(zeros, self.step)
        moving = unrounded_variance(reads, self.step)
        # Reads of cells are rounded anywhere in a step, zeros of a column at one place in it.
        added = (reads - moving) - (zeros - still)
        board: FloatArray = np.maximum(self.electronics + added, 0.0)
        place = mean_rounding(still**0.5, self.step) * self.step / 12.0**0.5
        alike = float(self.conductance[self.quiet].std())
        spread = mean_rounding(alike, self.step) * self.step / 12.0**0.5
        hidden = min(place, moving) if self.scatter <= _HIDDEN else 0.0
        return board, float(min(np.hypot(hidden, spread), square / 12.0))

    def white(self) -> tuple[float, float]:
        """Relative white noise of the quiet cells, and one standard error."""
        board, rounding = self.board[0][self.quiet], self.board[1]
        return white_noise(
            Bursts(
                self.bursts[:, self.quiet],
                self.conductance[self.quiet],
                board,
                board * (2.0 / (self.zeros - 1)) ** 0.5,
                self.column[self.quiet],
                self.step,
                rounding,
            )
        )


_HIDDEN = 0.5
"""Scatter in steps up to which zeros, rounded at one place, tell little of the board's noise."""

_COARSE = "the reads scatter by less than a third of a step of the converter"


def _combined(values: FloatArray, errors: FloatArray) -> tuple[float, float]:
    """Mean weighted by the errors, and its error; what has none, as without noise, wins."""
    known = np.isfinite(values)
    if not known.any():
        return np.nan, np.nan
    exact = known & (errors == 0.0)
    if exact.any():
        return float(values[exact].mean()), 0.0
    weight = errors[known] ** -2.0
    return float(np.average(values[known], weights=weight)), float(weight.sum() ** -0.5)


def _add_numbers(findings: Findings, levels: Sequence[_Level]) -> None:
    """White and 1/f noise at each level, and of all levels together."""
    white = np.full((2, len(levels)), np.nan)
    fits = [Flicker()] * len(levels)
    for k, one in enumerate(levels):
        if one.quiet.any():
            white[:, k] = one.white()
            if one.wandering > FINE:
                fits[k] = fit_flicker(one.spectrum)
    conductance = [one.conductance[one.usable].mean() if one.usable.any() else 0 for one in levels]
    findings.add(CONDUCTANCE, np.array(conductance))
    electronics = [float(np.sqrt(one.electronics.mean())) for one in levels]
    findings.add(ELECTRONICS, np.array(electronics))
    findings.add(LEVEL_WHITE, white[0], white[1])
    count = np.array([int(one.quiet.sum()) for one in levels])
    n, of = int(count.sum()), "cells that are quiet at a level"
    value, error = _combined(*white)
    coarse = any(one.wandering <= FINE for one in levels)
    hidden = any(one.scatter <= _HIDDEN for one in levels)
    caveat = "what is the board's is known badly below half a step of the converter"
    caveat = caveat if hidden else ""
    findings.add(WHITE, value, error, n=n, of=of, caveat=caveat)
    exponent = _weighted(count, [(fit.exponent, fit.exponent_error) for fit in fits])
    power = _weighted(count, [(fit.power, fit.power_error) for fit in fits])
    # Of another exponent than 1 the power of a fit with 1 is a number of this test alone.
    caveat = "the exponent is another than 1" if abs(exponent[0] - 1.0) > 3.0 * exponent[1] else ""
    none = _COARSE if coarse else "no cells are quiet, or they have no noise"
    why = "" if np.isfinite(power[0]) else none
    findings.add(FLICKER_POWER, power[0], power[1], n=n, of=of, why=why, caveat=caveat)
    why = "" if np.isfinite(exponent[0]) else "1/f noise does not stand out enough"
    findings.add(FLICKER_EXPONENT, exponent[0], exponent[1], n=n, of=of, why=why)


def _weighted(count: Lines, found: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean of levels, weighted by their cells, and its error.

    Errors of spectra grow with the values: weighted by them, what is small by chance would win.
    """
    values, errors = np.array(found).T
    known = np.isfinite(values) & np.isfinite(errors)
    weight = np.where(known, count, 0.0)
    if not weight.any():
        return np.nan, np.nan
    weight /= weight.sum()
    squares = (weight[known] * errors[known]) ** 2
    return float(weight[known] @ values[known]), float(squares.sum() ** 0.5)


def _add_spectra(findings: Findings, levels: Sequence[_Level]) -> None:
    findings.add_axis(FREQUENCY, levels[0].spectrum.frequency)
    spectra = [one.spectrum for one in levels]
    findings.add(DENSITY, np.array([one.density for one in spectra]))
    relative, error = (
        np.array([getattr(one, k) for one in spectra]) for k in ("relative", "error")
    )
    findings.add(RELATIVE_DENSITY, relative, error)


def _add_cells(findings: Findings, levels: Sequence[_Level], chosen: BoolArray) -> None:
    """Telegraph cells: found at any level; amplitude at the level where they stand out most."""
    shape = len(levels), int(chosen.sum())
    separation, amplitude, found = np.zeros(shape), np.full(shape, np.nan), np.zeros(shape, bool)
    for k, one in enumerate(levels):
        separation[k, one.usable] = one.states.separation
        amplitude[k, one.usable] = one.states.amplitude
        found[k, one.usable] = one.states.found
    any_level: BoolArray = np.asarray(found.any(axis=0))
    usable = np.asarray(np.array([one.usable for one in levels]).any(axis=0))
    clearest = separation.argmax(axis=0)
    best = np.take_along_axis(amplitude, clearest[np.newaxis], axis=0)[0]
    _add_shares(findings, levels, any_level, usable)
    sizes = best[any_level]
    size_error = sizes.std(ddof=1) / sizes.size**0.5 if sizes.size > 1 else np.nan
    mean = sizes.mean() if sizes.size else np.nan
    why = "" if sizes.size else "no cell with two states was found"
    findings.add(TELEGRAPH_AMPLITUDE, mean, size_error, n=sizes.size, of="cells", why=why)
    telegraph = np.zeros(chosen.shape, bool)
    telegraph[chosen] = any_level
    findings.add(TELEGRAPH, telegraph)
    findings.add(CELL_AMPLITUDE, on_map(chosen, np.where(any_level, best, np.nan)))
    findings.add(SEPARATION, on_map(chosen, separation.max(axis=0)))
    findings.add(CLEAREST_LEVEL, on_map(chosen, clearest.astype(float)))
    variance = np.mean([one.variance - one.electronics for one in levels], axis=0)
    level = np.mean([one.conductance for one in levels], axis=0)
    noise = np.sqrt(np.maximum(variance, 0.0)) / np.where(usable, level, np.nan)
    findings.add(CELL_WHITE, on_map(chosen, noise))


def _add_shares(
    findings: Findings, levels: Sequence[_Level], found: BoolArray, usable: BoolArray
) -> None:
    """Cells that jump, as far as this test sees them, and those that are restless besides."""
    n, of = int(usable.sum()), "cells that conduct enough"
    jumps = [one.smallest_jump for one in levels if one.usable.any()]
    smallest = float(np.nanmin(jumps)) if np.isfinite(jumps).any() else np.nan
    slowest = SLOWEST * max(one.interval * len(one.series) for one in levels)
    caveat = (
        f"cells are not counted that jump by less than {100 * smallest:.2g} % of G or stay in a "
        f"state for more than {slowest:.2g} s"
    )
    count = int(found.sum())
    findings.add_fraction(TELEGRAPH_CELLS, count, n, of, lower_bound=True, caveat=caveat)
    findings.add(TELEGRAPH_SMALLEST, smallest)
    findings.add(TELEGRAPH_SLOWEST, slowest)
    restless = np.array([one.restless for one in levels]).any(axis=0)
    findings.add_fraction(RESTLESS_CELLS, int((restless & ~found).sum()), n, of)
