"""How a wanted conductance change becomes pulses: the one-shot update, and direct writing.

Both take the change dG that the positive and negative cells of the pairs are asked to make, and
both leave it to the next read-back to find out what really happened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from memlab.array import Array, nearest_step
from memlab.mapping.levels import Amplitudes, Levels
from memlab.numeric import BoolArray, FloatArray
from memlab.storage import State

__all__ = ["DirectUpdate", "OneShotUpdate", "ProgrammedUpdate", "UpdateRule"]


@dataclass(frozen=True, eq=False)
class ProgrammedUpdate:
    """What one update did: voltages (V) and the RESET mask, both of the array's shape.

    Voltages are those of the gates in SETs, or SET amplitudes where cells have no gates
    (`Array.control`).
    """

    gate_voltage: FloatArray
    reset: BoolArray


class UpdateRule(ABC):
    """Turns conductance changes into what the cells are told; there is one for each block of cells.

    `memlab.rules` has those that are chosen by name, with their settings.
    """

    @abstractmethod
    def initialise(self, array: Array) -> ProgrammedUpdate:
        """Bring every cell of the array to its starting conductance."""

    @abstractmethod
    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Ask every cell of the array for a change in S, shape (rows, columns)."""

    def was_read(self, conductance: FloatArray) -> None:  # noqa: B027 - most rules do not ask
        """Hear what the cells read (S), whenever they are: after each `change`, for example."""

    def state(self) -> State:
        """Return all that is remembered between changes, random states included."""
        return {}

    def restore(self, state: State) -> None:  # noqa: B027 - of a rule that remembers nothing
        """Go back to a `state`, of a rule that was made alike; nothing is pulsed."""


class OneShotUpdate(UpdateRule):
    """The blind two-pulse update of Li 2019 and Wang 2019.

    The new gate voltage is the last one plus R_vg dG, clamped to the allowed range, and the
    *clamped* value is remembered. Cells that must decrease are RESET first; then cells are SET at
    their gate voltage. Nothing is read in between.

    Where the array has steps of the gate voltage, cells are SET at the nearest one; what is
    remembered stays exact, so that small changes add up. What was applied is in the
    `ProgrammedUpdate`.

    Where cells have no gates, SET amplitudes stand for gate voltages (`memlab.mapping.levels`): a
    cell whose amplitude has come to another step is RESET, then SET with it.

    Parameters
    ----------
    volts_per_siemens
        R_vg in V/S: 1.02e4 in Li 2019, 1.5e4 in Wang 2019.
    initial, minimum, maximum
        Gate voltage in V at the start, and its clamps.
    set_all
        SET every cell at each update, as Li 2019's code does; otherwise only the cells that are
        asked to change, as Wang 2019's does.
    threshold
        In V: a cell whose gate voltage has moved by less since its last pulse waits; what it was
        asked for adds up until it is due. Every pulse draws new programming noise, so pulses that
        would move a cell by less than that do harm. Not with `set_all`.
    spread
        In V: the first gate voltages are uniform in `initial` +/- `spread` (clamped), so that
        weights start different on a chip without noise. 0 as published.
    rng
        Draws the first gate voltages.
    amplitudes
        Which SET amplitudes to use instead where cells have no gates.
    """

    def __init__(
        self,
        volts_per_siemens: float,
        initial: float,
        minimum: float,
        maximum: float,
        *,
        set_all: bool = True,
        threshold: float = 0.0,
        spread: float = 0.0,
        rng: np.random.Generator | None = None,
        amplitudes: Amplitudes | None = None,
    ):
        if spread and rng is None:
            raise ValueError("random gate voltages need a generator to draw them from")
        if threshold and set_all:
            raise ValueError("a threshold has no effect when every cell is SET: set_all=False")
        if not minimum <= initial <= maximum:
            raise ValueError(
                f"initial gate voltage {initial} V must lie within {minimum}..{maximum} V"
            )
        self.volts_per_siemens = volts_per_siemens
        self.initial = initial
        self.minimum = minimum
        self.maximum = maximum
        self.set_all = set_all
        self.threshold = threshold
        self.spread = spread
        self.amplitudes = amplitudes or Amplitudes()
        self._rng = rng
        self._levels: Levels | None = None
        self.start: FloatArray | None = None
        """Voltages in V of the first SET of every cell; None for `initial` and `spread`."""
        self.gate_voltage: FloatArray | None = None
        """Remembered voltage in V of every cell, or None before `initialise`."""
        self._pulsed: FloatArray | None = None
        """That of the last pulse of every cell."""
        self.changed: BoolArray | None = None
        """Cells that the last change pulsed, for rules that look at them again."""

    def levels(self, array: Array) -> Levels:
        """Return the voltages that choose levels on an array; raises `SettingError` for none."""
        low, high = self.minimum, self.maximum
        if not array.control.gates:
            return self.amplitudes.on(array, self.spread / (high - low) if high > low else 0.0)
        step = array.control_step
        return Levels(low, self.initial, high, self.spread, self.volts_per_siemens, step)

    def on(self, array: Array) -> Levels:
        """Return the levels of the array that this rule programs; asked for once.

        Raises
        ------
        LimitError
            If its cells may not be SET at the highest of them; nothing is pulsed.
        """
        if self._levels is None:
            levels = self.levels(array)
            array.check_set_to(float(levels.on_step(np.array(levels.maximum))))
            self._levels = levels
        return self._levels

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """RESET every cell, then SET every cell at its first voltage."""
        levels = self.on(array)
        self.gate_voltage = np.full(array.shape, levels.initial)
        if self.start is not None:
            self.gate_voltage = np.clip(self.start, levels.minimum, levels.maximum)
        elif self._rng is not None and self.spread:
            self.gate_voltage += self._rng.uniform(-levels.spread, levels.spread, array.shape)
            np.clip(self.gate_voltage, levels.minimum, levels.maximum, out=self.gate_voltage)
        everywhere = np.ones(array.shape, bool)
        applied = levels.on_step(self.gate_voltage)
        self._pulsed = applied if levels.anew else self.gate_voltage
        array.program_to(applied, reset=everywhere)
        return ProgrammedUpdate(applied, everywhere)

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Pulse each cell at most twice, towards its conductance plus the change (S)."""
        if self.gate_voltage is None:
            raise RuntimeError("initialise() the array before changing it")
        levels = self.on(array)
        wanted = self.gate_voltage + levels.volts_per_siemens * conductance_change
        np.clip(wanted, levels.minimum, levels.maximum, out=wanted)
        if levels.anew:
            return self._change_anew(array, wanted, levels)
        if self.threshold:
            return self._change_due(array, wanted)
        reset = conductance_change < 0.0
        # By what was asked, not by what the clamps left: a cell that was RESET must be SET again.
        applied = nearest_step(wanted, array.gate_voltage_step)
        self.changed = np.full(array.shape, True) if self.set_all else conductance_change != 0.0
        array.program(applied, reset=reset, set=self.changed)
        self.gate_voltage = wanted
        return ProgrammedUpdate(applied, reset)

    def _change_anew(self, array: Array, wanted: FloatArray, levels: Levels) -> ProgrammedUpdate:
        """RESET and SET the cells whose voltage has come to another step."""
        applied = levels.on_step(wanted)
        due = self.changed = applied != self._pulsed
        array.program_to(applied, reset=due, set=due)
        self._pulsed, self.gate_voltage = applied, wanted
        return ProgrammedUpdate(applied, due)

    def _change_due(self, array: Array, wanted: FloatArray) -> ProgrammedUpdate:
        """Pulse the cells whose gate voltage has moved far enough since their last pulse."""
        assert self._pulsed is not None
        moved = wanted - self._pulsed
        due = np.abs(moved) >= self.threshold
        reset = due & (moved < 0.0)
        pulsed = np.where(due, wanted, self._pulsed)
        applied = nearest_step(pulsed, array.gate_voltage_step)
        self.changed = due
        array.program(applied, reset=reset, set=due)
        self._pulsed = pulsed
        self.gate_voltage = wanted
        return ProgrammedUpdate(applied, reset)

    def state(self) -> State:
        """Return the gate voltages (V) that are remembered, and where the generator stands."""
        return {
            "start": self.start,
            "gate_voltage": self.gate_voltage,
            "pulsed": self._pulsed,
            "rng": None if self._rng is None else self._rng.bit_generator.state,
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`, of a rule with the same settings; nothing is pulsed."""
        self.start, self.gate_voltage = state["start"], state["gate_voltage"]
        self._pulsed = state["pulsed"]
        if self._rng is not None:
            self._rng.bit_generator.state = state["rng"]


