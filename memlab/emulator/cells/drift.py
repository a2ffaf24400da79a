"""What time does to a programmed conductance, over simulated time.

A cell left at G0 by a pulse is found, an age t later, at

    G(t) = G_end + (G0 - G_end) exp(-(t / tau)^beta)  +  r log10(1 + t / t_relax)

The first part is retention: a stretched exponential whose time constant follows Arrhenius,
tau = time exp(E_a / k_B (1/T - 1/T_ref)). The second is relaxation after programming: each pulse
leaves its own tendency r in S per decade, normal with mean `relaxation_mean` and deviation
`relaxation`, which unfolds with the logarithm of time. Nothing is drawn while time passes, so a
conductance depends on the time alone and not on how often it was looked at. In the place of the
second may stand a measured relaxation, see `memlab.emulator.cells.relaxation`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.cells.relaxation import Relaxation, RelaxationParameters
from memlab.emulator.parameters import Parameters, quantity

__all__ = ["BOLTZMANN", "Drift", "DriftParameters"]

FloatArray = npt.NDArray[np.float64]

BOLTZMANN = 1.380649e-23
"""J/K, exact in the SI."""

_ELECTRONVOLT = 1.602176634e-19


class DriftParameters(Parameters):
    """Relaxation and retention; `relaxation`, `relaxation_mean` and `retention` 0 switch off."""

    relaxation: float = quantity(0.0, "S/decade", "Spread of relaxation after a pulse.")
    relaxation_mean: float = quantity(
        0.0, "S/decade", "Mean of relaxation after a pulse.", ge=-5e-3
    )
    relaxation_time: float = quantity(1.0, "s", "Age at which relaxation sets in.", gt=0.0)
    retention: float = quantity(0.0, "s", "Time constant at `reference_temperature`; 0: for ever.")
    stretch: float = quantity(0.5, "1", "Exponent of the stretched exponential.", gt=0.0, le=1.0)
    final_conductance: float = quantity(0.0, "S", "Where retention ends.", le=5e-3)
    activation_energy: float = quantity(1.0, "eV", "Arrhenius energy of retention.")
    reference_temperature: float = quantity(300.0, "K", "Where `retention` holds.", gt=0.0)
    resolution: float = quantity(
        0.1,
        "s",
        "Conductances are brought up to date when the last pulse is this long ago, and again "
        "whenever that age has doubled.",
        source="choice of the emulator: a compromise between time steps and wire solutions",
        gt=0.0,
    )

    @property
    def active(self) -> bool:
        """Whether time does anything."""
        return bool(self.relaxation or self.relaxation_mean or self.retention)


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
        self._tau = 0.0
        if parameters.retention:
            inverse = 1.0 / temperature - 1.0 / parameters.reference_temperature
            energy = parameters.activation_energy * _ELECTRONVOLT / BOLTZMANN
            self._tau = parameters.retention * float(np.exp(energy * inverse))

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

    def refresh_time(self, last_pulse: int, now: int) -> tuple[int, int]:
        """Return the latest refresh not after `now` and the one after it, in ns.

        Refreshes lie at ages of 0, resolution, 2 resolution, 4 resolution, ... after the last
        pulse, so that between pulses a chip is solved a few times per decade and no more.
        """
        step = max(1, round(self._parameters.resolution * 1e9))
        doublings = ((now - last_pulse) // step).bit_length()
        this = 0 if doublings == 0 else step << (doublings - 1)
        return last_pulse + this, last_pulse + (step << doublings)
