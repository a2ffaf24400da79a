"""Retention: states programmed once, then read at log-spaced ages and never pulsed again.

The cells are dealt out at random to a RESET state and several SET states. Two laws are fitted to
the means of the SET states (`drift_law`, `memlab.emulator.cells.drift`):

    relaxation   G grows by r log10(1 + t / relaxation_time), r differs from pulse to pulse
    retention    G falls as exp(-(t / tau)^stretch), towards 0 S unless the means say otherwise

Relaxation moves all states alike, retention each in proportion to its conductance: that is how the
two are told apart, and why several states are programmed. Ages count from the middle of the SET
pulses to the middle of a reading. On an emulator in process simulated time is advanced; on a board
the host waits, so choose `duration` with care.

Read noise as slow as the test itself, of 1/f kind, cannot be told from the spread of relaxation and
adds to it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.analysis.drift_law import DriftLaw, fit_drift
from memlab.analysis.statistics import responding_cells
from memlab.array.set_control import SetControl
from memlab.characterize.bench import Bench
from memlab.characterize.codes import value_step
from memlab.characterize.levels import LevelsConfig
from memlab.characterize.procedure import Demand, Procedure
from memlab.kinds import Quantity
from memlab.numeric import FloatArray
from memlab.runs import Coordinate, Findings, Record
from memlab.setting_units import Seconds, Unitless, Volts

__all__ = ["Retention", "RetentionConfig"]


class RetentionConfig(LevelsConfig):
    """Settings of the retention test."""

    duration: Seconds = Field(1e4, description="Largest age.", gt=0)
    first: Seconds = Field(0.1, description="Age of the second reading.", gt=0)
    ratio: Unitless = Field(2.0, description="Each reading is this many times as late.", gt=1)
    gate_minimum: Volts = Field(0.8, description="Gate voltage of the lowest SET state.", gt=0)
    gate_maximum: Volts = Field(2.4, description="Gate voltage of the highest SET state.", gt=0)
    set_states: int = Field(4, description="SET states beside the RESET state.", ge=1)
    relaxation_time: Seconds = Field(1.0, description="Age at which relaxation sets in.", gt=0)

    def ages(self) -> list[float]:
        """Return the ages (s) of the readings after the first, which follows at once."""
        last = int(np.log(self.duration / self.first) / np.log(self.ratio) + 1e-9)
        return [self.first * self.ratio**k for k in range(last + 1)]

    def gates(self, control: SetControl = SetControl.GATE) -> FloatArray:
        """Return what makes each state, in V: gate voltage or amplitude; 0 for the RESET state."""
        gates = np.linspace(self.gate_minimum, self.gate_maximum, self.set_states)
        # Between the ends, which were asked for: on 10 mV, which the wire of every board carries.
        gates[1:-1] = gates[1:-1].round(2)
        controls = self.controls(control, gates, (self.gate_minimum, self.gate_maximum))
        return np.concatenate([[0.0], controls])

    def states(self, cells: int) -> npt.NDArray[np.intp]:
        """Return the state of each cell, shape (cells,): dealt out at random, highest first."""
        order = np.random.default_rng(self.seed).permutation(cells)
        states: npt.NDArray[np.intp] = self.set_states - order % (self.set_states + 1)
        return states


RELAXATION_MEAN = Quantity("relaxation_mean", "S/decade", "Mean relaxation after a pulse")
RELAXATION = Quantity("relaxation", "S/decade", "Spread of relaxation from cell to cell")
RETENTION = Quantity("retention", "s", "Retention time constant at the temperature of the test")
STRETCH = Quantity("stretch", "1", "Exponent of the stretched exponential")
END_CONDUCTANCE = Quantity("end_conductance", "S", "Where retention ends")
AGE = Quantity("age", "s", "Time since the first reading")
STATE_VOLTAGE = {
    SetControl.GATE: Quantity("gate_voltage", "V", "Gate voltage of the state; 0: RESET"),
    SetControl.AMPLITUDE: Quantity(
        "set_voltage", "V", "SET amplitude of the state, where cells have no gates; 0: RESET"
    ),
}
MEAN, SPREAD = (
    {
        control: Quantity(name, "S", f"{text} of the state", (control.value, "age"))
        for control in SetControl
    }
    for name, text in (("mean", "Mean conductance"), ("spread", "Standard deviation"))
)


class Retention(Procedure[RetentionConfig]):
    """The retention test (see the module's documentation)."""

    name = "retention"
    title = "Retention: readings over time after one pulse"
    about = "States programmed once and read at log-spaced ages."
    Config = RetentionConfig
    quantities: ClassVar = (
        RELAXATION_MEAN,
        RELAXATION,
        RETENTION,
        STRETCH,
        END_CONDUCTANCE,
        AGE,
        *STATE_VOLTAGE.values(),
        *MEAN.values(),
        *SPREAD.values(),
    )
    picture = "memlab.characterize.pictures.retention"
    needs_gates = ""
    coordinates: ClassVar = {
        "begun": Coordinate("s", "When the reading began, on the clock of `time`"),
        "programmed": Coordinate("s", "Middle of the SET pulses, on the clock of `time`"),
    }

    def demands(self) -> list[Demand]:
        """Return the SET to the highest state."""
        return [Demand(self.config.gate_maximum)]

    def measure(self, bench: Bench) -> None:
        """RESET all, SET the cells of the SET states, then read at each age."""
        state = np.zeros(bench.shape, np.intp)
        state[bench.mask] = self.config.states(int(bench.mask.sum()))
        control = self.config.gates(self.control)[state]
        before = bench.now
        bench.program_to(control, reset=bench.mask, set=bench.mask & (state > 0))
        # All rows are RESET, then all are SET, one after the other.
        programmed = before + 0.75 * (bench.now - before)
        bench.read(begun=bench.now, programmed=programmed)
        # The recorded time, not the clock: resumed, the test goes on with the ages it began with.
        coordinates = bench.record.readings.coordinates
        start = coordinates["time"][0]
        programmed = coordinates.get("programmed", [programmed])[0]
        for age in self.config.ages():
            bench.wait_until(start + age)
            bench.read(begun=bench.now, programmed=programmed)

    def analyse(self, record: Record) -> Findings:
        """Return relaxation, its spread, the retention time, and the means of each state."""
        config = self.config
        time = record.readings.coordinate("time")
        cells = record.conductance
        state = config.states(cells.shape[1])
        own = _sorted_by_state(cells, state, config.set_states + 1)
        findings = Findings()
        findings.add_axis(AGE, time - time[0])
        control = self.control
        findings.add_axis(STATE_VOLTAGE[control], config.gates(control))
        mean, spread = np.full((2, len(own), time.size), np.nan)
        for k, one in enumerate(own):
            if one.shape[1]:
                mean[k] = one.mean(axis=1)
            if one.shape[1] > 1:
                spread[k] = one.std(axis=1, ddof=1)
        findings.add(MEAN[control], mean)
        findings.add(SPREAD[control], spread)
        steps = _steps(record, state, config.set_states + 1)
        age, age_error = _ages(record)
        law = fit_drift(age, own[1:], config.relaxation_time, steps[1:], age_error)
        _add_numbers(findings, law, sum(one.shape[1] for one in own[1:]), config)
        return findings


def _ages(record: Record) -> tuple[FloatArray, float]:
    """Return how old (s) the cells are at the middle of each reading, and an error of them all."""
    readings = record.readings
    time = readings.coordinate("time")
    if "programmed" not in readings.coordinates:  # a run of an older version
        return time - time[0], 0.0
    begun, programmed = readings.coordinate("begun"), readings.coordinate("programmed")
    # RESETs and SETs took four times as long as from the middle of the SETs to their end, if a
    # RESET takes as long as a SET; else that middle is anywhere in the second half.
    whole = 4.0 * float(begun[0] - programmed[0])
    return 0.5 * (begun + time) - programmed, whole * _ANYWHERE


def _steps(record: Record, state: npt.NDArray[np.intp], states: int) -> list[float]:
    """Return the step (S) of the converter in each state, the middle of its cells and readings."""
    step = np.array([value_step(one)[record.mask] for one in record.readings.measurements])
    steps = []
    for k in range(states):
        own = step[:, state == k]
        steps.append(float(np.nanmedian(own)) if np.isfinite(own).any() else 0.0)
    return steps


def _sorted_by_state(
    cells: FloatArray, state: npt.NDArray[np.intp], states: int
) -> list[FloatArray]:
    """Return the cells of each state, shape (readings, cells), without those that failed to switch.

    A SET cell has switched if it conducts more than the cells that were only RESET do; stuck cells
    are far from the others.
    """
    erased = cells[0, state == 0]
    found = []
    for k in range(states):
        own = cells[:, state == k]
        if k and own.size and erased.size:
            own = own[:, responding_cells(own[0] - np.median(erased))]
        middle = np.median(own[0]) if own.size else 0.0
        found.append(own[:, np.abs(own[0] - middle) < 0.5 * max(middle, 20e-6)])
    return found


def _add_numbers(findings: Findings, law: DriftLaw, cells: int, config: RetentionConfig) -> None:
    few = "a SET state has fewer than two cells, or fewer than five readings"
    if not cells:
        few = "no cell switched: SETs raise none above the RESET state"
    if law.contradicted:
        few = (
            "the means contradict the law: a stretched exponential, and relaxation that sets in "
            f"at {config.relaxation_time:g} s (relaxation_time)"
        )
    little = few if np.isnan(law.relaxation) else "too little is lost yet"
    slow = "1/f noise as slow as the test adds to it"
    for quantity, value, error, why, caveat in (
        (RELAXATION_MEAN, law.relaxation, law.relaxation_error, few, _AS_READ),
        (RELAXATION, law.spread, law.spread_error, few, slow),
        (RETENTION, law.retention, law.retention_error, little, ""),
        (STRETCH, law.stretch, law.stretch_error, little, ""),
    ):
        why = "" if np.isfinite(value) else why
        of = "cells of the SET states"
        findings.add(quantity, value, error, n=cells, of=of, why=why, caveat=caveat)
    why = little if np.isnan(law.retention) else ""
    taken = "" if law.end else "taken to be 0 S: the means do not say otherwise"
    findings.add(END_CONDUCTANCE, law.end, law.end_error, why=why, caveat=taken)


_ANYWHERE = 0.5 / 12.0**0.5
"""Standard deviation of a moment that lies anywhere in a half, per whole."""

_AS_READ = "as read: what wires and transistors take of a change is not in the error"
