"""Linearity: current against row voltage, of single cells and of whole columns at each gain.

One cell in `groups` is SET, the others are RESET, so that wires take little; at some conductance
levels (after the SET, then after partial RESETs of rising voltage) two things are swept:

cells
    Each row by itself, the others at 0 V, at one gain. Every cell gets

        I = a + G V + c 6 V0^2 (V0 sinh(V / V0) - V)

    with one V0 for all: c V^3 at small voltage. Of cells a part of which conducts by a sinh, less
    of it the more they conduct, it is

        c / G = a / (1 + G / G_ohmic),    a = 1 / (6 V0^2)

    (`memlab.emulator.cells.conduction`), which is fitted to all cells at all levels. With
    `wire_resistance` it is known what wires take; without, G is what is read, and the errors hold
    what 0.3 ohm would change: a caveat says how much of an error is not chance but this. Errors
    hold what steps of the ADC do to cells that all lie on the same step, too.
columns
    As many rows together as fill the range of a gain and a little more, so that the amplifiers are
    seen up to where they clip. What is saturated is counted and left out of the straight line.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from memlab.analysis.bending import (
    Bending,
    BentCells,
    bin_bending,
    fit_bending,
)
from memlab.analysis.cell_curves import CellFits, Curves, fit_cells, left_by_wires
from memlab.analysis.clusters import Lines as ClusterLines
from memlab.analysis.patterns import largest_group
from memlab.analysis.statistics import on_map
from memlab.characterize.bench import Bench
from memlab.characterize.codes import driven_voltage, value_step
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.emulator import wire_segments
from memlab.errors import SaturationWarning
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Ohms, Siemens, Volts, in_unit

__all__ = ["Linearity", "LinearityConfig"]

Lines = npt.NDArray[np.intp]

_TOGETHER = -1.0
"""Value of the coordinate `driven_row` where several rows are driven."""

_ROUNDS = 6
"""Most rounds in which V0 and the curves that it makes are found."""

_USUAL_WIRE = 0.3
"""Ohm per segment, of which the error holds what it would do where nothing is known: Li 2019."""

_WIRES_UNKNOWN = (
    "{part:.2g} {units} of the error are what wires of {wire} ohm a segment would change: name "
    "theirs with wire_resistance"
)

_NOTABLE = 1.05
"""How much an error is larger than chance makes it before the reason is said."""

_OVER_RANGE = 1.2
"""How far sweeps of columns go, in ranges of the gain."""


class LinearityConfig(ProcedureConfig):
    """Settings of the linearity test."""

    gate_voltage: Volts = Field(2.0, description="Gate voltage of the SET.", gt=0)
    reset_voltages: Annotated[tuple[float, ...], in_unit("V")] = Field(
        (1.3, 1.55), description="A partial RESET of each voltage makes one more level."
    )
    groups: int = Field(4, description="One cell in so many is measured.", ge=1)
    voltage: Volts = Field(0.2, description="Sweeps go from minus to plus this.", gt=0)
    points: int = Field(13, description="Voltages of a sweep.", ge=5)
    repeats: int = Field(3, description="Repeats of each sweep.", ge=1)
    gain: int = Field(2, description="Gain of the sweeps of cells, 1 to 4.", ge=1, le=4)
    minimum_conductance: Siemens = Field(
        20e-6, description="Cells below this say nothing about bending.", gt=0
    )
    wire_resistance: Ohms = Field(
        0.0, description="Of one segment, as found by `wires`; 0: not known.", ge=0
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(b <= a for a, b in zip(self.reset_voltages, self.reset_voltages[1:], strict=False)):
            raise ValueError("reset_voltages must rise (V)")
        return self

    def sweep(self) -> FloatArray:
        """Return the voltages of a sweep as parts of the largest."""
        return np.linspace(-1.0, 1.0, self.points)


BENDING = Quantity("bending", "1/V^2", "c/G of small cells")
VOLTAGE = Quantity("voltage", "V", "V0 of the sinh law")
OHMIC_RESISTANCE = Quantity(
    "ohmic_resistance", "ohm", "1/G at which bending has halved; 0: does not depend on G"
)
LEVEL = Quantity("level", "1", "Conductance level, from the highest")
_MAPS = ("level", "row", "column")
CONDUCTANCE = Quantity("conductance", "S", "Slope at small voltage", _MAPS)
CUBIC = Quantity("cubic", "A/V^3", "Coefficient of the cubic term", _MAPS)
BIN_CONDUCTANCE = Quantity("bin_conductance", "S", "Mean conductance of the bin")
BIN_BENDING = Quantity(
    "bin_bending", "1/V^2", "c/G, mean of the cells of the bin", ("bin_conductance",)
)
GAIN = Quantity("gain", "1", "Gain")
_OF_COLUMNS = ("level", "gain", "column")
COLUMN_SLOPE = Quantity("column_slope", "S", "Current per volt of the driven rows", _OF_COLUMNS)
COLUMN_OFFSET = Quantity("column_offset", "A", "Current at 0 V", _OF_COLUMNS)
COLUMN_DEVIATION = Quantity("column_deviation", "A", "Rms deviation from the line", _OF_COLUMNS)
SATURATED = Quantity(
    "saturated",
    "1",
    "Share of the currents beyond the amplifiers' range; left out",
    ("level", "gain"),
)


class Linearity(Procedure[LinearityConfig]):
    """The linearity test (see the module's documentation)."""

    name = "linearity"
    title = "Linearity of cells and columns"
    about = "Current against voltage: bending of cells, range of columns at each gain."
    Config = LinearityConfig
    quantities: ClassVar = (
        VOLTAGE,
        BENDING,
        OHMIC_RESISTANCE,
        LEVEL,
        CONDUCTANCE,
        CUBIC,
        BIN_CONDUCTANCE,
        BIN_BENDING,
        GAIN,
        COLUMN_SLOPE,
        COLUMN_OFFSET,
        COLUMN_DEVIATION,
        SATURATED,
    )
    picture = "memlab.characterize.pictures.linearity"
    needs_gates = ""
    coordinates: ClassVar = {"level": Coordinate("1", "Number of the conductance level")}
    vector_coordinates: ClassVar = {
        "level": Coordinate("1", "Number of the conductance level"),
        "driven_row": Coordinate("1", "Row of the view that is driven; -1: several together"),
        "sweep_gain": Coordinate("1", "Gain of the sweep"),
        "driven_voltage": Coordinate("V", "Voltage of the driven rows"),
    }

    @property
    def models_wires(self) -> bool:
        """Whether it computes what wires take: it does, at least for its errors."""
        return True

    def demands(self) -> Sequence[Demand]:
        """Return the SET, the highest partial RESET, and the ends of the sweeps."""
        config = self.config
        resets = [Demand(None, {"reset_voltage": volts}) for volts in config.reset_voltages]
        return (Demand(config.gate_voltage, {"read_voltage": config.voltage}), *resets)

    def measure(self, bench: Bench) -> None:
        """Make each level and sweep it."""
        config = self.config
        chosen = self._chosen(bench.array.rows, bench.array.columns, bench.mask)
        none = np.zeros(bench.shape, bool)
        bench.program(config.gate_voltage, reset=bench.mask, set=chosen)
        for level in range(len(config.reset_voltages) + 1):
            if level:
                voltage = config.reset_voltages[level - 1]
                bench.program(0.0, reset=chosen, set=none, reset_voltage=voltage)
            typical = float(np.median(bench.read(level=float(level))[chosen]))
            self._sweep_cells(bench, float(level))
            self._sweep_columns(bench, float(level), max(typical, 1e-9), chosen)

    def _chosen(self, rows: Lines, columns: Lines, mask: BoolArray) -> BoolArray:
        return largest_group(rows, columns, mask, self.config.groups)

    def _sweep_cells(self, bench: Bench, level: float) -> None:
        # All voltages of a row follow each other at once, so that slow noise is the same in them.
        curve = bench.on_input_steps(self.config.voltage * self.config.sweep())
        sweep = np.tile(curve, self.config.repeats)
        rows = bench.shape[0]
        for row in range(rows):
            vectors = np.zeros((sweep.size, rows))
            vectors[:, row] = sweep
            bench.vmm(
                vectors,
                gain=self.config.gain,
                level=level,
                driven_row=float(row),
                sweep_gain=float(self.config.gain),
                driven_voltage=sweep,
            )

    def _sweep_columns(self, bench: Bench, level: float, typical: float, chosen: BoolArray) -> None:
        """Sweep columns of cells of a typical conductance (S) up to the end of each gain."""
        config = self.config
        per_column = float(chosen.sum(axis=0).max()) / bench.shape[0] * typical
        capabilities = bench.array.board.capabilities
        for gain, resistance in enumerate(capabilities.transimpedance, start=1):
            wanted = _OVER_RANGE * capabilities.clip / resistance / per_column
            rows = int(np.clip(round(wanted / config.voltage), 1, bench.shape[0]))
            largest = min(config.voltage, wanted / rows)
            sweep = np.tile(bench.on_input_steps(largest * config.sweep()), config.repeats)
            vectors = np.zeros((sweep.size, bench.shape[0]))
            driven = np.linspace(0, bench.shape[0] - 1, rows).round().astype(int)
            vectors[:, driven] = sweep[:, np.newaxis]
            with warnings.catch_warnings():
                # Where amplifiers clip is one of the things to be found.
                warnings.simplefilter("ignore", SaturationWarning)
                bench.vmm(
                    vectors,
                    gain=gain,
                    level=level,
                    driven_row=_TOGETHER,
                    sweep_gain=float(gain),
                    driven_voltage=sweep,
                )

    def analyse(self, record: Record) -> Findings:
        """Fit lines and cubics."""
        levels = np.arange(len(self.config.reset_voltages) + 1)
        findings = Findings()
        findings.add_axis(LEVEL, levels)
        chosen = self._chosen(record.rows, record.columns, record.mask)
        fits, cells, bending, doubted = self._bending(record, levels, chosen)
        findings.add(CONDUCTANCE, np.array([on_map(chosen, fit.conductance) for fit in fits]))
        findings.add(CUBIC, np.array([on_map(chosen, fit.cubic) for fit in fits]))
        _add_bending(findings, bending, doubted, cells)
        self._add_columns(findings, record, levels)
        return findings

    def _curves(self, record: Record, level: int) -> list[Curves]:
        """Return the curves of each row at a level."""
        here = record.vectors.coordinate("level") == level
        driven_row = record.vectors.coordinate("driven_row")
        curves = []
        for row in range(record.mask.shape[0]):
            which = np.flatnonzero(here & (driven_row == row))
            voltage, current, saturated = _sweep_of(record, which, row)
            steps = np.array([value_step(record.vectors.measurements[k]) for k in which])
            step = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
            # Repeats of a voltage may stand on the same step of the ADC: they count as one point.
            points = np.unique(voltage)
            means = np.array([current[voltage == one].mean(axis=0) for one in points])
            means[:, saturated.any(axis=0)] = np.nan
            curves.append(Curves(points, means, step))
        return curves

    def _bending(
        self, record: Record, levels: Lines, chosen: BoolArray
    ) -> tuple[list[CellFits], BentCells, Bending, Bending]:
        """Fit all cells, with the sinh of the V0 that they themselves show.

        The last is the law with the errors of wires of which nothing is known.
        """
        curves = [self._curves(record, int(level)) for level in levels]
        volts, resistance = np.inf, self.config.wire_resistance
        for _ in range(_ROUNDS):
            fits = [fit_cells(one, volts, chosen) for one in curves]
            cells = self._bent(fits, record, chosen, resistance)
            bending = fit_bending(cells)
            before, volts = volts, bending.voltage
            # A V0 far below the voltages would be that of noise.
            if not volts > 0.25 * self.config.voltage or abs(volts - before) < 1e-3 * volts:
                break
        if resistance:
            return fits, cells, bending, bending
        # What wires of the usual resistance would change is in the error.
        wired = fit_bending(self._bent(fits, record, chosen, _USUAL_WIRE))
        return fits, cells, bending, bending.doubted(wired)

    def _bent(
        self, fits: list[CellFits], record: Record, chosen: BoolArray, wire_resistance: float
    ) -> BentCells:
        """Return the bending of the usable cells, behind wires of this resistance (ohm)."""
        row, column = np.nonzero(chosen)
        levels = len(fits)
        of_row, of_column = wire_segments(record.rows, record.columns, record.chip_shape)
        path, ratio, error = np.full((3, levels, row.size), np.nan)
        rounding = np.zeros((levels, levels, row.size))
        for k, fit in enumerate(fits):
            left, passed = left_by_wires(fit.slopes, wire_resistance, of_row, of_column)
            path[k] = fit.conductance / (left * passed)[chosen]
            own = fit.conductance > 0.0
            # The cubic current goes with the cube of the voltage that is left at the cell.
            ratio[k, own] = fit.cubic[own] / (fit.conductance * left[chosen] ** 2)[own]
            if own.any():
                # Of a cell it is known from few points: weights are those of the middle of all.
                error[k] = np.median(fit.cubic_error[own] / fit.conductance[own])
                rounding[k, k, own] = fit.cubic_rounding / fit.conductance[own]
        usable = path > self.config.minimum_conductance  # false for NaN, too
        lines = ClusterLines(
            np.tile(row, levels)[usable.ravel()], np.tile(column, levels)[usable.ravel()]
        )
        return BentCells(path[usable], ratio[usable], error[usable], lines, rounding[:, usable])

    def _add_columns(self, findings: Findings, record: Record, levels: Lines) -> None:
        """Straight lines of the columns at each gain, in what is not saturated."""
        vectors = record.vectors
        together = vectors.coordinate("driven_row") == _TOGETHER
        level, gain = vectors.coordinate("level"), vectors.coordinate("sweep_gain")
        gains = np.unique(gain[together])
        shape = levels.size, gains.size, record.columns.size
        slope, offset, deviation = np.full((3, *shape), np.nan)
        saturated_share = np.zeros(shape[:2])
        for i, j in np.ndindex(shape[:2]):
            which = np.flatnonzero(together & (level == levels[i]) & (gain == gains[j]))
            driven = int(np.argmax(np.abs(driven_voltage([vectors.measurements[which[0]]]))))
            voltage, current, saturated = _sweep_of(record, which, driven)
            saturated_share[i, j] = saturated.mean()
            slope[i, j], offset[i, j], deviation[i, j] = _lines(voltage, current, ~saturated)
        findings.add_axis(GAIN, gains)
        findings.add(COLUMN_SLOPE, slope)
        findings.add(COLUMN_OFFSET, offset)
        findings.add(COLUMN_DEVIATION, deviation)
        findings.add(SATURATED, saturated_share)


def _sweep_of(record: Record, which: Lines, row: int) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the voltage (V) that the DAC of a row made, the currents (A), and what clipped."""
    chosen = [record.vectors.measurements[k] for k in which]
    return (
        driven_voltage(chosen)[:, row],
        np.array([one.value for one in chosen]),
        np.array([one.saturated for one in chosen]),
    )


def _lines(
    voltage: FloatArray, current: FloatArray, usable: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slope, offset and rms deviation of each column's usable points; NaN below three of them."""
    n = usable.sum(axis=0).astype(float)
    n[n < 3] = np.nan
    x = np.where(usable, voltage[:, np.newaxis], 0.0)
    y = np.where(usable, current, 0.0)
    mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
    left = np.where(usable, voltage[:, np.newaxis] - mean_x, 0.0)
    squares = (left**2).sum(axis=0)
    squares[squares == 0.0] = np.nan
    slope = (left * y).sum(axis=0) / squares
    residual = np.where(usable, current - mean_y - slope * left, 0.0)
    return slope, mean_y - slope * mean_x, np.sqrt((residual**2).sum(axis=0) / (n - 2.0))


def _add_bending(findings: Findings, bending: Bending, doubted: Bending, cells: BentCells) -> None:
    """Add the law with the errors of `doubted`; those of `bending` are chance alone."""
    n, of = cells.conductance.size, "cells at all levels"
    few = "" if np.isfinite(bending.value) else "too few cells conduct, or all conduct alike"
    unclear = few
    if not few and np.isnan(doubted.voltage):
        unclear = (
            "bending does not stand out of its error: cells bend too little, or conduct too alike"
        )
    for quantity, value, error, chance, why in (
        (BENDING, doubted.value, doubted.value_error, bending.value_error, few),
        (VOLTAGE, doubted.voltage, doubted.voltage_error, bending.voltage_error, unclear),
        (OHMIC_RESISTANCE, doubted.fade, doubted.fade_error, bending.fade_error, few),
    ):
        caveat = ""
        if error > _NOTABLE * chance:
            part = (error**2 - chance**2) ** 0.5
            caveat = _WIRES_UNKNOWN.format(part=part, units=quantity.units, wire=_USUAL_WIRE)
        findings.add(quantity, value, error, n=n, of=of, why=why, caveat=caveat)
    points = bin_bending(cells)
    findings.add_axis(BIN_CONDUCTANCE, points.conductance)
    findings.add(BIN_BENDING, points.bending, points.error)
