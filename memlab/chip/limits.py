"""What this chip may see. A limit raises; it never clips.

Limits are in volts and are checked on the last step before voltages become codes, so that a
refused request has touched nothing. The board holds the same limits as codes and checks again.
Here each quantity is checked alone; what only a combination shows is in `coupled_limits`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import isfinite
from numbers import Real

import numpy as np
import numpy.typing as npt

from drivers.errors import LimitError
from drivers.extremes import extremes
from drivers.published_board import TIMER

__all__ = ["LIMIT_MEANINGS", "LIMIT_UNITS", "Limits", "OperatingPoint"]

LIMIT_UNITS = {"voltage": "V", "width": "s", "current": "A", "energy": "J"}
"""Of limits and operating points, by the last word of a name."""

LIMIT_MEANINGS = {
    "read_voltage": "Largest on a row in read and VMM.",
    "gate_voltage": "Largest of a gate in read and RESET.",
    "set_gate_voltage": "Largest of a gate in a SET.",
    "set_voltage": "Largest amplitude of a SET.",
    "reset_voltage": "Largest amplitude of a RESET.",
    "minimum_width": "Shortest pulse.",
    "maximum_width": "Longest pulse.",
    "cell_current": "Largest through a cell in a SET.",
    "pulse_energy": "Largest of one pulse in one cell.",
    "row_current": "Largest of a row in read and VMM.",
    "set_row_current": "Of a row in a SET; one that could draw more is pulsed in groups.",
    "reset_row_current": "Of a row in a RESET; one that could draw more is pulsed in groups.",
    "forming_gate_voltage": "Largest of a gate while a cell is formed.",
}
"""What each limit bounds, in a few words for people."""


@dataclass(frozen=True)
class Limits:
    """Largest voltages that the chip may see, in V, and the allowed pulse width, in s.

    Parameters
    ----------
    read_voltage
        Largest magnitude on a row during read and VMM; 0.2 V keeps the cells linear and
        undisturbed (Li 2019, Wang 2019).
    gate_voltage
        Largest gate voltage in read and RESET; the board's own limit is 5 V.
    set_gate_voltage
        Largest gate voltage in SET, where the gate is the only thing that limits the current;
        2.5 V is the largest that Wang 2019 used.
    set_voltage, reset_voltage
        Largest amplitude of a SET pulse (on columns) and of a RESET pulse (on the row).
    minimum_width, maximum_width
        Allowed pulse width; 0.16 to 4.42 us is what the board's fast timer can make.
    cell_current, pulse_energy, row_current, forming_gate_voltage
        Of the coupled rules, in A, J, A and V: `memlab.chip.coupled_limits.RULES` says what each of
        them bounds and why.
    set_row_current, reset_row_current
        Largest current of a row in a SET and in a RESET, in A, beside what the board's driver can
        give (`Capabilities.row_current`). A row that could draw more is pulsed in groups of cells,
        each cell once (`memlab.array.row_groups`).
    """

    read_voltage: float = 0.2
    gate_voltage: float = 5.0
    set_gate_voltage: float = 2.5
    set_voltage: float = 3.0
    reset_voltage: float = 3.0
    minimum_width: float = TIMER.minimum
    maximum_width: float = 4.42e-6
    cell_current: float = 1.2e-3
    pulse_energy: float = 15e-9
    row_current: float = 10e-3
    set_row_current: float = 10e-3
    reset_row_current: float = 50e-3
    forming_gate_voltage: float = 1.6

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and value == 0.0:  # -0.0 reads as another limit
                object.__setattr__(self, field.name, 0.0)

    def changed(self, **values: float) -> Limits:
        """Return these limits with some of them changed."""
        return replace(self, **values)

    def check(self) -> None:
        """Raise `LimitError` unless every limit is a finite number of at least 0.

        An array asks when it is opened: no comparison with NaN would ever refuse anything.
        """
        for field in fields(self):
            value = _number(f"limits.{field.name}", getattr(self, field.name))
            if not isfinite(value):
                raise LimitError(f"limits.{field.name} must be a finite number, got {value!r}")
            if not value >= 0.0:
                raise LimitError(f"limits.{field.name} must be at least 0, got {value!r}")
        if not self.minimum_width <= self.maximum_width:
            raise LimitError(
                f"limits.minimum_width {self.minimum_width:g} s is above "
                f"limits.maximum_width {self.maximum_width:g} s: no pulse would be allowed"
            )

    def check_read(self, voltage: npt.NDArray[np.float64]) -> None:
        """Raise `LimitError` unless every row voltage lies within +/- read_voltage."""
        if not voltage.size:
            return
        low, high = extremes(voltage)
        if not (low >= -self.read_voltage and high <= self.read_voltage):  # NaN fails this too
            worst = voltage.flat[int(np.argmax(np.nan_to_num(np.abs(voltage), nan=np.inf)))]
            limit = f"{self.read_voltage:.7g}"
            raise LimitError(
                f"read voltage {_beyond(worst, self.read_voltage)} V is outside -{limit}..+"
                f"{limit} V (limits.read_voltage): larger voltages disturb the "
                "cells; scale the input, or open the array with other limits"
            )

    def check_set(self, gate_voltage: npt.NDArray[np.float64], voltage: float) -> None:
        """Raise `LimitError` unless a SET at this amplitude and these gate voltages is allowed."""
        _check_range("SET voltage", voltage, self.set_voltage, "set_voltage")
        if gate_voltage.size:
            for extreme in extremes(gate_voltage):
                _check_range("SET gate voltage", extreme, self.set_gate_voltage, "set_gate_voltage")

    def check_reset(self, gate_voltage: float, voltage: float) -> None:
        """Raise `LimitError` unless a RESET at this amplitude and gate voltage is allowed."""
        _check_range("RESET voltage", voltage, self.reset_voltage, "reset_voltage")
        _check_range("RESET gate voltage", gate_voltage, self.gate_voltage, "gate_voltage")

    def check_point(self, point: OperatingPoint) -> None:
        """Raise `LimitError` unless these are limits, and an array may work at this point."""
        self.check()
        for field in fields(point):
            _number(f"operating point: {field.name}", getattr(point, field.name))
        self.check_read(np.array([point.read_voltage], np.float64))
        _check_range(
            "read gate voltage", point.read_gate_voltage, self.gate_voltage, "gate_voltage"
        )
        _check_range("SET voltage", point.set_voltage, self.set_voltage, "set_voltage")
        self.check_reset(point.reset_gate_voltage, point.reset_voltage)
        self.check_width(point.set_width)
        self.check_width(point.reset_width)

    def check_width(self, width: float) -> None:
        """Raise `LimitError` unless a pulse of this width is allowed."""
        if not self.minimum_width <= width <= self.maximum_width:
            asked = _beyond(width, self.minimum_width, self.maximum_width)
            raise LimitError(
                f"pulse width {asked} s is outside {self.minimum_width:.7g}.."
                f"{self.maximum_width:.7g} s (limits.minimum_width, limits.maximum_width)"
            )


def _number(what: str, value: object) -> float:
    """Return a number as float, NaN and infinity too; raise `LimitError` unless it is one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        kind = type(value).__name__
        raise LimitError(f"{what} must be a finite number, got a value of type {kind}")
    try:
        return float(value)
    except OverflowError as error:
        raise LimitError(f"{what} must be a finite number, got one beyond 1e308") from error


def _beyond(value: float, *limits: float) -> str:
    """Return a refused number with enough digits to tell it from the limits."""
    short = f"{value:.7g}"
    return repr(float(value)) if abs(float(short)) in limits else short


def _check_range(what: str, value: float, maximum: float, name: str) -> None:
    if not 0.0 <= value <= maximum:
        raise LimitError(
            f"{what} {_beyond(value, maximum)} V is outside 0..{maximum:.7g} V (limits.{name}); "
            "choose a value inside, or open the array with other limits"
        )


@dataclass(frozen=True)
class OperatingPoint:
    """The voltages (V) and widths (s) with which an array is read and programmed.

    Defaults are the published ones (Li 2019 and Wang 2019: SET 2.5 V, RESET 1.7 V, 5 V on the
    gates in RESET and read, read 0.2 V). The papers do not give the pulse width; 1 us is a
    choice within the published board's range.
    """

    read_voltage: float = 0.2
    read_gate_voltage: float = 5.0
    set_voltage: float = 2.5
    reset_voltage: float = 1.7
    reset_gate_voltage: float = 5.0
    set_width: float = 1e-6
    reset_width: float = 1e-6
