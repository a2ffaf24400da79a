"""Faults by name and value, as URLs and commands give them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import Flag, auto
from math import inf
from typing import Any

from drivers.faults.line import KINDS
from drivers.known_names import did_you_mean

__all__ = ["PREFIX", "Faults", "Place", "parse_faults", "split_faults"]

PREFIX = "fault."


class Place(Flag):
    """Where a fault can be asked for."""

    WIRE = auto()
    """The URL of a board behind a line."""
    PROCESS = auto()
    """The URL of an emulated board in this process."""
    SERVED = auto()
    """`memlab board serve`."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong; the default is nothing. `drivers.faults` says what each does."""

    drop_after: int | None = None
    drop_time: float = inf
    silent_after: int | None = None
    delay: float = 0.0
    rate: float = 0.0
    kinds: tuple[str, ...] = KINDS
    seed: int = 0
    stuck_column: int | None = None
    stuck_code: int = 1 << 15
    brown_out_after: int | None = None

    def __bool__(self) -> bool:
        return self != Faults()

    def __str__(self) -> str:
        """Return what differs from nothing, as it is written: `drop_after=100 delay=0.5`."""
        nothing = Faults()
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return " ".join(
            f"{name}={','.join(value) if isinstance(value, tuple) else value}"
            for name, value in given.items()
            if value != getattr(nothing, name)
        )


def _count(most: int | None = None) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or (most is not None and int(text) > most):
            bound = "at least 0" if most is None else f"0 to {most}"
            raise ValueError(f"must be a whole number, {bound}")
        return int(text)

    return read


def _column(text: str) -> int:
    from firmware_protocol.messages import COLUMNS  # they take long to load, for few programs

    return _count(COLUMNS - 1)(text)


def _number(most: float, unit: str = "") -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0.0 <= value <= most:
            raise ValueError(f"must be a number, 0 to {most:g}{unit}")
        return value

    return read


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    for kind in kinds:
        if kind not in KINDS or kinds.count(kind) > 1:
            raise ValueError(f"must name some of {', '.join(KINDS)}, each once")
    return kinds


_ANY = Place.WIRE | Place.PROCESS
_OPTIONS: dict[str, tuple[Place, Callable[[str], Any]]] = {
    "drop_after": (_ANY, _count()),
    "delay": (_ANY | Place.SERVED, _number(3600.0, " s")),
    "stuck_column": (_ANY | Place.SERVED, _column),
    "stuck_code": (_ANY | Place.SERVED, _count(65535)),
    "drop_time": (Place.WIRE, _number(3600.0, " s")),
    "silent_after": (Place.WIRE, _count()),
    "rate": (Place.WIRE, _number(0.5)),
    "kinds": (Place.WIRE, _kinds),
    "seed": (Place.WIRE, _count()),
    "brown_out_after": (Place.PROCESS | Place.SERVED, _count()),
}
_NEEDS = {"drop_time": "drop_after", "kinds": "rate", "seed": "rate", "stuck_code": "stuck_column"}
_ELSEWHERE = {
    Place.WIRE: "start the virtual board with it: memlab board serve --fault {name}={text}",
    Place.PROCESS: "an emulated board in process has no line; serve it with `memlab board serve`, "
    "and write it into the URL of that",
    Place.SERVED: "it belongs to the line: write fault.{name}={text} into the URL of the board",
}


def split_faults(
    options: Iterable[tuple[str, str]],
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the faults of a URL's options by their names, and the other options."""
    faults, others = {}, []
    for name, text in options:
        if name.startswith(PREFIX):
            faults[name.removeprefix(PREFIX)] = text
        else:
            others.append((name, text))
    return faults, others


def parse_faults(where: str, given: dict[str, str], place: Place) -> Faults:
    """Return the faults that are asked for; nothing is opened.

    Parameters
    ----------
    where
        How an error begins: the URL, or the option of a command.
    given
        Text by name, without prefix.
    place
        Where they are asked for.

    Raises
    ------
    ValueError
        If there is no such fault, it cannot be had there, or its value is wrong.
    """
    values = {}
    for name, text in given.items():
        if name not in _OPTIONS:
            allowed = [known for known, (places, _) in _OPTIONS.items() if place in places]
            hint = did_you_mean(name, _OPTIONS)
            raise ValueError(
                f"{where}: there is no fault {name!r}; {hint}allowed: {', '.join(allowed)}"
            )
        places, read = _OPTIONS[name]
        if place not in places:
            text = _ELSEWHERE[place].format(name=name, text=text)
            raise ValueError(f"{where}: the fault {name} cannot be had here; {text}")
        if (needs := _NEEDS.get(name)) and needs not in given:
            raise ValueError(f"{where}: the fault {name} says something of {needs}; give that too")
        try:
            values[name] = read(text)
        except ValueError as error:
            raise ValueError(f"{where}: the fault {name}={text} {error}") from error
    return Faults(**values)
