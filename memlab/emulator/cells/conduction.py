"""How a cell conducts: the series transistor, and the bending of its I-V curve.

Transistor. In deep triode it is a resistor in series, G_on = beta max(V_gate - V_T, 0), so that
the path from TE line to bit line has

    G_path = G G_on / (G + G_on).

Bending. The current of a filament with a gap follows a sinh, that of a metallic one is ohmic. So a
share w of G_path, which fades out with the conductance, is bent with the V0 of all cells:

    I = G_path (1 - w) V + G_path w V0 sinh(V / V0)        w = 1 / (1 + G_path / G_ohmic)

0 for `ohmic_conductance` bends all of it, w = 1. What bending adds, V0 sinh(V / V0) - V, is the
same for all cells of a row, so that a product with it is exact like that with V.

With wires two approximations remain: the voltage across a cell is taken to be the driver's less the
drop of the bit line (that of the TE line is left out), and the added current drops no voltage
itself. Both errors are of the order of the relative drop times the added current.
"""

from __future__ import annotations

import numpy as np

from memlab.emulator.parameters import Parameters, quantity
from memlab.numeric import FloatArray

__all__ = [
    "NonlinearityParameters",
    "TransistorParameters",
    "added_terms",
    "added_voltage",
    "bent_conductance",
    "path_conductance",
]


_MOST_TERMS = 200
"""Far beyond any voltage whose current is finite on the grid of the emulator."""


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

    @property
    def typical_share(self) -> float:
        """The share w of cells whose bending has halved; 1 where all of each bends."""
        return 0.5 if self.ohmic_conductance else 1.0


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


def bent_conductance(parameters: NonlinearityParameters, conductance: FloatArray) -> FloatArray:
    """Return the share (S) of cells of these conductances (S) that follows the sinh."""
    if not parameters.ohmic_conductance:
        return conductance
    bent: FloatArray = conductance / (1.0 + conductance / parameters.ohmic_conductance)
    return bent


def added_terms(largest: float) -> list[float]:
    """Return the factors 1/3!, 1/5!, ... of `added_voltage`, as many as |V| / V0 = `largest` needs.

    Products of floats, not factorials: those of the largest arguments would overflow.
    """
    factors = [1.0 / 6.0]
    term = total = largest**2 / 6.0
    while term > 2.0**-40 * total and len(factors) < _MOST_TERMS:
        below = (2 * len(factors) + 2) * (2 * len(factors) + 3)
        factors.append(factors[-1] / below)
        term *= largest**2 / below
        total += term
    return factors


def added_voltage(
    volts: FloatArray, scale: float, factors: list[float], out: FloatArray, work: FloatArray
) -> None:
    """Write V0 sinh(V / V0) - V to `out`, in the units of `volts`.

    As a series, of products and sums that round alike on every machine, unlike a library's sinh.

    Parameters
    ----------
    volts
        V, in any unit and shape.
    scale
        The unit over V0.
    factors
        Of the series, see `added_terms`.
    out, work
        Of the same shape.
    """
    np.multiply(volts, scale, out=work)
    work *= work
    np.multiply(work, factors[-1], out=out)
    for factor in factors[-2::-1]:
        out += factor
        out *= work
    out *= volts
