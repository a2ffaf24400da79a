"""What the falling steps of a SET staircase say about the cells.

Each falling step is a RESET and a SET, so that step k leaves cell c at

    G_kc = slope_c gate_k + offset_c + e_kc,    var e_kc = noise^2 + (cycle G)^2 + reading

Every estimate here is a mean or a variance: of the cells' own lines, of what they deviate from
them, and of where the first RESET left them. Variances may come out negative where there is little
of them; they are kept so, for a clipped one would be too large on the average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from memlab.analysis.statistics import fit_line
from memlab.characterize.offsets import net_conductance
from memlab.numeric import BoolArray, FloatArray
from memlab.runs import Record

__all__ = [
    "DeadCells",
    "Moments",
    "find_dead_cells",
    "reading_noise",
    "responding",
    "set_moments",
    "staircase_cells",
]

Moments = dict[str, float]
"""Estimates by the name of the parameter; a spread stands with its variance."""

_SILENT = 0.5e-6
"""Conductance in S below which a cell that does not respond counts as 0 S."""


def staircase_cells(
    record: Record, read_voltage: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return gate voltages (V) and conductances (S) of the falling steps, and those after RESET.

    Shapes (steps,), (steps, cells) and (cells,). What flowed at 0 V is taken off, where that was
    measured; `read_voltage` (V) is that of the readings.
    """
    readings = record.readings
    falling = readings.coordinate("falling") == 1.0
    conductance = net_conductance(record, read_voltage)
    return readings.coordinate("gate_voltage")[falling], conductance[falling], conductance[0]


def responding(cells: FloatArray, after_reset: FloatArray) -> BoolArray:
    """Return which cells respond: those that a SET raises by a fifth of what it raises the median.

    Parameters
    ----------
    cells, after_reset
        Conductances (S) of the falling steps, shape (steps, cells), and after RESET, (cells,).
    """
    raised = cells.mean(axis=0) - after_reset
    found: BoolArray = raised > 0.2 * np.median(raised)
    return found


def set_moments(gate: FloatArray, cells: FloatArray, after_reset: FloatArray) -> Moments:
    """Estimate the SET law, the RESET level and their spreads from cells that respond.

    Parameters
    ----------
    gate, cells, after_reset
        As `staircase_cells` returns them.

    Returns
    -------
    `set_slope` (S/V), `set_offset`, `reset_conductance` (S), and the variances `noise`,
    `spread.set_offset` (S^2), `spread.cycle`, `spread.set_slope`, `spread.reset` (1).
    """
    fit = fit_line(gate, cells)
    slope, offset = float(fit.slope.mean()), float(fit.offset.mean())
    level = cells.mean(axis=1)
    variance = _step_variance(gate, cells)
    noise, cycle = _absolute_and_relative(level, variance)
    lines = np.cov(fit.slope, fit.offset) - _line_covariance(gate, variance)
    reset, reset_variance = _above_zero(after_reset)
    pulse = noise + cycle * reset**2
    return {
        "set_slope": slope,
        "set_offset": offset,
        "noise": noise,
        "spread.cycle": cycle,
        "spread.set_slope": float(lines[0, 0]) / slope**2,
        "spread.set_offset": float(lines[1, 1]),
        "reset_conductance": reset,
        # Where the level is lost in the noise of a pulse, nothing can be said of its spread.
        "spread.reset": (reset_variance - pulse) / max(reset**2, pulse, 1e-15),
    }


def reading_noise(values: FloatArray) -> float:
    """Return the variance of repeated readings of cells, mean over cells; values (readings, cells).

    The first reading of all is left out: it stands at another place of a procedure than the rest.
    """
    return float(values[1:].var(axis=0, ddof=1).mean())


@dataclass(frozen=True, eq=False)
class DeadCells:
    """Cells that do not respond.

    Parameters
    ----------
    stuck_on, stuck_off, silent
        Masks of shape (cells,): silent cells are at 0 S.
    level
        Mean conductance (S) of every cell, shape (cells,).
    """

    stuck_on: BoolArray
    stuck_off: BoolArray
    silent: BoolArray
    level: FloatArray

    def fractions(self) -> dict[str, tuple[float, float]]:
        """Return the parameters that count them, each with one standard error."""
        n = self.level.size
        on, off, silent = (int(m.sum()) for m in (self.stuck_on, self.stuck_off, self.silent))
        return {
            "defects.stuck_on": _fraction(on, n),
            "defects.stuck_off": _fraction(off, n),
            # A stuck cell is stuck whether or not it would have responded.
            "non_responsive": _fraction(silent, n - on - off),
        }


def find_dead_cells(conductance: FloatArray, responds: BoolArray) -> DeadCells:
    """Part the cells that do not respond.

    A cell is stuck on from half of the median of those that respond. Below, it is silent under
    0.5 uS, and else stuck off; where readings of the first RESET show that the board errs by as
    much around zero, the two cannot be told apart and all count as stuck off.

    Parameters
    ----------
    conductance
        All readings in S, the first one after a RESET, shape (readings, cells).
    responds
        Cells that respond, shape (cells,).
    """
    level = conductance.mean(axis=0)
    on = ~responds & (level >= 0.5 * np.median(level[responds]))
    zero_error = -np.quantile(conductance[0][responds], 0.05)
    silent = ~responds & ~on & (level < _SILENT) & (zero_error < 0.5 * _SILENT)
    return DeadCells(on, ~responds & ~on & ~silent, silent, level)


def _step_variance(gate: FloatArray, cells: FloatArray) -> FloatArray:
    """Variance (S^2) of the deviations of the cells from their own lines at each step."""
    fit = fit_line(gate, cells)
    deviation = cells - (np.outer(gate, fit.slope) + fit.offset)
    centred = gate - gate.mean()
    leverage = 1.0 / gate.size + centred**2 / (centred @ centred)
    variance: FloatArray = (deviation**2).mean(axis=1) / (1.0 - leverage)
    return variance


def _absolute_and_relative(level: FloatArray, variance: FloatArray) -> tuple[float, float]:
    """Part variances into a constant and one in proportion to the level squared."""
    model = np.stack([np.ones(level.size), level**2], axis=1) / variance[:, np.newaxis]
    # In units in which the numbers are of the order of one.
    scale = np.linalg.norm(model, axis=0)
    solution = np.linalg.lstsq(model / scale, np.ones(level.size), rcond=None)[0] / scale
    return float(solution[0]), float(solution[1])


def _line_covariance(gate: FloatArray, variance: FloatArray) -> FloatArray:
    """Covariance of slope and offset of a line that the deviations of its steps alone cause."""
    inverse = np.linalg.pinv(np.stack([gate, np.ones(gate.size)], axis=1))
    covariance: FloatArray = (inverse * variance) @ inverse.T
    return covariance


def _above_zero(conductance: FloatArray) -> tuple[float, float]:
    """Mean and variance of a normal distribution of which nothing below 0 S is seen.

    Half of the cells may be clipped; the quantiles above the median are not, and lie on the line
    mean + deviation z.
    """
    p = np.linspace(0.6, 0.98, 20)
    line = fit_line(ndtri(p), np.quantile(conductance, p)[:, np.newaxis])
    return float(line.offset[0]), float(line.slope[0]) ** 2


def _fraction(count: int, of: int) -> tuple[float, float]:
    """Return a fraction and its standard error, which is not 0 even where nothing was counted."""
    share = (count + 1) / (of + 2)
    return count / max(of, 1), float((share * (1.0 - share) / (of + 3)) ** 0.5)
