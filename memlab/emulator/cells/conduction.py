"""How a cell conducts: the series transistor, and the bending of its I-V curve.

Transistor. In deep triode it is a resistor in series, G_on = beta max(V_gate - V_T, 0), so that
the path from TE line to bit line has

    G_path = G G_on / (G + G_on).

Bending. The current of a filament with a gap follows a sinh. For G_path V at small V,

    I = G_path V0 sinh(V / V0) = G_path (V + V^3 / (6 V0^2) + ...),

of which the cubic term is kept: at V = 0.2 V and V0 = 0.5 V the next one is 0.02 % of the current.
A metallic filament is ohmic. So the cubic part fades out with the conductance, as
1 / (1 + G / G_ohmic); 0 for `ohmic_conductance` bends all cells alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from memlab.emulator.parameters import Parameters, quantity

__all__ = [
    "NonlinearityParameters",
    "TransistorParameters",
    "cubic_conductance",
    "path_conductance",
]

FloatArray = npt.NDArray[np.float64]


class TransistorParameters(Parameters):
    """The access transistor; `slope` = 0 is an ideal switch."""

    slope: float = quantity(0.0, "S/V", "Triode conductance per volt above threshold; 0: ideal.")
    threshold: float = quantity(0.7, "V", "Gate voltage at which it begins to conduct.")

    def conductance(self, gate: FloatArray | float) -> FloatArray:
        """Return the triode conductance (S) at a gate voltage (V)."""
        return self.slope * np.maximum(np.asarray(gate, np.float64) - self.threshold, 0.0)


class NonlinearityParameters(Parameters):
    """Bending of the I-V curve; `voltage` = 0 is ohmic."""

    voltage: float = quantity(
        0.0, "V", "V0 of I = G V0 sinh(V / V0); 0: ohmic.", source="form: sinh; number assumed"
    )
    ohmic_conductance: float = quantity(
        0.0, "S", "Conductance at which bending has halved; 0: does not depend on it."
    )


def path_conductance(
    parameters: TransistorParameters, conductance: FloatArray, gate: FloatArray | float
) -> FloatArray:
    """Return the conductance (S) of cell and transistor in series, same shape."""
    if not parameters.slope:
        return conductance
    on = parameters.conductance(gate)
    total = conductance + on
    # Both zero is an open path.
    return np.divide(conductance * on, total, out=np.zeros(total.shape), where=total > 0.0)


def cubic_conductance(parameters: NonlinearityParameters, conductance: FloatArray) -> FloatArray:
    """Return the coefficient (A/V^3) of the cubic term of cells of these conductances (S)."""
    cubic = conductance / (6.0 * parameters.voltage**2)
    if parameters.ohmic_conductance:
        cubic /= 1.0 + conductance / parameters.ohmic_conductance
    return cubic
