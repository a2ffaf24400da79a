"""The cells: what a pulse does to a conductance, and what time leaves of it.

The core is the model of the simulations published with Li 2019 and Wang 2019:

    SET     G <- max(slope * V_gate + offset, G) + N(0, noise)     (or noise inside the max)
    RESET   G <- reset_conductance + N(0, noise)

Only the cells that a pulse selects change and draw noise (the published simulation adds noise to
all cells at every pulse, a defect we do not inherit). A conductance is never negative. A SET whose
gate is at or below its threshold does nothing. Where a preset says how, the transistor limits the
current of a SET (`memlab.emulator.compliance`), and the law holds for V_gate less the drop on the
bit line, and for conductances as they are read (`SetParameters.as_read_resistance`). Cells of an
array without transistors have no gates: `bias_cells` moves all of them, by a law of voltage. Around
the core stand the effects of `memlab.emulator.cells`; one that is off costs nothing and draws
nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from memlab.emulator.cells.defects import stuck_cells
from memlab.emulator.cells.drift import NEVER, Drift
from memlab.emulator.cells.flicker import part_of
from memlab.emulator.cells.fluctuation import Fluctuation
from memlab.emulator.cells.forming import Forming
from memlab.emulator.cells.switching import PulseParameters, progress, reset_level, soft_level
from memlab.emulator.cells.variability import Spread
from memlab.emulator.cells.wear import Wear
from memlab.emulator.compliance import limited_set
from memlab.emulator.preset import ChipPreset
from memlab.emulator.pulse_drop import pulsed_voltage
from memlab.emulator.seeds import generator_for
from memlab.numeric import BoolArray, Cells, FloatArray
from memlab.storage import State

__all__ = ["GRID", "MAX_CONDUCTANCE", "Chip"]

GRID = 2.0**33
"""Steps per siemens of the conductance grid on which currents are exact (see `signal_chain`)."""

MAX_CONDUCTANCE = 5e-3
"""Largest conductance of a cell, in S: 128 cells of 5 mS at 1 V still sum exactly in float64."""

_SOLUTION_STEP = 16
"""The wires are solved anew when a cell has drifted by so many of the drift's steps."""

Rows = npt.NDArray[np.intp]
Columns = npt.NDArray[np.intp]
Times = npt.NDArray[np.int64]


