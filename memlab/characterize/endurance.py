"""Endurance: RESET and SET again and again, with readings of both states at log-spaced cycles.

A cell has failed when its window, SET less RESET conductance, is below a fraction of what it was in
the first cycle; it is not cycled further. The test stops when enough cells have failed, or after
`cycles`. It wears out what it cycles, so that it takes no more cells than it was told to.

A cell that worked at one check and not at the next died between them; one that never failed lives
longer than the test. Lifetimes are pulses, SET and RESET counted alike, since the test began.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from memlab.analysis.censored import fit_weibull
from memlab.analysis.clusters import Lines, mean_over_cells
from memlab.analysis.statistics import fit_line, on_map, responding_cells
from memlab.characterize.bench import Bench
from memlab.characterize.offsets import ZEROS, net_conductance, read_net
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.emulator import ChipPreset, load_preset
from memlab.errors import SettingError
from memlab.kinds import Quantity
from memlab.numeric import FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Unitless, Volts
from memlab.settings import ChipSetting

__all__ = ["Endurance", "EnduranceConfig"]


def _weak_chip() -> ChipPreset:
    """Return a chip that dies within the test: those of the papers outlive any emulation.

    It has a name of its own, as what is found is nothing of theirs.
    """
    chip = load_preset("ta-hfo2-full")
    wear = {"wear.lifetime": 1000.0, "wear.window_loss": 0.02}
    return chip.replace(name="ta-hfo2-full-mortal", **wear)


class EnduranceConfig(ProcedureConfig):
    """Settings of the endurance test."""

    chip: ChipSetting = Field(
        default_factory=_weak_chip,
        description="Chip of the emulator: by default ta-hfo2-full that dies after 1,000 pulses.",
    )
    cycles: int = Field(1000, description="Cycles after which the test ends.", ge=1)
    checks_per_decade: int = Field(8, description="Readings per decade of cycles.", ge=1)
    gate_voltage: Volts = Field(1.6, description="Gate voltage of SET.", gt=0)
    failed_window: Unitless = Field(
        0.5, description="A cell fails below this part of its first window.", gt=0, lt=1
    )
    stop_fraction: Unitless = Field(
        0.9, description="The test ends when this part of the cells has failed.", gt=0, le=1
    )
    maximum_cells: int = Field(512, description="More cells are refused: the test kills.", ge=1)

    def checks(self) -> list[int]:
        """Return the cycles at which both states are read, from 1."""
        decades = np.log10(self.cycles)
        n = int(np.ceil(decades * self.checks_per_decade)) + 1
        spaced = np.logspace(0.0, decades, max(n, 1)).round().astype(int)
        return [int(cycle) for cycle in np.unique(spaced)]


TESTED = Quantity("tested", "1", "Fraction of cells that switched at first")
CYCLES = Quantity("cycles", "1", "Cycles that were done")
FAILED = Quantity("failed", "1", "Fraction of the tested cells that failed")
LIFETIME = Quantity("lifetime", "1", "Pulses that 63 % of the cells do not survive (Weibull)")
LIFETIME_SHAPE = Quantity("lifetime_shape", "1", "Weibull shape of the lifetimes")
WINDOW_LOSS = Quantity(
    "window_loss",
    "1/decade",
    "Relative loss of SET conductance per decade of pulses, until a tenth have failed",
)
CYCLE = Quantity("cycle", "1", "Cycle that is read, from 1")
MEDIAN_WINDOW = Quantity(
    "median_window", "S", "Median window of the tested cells, failed or not", ("cycle",)
)
WORKING = Quantity("working", "1", "Fraction of the tested cells that work", ("cycle",))
_MAP = ("row", "column")
CELL_TESTED = Quantity(
    "cell_tested", "1", "1 where the cell switched at first, and was cycled", _MAP
)
CELL_FAILED = Quantity("cell_failed", "1", "1 where the cell failed", _MAP)
CELL_SURVIVED = Quantity("cell_survived", "1", "Pulses it survived for certain", _MAP)


class Endurance(Procedure[EnduranceConfig]):
    """The endurance test (see the module's documentation)."""

    name = "endurance"
    title = "Endurance: RESET-SET cycles"
    about = "RESET-SET cycles until cells fail; reads at log-spaced cycles."
    Config = EnduranceConfig
    quantities: ClassVar = (
        LIFETIME,
        LIFETIME_SHAPE,
        WINDOW_LOSS,
        FAILED,
        TESTED,
        CYCLES,
        CYCLE,
        MEDIAN_WINDOW,
        WORKING,
        CELL_TESTED,
        CELL_FAILED,
        CELL_SURVIVED,
    )
    picture = "memlab.characterize.pictures.endurance"
    needs_gates = ""
    coordinates: ClassVar = {
        "cycle": Coordinate("1", "Cycle that is read, from 1"),
        "after_set": Coordinate("1", "1 after its SET, 0 after its RESET"),
    }

    vector_coordinates: ClassVar = ZEROS

    def check_cells(self, cells: int) -> None:
        """Refuse more than `maximum_cells`: the test wears them out."""
        if cells > self.config.maximum_cells:
            raise SettingError(
                f"endurance wears out every cell it cycles; it takes at most "
                f"{self.config.maximum_cells} and {cells} are chosen: name some, for example "
                "--rows 0:4 (or --set maximum_cells=...)"
            )

    def demands(self) -> list[Demand]:
        """Return the SET of a cycle."""
        return [Demand(self.config.gate_voltage)]

    def measure(self, bench: Bench) -> None:
        """Cycle the cells that work, and read both states at each check."""
        gate, none = self.config.gate_voltage, np.zeros(bench.shape, bool)
        working, first = bench.mask.copy(), np.zeros(bench.shape)
        done = 0
        for check in self.config.checks():
            for _ in range(done, check - 1):
                bench.program(gate, reset=working, set=working)
            bench.program(gate, reset=working, set=none)
            low = read_net(bench, cycle=check, after_set=0.0)
            bench.program(gate, set=working)
            window = read_net(bench, cycle=check, after_set=1.0) - low
            if done == 0:
                first = window
                # What does not switch in the first cycle cannot wear out.
                working[bench.mask] = responding_cells(first[bench.mask])
                tested = max(1, int(working.sum()))
            working &= window >= self.config.failed_window * first
            done = check
            if working.sum() <= (1.0 - self.config.stop_fraction) * tested:
                return

    def analyse(self, record: Record) -> Findings:
        """Return the distribution of lifetimes, and how the window of living cells shrinks."""
        cycle = record.readings.coordinate("cycle")[::2]
        net = net_conductance(record, self.config.point.read_voltage)
        low, high = net[::2], net[1::2]
        window = high - low
        tested = responding_cells(window[0])
        failed = np.maximum.accumulate(window < self.config.failed_window * window[0], axis=0)
        died = np.argmax(failed, axis=0)
        alive = ~failed[-1]
        # A cell that works at pulse m has survived m - 1; SET is pulse 2 c of cycle c.
        survived = 2.0 * cycle - 1.0
        start = np.where(alive, survived[-1], survived[np.maximum(died - 1, 0)])
        end = np.where(alive, np.inf, survived[died])
        # A cell that died in the first cycle was not tested.
        fit = fit_weibull(start[tested], end[tested], survived[0])

        findings = Findings()
        findings.add_fraction(TESTED, int(tested.sum()), tested.size, "cells chosen")
        findings.add(CYCLES, cycle[-1], n=1, of="run")
        n, of = int(tested.sum()), "cells tested"
        findings.add_fraction(FAILED, int((~alive & tested).sum()), n, of)
        for quantity, value, error in (
            (LIFETIME, fit.location, fit.location_error),
            (LIFETIME_SHAPE, fit.scale, fit.scale_error),
        ):
            why = "fewer than two cells failed within the test"
            if np.isfinite(value):
                why = "what failed does not tell it: its error is larger than itself, or unknown"
            findings.add(quantity, value, error, n=n, of=of, why="" if error < value else why)
        # When many have died, a row carries less current, and the rest see more of the voltage.
        early = failed[:, tested].mean(axis=1) < 0.1 if tested.any() else np.zeros(cycle.size, bool)
        working = tested & ~failed[early].any(axis=0)
        lines = Lines.of(record.mask, working)
        loss, error = _window_loss(survived[early], high[np.ix_(early, working)], lines)
        living, of = int(working.sum()), "cells that lived"
        why = "" if np.isfinite(loss) else "three readings of two living cells are needed"
        findings.add(WINDOW_LOSS, loss, error, n=living, of=of, why=why)
        findings.add_axis(CYCLE, cycle)
        median = (
            np.median(window[:, tested], axis=1) if tested.any() else np.full(cycle.size, np.nan)
        )
        findings.add(MEDIAN_WINDOW, median)
        left = 1.0 - failed[:, tested].sum(axis=1) / max(1, n)
        findings.add(WORKING, left)
        findings.add(CELL_TESTED, on_map(record.mask, tested))
        findings.add(CELL_FAILED, on_map(record.mask, tested & ~alive))
        findings.add(CELL_SURVIVED, on_map(record.mask, np.where(tested, start, np.nan)))
        return findings


def _window_loss(pulses: FloatArray, high: FloatArray, lines: Lines) -> tuple[float, float]:
    """Return w and its error of G = G0 (1 - w log10(1 + n)), from cells of shape (n, cells)."""
    if len(pulses) < 3 or high.shape[1] < 2:
        return np.nan, np.nan
    fit = fit_line(np.log10(1.0 + pulses), high)
    level = float(fit.offset.mean())
    # Of a ratio of means: what slope + w offset of a cell differs from 0.
    loss = -float(fit.slope.mean()) / level
    _, error = mean_over_cells((fit.slope + loss * fit.offset) / level, lines, scale=0.0, step=0.0)
    return loss, error
