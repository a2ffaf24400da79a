"""How far a pulse moves a conductance, from its amplitude and its width.

Filamentary switching takes a time that falls exponentially with the voltage (the voltage-time
dilemma). A pulse of voltage v and width w does the part

    p = min(1, (w / t(v))^eta)    t(v) = t_full exp((v_full - v) / v_scale),    p = 0 below v_th

of the way from the conductance before it to its target level:

    SET      G <- G + p max(level - G, 0)
    RESET    G <- G + p (level - G),    level = G_reset + depth_slope max(v_full - v, 0)

At v_full and t_full, and beyond, p is exactly 1: the published operation. Repeated partial pulses
approach the level geometrically. A RESET at a lower voltage also stops at a higher conductance,
in proportion to what is missing (the RESET-stop dependence of filamentary cells), and so it does
where its gate lets less current through: level + gate_slope max(full_gate - gate, 0), and nothing
at all at or below its gate threshold.

Noise of a SET. In the published simulations it comes on top, G <- max(level, G) + noise: a cell
that is never RESET keeps what lifted it, adds the next, and creeps up without bound. A compliance
current cannot be exceeded: with `noise_in_level` it is the level that varies, G <- max(level +
noise, G), which after n pulses lies at the largest of n draws.

A law with a `rate` is one of its own, driven by the voltage at the cell alone: the threshold
function of Yakopcic et al. 2011 (IEEE Electron Device Letters 32, 1436) with a voltage scale, and a
window that is linear in what is left of the way,

    dG/dt = r (level - G)    r(v) = rate (exp((v - v_th) / v_scale) - 1),    0 at v_th and below

which at a constant voltage is solved by p = 1 - exp(-r(v) w). Cells of passive arrays have it: no
transistor keeps a half-selected one from moving.

A SET needs its transistor: with the gate at or below `gate_threshold` nothing flows, and nothing
happens. The published laws are of conductances as they were *read*, through wires and transistor:
where `as_read_resistance` R names their mean series resistance, cells are left higher than read:

    G_cell = G_read / (1 - R G_read)
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from memlab.emulator.parameters import Parameters, quantity
from memlab.numeric import FloatArray

__all__ = [
    "PulseParameters",
    "ResetParameters",
    "SetParameters",
    "progress",
    "reset_level",
    "soft_level",
]


_PULSE = (
    "Li 2019, Wang 2019: the full pulse of the published operation; 1 us is our choice of width"
)
_FORM = "form: voltage-time dilemma of filamentary cells; number assumed"


class PulseParameters(Parameters):
    """Partial switching of one polarity; `full_voltage` = 0 and `rate` = 0 make all pulses full."""

    rate: float = quantity(
        0.0,
        "1/s",
        "Of a law driven by voltage alone, one `voltage_scale` ln 2 above `threshold`; 0: the law "
        "of full pulses.",
        source="form: threshold function of Yakopcic et al. 2011; number assumed",
    )

    full_voltage: float = quantity(
        0.0,
        "V",
        "Amplitude at the cell from which a pulse is a full one; 0: always.",
        source=_PULSE,
    )
    full_width: float = quantity(1e-6, "s", "Width of a full pulse.", source=_PULSE, gt=0.0)
    threshold: float = quantity(0.0, "V", "Below this a pulse does nothing.")
    voltage_scale: float = quantity(
        0.2, "V", "Switching time grows by e for each step down of this size.", source=_FORM, gt=0.0
    )
    width_exponent: float = quantity(
        0.3, "1", "Part done grows with width to this power.", source=_FORM, gt=0.0
    )

    @property
    def partial(self) -> bool:
        """Whether a pulse may move a cell a part of its way only."""
        return bool(self.full_voltage or self.rate)

    def completes(self, voltage: FloatArray, width: FloatArray | float) -> bool:
        """Return whether pulses of these voltages (V) at cells and widths (s) are all full ones."""
        if self.rate or not self.full_voltage:
            return not self.rate
        enough = max(self.full_voltage, self.threshold)
        return bool(voltage.min() >= enough and np.min(width) >= self.full_width)


class SetParameters(PulseParameters):
    """Partial SET, and the transistor that limits its current."""

    gate_threshold: float = quantity(
        0.0, "V", "Gate voltage over the bit line up to which a SET does nothing."
    )
    stop_voltage: float = quantity(
        0.0,
        "V",
        "Across a cell when its SET ends: the transistor lets G stop_voltage flow; 0: ohmic.",
        source="form: compliance by a saturated transistor; number assumed",
    )
    noise_in_level: bool = Field(
        False,
        description="Whether noise of a SET varies the level that limits it, or comes on top of "
        "what is reached, as in the published simulations.",
        json_schema_extra={"unit": "1", "source": "published simulations: off; a compliance: on"},
    )
    as_read_resistance: float = quantity(
        0.0, "ohm", "Mean resistance in series with a cell when the published law was read."
    )

    def to_cell(self, conductance: FloatArray) -> FloatArray:
        """Return what cells (S) must be to read these conductances (S); inf where none does."""
        if not self.as_read_resistance:
            return conductance
        left = 1.0 - self.as_read_resistance * conductance
        cell = np.full(left.shape, np.inf)
        np.divide(conductance, left, out=cell, where=left > 0.0)
        return cell

    def at_cell(self, deviation: FloatArray, conductance: FloatArray) -> FloatArray:
        """Return the deviation (S) of cells of these conductances (S) that reads as this one (S).

        A cell that deviates alone changes the drop that it shares with its row by little: one
        power of 1 + R G is taken, where the law as a whole has two.
        """
        if not self.as_read_resistance:
            return deviation
        return deviation * (1.0 + self.as_read_resistance * conductance)


class ResetParameters(PulseParameters):
    """Partial RESET, and how its depth depends on voltage and gate."""

    gate_threshold: float = quantity(0.0, "V", "Gate voltage up to which a RESET does nothing.")
    full_gate: float = quantity(
        0.0,
        "V",
        "Gate voltage from which a RESET is as deep as it gets; 0: does not depend on it.",
        source="form: the transistor limits the current of a RESET; number assumed",
    )
    gate_slope: float = quantity(
        0.0, "S/V", "Rise of the RESET level per volt of gate below `full_gate`.", le=5e-3
    )

    depth_slope: float = quantity(
        0.0, "S/V", "Rise of the RESET level per volt below `full_voltage`.", le=5e-3
    )


def progress(
    parameters: PulseParameters,
    voltage: FloatArray,
    width: FloatArray,
    threshold: FloatArray | float | None = None,
) -> FloatArray:
    """Return the part (0 to 1) of the way to its level that a pulse moves a cell.

    Parameters
    ----------
    voltage
        Magnitude at the cell in V.
    width
        In s; broadcasts with `voltage`.
    threshold
        Of each cell, in V, for a law with a rate; by default that of the parameters.
    """
    if parameters.rate:
        over = voltage - (parameters.threshold if threshold is None else threshold)
        rate = parameters.rate * np.expm1(np.maximum(over, 0.0) / parameters.voltage_scale)
        return -np.expm1(-rate * width)
    if not parameters.full_voltage:
        return np.ones(np.broadcast_shapes(voltage.shape, width.shape))
    missing = np.maximum(parameters.full_voltage - voltage, 0.0)
    relative = np.minimum(width / parameters.full_width, 1.0)
    # A voltage above the full one is not taken to make up for a short pulse: nothing published
    # says by how much.
    part = relative**parameters.width_exponent * np.exp(
        -missing * (parameters.width_exponent / parameters.voltage_scale)
    )
    return np.where(voltage < parameters.threshold, 0.0, part)


def soft_level(linear: FloatArray, onset: float, saturation: float) -> FloatArray:
    """Return the level (S) of a SET whose linear law gives `linear` (S).

        s (1 - exp(-soft / s))    soft = w log(1 + exp(linear / w))

    Parameters
    ----------
    onset, saturation
        w and s in S; 0 for none.
    """
    level = linear
    if onset:
        level = onset * np.logaddexp(0.0, level / onset)
    if saturation:
        level = saturation * -np.expm1(-level / saturation)
    return level


def reset_level(
    parameters: ResetParameters, level: FloatArray, voltage: FloatArray, gate: FloatArray | float
) -> FloatArray:
    """Return where a RESET ends; `level` (S) is where a full one does.

    Parameters
    ----------
    voltage, gate
        At the cell and at its gate, in V; broadcast with `level`.
    """
    if parameters.depth_slope:
        level = level + parameters.depth_slope * np.maximum(parameters.full_voltage - voltage, 0.0)
    if parameters.gate_slope:
        level = level + parameters.gate_slope * np.maximum(parameters.full_gate - gate, 0.0)
    return level
