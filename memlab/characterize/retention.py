"""Retention: states programmed once, then read at log-spaced ages and never pulsed again.

The cells are dealt out at random to a RESET state and several SET states. Two laws are fitted to
the means of the SET states (`memlab.emulator.cells.drift`):

    relaxation   G grows by r log10(1 + t / relaxation_time), r differs from pulse to pulse
    retention    G falls as exp(-(t / tau)^stretch), towards 0 S

Relaxation moves all states alike, retention each in proportion to its conductance: that is how the
two are told apart, and why several states are programmed. On an emulator in process simulated time
is advanced, and the emulator brings its cells up to date at ages of 0.1 s 2^k, at which they are
read by default. On a board the host waits, so choose `duration` with care.

Read noise as slow as the test itself, of 1/f kind, cannot be told from relaxation and adds to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from memlab.characterize.bench import Bench
from memlab.characterize.drift_law import DriftLaw, StateMeans, fit_drift
from memlab.characterize.procedure import Demand, Procedure, ProcedureConfig
from memlab.runs import Findings, Record

__all__ = ["PROCEDURE", "Retention", "RetentionConfig"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


VISIBLE = 5e-6
"""Conductance in S from which the mean of a state can be seen to fade."""


class RetentionConfig(ProcedureConfig):
    """Settings of the retention test."""

    duration: float = Field(1e4, description="Largest age in s.", gt=0)
    first: float = Field(0.1, description="Age of the second reading in s.", gt=0)
    ratio: float = Field(2.0, description="Each reading is this many times as late.", gt=1)
    gate_minimum: float = Field(0.8, description="Gate voltage of the lowest SET state in V.", gt=0)
    gate_maximum: float = Field(
        2.4, description="Gate voltage of the highest SET state in V.", gt=0
    )
    set_states: int = Field(4, description="SET states beside the RESET state.", ge=1)
    relaxation_time: float = Field(1.0, description="Age at which relaxation sets in, in s.", gt=0)

    def ages(self) -> list[float]:
        """Return the ages (s) of the readings after the first, which follows at once."""
        last = int(np.log(self.duration / self.first) / np.log(self.ratio) + 1e-9)
        return [self.first * self.ratio**k for k in range(last + 1)]

    def gates(self) -> FloatArray:
        """Return the gate voltage (V) of each state; 0 for the RESET state."""
        gates = np.linspace(self.gate_minimum, self.gate_maximum, self.set_states)
        # Between the ends, which were asked for: on 10 mV, which the wire of every board carries.
        gates[1:-1] = gates[1:-1].round(2)
        return np.concatenate([[0.0], gates])

    def states(self, cells: int) -> npt.NDArray[np.intp]:
        """Return the state of each cell, shape (cells,): dealt out at random, highest first."""
        order = np.random.default_rng(self.seed).permutation(cells)
        states: npt.NDArray[np.intp] = self.set_states - order % (self.set_states + 1)
        return states


class Retention(Procedure[RetentionConfig]):
    """The retention test (see the module's documentation)."""

    name = "retention"
    title = "Retention: readings over time after one pulse"
    Config = RetentionConfig

    def demands(self) -> list[Demand]:
        """Return the SET to the highest state."""
        return [Demand(float(self.config.gates().max()))]

    def measure(self, bench: Bench) -> None:
        """RESET all, SET the cells of the SET states, then read at each age."""
        state = np.zeros(bench.shape, np.intp)
        state[bench.mask] = self.config.states(int(bench.mask.sum()))
        gate = self.config.gates()[state]
        bench.program(gate, reset=bench.mask, set=bench.mask & (state > 0))
        bench.read()
        # The recorded time, not the clock: resumed, the test goes on with the ages it began with.
        start = bench.record.readings.coordinates["time"][0]
        for age in self.config.ages():
            bench.wait_until(start + age)
            bench.read()

    def analyse(self, record: Record) -> Findings:
        """Return relaxation, its spread, the retention time, and the means of each state."""
        config = self.config
        time = record.readings.coordinate("time")
        age = time - time[0]
        cells = record.conductance
        state = config.states(cells.shape[1])
        findings = Findings()
        findings.axis("age", age, "s", "Time since the first reading, right after the pulses")
        findings.axis("gate_voltage", config.gates(), "V", "Gate voltage of the state; 0: RESET")
        means = _state_means(age, cells, state, config)
        dims = ("gate_voltage", "age")
        for name, value, text in (
            ("mean", means.mean, "Mean conductance of the state"),
            ("spread", means.spread, "Standard deviation of the state"),
        ):
            findings.array(name, value, dims, "S", text)
        law = fit_drift(means, config.relaxation_time) if means.complete else DriftLaw()
        text = "Mean relaxation after a pulse"
        findings.number("relaxation_mean", law.relaxation, "S/decade", text, law.relaxation_error)
        text = "Spread of relaxation from cell to cell"
        spread, error = means.relaxation_spread()
        findings.number("relaxation", spread, "S/decade", text, error)
        text = "Retention time constant at the temperature of the test"
        findings.number("retention", law.retention, "s", text, law.retention_error)
        text = "Exponent of the stretched exponential"
        findings.number("stretch", law.stretch, "1", text, law.stretch_error)
        return findings


def _state_means(
    age: FloatArray, cells: FloatArray, state: npt.NDArray[np.intp], config: RetentionConfig
) -> StateMeans:
    """Return means, spreads, and what the cells of each state do besides."""
    states, x = config.set_states + 1, np.log10(1.0 + age / config.relaxation_time)
    mean, spread = np.full((2, states, age.size), np.nan)
    tendency, noise, residual = np.full((3, states), np.nan)
    count = np.zeros(states)
    for k in range(states):
        own = cells[:, state == k]
        # Cells that failed to take their state: stuck ones, far from the others.
        middle = np.median(own[0]) if own.size else 0.0
        own = own[:, np.abs(own[0] - middle) < 0.5 * max(middle, 20e-6)]
        count[k] = own.shape[1]
        if not count[k]:
            continue
        mean[k] = own.mean(axis=1)
        if count[k] < 2:
            continue
        spread[k] = own.std(axis=1, ddof=1)
        # A cell's own deviation fades as the mean of its state does; its tendency grows with x.
        fading = mean[k] / mean[k, 0] if mean[k, 0] > VISIBLE else np.ones(x.size)
        basis = np.column_stack([fading, x])
        deviation = own - mean[k][:, np.newaxis]
        fitted = np.linalg.pinv(basis) @ deviation
        residual[k] = ((deviation - basis @ fitted) ** 2).sum() / (count[k] * max(1, x.size - 2))
        tendency[k] = fitted[1].var(ddof=1)
        noise[k] = residual[k] * np.linalg.pinv(basis.T @ basis)[1, 1]
    return StateMeans(age, mean, spread, count, tendency, noise, residual)


PROCEDURE = Retention
