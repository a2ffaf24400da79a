"""What full pulses do to the cells of a chip, as the chip shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from memlab.array import Array, nearest_step
from memlab.array.switching_law import PROBES, SwitchingLaw
from memlab.errors import DataError
from memlab.mapping.views import read_in_use
from memlab.numeric import BoolArray
from memlab.storage import State

__all__ = ["measure_switching_law"]


MOVED = 20e-6
"""In S: a cell whose levels at the ends differ by less does not take part."""


def measure_switching_law(
    array: Array,
    gate_minimum: float,
    gate_maximum: float,
    amplitudes: tuple[float, float] = (0.0, 0.0),
    *,
    cells: BoolArray | None = None,
    most: int = 256,
    views: Sequence[Array] = (),
    keeper: Callable[[State], None] | None = None,
    resumed: State | None = None,
) -> SwitchingLaw:
    """Measure the law of an array on some of its cells; it pulses them.

    The cells are RESET, SET and read at four voltages, then RESET once more. The law is a
    straight line through the medians of those cells that respond, and their median after a RESET.

    Parameters
    ----------
    array
        The cells.
    gate_minimum, gate_maximum
        First and last gate voltage in V.
    amplitudes
        Where cells have no gates, first and last SET amplitude in V; 0 as for
        `Array.control_range`.
    cells
        Which cells may be pulsed, shape (rows, columns); all of them by default.
    most
        How many of them are, evenly picked.
    views
        Views of the array that are read in its place, each under its own load; `cells` lie in them.
    keeper
        Told before the first pulse, and after each reading, what was read so far.
    resumed
        Where it goes on, as the keeper was told; with the same cells and gate voltages.

    Raises
    ------
    DataError
        If no cell responds.
    LimitError
        If a voltage is outside its limit; nothing is pulsed.
    """
    allowed = np.ones(array.shape, bool) if cells is None else cells
    places = np.flatnonzero(allowed)
    places = places[np.linspace(0, places.size - 1, min(most, places.size)).astype(np.intp)]
    probed = np.zeros(array.shape, bool)
    probed.flat[places] = True
    # The highest first, so that a voltage beyond its limit is refused before any pulse.
    low, high = array.control_range((gate_minimum, gate_maximum), amplitudes)
    volts = nearest_step(np.linspace(high, low, PROBES), array.control_step)
    none = np.zeros(array.shape, bool)
    batches = [*((each, probed) for each in volts), (0.0, none)]
    readings = [] if resumed is None else list(resumed["readings"])
    tell = keeper or (lambda state: None)
    tell({"readings": readings.copy()})
    for voltage, set_ in batches[len(readings) :]:
        array.program_to(voltage, reset=probed, set=set_)
        readings.append(read_in_use(array, views)[probed])
        tell({"readings": readings.copy()})
    levels, reset = np.array(readings[:-1]), readings[-1]
    responds = levels[0] - levels[-1] > MOVED
    if not responds.any():
        raise DataError(
            f"none of {reset.size} cells responds to SETs at {low:g} to {high:g} V "
            f"{array.control.words}: not formed, or stuck; give the law of the chip, or other cells"
        )
    medians = np.median(levels[:, responds], axis=1)
    slope, offset = np.polyfit(volts, medians, 1)
    return SwitchingLaw(float(slope), float(offset), float(np.median(reset[responds])))