class Chip:
    """A crossbar of one-transistor-one-memristor cells.

    Parameters
    ----------
    preset
        The kind of chip.
    shape
        (rows, columns).
    rng
        Source of all randomness of this chip, made from a seed. It draws which cells respond, and
        the noise of pulses; every other effect has a generator of its own (`seeds`).
    """

    def __init__(self, preset: ChipPreset, shape: tuple[int, int], rng: np.random.Generator):
        self.preset = preset
        self.shape = shape
        self.version = 0
        """Counts the pulses, so that others can tell whether what they derived still holds."""
        self.now = 0
        """Simulated time in ns."""
        self._rng = rng
        self._responsive = rng.random(shape) >= preset.non_responsive
        self._spread = Spread(preset.spread, shape, rng)
        self._forming = Forming(preset.forming, shape, rng)
        self._wear = Wear(preset.wear, shape, rng)
        self.fluctuation = Fluctuation(preset.read_noise, shape, rng)
        """The slow read noise of the cells, as of the last read: it is drawn when it is looked at,
        so that what passes between two reads makes no difference."""
        start = np.where(
            self._forming.formed,
            self._spread.reset_level(preset.reset_conductance, np.arange(shape[0]), shape),
            preset.forming.pristine_conductance,
        )
        np.clip(start, 0.0, MAX_CONDUCTANCE, out=start)
        self._programmed = np.where(self._responsive, start, 0.0)
        stuck = stuck_cells(preset.defects, shape, rng)
        if stuck is not None:
            is_stuck = ~np.isnan(stuck)
            self._programmed[is_stuck] = stuck[is_stuck]
            self._responsive &= ~is_stuck
        self._drift = Drift(preset.drift, preset.temperature, preset.relaxation)
        drifting = shape if self._drift.active else (0, 0)
        self._tendency = np.full((*drifting, *self._drift.terms), self._drift.unpulsed)
        self._programmed_at = np.zeros(drifting, np.int64)
        self._relaxation_rng = generator_for(rng, "drift.relaxation")
        self.found_at = self.solved_at = 0
        """Times (ns) whose conductances reads find, and for which wires are solved: in the middle
        of the present intervals of the drift, so that they depend on nothing but time."""
        self._solution_step = _SOLUTION_STEP if preset.wires.active else 1
        self._next_change = NEVER
        self._last_pulse = 0
        self._largest: float | None = None
        self._refresh()

    @property
    def conductance(self) -> FloatArray:
        """True conductance of every cell now, in S, shape (rows, columns), a copy."""
        return self._drifted(self.now)

    @property
    def responsive(self) -> BoolArray:
        """True for the cells that pulses can change, shape (rows, columns), a copy."""
        return self._responsive.copy()

    @property
    def formed(self) -> BoolArray:
        """True for the cells that are formed, shape (rows, columns), a copy."""
        return self._forming.formed.copy()

    @property
    def alive(self) -> BoolArray:
        """True for the responsive cells that wear has not stopped, shape (rows, columns)."""
        alive = self._wear.alive(np.arange(self.shape[0]))
        return self.responsive if alive is None else self._responsive & alive

    @property
    def lifetime(self) -> FloatArray:
        """Pulses that each cell survives, infinite where nothing wears, shape (rows, columns)."""
        life = self._wear.life
        return np.full(self.shape, np.inf) if life is None else life

    @property
    def forming_voltage(self) -> FloatArray:
        """Voltage (V) that forms each cell; 0 where it arrived formed, shape (rows, columns)."""
        return self._forming.voltage.copy()

    def set_level(self, gate: float) -> FloatArray:
        """Return what a complete SET at this gate voltage (V) would leave of each cell now, in S.

        Its own law, without the noise of a pulse, the wires and the conductance before; shape
        (rows, columns). Also of cells that do not respond.
        """
        rows = np.arange(self.shape[0])
        return np.clip(self._set_level(rows, np.full(self.shape, gate)), 0.0, MAX_CONDUCTANCE)

    @property
    def full_reset_level(self) -> FloatArray:
        """What a complete RESET leaves of each cell (S), without the noise of a pulse."""
        rows, preset = np.arange(self.shape[0]), self.preset
        return self._spread.reset_level(preset.reset_conductance, rows, self.shape)

    def part(self, rows: Rows, columns: npt.NDArray[np.intp], at: int) -> FloatArray:
        """Return conductances (S) at a time (ns), shape (len(rows), len(columns))."""
        return self._drifted(at, part_of(rows, columns))

    # -- going back ---------------------------------------------------------------------------

    def state(self) -> State:
        """Return all that operations have changed since the chip was made from its seed."""
        return {
            "version": self.version,
            "now": self.now,
            "found_at": self.found_at,
            "solved_at": self.solved_at,
            "next_change": self._next_change,
            "last_pulse": self._last_pulse,
            "largest": self._largest,
            "rng": self._rng.bit_generator.state,
            "relaxation": self._relaxation_rng.bit_generator.state,
            "programmed": self._programmed.copy(),
            "programmed_at": self._programmed_at.copy(),
            "tendency": self._tendency.copy(),
            "formed": self._forming.formed.copy(),
            "pulses": self._wear.pulses.copy(),
            "spread": self._spread.state(),
            "fluctuation": self.fluctuation.state(),
        }

    def restore(self, state: State) -> None:
        """Go back to a `state` of a chip of the same preset, shape and seed."""
        self.version, self.now = state["version"], state["now"]
        self.found_at, self.solved_at = state["found_at"], state["solved_at"]
        self._next_change, self._last_pulse = state["next_change"], state["last_pulse"]
        self._largest = state["largest"]
        self._rng.bit_generator.state = state["rng"]
        self._relaxation_rng.bit_generator.state = state["relaxation"]
        self._programmed[...] = state["programmed"]
        self._programmed_at[...] = state["programmed_at"]
        self._tendency[...] = state["tendency"]
        self._forming.formed[...] = state["formed"]
        self._wear.pulses[...] = state["pulses"]
        self._spread.restore(state["spread"])
        self.fluctuation.restore(state["fluctuation"])

    # -- time ---------------------------------------------------------------------------------

    def advance_to(self, now: int) -> None:
        """Let simulated time pass until `now` (ns)."""
        self.now = now
        if now >= self._next_change:
            self._refresh()

    def next_change(self) -> int:
        """Return until when (ns) reads find what they find now, but for slow noise and pulses."""
        return self._next_change

    def _refresh(self) -> None:
        """Find the intervals of the drift that the present time lies in."""
        if not self._drift.active:
            return
        if self._largest is None:
            distance = np.abs(self._programmed - self.preset.drift.final_conductance)
            self._largest = float(distance[self._responsive].max(initial=0.0))
        age = max(0, self.now - self._last_pulse)
        fine = self._drift.interval(age, self._largest)
        coarse = fine
        if self._solution_step > 1:
            coarse = self._drift.interval(age, self._largest, self._solution_step)
        self.found_at = self._last_pulse + fine.middle
        self.solved_at = self._last_pulse + coarse.middle
        self._next_change = min(NEVER, self._last_pulse + min(fine.until, coarse.until))

    def _drifted(self, at: int, part: Any = ...) -> FloatArray:
        """Return the conductances (S) of a part of the cells at a time (ns), a copy."""
        programmed: FloatArray = self._programmed[part].copy()
        if not self._drift.active:
            return programmed
        age = np.multiply(at - self._programmed_at[part], 1e-9, dtype=np.float64)
        drifted = self._drift.apply(programmed, self._tendency[part], age)
        return np.where(self._responsive[part], drifted, programmed)

    def _before(self, cells: Cells, time: Times) -> FloatArray:
        """Conductances of these cells, each row at its own time: a pulse acts on what is there."""
        programmed = self._programmed[cells]
        if not self._drift.active:
            return programmed
        age = np.multiply(time[:, np.newaxis] - self._programmed_at[cells], 1e-9, dtype=np.float64)
        drifted = self._drift.apply(programmed, self._tendency[cells], age)
        return np.where(self._responsive[cells], drifted, programmed)

    # -- pulses -------------------------------------------------------------------------------

    def set_cells(
        self,
        rows: Rows,
        selected: BoolArray,
        gate: FloatArray,
        columns: Columns | None = None,
        *,
        voltage: FloatArray | float = 2.5,
        width: FloatArray | float = 1e-6,
        time: Times | None = None,
    ) -> FloatArray:
        """Pulse cells of different rows towards SET, each row by a pulse of its own.

        Parameters
        ----------
        rows
            Rows, each at most once, shape (n,).
        selected
            Cells to pulse, shape (n, columns).
        gate
            Gate voltage in V, shape (n, columns).
        columns
            The columns that the arrays are of, rising; by default all.
        voltage
            At the TE drivers in V, a number or shape (n, 1) or (n, columns).
        width
            In s, a number or shape (n, 1).
        time
            When each pulse ends, in ns, shape (n,); by default now.

        Returns
        -------
        Conductance (S) of the path through each cell during its pulse, current over voltage of the
        driver, 0 where not selected or where the transistor is off.
        """
        time, (columns, cells) = self._times(rows, time), self._lines(rows, columns)
        before = self._before(cells, time)
        law = self.preset.set
        selected = selected & (gate > law.gate_threshold)
        seen = self._pulse_gate(cells, selected, gate)
        if law.stop_voltage:
            off = seen - gate
            limited = limited_set(
                self.preset,
                self.shape,
                lambda gate_source: self._set_level(cells, gate_source + off),
                rows,
                columns,
                selected,
                self._can_set(cells, voltage),
                before,
                gate,
                voltage,
            )
            selected, at_cell, level = limited.on, limited.voltage, limited.level
            target = np.maximum(level, before)
            path = np.divide(
                limited.current, voltage, out=np.zeros(gate.shape), where=limited.current > 0.0
            )
        else:
            level = self._set_level(cells, seen)
            target = np.maximum(level, before)
            path, at_cell = pulsed_voltage(
                self.preset, self.shape, rows, columns, selected, before, target, gate, 0.0, voltage
            )
        part = None
        if not law.completes(at_cell, width):
            part = progress(law, at_cell, np.asarray(width), self._threshold(law, cells))
        able = self._responsive[cells] & self._forming.set_pulse(cells, selected, at_cell)
        if law.noise_in_level:
            varied = level[selected]
            self._add_noise(varied)
            target[selected] = np.maximum(varied, before[selected])
        noisy = not law.noise_in_level
        self._change(rows, columns, selected, able, before, target, part, time, noisy, at_cell)
        return path

    def _can_set(self, cells: Cells, voltage: FloatArray | float) -> BoolArray:
        """Return which of these cells a SET of this voltage (V) at the drivers can switch."""
        able = self._responsive[cells] & self._forming.forms(cells, voltage)
        alive = self._wear.alive(cells)
        if alive is not None:
            able &= alive
        if self.preset.set.partial:
            able &= np.asarray(voltage) >= self._threshold(self.preset.set, cells)
        return able

    def reset_cells(
        self,
        rows: Rows,
        selected: BoolArray,
        gate: FloatArray | float = 5.0,
        columns: Columns | None = None,
        *,
        voltage: FloatArray | float = 1.7,
        width: FloatArray | float = 1e-6,
        time: Times | None = None,
    ) -> FloatArray:
        """Pulse cells of different rows towards RESET; arguments as in `set_cells`.

        `voltage`, at the bit-line drivers, is a number or has shape (n, 1).
        """
        time, (columns, cells) = self._times(rows, time), self._lines(rows, columns)
        before = self._before(cells, time)
        if self.preset.reset.gate_threshold:
            selected = selected & (np.asarray(gate) > self.preset.reset.gate_threshold)
        full = self._spread.reset_level(self.preset.reset_conductance, cells, selected.shape)
        path, at_cell = pulsed_voltage(
            self.preset, self.shape, rows, columns, selected, before, full, gate, voltage, 0.0
        )
        level = reset_level(self.preset.reset, full, at_cell, gate)
        level = self._spread.pulse_reset(level, selected)
        part = None
        law = self.preset.reset
        if not law.completes(at_cell, width):
            part = progress(law, at_cell, np.asarray(width), self._threshold(law, cells))
            # A weaker RESET does not raise what a stronger one has left.
            level = np.where(part < 1.0, np.minimum(level, before), level)
        able = self._responsive[cells] & self._forming.formed[cells]
        self._change(rows, columns, selected, able, before, level, part, time, True, at_cell)
        return path

    def part_done(self, voltage: FloatArray, width: float) -> FloatArray:
        """Return which part of the way to its level a voltage (V) moves each cell in `width` s.

        By a law with a rate. `voltage` has shape (rows, columns), positive towards SET.
        """
        part, rows = np.zeros(self.shape), np.arange(self.shape[0])
        for law, towards in ((self.preset.set, voltage), (self.preset.reset, -voltage)):
            threshold = self._threshold(law, rows)
            part += progress(law, np.maximum(towards, 0.0), np.asarray(width), threshold)
        return part

    def _threshold(self, law: PulseParameters, cells: Cells) -> FloatArray | float:
        """Return the threshold (V) of each of these cells; of a law without a rate, of all."""
        own = self._spread.threshold(law.threshold) if law.rate else None
        return law.threshold if own is None else own[cells]

    def bias_levels(self, voltage: FloatArray, before: FloatArray) -> FloatArray:
        """Return where voltages (V) would leave each cell in the end, in S, as `part_done`."""
        rows = np.arange(self.shape[0])
        high = np.maximum(self._set_level(rows, np.zeros(self.shape)), before)
        low = np.clip(self.full_reset_level, 0.0, before)  # a wide spread has levels below 0
        return np.where(voltage > 0.0, high, low)

    def bias_cells(
        self, voltage: FloatArray, width: float, time: int, most: FloatArray | None = None
    ) -> None:
        """Leave a voltage on every cell of an array without transistors for a while.

        Cells move by their law with a rate, each towards the level of its polarity; those below
        their threshold do not, and draw no noise.

        Parameters
        ----------
        voltage
            TE side minus bit-line side, in V, shape (rows, columns).
        width
            In s.
        time
            When it ends, in ns.
        most
            Conductance (S) at which a compliance ends the rise of each cell, same shape.
        """
        rows = np.arange(self.shape[0])
        times = self._times(rows, np.full(rows.size, time, np.int64))
        before = self._before(rows, times)
        able = self._responsive & self._forming.set_pulse(rows, voltage > 0.0, voltage)
        part = self.part_done(voltage, width)
        moved = part > 0.0
        level = self.bias_levels(voltage, before)
        level = self._spread.pulse_reset(level, moved & (voltage < 0.0))
        alive = self._wear.alive(rows)
        if alive is not None:
            able = able & alive
        self._wear.count(rows, moved)
        # Not before + (level - before), which may differ from the level in the last bit.
        left = np.where(part == 1.0, level, before + part * (level - before))[moved]
        self._add_noise(left, part[moved])
        if most is not None:
            np.minimum(left, np.maximum(most, before)[moved], out=left)
        np.clip(left, 0.0, MAX_CONDUCTANCE, out=left)
        self._leave(rows, moved, able, left, times)

    def _pulse_gate(self, cells: Cells, selected: BoolArray, gate: FloatArray) -> FloatArray:
        return self._spread.pulse_gate(
            gate, selected, lambda: self._linear(cells, gate), self.preset.set_onset
        )

    def _linear(self, cells: Cells, gate: FloatArray) -> FloatArray:
        return self._spread.set_law(self.preset.set_slope, self.preset.set_offset, cells, gate)

    def _set_level(self, cells: Cells, gate: FloatArray) -> FloatArray:
        preset = self.preset
        level = soft_level(self._linear(cells, gate), preset.set_onset, preset.set_saturation)
        level = self._spread.set_level(level, cells)
        window = self._wear.window(cells)
        level = level if window is None else level * window
        if not preset.set.as_read_resistance:
            return level
        return np.minimum(preset.set.to_cell(level), MAX_CONDUCTANCE)

    def _times(self, rows: Rows, time: Times | None) -> Times:
        return np.full(rows.size, self.now, np.int64) if time is None else time

    def _lines(self, rows: Rows, columns: Columns | None) -> tuple[Columns, Cells]:
        """Return columns, all if none are given, and the index of their cells in these rows."""
        if columns is None or columns.size == self.shape[1]:
            return np.arange(self.shape[1]), rows
        if columns[-1] - columns[0] + 1 == columns.size:  # neighbours are copied faster
            return columns, (rows, slice(columns[0], columns[-1] + 1))
        return columns, np.ix_(rows, columns)

    def _change(
        self,
        rows: Rows,
        columns: Columns,
        selected: BoolArray,
        able: BoolArray,
        before: FloatArray,
        target: FloatArray,
        part: FloatArray | None,
        time: Times,
        noisy: bool,
        at_cell: FloatArray,
    ) -> None:
        """Move the selected cells towards `target`, if `noisy` with noise on what they reach.

        `at_cell` are the voltages (V) of the pulses at the cells.
        """
        responds, (_, cells) = able, self._lines(rows, columns)
        alive = self._wear.alive(cells)
        if alive is not None:
            able = able & alive
        self._wear.count(cells, selected)
        if part is not None and not (part[selected] == 1.0).all():
            # Not before + (target - before), which may differ from the target in the last bit.
            target = np.where(part == 1.0, target, before + part * (target - before))
            able = able & (part > 0.0)
        else:
            part = None
        level = target[selected]
        if noisy:
            self._add_noise(level, None if part is None else part[selected])
        np.clip(level, 0.0, MAX_CONDUCTANCE, out=level)
        self._leave(cells, selected, able, level, time)
        if math.isfinite(self.fluctuation.denoised_from):
            strong = at_cell >= self.fluctuation.denoised_from
            weak = selected & responds & ~able & strong
            weak_moved = np.zeros((2, rows.size, self.shape[1]), bool)
            weak_moved[..., columns] = weak, selected & able
            self.fluctuation.pulsed(rows, *weak_moved)

    def _add_noise(self, level: FloatArray, part: FloatArray | None = None) -> None:
        """Add the noise of one pulse to levels (S), in their order; in place.

        `part` is how far partial pulses go, which limits what they add.
        """
        cycle = self._spread.cycle(level)
        if self.preset.noise:
            noise = self.preset.noise * self._rng.standard_normal(level.size)
            noise = self.preset.set.at_cell(noise, level)
            level += noise if part is None else noise * part
        if cycle is not None:
            level += cycle if part is None else cycle * part

    def age(self, pulses: int) -> None:
        """Count pulses of every cell that leave no other trace: the wear of cycles, at once."""
        rows = np.arange(self.shape[0])
        self._wear.count(rows, np.full(self.shape, pulses))
        self.version += 1

    def leave(self, conductance: FloatArray) -> None:
        """Leave every cell that responds at a conductance (S), shape (rows, columns), now.

        As the last pulse of a programming would whose verification is as fine as that: what a
        pulse draws for the time after it is drawn, and nothing else.
        """
        level = np.clip(conductance, 0.0, MAX_CONDUCTANCE)
        rows, everywhere = np.arange(self.shape[0]), np.ones(self.shape, bool)
        self._leave(rows, everywhere, self._responsive, level.ravel(), self._times(rows, None))

    def _leave(
        self, cells: Cells, selected: BoolArray, able: BoolArray, level: FloatArray, time: Times
    ) -> None:
        """Put selected cells that are able to at `level`, in row-major order of the selected."""
        changed = selected & able
        pulsed = changed[selected]
        block = self._programmed[cells]
        block[changed] = level[pulsed]
        self._programmed[cells] = block
        if self._drift.active:
            tendency, at = self._tendency[cells], self._programmed_at[cells]
            normal = self._relaxation_rng.standard_normal((level.size, *self._drift.terms))
            drawn = self._drift.tendency(normal)
            tendency[changed] = drawn[pulsed]
            at[changed] = np.broadcast_to(time[:, np.newaxis], changed.shape)[changed]
            self._tendency[cells], self._programmed_at[cells] = tendency, at
            self._last_pulse = int(time[-1])
            self._largest = None
            self._refresh()
        self.version += 1
