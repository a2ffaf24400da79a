"""Wire resistance: the same cells are read below light and below heavier loads.

All cells are RESET; then, in stages, more and more groups of cells that lie evenly on all lines are
SET, and after each stage all cells are read. `wire_fit` says what follows from it. Offsets of the
board are taken off and errors of its gains cancel. Cells that bend conduct less where a line is
loaded more, and load it by what they conduct at small voltage: reads at half of the voltage tell
how much they bend, and the errors hold that part of each resistance (`wire_bending`). What drifts
is in no error: on `worst-case` the median of five emulated chips is 2.6 % low.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from memlab.analysis.patterns import diagonal_groups
from memlab.analysis.statistics import shared_rounding
from memlab.analysis.wire_bending import bent_share
from memlab.analysis.wire_fit import Resistances, Stage, WireFit, WireModel, fit_resistances
from memlab.characterize.bench import Bench
from memlab.characterize.codes import value_step
from memlab.characterize.offsets import reads_without_offset
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.kinds import Quantity
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Ohms, Volts

__all__ = ["Wires", "WiresConfig"]

_USEFUL, _USEFUL_SHARE = 0.1, 0.2
"""Largest error in ohm, a third of the 0.3 ohm of Li 2019, and as a share of what was found: a
resistance that is known worse than by either is not determined."""

_HALF = 0.5
"""Part of the read voltage of the reads that tell how cells bend."""

_BENDING_UNKNOWN = "how much cells bend is not known: nothing was read at half of the voltage"

_BENT = (
    "{part:.2g} ohm of the error are what cells may change that bend: at the read voltage some "
    "{share:.1%} more than in proportion flows; read with less"
)

_NOTABLE = 1.05
"""How much an error is larger than chance makes it before the reason is said."""

_SAME_LOAD = "the load behind it did not change: a region of several lines tells it"

_SIGMAS = 1.96
"""Half of an interval of 95 %, in standard errors."""


class WiresConfig(ProcedureConfig):
    """Settings of the wire test."""

    gate_voltage: Volts = Field(1.5, description="Gate voltage of the SETs.", gt=0)
    groups: int = Field(16, description="Groups of cells; the first stage SETs one.", ge=4)
    stages: int = Field(3, description="Stages; each SETs as many groups as all before.", ge=2)
    repeats: int = Field(
        8, description="Reads at each stage; half as many are at half of the voltage.", ge=1
    )
    gain: int = Field(2, description="Gain of the reads, 1 to 4: one for all.", ge=1, le=4)
    start: Ohms = Field(0.5, description="Of a segment, where the fit begins.", gt=0)

    @model_validator(mode="after")
    def _enough_groups(self) -> Self:
        if 2 ** (self.stages - 1) > self.groups:
            raise ValueError("2^(stages - 1) groups are SET in the end: there are not so many")
        return self

    def level(self, group: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return the stage, 1 .. stages, at which each group is SET; 0 for those that are not."""
        first = np.floor(np.log2(np.maximum(group, 0.5))).astype(np.intp) + 2
        return np.where(first <= self.stages, first, 0)


WIRE_RESISTANCE = Quantity("wire_resistance", "ohm", "Of one segment of bit line or TE line")
DRIVER_RESISTANCE = Quantity("driver_resistance", "ohm", "Of a row driver")
SENSE_RESISTANCE = Quantity("sense_resistance", "ohm", "Of a column's amplifier input")
SCATTER = Quantity("scatter", "1", "Of reads around the fit, relative")
STAGE = Quantity("stage", "1", "Stage")
_MAPS = ("stage", "row", "column")
READ = Quantity("read", "S", "Read, offsets taken off", _MAPS)
MODEL = Quantity("model", "S", "What the fit expects to be read", _MAPS)
CELL_CONDUCTANCE = Quantity(
    "cell_conductance", "S", "Of the cells at the last stage", ("row", "column")
)


