"""Endurance: what a table of cycled cells shows, a fit, and the same on an emulated chip.

A cell has failed when its window, SET less RESET conductance, is below half of its first one. It
died between the last cycle at which it worked and the first at which it did not; lifetimes are
pulses, two a cycle. The emulated chip is aged to each cycle of the table at once, and its cells
then go through that one cycle: a million of them would take hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memlab.analysis.censored import fit_weibull
from memlab.array.board_array import BoardArray
from memlab.chip.limits import Limits
from memlab.emulator import ChipPreset, EmulatedBoard
from memlab.errors import DataError
from memlab.mapping import SwitchingLaw
from memlab.numeric import BoolArray, FloatArray
from memlab.twin.statistics import quantiles
from memlab.twin.tables import Table

__all__ = ["STATISTICS", "Cycled", "fit_cycled", "measured_cycles", "run_cycles"]


STATISTICS = ("median SET state over the first", "cells that work")
_FAILED = 0.5
_SHAPE = (16, 64)
_HEALTHY = 0.9
"""Part of the cells that must work where the loss of the window is looked at."""


@dataclass(frozen=True, eq=False)
class Cycled:
    """Readings of cells over cycles.

    Parameters
    ----------
    cycles
        Numbers of the cycles that were read, rising, shape (n,).
    high, low
        After SET and after RESET in S, shape (n, cells); NaN where a cell was not read. `low` is
        None where the table does not have it.
    """

    cycles: FloatArray
    high: FloatArray
    low: FloatArray | None

    @property
    def works(self) -> FloatArray | None:
        """1 where a cell works, 0 from its failure on, NaN before it was read; as `high`."""
        if self.low is None:
            return None
        window = self.high - self.low
        failed = np.maximum.accumulate(window < _FAILED * window[0], axis=0)
        return np.where(np.isfinite(window) | failed, 1.0 - failed, np.nan)

    def statistics(self, cells: BoolArray | None = None) -> FloatArray:
        """Return what `STATISTICS` names, shape (2, n)."""
        chosen = slice(None) if cells is None else cells
        relative = self.high / self.high[0]
        working = self.works
        if working is None:
            share = np.full(self.cycles.size, np.nan)
        else:
            relative = np.where(working == 1.0, relative, np.nan)
            there = np.isfinite(working[:, chosen])
            count = np.count_nonzero(there, axis=1)
            share = np.nansum(working[:, chosen], axis=1) / np.maximum(count, 1)
            share = np.where(count >= 3, share, np.nan)
        return np.stack([quantiles(relative[:, chosen], (0.5,), 3)[0], share])


def measured_cycles(table: Table) -> Cycled:
    """Return the readings of an endurance table; cells without a first window are left out.

    Raises
    ------
    DataError
        If there are fewer than two cycles.
    """
    cycles, cycle = np.unique(table.values["cycle"], return_inverse=True)
    if cycles.size < 2:
        raise DataError(f"{table.path} has one cycle; wear is told by two or more")
    maps = [
        table.laid_out(name, cycle, cycles.size)
        for name in ("conductance_set", "conductance_reset")
        if name in table.values
    ]
    high, low = maps[0], maps[1] if len(maps) > 1 else None
    first = high[0] if low is None else high[0] - low[0]
    none = ~(first > 0.0)
    high[:, none] = np.nan
    return Cycled(cycles, high, low)


def fit_cycled(cycled: Cycled) -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    """Return parameters of the emulator with one standard error, and which are not determined."""
    found: dict[str, tuple[float, float]] = {}
    undetermined: dict[str, str] = {}
    pulses = 2.0 * cycled.cycles
    works = cycled.works
    early = np.ones(pulses.size, bool)
    if works is None:
        why = "no column conductance_reset: a cell that stays SET does not show that it died"
        undetermined |= dict.fromkeys(("wear.lifetime", "wear.shape"), why)
    else:
        lived = np.isfinite(cycled.high[0])
        dead = (works == 0.0) & lived
        died = np.where(dead.any(axis=0), np.argmax(dead, axis=0), -1)
        read = np.where(works == 1.0, pulses[:, np.newaxis], 0.0).max(axis=0)
        # At its last working cycle it had survived all but the SET's own pulse.
        start = np.maximum(read - 1.0, 0.0)[lived]
        end = np.where(died >= 0, pulses[died] - 1.0, np.inf)[lived]
        fit = fit_weibull(start, np.maximum(end, start + 1.0))
        if np.isfinite(fit.location):
            found["wear.lifetime"] = (fit.location, fit.location_error)
            found["wear.shape"] = (fit.scale, fit.scale_error)
        else:
            why = f"{np.count_nonzero(np.isfinite(end))} of {start.size} cells died"
            undetermined |= dict.fromkeys(("wear.lifetime", "wear.shape"), why)
        early = cycled.statistics()[1] >= _HEALTHY
    relative, _ = cycled.statistics()
    use = early & np.isfinite(relative)
    if np.count_nonzero(use) < 3:
        undetermined["wear.window_loss"] = (
            "fewer than three cycles before a tenth of the cells died"
        )
        return found, undetermined
    decades = np.log10(1.0 + pulses - 1.0)
    slopes = []
    for state in cycled.high[use].T:
        there = np.isfinite(state)
        if np.count_nonzero(there) >= 3:
            slope, level = np.polyfit(decades[use][there], state[there], 1)
            slopes.append(-slope / level)
    loss = np.array(slopes)
    if loss.size < 2:
        undetermined["wear.window_loss"] = "fewer than two cells were read at three cycles"
        return found, undetermined
    error = 1.25 * float(np.std(loss, ddof=1)) / loss.size**0.5
    value = float(np.median(loss))
    if value <= 0.0:
        undetermined["wear.window_loss"] = f"the SET state does not fall: {value:.2g} a decade"
    else:
        found["wear.window_loss"] = (value, error)
    return found, undetermined


def run_cycles(preset: ChipPreset, cycled: Cycled, seed: int, cells: BoolArray) -> FloatArray:
    """Return the statistics of an emulated chip at the cycles of a table, shape (2, n)."""
    first = cycled.high[0, cells]
    level = float(np.nanmedian(first))
    law = SwitchingLaw.of(preset)
    # What a table of ten million ohms or of siemens says must not end the comparison.
    gate = float(np.clip(law.gate_voltage(level), 0.5, 5.0))
    limits = Limits(set_gate_voltage=5.0, cell_current=1.0, pulse_energy=1.0, row_current=1.0)
    high, low = (np.empty((cycled.cycles.size, _SHAPE[0] * _SHAPE[1])) for _ in range(2))
    all_cells, none = np.ones(_SHAPE, bool), np.zeros(_SHAPE, bool)
    with BoardArray(EmulatedBoard(preset, seed, _SHAPE), limits) as array:
        chip = array.board.chip  # type: ignore[attr-defined]
        done = 0
        for k, cycle in enumerate(cycled.cycles):
            chip.age(max(2 * int(cycle) - 2 - done, 0))
            array.program(0.0, reset=all_cells, set=none)
            low[k] = array.read_conductance().ravel()
            array.program(gate, reset=none, set=all_cells)
            high[k] = array.read_conductance().ravel()
            done = max(2 * int(cycle), done + 2)
    return Cycled(cycled.cycles, high, None if cycled.low is None else low).statistics()
