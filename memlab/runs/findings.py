"""What an analysis found: numbers and arrays with unit and error, and of how many of what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri

from memlab.markup import card, small_map, spelt, table
from memlab.numeric import FloatArray
from memlab.runs.quantity import Quantity
from memlab.units import with_error

__all__ = ["CONFIDENCE", "Finding", "Findings", "State", "name_of"]


CONFIDENCE = 0.95
"""Chance that an interval of a finding holds the truth."""

_ONE_SIGMA = 0.6827

_MOST_MAPS = 4
"""That a notebook shows of findings."""


class State(StrEnum):
    """Whether a number was found."""

    FOUND = "found"
    UNDETERMINED = "not determined"
    """The data do not tell it: there is no value, and no error."""


@dataclass(frozen=True, eq=False)
class Finding:
    """A quantity that an analysis found.

    Parameters
    ----------
    value
        A number, or an array whose axes are named by `dims`; NaN where it is not determined.
    units, description
        Its unit, and what it is.
    error
        One standard error, of the same shape; None where there is none to give.
    dims
        Names of the axes: `row` and `column` are those of the map, any other is one of `Findings`.
    n, of
        From how many of what it was found: 2043, "cells that respond"; None where nothing is
        counted.
    interval
        Ends of the interval that holds the truth with `CONFIDENCE`, where the error alone does not
        say it: of fractions, and of what is known from one side only.
    why
        What the data lack, of a number that they do not determine.
    caveat
        What the error does not hold, where a known effect was not taken off.
    """

    value: float | npt.NDArray[np.generic]
    units: str
    description: str
    error: float | FloatArray | None = None
    dims: tuple[str, ...] = ()
    n: int | None = None
    of: str = ""
    interval: tuple[float, float] | None = None
    why: str = ""
    caveat: str = ""

    @property
    def state(self) -> State:
        """Whether the number was found; an array was, whatever its elements are."""
        if self.why or (isinstance(self.value, float) and not np.isfinite(self.value)):
            return State.UNDETERMINED
        return State.FOUND

    @property
    def is_number(self) -> bool:
        """Whether it is a single number and no array."""
        return isinstance(self.value, float)

    @property
    def number(self) -> float:
        """The value of a number; NaN of an array."""
        return self.value if isinstance(self.value, float) else math.nan

    @property
    def is_found(self) -> bool:
        """Whether there is a value."""
        return self.state is State.FOUND

    def in_words(self) -> str:
        """Return a number with its error, in a unit with prefix."""
        error = None if self.error is None else float(np.mean(self.error))
        return with_error(self.number, error, self.units)

    def interval_in_words(self) -> str:
        """Return the interval of a number; empty where there is none."""
        if self.interval is None:
            return ""
        low, high = (with_error(end, None, self.units) for end in self.interval)
        return f"{low} to {high} at {CONFIDENCE:.0%}"

    def notes(self) -> dict[str, Any]:
        """Return what goes with value, error and unit, as plain values."""
        notes: dict[str, Any] = {"state": str(self.state)}
        if self.n is not None:
            notes |= {"n": self.n, "of": self.of}
        if self.interval is not None:
            notes |= {"interval": list(self.interval), "confidence": CONFIDENCE}
        if self.state is State.UNDETERMINED:
            notes["why"] = self.why or "the readings do not tell it"
        if self.caveat:
            notes["caveat"] = self.caveat
        return notes


def name_of(quantity: Quantity) -> str:
    """Return the name of a declared quantity.

    Raises
    ------
    TypeError
        If it is a name already: that of `findings.values` and `metrics`, where anything is found.
    """
    if isinstance(quantity, str):
        raise TypeError(
            f"this takes a declared Quantity, not {quantity!r}; by their names numbers are in "
            "run.metrics and run.findings.values"
        )
    return quantity.name


@dataclass(eq=False)
class Findings:
    """What an analysis found, by name, and the axes that its arrays have besides row and column."""

    values: dict[str, Finding] = field(default_factory=dict)
    axes: dict[str, Finding] = field(default_factory=dict)
    declared: dict[str, Quantity] = field(default_factory=dict)
    """What was added, by name; empty of findings that were read from a file."""

    def __getitem__(self, quantity: Quantity) -> Finding:
        """Return what was found of a quantity, or the axis that it is."""
        name = name_of(quantity)
        return self.axes[name] if name in self.axes else self.values[name]

    def __contains__(self, quantity: Quantity) -> bool:
        """Return whether a quantity was looked for; older files do not have all of today's."""
        return quantity.name in self.values or quantity.name in self.axes

    def add(
        self,
        quantity: Quantity,
        value: float | npt.NDArray[np.generic],
        error: float | FloatArray | None = None,
        *,
        n: int | None = None,
        of: str = "",
        interval: tuple[float, float] | None = None,
        why: str = "",
        caveat: str = "",
    ) -> None:
        """Add what was found of a quantity: a number, or an array with its axes (see `Finding`).

        Where `why` says that a number is not determined, value and error, interval and caveat are
        those of something else, and are left out.
        """
        if why:
            value, error = np.nan, None if error is None else np.nan
            interval, caveat = None, ""
        self.declared[quantity.name] = quantity
        self.values[quantity.name] = Finding(
            value if quantity.dims else float(value),
            quantity.units,
            quantity.description,
            error,
            quantity.dims,
            None if n is None else int(n),
            of,
            interval,
            why,
            caveat,
        )

    def state(self) -> dict[str, Any]:
        """Return what was added as plain values and arrays (`memlab.storage.State`), not axes."""
        return {
            name: {**vars(self.values[name]), "quantity": vars(quantity)}
            for name, quantity in self.declared.items()
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Findings:
        """Return the findings of a `state`."""
        findings = cls()
        for name, found in state.items():
            of, parts = dict(found["quantity"]), dict(found)
            del parts["quantity"]
            for part in (of, parts):
                part["dims"] = tuple(part["dims"])
            parts["interval"] = None if parts["interval"] is None else tuple(parts["interval"])
            findings.declared[name], findings.values[name] = Quantity(**of), Finding(**parts)
        return findings

    def update(self, others: Findings) -> None:
        """Add all of others."""
        self.values.update(others.values)
        self.axes.update(others.axes)
        self.declared.update(others.declared)

    def __repr__(self) -> str:
        """Return how much was found, and under which names."""
        arrays = sum(np.ndim(one.value) > 0 for one in self.values.values())
        names = ", ".join(self.values) or "nothing"
        return f"<Findings: {len(self.values) - arrays} numbers, {arrays} arrays: {names}>"

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield name, value, of what it is, and meaning of every number, as people read them."""
        for name, one in self.values.items():
            if one.is_number:
                of = f"{one.n} {one.of}" if one.of and one.n is not None else ""
                notes = (one.description, one.interval_in_words(), one.why, one.caveat)
                yield name, one.in_words(), of, "; ".join(filter(None, notes))

    def arrays(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield name, range, of how many, and meaning of every array of numbers."""
        for name, one in self.values.items():
            values = np.asarray(one.value)
            if not one.dims or values.dtype.kind not in "fiu":
                continue
            known = values[np.isfinite(values)].astype(np.float64)
            of = f"{known.size} of {values.size} over {', '.join(one.dims)}"
            if not known.size:
                yield name, str(State.UNDETERMINED), of, one.description
                continue
            ends = (known.min(), np.median(known), known.max())
            low, middle, high = (with_error(float(end), None, one.units) for end in ends)
            yield name, f"{low} to {high}, median {middle}", of, one.description

    def _repr_html_(self) -> str:
        """Return what a notebook shows: every number with its error and of how many, small maps."""
        return card("Findings", (), self._maps(), more=self.table())

    def table(self) -> str:
        """Return the numbers as a table of HTML."""
        rows = ([spelt(text) for text in row] for row in self.rows())
        return table(rows, ("found", "value", "of", "meaning"))

    def _maps(self) -> list[str]:
        """Return what was found for each cell, as small maps."""
        return [
            small_map(np.asarray(one.value, np.float64), one.units, name)
            for name, one in self.values.items()
            if one.dims == ("row", "column") and np.asarray(one.value).dtype.kind in "fiub"
        ][:_MOST_MAPS]

    def add_axis(self, quantity: Quantity, value: npt.NDArray[np.generic]) -> None:
        """Add an axis for arrays."""
        self.axes[quantity.name] = Finding(value, quantity.units, quantity.description)

    def add_undetermined(
        self, quantity: Quantity, why: str, *, n: int | None = None, of: str = ""
    ) -> None:
        """Add a number that the data do not tell, and why."""
        self.add(quantity, np.nan, np.nan, n=n, of=of, why=why)

    def add_fraction(
        self,
        quantity: Quantity,
        count: int,
        n: int,
        of: str,
        *,
        lower_bound: bool = False,
        caveat: str = "",
    ) -> None:
        """Add the fraction `count` of `n`, with its binomial interval (Clopper and Pearson).

        The error is half of the interval that holds the truth with 68 % (Wilson): of none or all it
        is not 0. The interval of a lower bound, where some may not have been counted, ends at 1.
        """
        if not n:
            self.add_undetermined(quantity, f"there are no {of}", n=0, of=of)
            return
        low, high = _clopper_pearson(int(count), int(n))
        ends = low, 1.0 if lower_bound else high
        error = _wilson(int(count), int(n))
        self.add(quantity, count / n, error, n=n, of=of, interval=ends, caveat=caveat)

    # What is named when it is found, and by no kind before: metrics of scripts and of notebooks.

    def number(
        self,
        name: str,
        value: float,
        units: str,
        description: str,
        error: float | None = None,
        **about: Any,
    ) -> None:
        """Add a number, with one standard error where there is one (see `Finding`)."""
        self.add(Quantity(name, units, description), value, error, **about)

    def fraction(
        self, name: str, count: int, n: int, description: str, of: str, **about: Any
    ) -> None:
        """Add a fraction (see `add_fraction`)."""
        self.add_fraction(Quantity(name, "1", description), count, n, of, **about)

    def with_population(self, n: int, of: str) -> None:
        """Say of what numbers are that do not say it themselves."""
        for name, one in self.values.items():
            if isinstance(one.value, float) and one.n is None:
                self.values[name] = replace(one, n=n, of=of)

    def document(self) -> dict[str, dict[str, object]]:
        """Return the numbers, not the arrays, as plain values for a JSON document."""
        return {
            name: {
                "value": _finite(one.value),
                "error": None if one.error is None else _finite(float(one.error)),
                "units": one.units,
                **one.notes(),
            }
            for name, one in self.values.items()
            if isinstance(one.value, float)
        }


def _finite(value: float) -> float | None:
    """Return the value, or None where there is none: JSON knows no NaN."""
    return value if np.isfinite(value) else None


# `scipy.stats` has both, and takes longer to load than anything else of a program's start.


def _clopper_pearson(count: int, n: int) -> tuple[float, float]:
    """Return the interval that holds the probability with `CONFIDENCE`, both tails alike."""
    tail = 0.5 * (1.0 - CONFIDENCE)
    low = float(betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, n - count, 1.0 - tail)) if count < n else 1.0
    return low, high


def _wilson(count: int, n: int) -> float:
    """Return half of the interval that holds the probability with 68 %."""
    z, p = float(ndtri(0.5 * (1.0 + _ONE_SIGMA))), count / n
    return z / (1.0 + z**2 / n) * math.sqrt(p * (1.0 - p) / n + (0.5 * z / n) ** 2)
