"""Cells that fluctuate, found by repeated readings, and calmed by pulses too weak to move them.

Random telegraph noise of a filament comes from incomplete conduction channels beside it; voltage
pulses below the threshold of switching take many of them away (Rao et al., Nature 615, 823
(2023), doi:10.1038/s41586-023-05759-5). So: read some times, pulse the cells that fluctuate more
than they may, read again, until none does or the rounds are over. A programming pulse may bring the
noise back: write and verify first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from memlab.array import Array
from memlab.errors import SettingError
from memlab.numeric import BoolArray, FloatArray

__all__ = ["Denoised", "denoise"]


@dataclass(frozen=True, eq=False)
class Denoised:
    """What became of cells; arrays have the array's shape.

    Parameters
    ----------
    before, after
        Standard deviation of the readings of each cell in S, at first and at last.
    moved
        Change of the mean reading of each cell in S; weak pulses should leave it alone.
    pulses
        How many each cell got.
    noisy
        Cells that fluctuated more than allowed at each look, at first and after each round.
    """

    before: FloatArray
    after: FloatArray
    moved: FloatArray
    pulses: npt.NDArray[np.int64]
    noisy: tuple[int, ...]


def denoise(
    array: Array,
    allowed: float,
    *,
    voltage: float = 0.5,
    gate_voltage: float = 1.5,
    readings: int = 16,
    interval: float = 0.5,
    rounds: int = 10,
    cells: BoolArray | None = None,
    wait: Callable[[float], None] | None = None,
) -> Denoised:
    """Pulse the cells that fluctuate, with SETs too weak to move them, until they are calm.

    Parameters
    ----------
    array
        The array, or a view of one.
    allowed
        Standard deviation of the readings of a cell in S, above 0, up to which it is left alone;
        white noise and the steps of the ADC are in it.
    voltage
        SET amplitude in V: below the threshold of every cell, and below the operating point's.
    gate_voltage
        Gate voltage of these SETs in V; not used where cells have no gates.
    readings, interval
        How often all cells are read for a look, at least 3, and seconds in between: noise that is
        slower than all of that together is not seen.
    rounds
        Times that a cell is pulsed, at most.
    cells
        Boolean mask, shape (rows, columns), of the cells to look after; all by default.
    wait
        Lets so many seconds pass; by default simulated time on the emulator, else this sleeps.

    Raises
    ------
    SettingError
        If a number is out of its range; nothing is pulsed.
    LimitError
        If a limit refuses the pulses; nothing is pulsed.
    """
    strong = array.describe().get("operating_point", {}).get("set_voltage", np.inf)
    if not (allowed > 0.0 and readings >= 3 and rounds >= 0 and interval >= 0.0):
        raise SettingError(
            f"allowed={allowed:g} S must lie above 0, readings={readings} must be 3 or more, "
            f"rounds={rounds} and interval={interval:g} s 0 or more"
        )
    if not 0.0 < voltage < strong:
        raise SettingError(
            f"voltage={voltage:g} V must lie above 0 and below the {strong:g} V that SET a cell"
        )
    gate = gate_voltage if array.control.gates else 0.0
    pause = wait or _waiting(array)
    look = np.ones(array.shape, bool) if cells is None else cells

    def read() -> tuple[FloatArray, FloatArray]:
        found = []
        for number in range(readings):
            if number:
                pause(interval)
            found.append(array.read_conductance())
        return np.mean(found, axis=0), np.std(found, axis=0, ddof=1)

    nothing = np.zeros(array.shape, bool)
    first, before = mean, spread = read()
    pulses = np.zeros(array.shape, np.int64)
    counts = []
    for number in range(rounds + 1):
        noisy = look & (spread > allowed)
        counts.append(int(np.count_nonzero(noisy)))
        if not noisy.any() or number == rounds:
            break
        array.program(gate, reset=nothing, set=noisy, set_voltage=voltage)
        pulses += noisy
        mean, spread = read()
    return Denoised(before, spread, mean - first, pulses, tuple(counts))


def _waiting(array: Array) -> Callable[[float], None]:
    """Return how time passes where an array is."""
    simulation = array.simulation
    if simulation is not None:
        return simulation.advance

    def sleep(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(left, 1.0))
            array.ground()  # a board takes a host that is silent for dead

    return sleep
