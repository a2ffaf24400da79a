"""Read noise: white, 1/f and telegraph noise of the cells, told apart from that of the electronics.

At some conductance levels three things are recorded:

zeros
    Vectors of zeros. What scatters is the electronics, with the same cells below the amplifiers;
    it is taken off the variances that follow.
bursts
    Each row read many times in quick succession: what scatters within a burst is white noise.
series
    Maps of all cells at even intervals. Their periodograms say how the noise depends on frequency
    (`spectra`); `telegraph` finds the cells that jump between two states.

One gain serves all of a level, so that the electronics are the same in all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from drivers.board import AUTO_GAIN
from memlab.characterize.bench import Bench
from memlab.characterize.patterns import largest_group
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.characterize.spectra import Spectrum, fit_flicker, mean_spectrum
from memlab.characterize.statistics import on_map
from memlab.characterize.telegraph import TwoStates, find_two_states
from memlab.runs import Coordinate, Findings, Record

__all__ = ["PROCEDURE", "ReadNoise", "ReadNoiseConfig"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Lines = npt.NDArray[np.intp]

_ZEROS = -1.0
"""Value of the coordinate `driven_row` of vectors of zeros."""


class ReadNoiseConfig(ProcedureConfig):
    """Settings of the noise test."""

    gate_voltages: tuple[float, ...] = Field(
        (1.0, 2.0),
        min_length=1,
        description="Each SET with one of these gate voltages in V makes a level.",
    )
    groups: int = Field(4, description="One cell in so many is measured, the rest RESET.", ge=1)
    reads: int = Field(128, description="Maps of the series at each level.", ge=16)
    interval: float = Field(0.02, description="From map to map, in s.", gt=0)
    burst: int = Field(16, description="Reads of each row in quick succession.", ge=2)
    zeros: int = Field(256, description="Vectors of zeros at each level.", ge=8)
    minimum_conductance: float = Field(
        20e-6, description="Cells below this, in S, say nothing about their noise.", gt=0
    )


class ReadNoise(Procedure[ReadNoiseConfig]):
    """The noise test (see the module's documentation)."""

    name = "read-noise"
    title = "Read noise: white, 1/f and telegraph"
    Config = ReadNoiseConfig
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
        for level, gate in enumerate(config.gate_voltages):
            bench.program(gate, reset=bench.mask, set=chosen)
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
        findings.axis("level", np.arange(len(levels)), "1", "Number of the level")
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
        bursts = [product(float(row)).var(axis=0, ddof=1) for row in range(chosen.shape[0])]
        reads = np.array([readings.measurements[k].value - zeros.mean(axis=0) for k in series])
        return _Level(
            series=reads[:, chosen],
            interval=float(np.median(np.diff(readings.coordinate("time")[series]))),
            variance=np.array(bursts)[chosen],
            electronics=np.broadcast_to(zeros.var(axis=0, ddof=1), chosen.shape)[chosen],
            burst=self.config.burst,
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
    variance, electronics
        In S^2, within bursts, and of vectors of zeros, shape (cells,).
    burst
        Reads of each burst.
    minimum
        Cells below this, in S, are left out.
    """

    series: FloatArray
    interval: float
    variance: FloatArray
    electronics: FloatArray
    burst: int
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

    @cached_property
    def quiet(self) -> BoolArray:
        """Usable cells without two states, of all chosen cells."""
        quiet = self.usable.copy()
        quiet[quiet] = ~self.states.found
        return quiet

    @cached_property
    def spectrum(self) -> Spectrum:
        """Of the quiet cells."""
        return mean_spectrum(self.series[:, self.quiet], self.interval)

    def white(self) -> tuple[float, float]:
        """Relative white noise of the quiet cells, and one standard error."""
        own = (self.variance - self.electronics)[self.quiet]
        squares = float((self.conductance[self.quiet] ** 2).sum())
        ratio = own.sum() / squares
        # A variance of n deviates has the relative error sqrt(2 / (n - 1)).
        freedom = self.burst - 1
        error = float(np.sqrt(2.0 * (self.variance[self.quiet] ** 2).sum() / freedom)) / squares
        white = float(np.sqrt(max(ratio, 0.0)))
        return white, float(0.5 * error / white) if white else float(np.sqrt(error))


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
    flicker = np.full((4, len(levels)), np.nan)
    for k, one in enumerate(levels):
        if one.quiet.any():
            white[:, k] = one.white()
            fit = fit_flicker(one.spectrum)
            flicker[:, k] = fit.power, fit.power_error, fit.exponent, fit.exponent_error
    conductance = [one.conductance[one.usable].mean() if one.usable.any() else 0 for one in levels]
    findings.array("conductance", np.array(conductance), ("level",), "S", "Mean of the cells")
    electronics = [float(np.sqrt(one.electronics.mean())) for one in levels]
    text = "Rms noise of the electronics, as a conductance; taken off"
    findings.array("electronics", np.array(electronics), ("level",), "S", text)
    text = "White noise of a read, relative to G"
    findings.array("level_white", white[0], ("level",), "1", text, white[1])
    value, error = _combined(*white)
    findings.number("white", value, "1", text, error)
    power, power_error = _combined(flicker[0], flicker[1])
    text = "1/f noise: S_G / G^2 = flicker_power / f"
    findings.number("flicker_power", power, "1", text, power_error)
    exponent, exponent_error = _combined(flicker[2], flicker[3])
    text = "Exponent of f in the 1/f noise, fitted freely"
    findings.number("flicker_exponent", exponent, "1", text, exponent_error)


def _add_spectra(findings: Findings, levels: Sequence[_Level]) -> None:
    bins = levels[0].spectrum.frequency
    findings.axis("frequency", bins, "Hz", "Frequency, at the first level")
    dims = ("level", "frequency")
    spectra = [one.spectrum for one in levels]
    density = np.array([one.density for one in spectra])
    findings.array("density", density, dims, "S^2/Hz", "Mean power spectral density of G")
    relative, error = (
        np.array([getattr(one, k) for one in spectra]) for k in ("relative", "error")
    )
    findings.array("relative_density", relative, dims, "1/Hz", "Relative to G^2", error)


def _add_cells(findings: Findings, levels: Sequence[_Level], chosen: BoolArray) -> None:
    """Telegraph cells: found at any level; amplitude at the level where they stand out most."""
    shape = len(levels), int(chosen.sum())
    separation, amplitude, found = np.zeros(shape), np.full(shape, np.nan), np.zeros(shape, bool)
    for k, one in enumerate(levels):
        separation[k, one.usable] = one.states.separation
        amplitude[k, one.usable] = one.states.amplitude
        found[k, one.usable] = one.states.found
    any_level = found.any(axis=0)
    usable = np.any([one.usable for one in levels], axis=0)
    clearest = separation.argmax(axis=0)
    best = np.take_along_axis(amplitude, clearest[np.newaxis], axis=0)[0]
    n = max(1, int(usable.sum()))
    share = any_level.sum() / n
    error = float(np.sqrt(max(share * (1.0 - share), 1.0 / n) / n))
    findings.number("telegraph_cells", share, "1", "Share of the cells with two states", error)
    sizes = best[any_level]
    size_error = sizes.std(ddof=1) / sizes.size**0.5 if sizes.size > 1 else np.nan
    mean = sizes.mean() if sizes.size else np.nan
    text = "Their amplitude, relative to the upper state: mean"
    findings.number("telegraph_amplitude", mean, "1", text, size_error)
    telegraph = np.zeros(chosen.shape, bool)
    telegraph[chosen] = any_level
    findings.map("telegraph", telegraph, "1", "1 where a cell has two states")
    whole = on_map(chosen, np.where(any_level, best, np.nan))
    findings.map("cell_amplitude", whole, "1", "Amplitude of each cell with two states")
    text = "Distance of the two states over the scatter within, at the clearest level"
    findings.map("separation", on_map(chosen, separation.max(axis=0)), "1", text)
    findings.map("clearest_level", on_map(chosen, clearest.astype(float)), "1", "Number of it")
    variance = np.mean([one.variance - one.electronics for one in levels], axis=0)
    level = np.mean([one.conductance for one in levels], axis=0)
    noise = np.sqrt(np.maximum(variance, 0.0)) / np.where(usable, level, np.nan)
    findings.map("cell_white", on_map(chosen, noise), "1", "White noise of each cell, relative")


PROCEDURE = ReadNoise
