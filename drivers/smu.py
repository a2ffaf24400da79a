"""Reference source-measure units: a known current, a known voltage, and their reverse.

The output is off, at high impedance, from opening until something is sourced, and again when the
instrument is closed, however that comes about. Every answer is waited for with a deadline. A
reading at the compliance limit is an error: the source was not what it was told to be.
"""

from __future__ import annotations

import re
from typing import Protocol, Self, runtime_checkable

from drivers.errors import DeviceError, TransportError
from drivers.keithley import Keithley2400, Keithley2600
from drivers.visa import open_session

__all__ = ["ReferenceSmu", "open_smu"]

TIMEOUT = 10.0
"""Seconds until an instrument that does not answer is given up; a reading takes 0.4 s."""


@runtime_checkable
class ReferenceSmu(Protocol):
    """A source-measure unit; use it as a context manager, its output is off afterwards.

    Attributes
    ----------
    identity
        Maker, model, serial number and firmware, as the instrument gives them.
    voltage_accuracy, current_accuracy
        Relative error that one standard deviation of voltmeter and current source may have.
    """

    identity: str
    voltage_accuracy: float
    current_accuracy: float

    def source_current(self, current: float, voltage_limit: float) -> None:
        """Drive a current (A) out of the output, at no more than +/- `voltage_limit` (V)."""
        ...

    def source_voltage(self, voltage: float, current_limit: float) -> None:
        """Hold a voltage (V) at the output, with no more than +/- `current_limit` (A)."""
        ...

    def measure_voltage(self) -> float:
        """Measure the voltage (V) at the output while a current is sourced.

        Raises
        ------
        DeviceError
            If the limit holds the output: the current is not the one asked for.
        """
        ...

    def measure_current(self) -> float:
        """Measure the current (A) out of the output while a voltage is sourced; as above."""
        ...

    def output_off(self) -> None:
        """Disconnect the output."""
        ...

    def close(self) -> None:
        """Switch the output off and let go; calling it again does nothing."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...


_FAMILIES = {
    re.compile(r"MODEL 24(00|01|10|20|25|30|40)\b"): Keithley2400,
    re.compile(r"MODEL 26[0-5]\d[AB]?\b"): Keithley2600,
}


def open_smu(resource: str, backend: str = "") -> ReferenceSmu:
    """Open a reference SMU; its output is off until something is sourced.

    Parameters
    ----------
    resource
        VISA resource, for example `GPIB0::24::INSTR` or `TCPIP0::192.168.0.5::INSTR`.
    backend
        VISA library, for example `@py`; PyVISA's own choice by default.

    Raises
    ------
    TransportError
        If PyVISA is missing, or nothing answers there.
    DeviceError
        If it is not an instrument of the two families.
    """
    session = open_session(resource, backend, "check its name and its cable")
    try:
        session.timeout = TIMEOUT * 1e3
        session.read_termination = session.write_termination = "\n"
        try:
            identity = str(session.query("*IDN?")).strip()
        except Exception as error:  # each VISA backend raises its own kinds
            raise TransportError(
                f"{resource} did not say what it is within {TIMEOUT:g} s ({error}); check cable "
                "and power"
            ) from error
        for pattern, family in _FAMILIES.items():
            if pattern.search(identity.upper()):
                return family(session, identity)
        raise DeviceError(
            f"{resource} is {identity!r}; a reference SMU is a Keithley 2400 to 2440 or 2600 to "
            "2657B"
        )
    except BaseException:
        session.close()
        raise