class Wires(Procedure[WiresConfig]):
    """The wire test (see the module's documentation)."""

    name = "wires"
    title = "Wire resistance, from reads below different loads"
    about = "Resistance of wires, drivers and amplifier inputs, by reads below programmed loads."
    Config = WiresConfig
    quantities: ClassVar = (
        WIRE_RESISTANCE,
        DRIVER_RESISTANCE,
        SENSE_RESISTANCE,
        SCATTER,
        STAGE,
        READ,
        MODEL,
        CELL_CONDUCTANCE,
    )
    picture = "memlab.characterize.pictures.wires"
    needs_gates = ""
    vector_coordinates: ClassVar = {
        "step": Coordinate("1", "Stage: 0 all RESET, then more cells SET")
    }
    coordinates: ClassVar = {
        **vector_coordinates,
        "share": Coordinate("1", "Row voltage of the reading, over the read voltage"),
    }

    @property
    def models_wires(self) -> bool:
        """Whether it computes what wires take: that is what it is for."""
        return True

    def demands(self) -> Sequence[Demand]:
        """Return the only SET."""
        return (Demand(self.config.gate_voltage),)

    def measure(self, bench: Bench) -> None:
        """RESET all and read; SET more cells and read, stage by stage."""
        config = self.config
        level = self._levels(bench.array.rows, bench.array.columns)
        for stage in range(config.stages + 1):
            if stage:
                bench.program(config.gate_voltage, set=level == stage)
            else:
                bench.program(0.0, reset=bench.mask, set=~bench.mask)
            for _ in range(config.repeats):
                bench.read(gain=config.gain, step=float(stage), share=1.0)
            for _ in range((config.repeats + 1) // 2):
                half = _HALF * config.point.read_voltage
                bench.read(gain=config.gain, read_voltage=half, step=float(stage), share=_HALF)
            zeros = np.zeros((4 * config.repeats, bench.shape[0]))
            bench.vmm(zeros, gain=config.gain, step=float(stage))

    def analyse(self, record: Record) -> Findings:
        """Fit the resistances."""
        config = self.config
        level = self._levels(record.rows, record.columns)
        stages = [self._stage(record, level, step) for step in range(config.stages + 1)]
        model = WireModel(record.rows, record.columns, record.chip_shape)
        fit = fit_resistances(model, stages, Resistances(config.start))
        findings = Findings()
        bending = None
        if fit is not None:
            bending = self._bending(record, level, stages, fit.cells)
        _add_numbers(findings, fit, bending)
        if fit is not None:
            findings.add_axis(STAGE, np.arange(config.stages + 1))
            findings.add(READ, np.array([stage.conductance for stage in stages]))
            findings.add(MODEL, fit.model)
            findings.add(CELL_CONDUCTANCE, fit.cells)
        return findings

    def _stage(self, record: Record, level: npt.NDArray[np.intp], step: int) -> Stage:
        """Return what was read at a stage; reads that scatter over more than a step round apart."""
        added = record.mask & (level == step) if step else np.ones(record.mask.shape, bool)
        whole = ~self._at_half(record)
        reads = reads_without_offset(record, step, self.config.point.read_voltage, whole)
        which = np.flatnonzero((record.readings.coordinate("step") == step) & whole)
        steps = [value_step(record.readings.measurements[k])[added] for k in which]
        one = float(np.nanmedian(steps)) if np.isfinite(steps).any() else 0.0
        rounding = shared_rounding(one, float(reads[:, added].var())) if added.any() else 0.0
        return Stage(added, reads.mean(axis=0), rounding)

    def _at_half(self, record: Record) -> BoolArray:
        """Return which readings are at half of the voltage: in files of before there are none."""
        if "share" not in record.readings.coordinates:
            return np.zeros(len(record.readings), bool)
        half: BoolArray = record.readings.coordinate("share") == _HALF
        return half

    def _bending(
        self,
        record: Record,
        level: npt.NDArray[np.intp],
        stages: Sequence[Stage],
        cells: FloatArray,
    ) -> float | None:
        """Compare the reads at half of the voltage, of the cells that were SET so far."""
        at_half = self._at_half(record)
        if not at_half.any():
            return None
        half_voltage = _HALF * self.config.point.read_voltage
        ratio, left = [], []
        for step, stage in enumerate(stages[1:], start=1):
            own = record.mask & (level > 0) & (level <= step)
            half = reads_without_offset(record, step, half_voltage, at_half).mean(axis=0)
            own &= (half > 0.0) & (stage.conductance > 0.0) & (cells > 0.0)
            ratio.append(np.log(stage.conductance[own] / half[own]))
            left.append(stage.conductance[own] / cells[own])
        return bent_share(np.concatenate(ratio), np.concatenate(left))

    def _levels(
        self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.intp]:
        return self.config.level(diagonal_groups(rows, columns, self.config.groups))


def _add_numbers(findings: Findings, fit: WireFit | None, bending: float | None) -> None:
    """Add what was found, or why it was not."""
    n, of = None if fit is None else fit.used, "cells read below more than one load"
    why = _undetermined(fit)
    for part, quantity in (
        ("wire", WIRE_RESISTANCE),
        ("driver", DRIVER_RESISTANCE),
        ("sense", SENSE_RESISTANCE),
    ):
        value = np.nan if fit is None else getattr(fit.resistances, part)
        chance = np.nan if fit is None else getattr(fit.error, part)
        lacks = why or ("" if np.isfinite(chance) else _SAME_LOAD)
        if lacks:
            findings.add_undetermined(quantity, lacks, n=n, of=of)
            continue
        bent = 0.0 if bending is None else abs(bending) * value
        error = float(np.hypot(chance, bent))
        caveat = "" if bending is not None else _BENDING_UNKNOWN
        if bending is not None and error > _NOTABLE * chance:
            caveat = _BENT.format(part=bent, share=bending)
        # What came out below zero was taken for zero: then the upper end is what is known.
        ends = None if value else (0.0, _SIGMAS * error)
        findings.add(quantity, value, error, n=n, of=of, interval=ends, caveat=caveat)
    scatter = np.nan if fit is None else fit.scatter
    findings.add(SCATTER, scatter, n=n, of=of, why="" if fit else why)


def _undetermined(fit: WireFit | None) -> str:
    """Return why the reads do not tell the resistance of wires, or "" where they do."""
    if fit is None:
        return "too few cells conduct below more than one load to tell wires, drivers, amplifiers"
    value, error = fit.resistances.wire, fit.error.wire
    if error <= max(_USEFUL, _USEFUL_SHARE * value):
        return ""
    return (
        f"the error would be {error:.2g} ohm: cells are too few or too noisy, or the load changes "
        "too little (a larger region, more repeats, a higher gate_voltage)"
    )
