"""What a SET draws when its transistor limits the current, and what that leaves of its voltages.

At the end of a SET the filament has grown until the voltage across it has fallen to about the same
value, `stop_voltage`, and the transistor, saturated, carries all that its gate lets pass:

    I = stop_voltage G(V_GS)        G: the SET law of the cell        V_GS = V_gate - V_BL

so that slope and offset of the law are transconductance and current of the transistor. The current
of a row runs through its bit line to the driver and lifts the line, which takes the same from every
V_GS: far columns end lower. A cell that cannot switch draws what its conductance does, up to the
same current; one whose gate is at or below its threshold draws nothing.

Just above the threshold the lift of a whole row would turn off cells that make it. As many cells
conduct as leave each other above the threshold, those last that the lift of all leaves least.

The lift is found by fixed-point steps, their number known beforehand: with q the largest product of
transconductance and resistance of the line, steps of 1 / (1 + q) contract at least as q / (1 + q).
Each row is computed by itself, and rounded, so that it does not matter which are pulsed together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.emulator.grid import VOLT_GRID
from memlab.emulator.preset import ChipPreset
from memlab.numeric import BoolArray, FloatArray

__all__ = ["LimitedSet", "limited_set"]


_EXACT = 2.0**-24
"""Part of the first error that is left of a lift: below the grid to which it is rounded."""

_MOST_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class LimitedSet:
    """A SET of some rows; every field has shape (n, columns).

    Parameters
    ----------
    on
        Cells that are selected and whose transistor conducts.
    level
        Conductance (S) to which the compliance lets a cell go.
    current
        Through each cell at the end of the pulse, in A.
    voltage
        Across cell and transistor, in V.
    """

    on: BoolArray
    level: FloatArray
    current: FloatArray
    voltage: FloatArray


def limited_set(
    preset: ChipPreset,
    shape: tuple[int, int],
    level: Callable[[FloatArray], FloatArray],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    selected: BoolArray,
    able: BoolArray,
    before: FloatArray,
    gate: FloatArray,
    voltage: FloatArray | float,
) -> LimitedSet:
    """Return currents, voltages and levels of a SET of some rows, each row pulsed by itself.

    Parameters
    ----------
    shape
        (rows, columns) of the whole array.
    level
        SET law of the cells of these rows: V_GS in V to S, both of shape (n, columns).
    rows, columns
        Pulsed rows, shape (n,), and the columns that arrays are of, rising.
    selected, able
        Cells to pulse, and those of them that can switch, shape (n, columns).
    before
        Conductances that the pulse begins with, in S, same shape.
    gate, voltage
        At the gates, same shape, and at the TE drivers, same shape or a number, in V.
    """
    wires, law = preset.wires, preset.set
    across = np.asarray(voltage, np.float64)
    stop = np.minimum(law.stop_voltage, across)
    ohmic = np.where(able, np.inf, across * before)

    gain, apart = _gain(preset, shape[1]), np.diff(columns, prepend=-1)
    rounds = _rounds(gain)

    def drawn(on: BoolArray, gate_source: FloatArray) -> tuple[FloatArray, FloatArray]:
        reached = level(gate_source)
        limit = np.minimum(stop * np.maximum(reached, 0.0), ohmic)
        return reached, np.where(on, limit, 0.0)

    def lifted(on: BoolArray) -> FloatArray:
        lift = np.zeros(gate.shape)
        for _ in range(rounds):
            lift += (_lift(preset, apart, drawn(on, gate - lift)[1]) - lift) / (1.0 + gain)
        return np.rint(lift * VOLT_GRID) / VOLT_GRID

    on = selected & (gate > law.gate_threshold)
    lift = lifted(on) if rounds else np.zeros((1, 1))  # of lines without resistance
    if rounds and (on & (gate - lift <= law.gate_threshold)).any():
        on, lift = _conducting(on, gate - law.gate_threshold, lift, lifted)
    reached, current = drawn(on, gate - lift)
    # One row is pulsed: a TE line carries the current of one cell, from its source up to the row.
    segments = (shape[0] - rows)[:, np.newaxis]
    left = across - lift - current * (wires.sense_resistance + wires.resistance * segments)
    return LimitedSet(on, reached, current, np.rint(left * VOLT_GRID) / VOLT_GRID)


def _conducting(
    on: BoolArray,
    overdrive: FloatArray,
    lift: FloatArray,
    lifted: Callable[[BoolArray], FloatArray],
) -> tuple[BoolArray, FloatArray]:
    """Return which cells conduct, and the lift (V) that they make, where not all can.

    More cells lift more, so the number of each row is found by bisection.

    Parameters
    ----------
    on
        Cells whose gates are above the threshold.
    overdrive
        Of the gates over the threshold, in V.
    lift
        What all of them would make, in V.
    lifted
        Returns what some of them make.
    """
    rank = np.argsort(np.where(on, lift - overdrive, np.inf), axis=1, kind="stable")
    rank = np.argsort(rank, axis=1, kind="stable")
    below, count = np.zeros((len(on), 1), np.intp), on.sum(axis=1, keepdims=True)
    above = count + 1
    while (above - below > 1).any():
        # The first trial is all of them, which is right for most rows.
        some = np.where(above > count, count, (below + above) // 2)
        part = on & (rank < some)
        lift = lifted(part)
        fits = (~part | (overdrive > lift)).all(axis=1, keepdims=True)
        below, above = np.where(fits, some, below), np.where(fits, above, some)
    part = on & (rank < below)
    return part, lifted(part)


def _lift(preset: ChipPreset, apart: npt.NDArray[np.intp], current: FloatArray) -> FloatArray:
    """Return the voltage (V) of nodes of the bit lines, so many segments apart, over 0 V."""
    beyond = np.cumsum(current[:, ::-1], axis=1)[:, ::-1]
    along = np.cumsum(beyond * apart, axis=1) * preset.wires.resistance
    lift: FloatArray = along + beyond[:, :1] * preset.wires.driver_resistance
    return lift


def _gain(preset: ChipPreset, columns: int) -> float:
    """Return how much a lift of all nodes lowers itself, at the far end of a bit line."""
    wires = preset.wires
    line = columns * wires.driver_resistance + columns * (columns + 1) / 2 * wires.resistance
    return preset.set.stop_voltage * preset.set_slope * line


def _rounds(gain: float) -> int:
    if not gain:
        return 0
    return min(math.ceil(math.log(_EXACT) / math.log(gain / (1.0 + gain))), _MOST_ROUNDS)
