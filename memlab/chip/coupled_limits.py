"""Limits of combinations: two values that are each allowed, and together are not.

A cell's conductance during a pulse is not known before it, so the rules take the largest that its
gate lets a SET reach: the larger of the two published SET laws,

    G(V_gate) = max(98 uS/V V_gate + 120 uS, 182 uS/V V_gate)       (Li 2019; Wang 2019)

up to the largest gate voltage that a SET may have. The published operation (SET 2.5 V with up to
2.5 V on the gate, RESET 1.7 V, 1 us) reaches 1.14 mA and 2.8 nJ, and passes every rule.

Everything is checked before anything is encoded, on arrays with and without a board.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from drivers.errors import LimitError
from drivers.extremes import extremes
from memlab.chip.limits import Limits, OperatingPoint
from memlab.numeric import BoolArray, FloatArray

__all__ = [
    "FORMING_GATE",
    "RULES",
    "STOP_VOLTAGE",
    "Rule",
    "check_forming",
    "check_operating_point",
    "check_program",
    "check_vmm",
    "freely_driven",
    "hardest_point",
    "largest_conductance",
    "reset_currents",
    "set_currents",
]

_SET_LAWS = (98e-6, 120e-6), (182e-6, 0.0)
"""Slope (S/V) and offset (S): Li 2019, Wang 2019."""

STOP_VOLTAGE = 0.5
"""Left across a cell at the end of a SET, in V, for what rows are taken to draw. Assumed: presets
have 0.4 V; cells behind wires conduct up to a quarter more than they read."""

Lines = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Rule:
    """A coupled limit.

    Parameters
    ----------
    name
        What refusals call it.
    limit, unit
        Field of `Limits` that sets it, and its unit.
    rule
        What must hold.
    reason
        What it protects, and where its default comes from.
    advice
        What to change when it refuses.
    """

    name: str
    limit: str
    unit: str
    rule: str
    reason: str
    advice: str


SET_CURRENT = Rule(
    "set current",
    "cell_current",
    "A",
    "SET voltage x G(gate voltage) <= cell_current",
    "in a SET the gate alone holds the current back, and too much of it leaves a filament that no "
    "RESET opens again; the published SETs stay below 1.14 mA",
    "Lower the SET voltage or the gate voltage",
)
PULSE_ENERGY = Rule(
    "pulse energy",
    "pulse_energy",
    "J",
    "voltage^2 x G(gate voltage) x width <= pulse_energy, for SET and RESET",
    "the heat of one pulse moves ions all around the filament and wears the cell out; "
    "five times the largest published pulse, 2.8 nJ, is allowed",
    "Lower the voltage, the gate voltage or the width",
)
ROW_CURRENT = Rule(
    "row current",
    "row_current",
    "A",
    "read voltage x columns x G(largest SET gate voltage) <= row_current, for read and VMM",
    "the DAC of a row drives 10 mA; beyond, its voltage sags, and every current read is wrong",
    "Lower the read voltage, or use fewer columns at once",
)
FORMING_GATE = Rule(
    "forming gate",
    "forming_gate_voltage",
    "V",
    "gate voltage <= forming_gate_voltage while a cell is formed",
    "at the moment a cell forms its conductance jumps, and only the gate stops it; 1.6 V is the "
    "largest gate voltage of published training (Li 2019)",
    "Lower the gate voltage, and form with more voltage or width instead",
)
SET_ROW_CURRENT = Rule(
    "set row current",
    "set_row_current",
    "A",
    "0.5 V x G(gate voltage), summed over the cells of a row <= set_row_current; a row that could "
    "draw more is pulsed in groups of cells, each cell once",
    "in a SET the transistors limit the current of each cell, and the driver of the row, 10 mA, "
    "takes all of them; 0.5 V left across a cell is assumed",
    "Lower the gate voltage",
)
RESET_ROW_CURRENT = Rule(
    "reset row current",
    "reset_row_current",
    "A",
    "RESET voltage x G(RESET gate voltage), summed over the cells of a row <= reset_row_current; a "
    "row that could draw more is pulsed in groups of cells, each cell once",
    "at the start of a RESET nothing limits the current but the cells; 50 mA are assumed, because "
    "the papers RESET the 64 cells of a row together",
    "Lower the RESET voltage",
)
RULES = (
    SET_CURRENT,
    PULSE_ENERGY,
    ROW_CURRENT,
    SET_ROW_CURRENT,
    RESET_ROW_CURRENT,
    FORMING_GATE,
)
"""All coupled limits."""


def largest_conductance(gate_voltage: float, limits: Limits) -> float:
    """Return the largest conductance (S) that cells may have at this gate voltage (V).

    Gates above the largest that a SET may have open the transistor further, but no cell conducts
    better than the best SET has left it.
    """
    gate = min(gate_voltage, limits.set_gate_voltage)
    return max(slope * gate + offset for slope, offset in _SET_LAWS)


def set_currents(limits: Limits, gate_voltage: FloatArray, selected: BoolArray) -> FloatArray:
    """Return what each cell could draw in a SET (A), 0 where not selected; same shape.

    Parameters
    ----------
    gate_voltage
        In V, shape (rows, columns); ignored where not selected, NaN too.
    """
    gate = np.minimum(np.where(selected, gate_voltage, 0.0), limits.set_gate_voltage)
    laws = [slope * gate + offset for slope, offset in _SET_LAWS]
    return np.where(selected, STOP_VOLTAGE * np.maximum(*laws), 0.0)


def reset_currents(limits: Limits, point: OperatingPoint, selected: BoolArray) -> FloatArray:
    """Return what each cell could draw in a RESET (A), 0 where not selected; same shape."""
    conductance = largest_conductance(point.reset_gate_voltage, limits)
    return np.where(selected, point.reset_voltage * conductance, 0.0)


def hardest_point(
    limits: Limits,
    point: OperatingPoint,
    set_: BoolArray,
    set_voltage: FloatArray | None,
    *,
    reset: BoolArray | None = None,
    reset_voltage: FloatArray | None = None,
) -> OperatingPoint:
    """Return the operating point with the largest amplitudes of some pulses; checks the others.

    Parameters
    ----------
    set_, set_voltage
        Cells to SET, and with which amplitude (V), same shape; None: with that of the point.
    reset, reset_voltage
        The same of cells to RESET.

    Raises
    ------
    LimitError
        If one is outside its limit, or no number.
    """
    if set_voltage is not None and set_.any():
        lowest, highest = extremes(set_voltage[set_])
        limits.check_set(np.zeros(0), lowest)
        point = replace(point, set_voltage=highest)
    if reset_voltage is not None and reset is not None and reset.any():
        lowest, highest = extremes(reset_voltage[reset])
        for one in (lowest, highest):
            limits.check_reset(point.reset_gate_voltage, one)
        point = replace(point, reset_voltage=highest)
    return point


def check_program(
    limits: Limits,
    point: OperatingPoint,
    gate_voltage: FloatArray,
    reset: BoolArray,
    set_: BoolArray,
    rows: Lines,
    columns: Lines,
    *,
    gates: bool = True,
) -> None:
    """Raise `LimitError` unless every pulse of a two-pulse update is allowed.

    Parameters
    ----------
    limits, point
        What the chip may see, and the amplitudes and widths of the pulses.
    gate_voltage
        Of the SETs, in V, shape (rows, columns); ignored where `set_` is False.
    reset, set_
        Cells to pulse, same shape.
    rows, columns
        Line numbers on the chip, for the message.
    gates
        Whether its cells have gates, of which messages speak.
    """
    seen = gate_voltage[set_]
    limits.check_set(seen, point.set_voltage)
    if seen.size:
        highest = extremes(seen)[1]
        conductance = largest_conductance(highest, limits)
        current = point.set_voltage * conductance
        energy = point.set_voltage**2 * conductance * point.set_width
        if not (current <= limits.cell_current and energy <= limits.pulse_energy):
            worst = np.argwhere(set_ & (gate_voltage == highest))[0]
            cell = f"cell [{rows[worst[0]]}, {columns[worst[1]]}]"
            what = f"row {rows[worst[0]]}: " + _pulse(
                "SET", point.set_voltage, highest if gates else None, point.set_width
            )
            if not current <= limits.cell_current:
                _refuse(
                    SET_CURRENT, limits, f"{what} could drive {_si(current, 'A')} through {cell}"
                )
            _refuse(PULSE_ENERGY, limits, f"{what} could put {_si(energy, 'J')} into {cell}")
        alone = STOP_VOLTAGE * conductance
        if not alone <= limits.set_row_current:
            gate = f" with {highest:.4g} V on the gate" if gates else ""
            what = f"one cell{gate} could draw {_si(alone, 'A')} in a SET"
            _refuse(SET_ROW_CURRENT, limits, what)
    if reset.any():
        row = rows[int(np.argmax(reset.any(axis=1)))]
        _check_reset_energy(limits, point, f"row {row}: ", gates)
        alone = point.reset_voltage * largest_conductance(point.reset_gate_voltage, limits)
        if not alone <= limits.reset_row_current:
            _refuse(RESET_ROW_CURRENT, limits, f"one cell could draw {_si(alone, 'A')} in a RESET")


def check_operating_point(limits: Limits, point: OperatingPoint, *, gates: bool = True) -> None:
    """Raise `LimitError` unless an array may work at this operating point, alone and coupled.

    What a SET may do depends on its gate voltages, which come with each request.
    """
    limits.check_point(point)
    _check_reset_energy(limits, point, "", gates)


def check_vmm(limits: Limits, voltage: FloatArray, columns: int) -> None:
    """Raise `LimitError` unless row voltages (V) may drive this many columns at once."""
    limits.check_read(voltage)
    if freely_driven(limits, columns) or not voltage.size:
        return
    conductance = largest_conductance(limits.set_gate_voltage, limits)
    low, high = extremes(voltage)
    largest = max(-low, high)
    current = largest * columns * conductance
    if not current <= limits.row_current:
        _refuse(
            ROW_CURRENT,
            limits,
            f"a row at {largest:.4g} V with {columns} columns of up to {_si(conductance, 'S')} "
            f"could draw {_si(current, 'A')}",
        )


def freely_driven(limits: Limits, columns: int) -> float:
    """Return the magnitude (V) up to which `check_vmm` allows every vector of this many columns.

    That is the read limit, where no row can draw too much at it, as under the default limits; and
    else 0 V, for then each vector has to be looked at.
    """
    conductance = largest_conductance(limits.set_gate_voltage, limits)
    free = limits.read_voltage * columns * conductance <= limits.row_current
    return limits.read_voltage if free else 0.0


def check_forming(limits: Limits, gate_voltage: npt.ArrayLike, voltage: float) -> None:
    """Raise `LimitError` unless cells may be formed at this amplitude and these gates (V).

    For procedures that form, before they pulse; each pulse is then checked as any SET is.
    """
    gates = np.atleast_1d(np.asarray(gate_voltage, dtype=np.float64))
    limits.check_set(gates, voltage)
    if gates.size and not gates.max() <= limits.forming_gate_voltage:
        _refuse(
            FORMING_GATE,
            limits,
            f"forming at {voltage:.4g} V with {gates.max():.4g} V on the gate",
        )


def _check_reset_energy(limits: Limits, point: OperatingPoint, where: str, gates: bool) -> None:
    gate = point.reset_gate_voltage
    conductance = largest_conductance(gate, limits)
    energy = point.reset_voltage**2 * conductance * point.reset_width
    if not energy <= limits.pulse_energy:
        shown = gate if gates else None
        what = where + _pulse("RESET", point.reset_voltage, shown, point.reset_width)
        _refuse(PULSE_ENERGY, limits, f"{what} could put {_si(energy, 'J')} into a cell")


def _pulse(kind: str, voltage: float, gate: float | None, width: float) -> str:
    behind = "" if gate is None else f" with {gate:.4g} V on the gate"
    return f"{kind} of {voltage:.4g} V{behind} for {_si(width, 's')}"


def _refuse(rule: Rule, limits: Limits, what: str) -> NoReturn:
    allowed = _si(getattr(limits, rule.limit), rule.unit)
    raise LimitError(
        f"{what}; limits.{rule.limit} allows {allowed}: {rule.reason}. {rule.advice}, or open the "
        f"array with other limits. Nothing was sent. Rule: {rule.name}"
    )


def _si(value: float, unit: str) -> str:
    """Return a quantity as people write it: 1.2 mA, 15 nJ."""
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6)):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value / 1e-9:.3g} n{unit}"
