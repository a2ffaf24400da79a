"""Keithley source-measure units: the 2400 family (SCPI) and the 2600 family (TSP, channel A).

The commands are those of the makers' reference manuals. What both families have in common stands in
`_Keithley`: off on every exit, no reading at a limit, no answer waited for without a deadline (the
session has one).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, Self

from drivers import stopping
from drivers.errors import DeviceError, TransportError

__all__ = ["Keithley2400", "Keithley2600", "Session"]


class Session(Protocol):
    """What is used of a PyVISA message session."""

    def write(self, message: str) -> Any:
        """Send a line."""
        ...

    def query(self, message: str) -> str:
        """Send a line and return the answer, or raise when the deadline has passed."""
        ...

    def close(self) -> None:
        """Let go of the instrument."""
        ...


class _Keithley(ABC):
    """What both families share: the dialogue, and off on every exit.

    Parameters
    ----------
    session
        Where it answers.
    identity
        Its answer to `*IDN?`.
    """

    # Data sheets, as recalled: one-year limits at 200 mV and from 1 uA to 1 mA, without the part
    # that does not grow with the reading; here each is measured at both signs, so that part drops
    # out. A limit is taken for two standard deviations.
    voltage_accuracy = 0.75e-4
    current_accuracy = 1.75e-4

    def __init__(self, session: Session, identity: str):
        self.identity = identity
        self._session: Session | None = session
        self._sourcing = ""
        self._set_up()

    def source_current(self, current: float, voltage_limit: float) -> None:
        """Drive a current (A), at no more than +/- `voltage_limit` (V)."""
        self._source("current", current, voltage_limit)

    def source_voltage(self, voltage: float, current_limit: float) -> None:
        """Hold a voltage (V), with no more than +/- `current_limit` (A)."""
        self._source("voltage", voltage, current_limit)

    def measure_voltage(self) -> float:
        """Measure the voltage (V) while a current is sourced."""
        return self._measure("current", "V")

    def measure_current(self) -> float:
        """Measure the current (A) while a voltage is sourced."""
        return self._measure("voltage", "A")

    def output_off(self) -> None:
        """Disconnect the output."""
        self._sourcing = ""
        self._send(self._off())

    def close(self) -> None:
        """Switch the output off and let go; calling it again does nothing."""
        if self._session is None:
            return
        try:
            self.output_off()
        finally:
            session, self._session = self._session, None
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _source(self, what: str, level: float, limit: float) -> None:
        if self._sourcing != what:
            self.output_off()
            for line in self._function(what):
                self._send(line)
        for line in self._level(what, level, limit):
            self._send(line)
        if self._sourcing != what:
            self._sourcing = what
            self._send(self._on())
        if fault := self._fault():
            raise DeviceError(f"{self.identity} refused to source {level:g}: {fault}")

    def _measure(self, sourcing: str, unit: str) -> float:
        if self._sourcing != sourcing:
            raise DeviceError(
                f"{self.identity}: {unit} is measured while a {sourcing} is sourced; source first"
            )
        answer = self._ask(self._reading(sourcing))
        try:
            value = float(answer)
        except ValueError as error:
            raise DeviceError(f"{self.identity}: {answer!r} is no reading") from error
        if self._at_limit(sourcing):
            raise DeviceError(
                f"{self.identity} is at its limit ({value:g} {unit}): the source is not what it "
                "was told to be. Check that it is connected to the line that was named"
            )
        return value

    def _send(self, line: str) -> None:
        self._through(lambda session: session.write(line), line)

    def _ask(self, line: str) -> str:
        return str(self._through(lambda session: session.query(line), line)).strip()

    def _through(self, call: Callable[[Session], Any], line: str) -> Any:
        if self._session is None:
            raise DeviceError(f"{self.identity} is closed; open it again")
        try:
            with stopping.at_once():
                return call(self._session)
        except Exception as error:  # each VISA backend raises its own kinds
            raise TransportError(
                f"{self.identity}: no answer to {line!r} ({error}). Check its cable; its output "
                "may be on: switch it off at the instrument"
            ) from error

    @abstractmethod
    def _set_up(self) -> None: ...

    @abstractmethod
    def _function(self, what: str) -> list[str]: ...

    @abstractmethod
    def _level(self, what: str, level: float, limit: float) -> list[str]: ...

    @abstractmethod
    def _reading(self, sourcing: str) -> str: ...

    @abstractmethod
    def _at_limit(self, sourcing: str) -> bool: ...

    @abstractmethod
    def _on(self) -> str: ...

    @abstractmethod
    def _off(self) -> str: ...

    @abstractmethod
    def _fault(self) -> str: ...


class Keithley2400(_Keithley):
    """Keithley 2400, 2401, 2410, 2420, 2425, 2430, 2440: SCPI."""

    def _set_up(self) -> None:
        for line in ("*RST", ":OUTP:SMOD HIMP", ":SENS:FUNC:CONC OFF"):
            self._send(line)

    def _function(self, what: str) -> list[str]:
        source, sense = ("CURR", "VOLT") if what == "current" else ("VOLT", "CURR")
        # The function that is sensed comes first: a limit belongs to it.
        return [
            f":SOUR:FUNC {source}",
            f':SENS:FUNC "{sense}"',
            f":SENS:{sense}:NPLC 10",
            f":FORM:ELEM {sense}",
        ]

    def _level(self, what: str, level: float, limit: float) -> list[str]:
        source, sense = ("CURR", "VOLT") if what == "current" else ("VOLT", "CURR")
        return [f":SENS:{sense}:PROT {limit:.6E}", f":SOUR:{source} {level:.6E}"]

    def _reading(self, sourcing: str) -> str:
        return ":READ?"

    def _at_limit(self, sourcing: str) -> bool:
        sense = "VOLT" if sourcing == "current" else "CURR"
        return self._ask(f":SENS:{sense}:PROT:TRIP?") != "0"

    def _on(self) -> str:
        return ":OUTP ON"

    def _off(self) -> str:
        return ":OUTP OFF"

    def _fault(self) -> str:
        answer = self._ask(":SYST:ERR?")
        return "" if answer.startswith(("0,", "+0,")) else answer


class Keithley2600(_Keithley):
    """Keithley 2601 to 2657, A and B: TSP; its channel A."""

    def _set_up(self) -> None:
        for line in (
            "smua.reset()",
            "errorqueue.clear()",
            "smua.source.offmode = smua.OUTPUT_HIGH_Z",
            "smua.measure.nplc = 10",
        ):
            self._send(line)

    def _function(self, what: str) -> list[str]:
        function, source, sense = (
            ("DCAMPS", "i", "v") if what == "current" else ("DCVOLTS", "v", "i")
        )
        return [
            f"smua.source.func = smua.OUTPUT_{function}",
            f"smua.source.autorange{source} = smua.AUTORANGE_ON",
            f"smua.measure.autorange{sense} = smua.AUTORANGE_ON",
        ]

    def _level(self, what: str, level: float, limit: float) -> list[str]:
        source, sense = ("i", "v") if what == "current" else ("v", "i")
        return [
            f"smua.source.limit{sense} = {limit:.6e}",
            f"smua.source.level{source} = {level:.6e}",
        ]

    def _reading(self, sourcing: str) -> str:
        return f"print(smua.measure.{'v' if sourcing == 'current' else 'i'}())"

    def _at_limit(self, sourcing: str) -> bool:
        return self._ask("print(smua.source.compliance)") != "false"

    def _on(self) -> str:
        return "smua.source.output = smua.OUTPUT_ON"

    def _off(self) -> str:
        return "smua.source.output = smua.OUTPUT_OFF"

    def _fault(self) -> str:
        if float(self._ask("print(errorqueue.count)")) == 0.0:
            return ""
        return self._ask("print(errorqueue.next())")
