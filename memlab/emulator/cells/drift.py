"""What time does to a programmed conductance, over simulated time.

A cell left at G0 by a pulse is found, an age t later, at

    G(t) = G_end + (G0 - G_end) exp(-(t / tau)^beta)  +  r log10(1 + t / t_relax)

The first part is retention: a stretched exponential whose time constant follows Arrhenius,
tau = time exp(E_a / k_B (1/T - 1/T_ref)). The second is relaxation after programming: each pulse
leaves its own tendency r in S per decade, normal with mean `relaxation_mean` and deviation
`relaxation`, which unfolds with the logarithm of time. Nothing is drawn while time passes, so a
conductance depends on the time alone and not on how often it was looked at. In the place of the
second may stand a measured relaxation, see `memlab.emulator.cells.relaxation`.

Every reading finds the value of its own time, to within half of `conductance_step`: the age since
the last pulse is cut into intervals, during each of which a cell moves no further than a step,

    relaxation   at log10(1 + t / t_relax) = k step / (|mean| + deviation)
    retention    at exp(-(t / tau)^beta)   = 1 - k step / (largest |G0 - G_end|)

and so for a measured relaxation, by its steepest quantiles;
within an interval the conductances are those of its middle. (A tendency of n deviations moves
n times as far. A cell that was pulsed earlier moves slower.) The intervals depend on time and state
alone, so that a batch may be cut anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import model_validator

from memlab.emulator.cells.relaxation import Relaxation, RelaxationParameters
from memlab.emulator.parameters import Parameters, quantity
from memlab.numeric import FloatArray

__all__ = ["BOLTZMANN", "Drift", "DriftParameters", "Interval"]


BOLTZMANN = 1.380649e-23
"""J/K, exact in the SI."""

NEVER = 1 << 62
"""A time in ns that does not come."""

_ELECTRONVOLT = 1.602176634e-19

_FOR_EVER = 600.0
"""Logarithm of a factor of time after which nothing has changed."""

_END = 0.5e-9 * NEVER
"""Ages in s beyond which nothing is cut any more: 73 years."""


class DriftParameters(Parameters):
    """Relaxation and retention; `relaxation`, `relaxation_mean` and `retention` 0 switch off."""

    relaxation: float = quantity(0.0, "S/decade", "Spread of relaxation after a pulse.")
    relaxation_mean: float = quantity(
        0.0, "S/decade", "Mean of relaxation after a pulse.", ge=-5e-3
    )
    relaxation_time: float = quantity(1.0, "s", "Age at which relaxation sets in.", gt=0.0)
    retention: float = quantity(0.0, "s", "Time constant at `reference_temperature`; 0: for ever.")
    stretch: float = quantity(0.5, "1", "Exponent of the stretched exponential.", ge=0.01, le=1.0)
    final_conductance: float = quantity(0.0, "S", "Where retention ends.", le=5e-3)
    activation_energy: float = quantity(1.0, "eV", "Arrhenius energy of retention.")
    reference_temperature: float = quantity(300.0, "K", "Where `retention` holds.", gt=0.0)
    conductance_step: float = quantity(
        2e-9,
        "S",
        "Drift between two evaluations: every reading finds its own time's value to half of it.",
        source="choice of the emulator: 1/38 of an ADC step at 10 kohm and 0.2 V",
        gt=0.0,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_resolution(cls, values: Any) -> Any:
        """Leave out `resolution`, which run files of earlier versions hold: a time step, once."""
        if isinstance(values, dict):
            values = {name: value for name, value in values.items() if name != "resolution"}
        return values

    @property
    def active(self) -> bool:
        """Whether time does anything."""
        return bool(self.relaxation or self.relaxation_mean or self.retention)


@dataclass(frozen=True)
class Interval:
    """A stretch of ages (ns) during which conductances count as constant.

    Parameters
    ----------
    middle
        The age at which they are evaluated.
    until
        The first age at which to ask again; not after the end.
    """

    middle: int
    until: int


class Drift:
    """The law of the module's documentation at one temperature."""

    def __init__(
        self,
        parameters: DriftParameters,
        temperature: float,
        relaxation: RelaxationParameters = RelaxationParameters(),  # noqa: B008 - frozen
    ):
        self._parameters = parameters
        self._measured = Relaxation(relaxation)
        self.active = parameters.active or self._measured.active
        """False when time does nothing."""
        self.terms: tuple[int, ...] = (self._measured.terms,) if self._measured.active else ()
        """Shape of what each pulse draws for its cell: one number, or one for each time."""
        self.unpulsed = np.nan if self._measured.active else 0.0
        """The tendency of cells that no pulse has reached."""
        # Of relaxation, in S for each e-fold of age.
        self._per_unit = (abs(parameters.relaxation_mean) + parameters.relaxation) / math.log(10.0)
        if self._measured.active:
            self._per_unit = self._measured.steepest()
        self._tau = 0.0
        if parameters.retention:
            inverse = 1.0 / temperature - 1.0 / parameters.reference_temperature
            energy = parameters.activation_energy * _ELECTRONVOLT / BOLTZMANN
            # Held to what is finite: at a few kelvin nothing is lost in any time.
            self._tau = parameters.retention * float(np.exp(min(energy * inverse, _FOR_EVER)))

    def tendency(self, deviate: FloatArray) -> FloatArray:
        """Return the tendencies of pulses with these normal deviates, shape (n, *terms).

        In S per decade; of a measured relaxation, its deviates.
        """
        if self._measured.active:
            return self._measured.deviates(deviate)
        return self._parameters.relaxation_mean + self._parameters.relaxation * deviate

    def apply(self, conductance: FloatArray, tendency: FloatArray, age: FloatArray) -> FloatArray:
        """Return conductances (S) at an age (s), from those that the last pulse left."""
        parameters = self._parameters
        now = conductance
        if self._tau:
            left = np.exp(-((age / self._tau) ** parameters.stretch))
            end = parameters.final_conductance
            now = end + (now - end) * left
        if self._measured.active:
            return np.maximum(now + self._measured.change(conductance, tendency, age), 0.0)
        relaxed = now + tendency * np.log10(1.0 + age / parameters.relaxation_time)
        return np.maximum(relaxed, 0.0)

    def interval(self, age: int, largest: float, coarse: int = 1) -> Interval:
        """Return the interval that an age (ns) since the last pulse lies in.

        Parameters
        ----------
        largest
            Largest |G0 - G_end| of the cells, in S.
        coarse
            Makes all intervals so many times wider.
        """
        parameters, t = self._parameters, age * 1e-9
        start, end = 0.0, math.inf
        step = coarse * parameters.conductance_step
        time, per_unit = parameters.relaxation_time, self._per_unit
        if self._measured.active:
            time = self._measured.first_time
        if per_unit:
            per_step = step / per_unit
            k = math.floor(math.log1p(t / time) / per_step)
            start, end = time * _expm1(k * per_step), time * _expm1((k + 1) * per_step)
        if self._tau and largest > 0.0:
            per_step, inverse = step / largest, 1.0 / parameters.stretch
            done = -math.expm1(-((t / self._tau) ** parameters.stretch))
            k = min(math.floor(done / per_step), math.ceil(1.0 / per_step) - 1)
            start = max(start, self._tau * (-math.log1p(-k * per_step)) ** inverse)
            if (k + 1) * per_step < 1.0:
                end = min(end, self._tau * (-math.log1p(-(k + 1) * per_step)) ** inverse)
        if not end < _END:
            return Interval(round(start * 1e9), NEVER)
        # Where rounding might take an age to be on the wrong side, every age is asked for itself.
        sure = math.floor(end * (1.0 - 1e-9) * 1e9) - 1
        return Interval(round((start + end) * 0.5e9), max(sure, age + 1))


def _expm1(x: float) -> float:
    return math.expm1(x) if x < 700.0 else math.inf