class DirectUpdate(UpdateRule):
    """Write conductances straight into an array that is `writable`; no device could do this.

    Each cell of a pair makes half of the change, so that the weight moves by exactly what was
    asked (on a device each makes the whole change, see `OneShotUpdate`).

    Parameters
    ----------
    start
        Conductances in S to start from, of the array's shape.
    anew
        Gives those of the second, third, ... time that the array is initialised, counted from 1;
        None to start from the same ones again.
    """

    def __init__(self, start: FloatArray, anew: Callable[[int], FloatArray] | None = None):
        self._start = self._conductance = start
        self.anew = anew
        self._times = 0

    def initialise(self, array: Array) -> ProgrammedUpdate:
        """Write the starting conductances."""
        if self.anew is not None and self._times:
            self._start = self.anew(self._times)
        self._times += 1
        self._conductance = self._start
        return self._write(array)

    def change(self, array: Array, conductance_change: FloatArray) -> ProgrammedUpdate:
        """Write every conductance plus half of the change (S)."""
        self._conductance = self._conductance + 0.5 * conductance_change
        return self._write(array)

    def state(self) -> State:
        """Return the conductances (S) that are remembered, and how often it was initialised."""
        return {
            "start": self._start,
            "conductance": self._conductance,
            "times": self._times,
            "anew": self.anew is not None,
        }

    def restore(self, state: State) -> None:
        """Go back to a `state`, of a rule that starts from the same conductances or given ones."""
        self._start, self._conductance = state["start"], state["conductance"]
        self._times = state["times"]
        if not state["anew"]:
            self.anew = None

    def _write(self, array: Array) -> ProgrammedUpdate:
        array.write(self._conductance)
        return self._programmed(array)

    def _programmed(self, array: Array) -> ProgrammedUpdate:
        """Return what the cells were told: nothing that a device knows."""
        return ProgrammedUpdate(np.full(array.shape, np.nan), np.zeros(array.shape, bool))
