"""Tables of measured cells that other people published: columns in any unit, told by a mapping.

    gate_voltage=WL:V        quantity = name of the column : its unit
    resistance=R_after:kohm
    cell=device

A resistance becomes a conductance. Lines that mean nothing (no number, a resistance that is not
above 0) are left out and counted. What the table is of follows from its quantities:

    time            relaxation: each cell read at times since its programming
    cycle           endurance: conductances after SET and after RESET, over cycles
    pulse           pulse train: conductance after each of equal pulses
    gate_voltage    gate sweep: conductance after a SET at each gate voltage
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from drivers.known_names import unknown
from memlab.errors import DataError, SettingError
from memlab.numeric import BoolArray, FloatArray
from memlab.runs.table_file import read_columns

__all__ = ["QUANTITIES", "Kind", "Mapping", "Table", "parse_mapping", "read_table"]

IntArray = npt.NDArray[np.intp]

_CONDUCTANCES = ("", "_before", "_set", "_reset")
QUANTITIES: dict[str, str] = {
    **dict.fromkeys(("cell", "row", "column", "level", "pulse", "cycle"), ""),
    "gate_voltage": "V",
    "voltage": "V",
    "width": "s",
    "time": "s",
    **{f"conductance{which}": "S" for which in _CONDUCTANCES},
    **{f"resistance{which}": "ohm" for which in _CONDUCTANCES},
}
"""What a column may be, and its unit; "" for a number or name without one."""

_NAMES = ("cell", "row", "column", "level")
"""What tells things apart; it may be text."""

_PREFIXES = {
    **{"p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3},
    **{"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9},
}
_SYMBOLS = {"V": ("V",), "s": ("s",), "S": ("S",), "ohm": ("ohm", "Ohm", "Ω")}

MOST_NUMBERS = 50_000_000
"""Of what a table is laid out in: 400 MB."""

_LARGEST = 5e-3
"""In S: no cell of the emulator conducts more, nor one that is worth a twin."""

_HIGHEST_GATE = 10.0
"""In V: what the board's gates reach."""


class Kind(Enum):
    """What a table is of."""

    GATE_SWEEP = "gate sweep"
    RELAXATION = "relaxation"
    PULSE_TRAIN = "pulse train"
    ENDURANCE = "endurance"


_TOLD_BY = {
    "time": (Kind.RELAXATION, ("conductance",)),
    "cycle": (Kind.ENDURANCE, ("conductance_set",)),
    "pulse": (Kind.PULSE_TRAIN, ("conductance",)),
    "gate_voltage": (Kind.GATE_SWEEP, ("conductance",)),
}
"""Quantity: what the table is of, and what else it needs."""


@dataclass(frozen=True)
class Mapping:
    """Where a quantity stands.

    Parameters
    ----------
    quantity
        One of `QUANTITIES`.
    name
        Of the column.
    factor
        What its numbers are multiplied by to be in SI units.
    """

    quantity: str
    name: str
    factor: float


@dataclass(frozen=True, eq=False)
class Table:
    """Measured cells, in SI units, in the order of the file.

    Parameters
    ----------
    path
        The file.
    kind
        What it is of.
    cell
        Which cell, 0 to `cells` - 1, shape (n,).
    cells
        How many cells there are.
    values
        Quantity: its values, shape (n,); conductances in S, whatever the file holds.
    skipped
        Why lines were left out: how many.
    lines
        Lines of the file.
    """

    path: Path
    kind: Kind
    cell: IntArray
    cells: int
    values: dict[str, FloatArray]
    skipped: dict[str, int]
    lines: int

    def of_cells(self, chosen: BoolArray) -> Table:
        """Return the lines of some cells, shape (cells,); these are numbered anew."""
        lines = chosen[self.cell]
        number = np.cumsum(chosen) - 1
        values = {name: value[lines] for name, value in self.values.items()}
        n = int(np.count_nonzero(chosen))
        return replace(self, cell=number[self.cell[lines]], cells=n, values=values)

    def laid_out(
        self, name: str, place: IntArray, places: int, lines: BoolArray | None = None
    ) -> FloatArray:
        """Return a quantity as a map, shape (places, cells); NaN where there is no line.

        Parameters
        ----------
        name
            The quantity.
        place
            Place of each line, 0 to `places` - 1, shape (n,).
        lines
            Which lines to take, shape (n,); all by default.

        Raises
        ------
        DataError
            If the map would be too large.
        """
        if places * self.cells > MOST_NUMBERS:
            raise DataError(
                f"{self.path}: {self.cells} cells at {places} different places are too many; "
                "measure cells alike, or split the table"
            )
        chosen = slice(None) if lines is None else lines
        found = np.full((places, self.cells), np.nan)
        found[place[chosen], self.cell[chosen]] = self.values[name][chosen]
        return found

    def alternate(self, half: str) -> BoolArray:
        """Return which cells make one half of the table: every other one, `even` or `odd`.

        Raises
        ------
        DataError
            If there are fewer than four cells.
        """
        if self.cells < 4:
            raise DataError(f"{self.path} has {self.cells} cells; halves of it need at least 4")
        return np.asarray(np.arange(self.cells) % 2 == ("even", "odd").index(half))


def half_of(cells: int, rng: np.random.Generator) -> BoolArray:
    """Choose half of the cells, rounded down, at random; shape (cells,)."""
    chosen = np.zeros(cells, bool)
    chosen[rng.permutation(cells)[: cells // 2]] = True
    return chosen


def parse_mapping(text: str) -> Mapping:
    """Return what `QUANTITY=NAME:UNIT` says; NAME may have colons where a unit follows.

    Raises
    ------
    SettingError
        If there is no such quantity, or this is no unit of it.
    """
    quantity, equals, rest = text.partition("=")
    if not equals or not rest:
        raise SettingError(f"{text!r}: write QUANTITY=NAME:UNIT, for example gate_voltage=WL:V")
    if quantity not in QUANTITIES:
        raise SettingError(f"{text!r}: {unknown('quantity', quantity, QUANTITIES)}")
    unit = QUANTITIES[quantity]
    if not unit:
        return Mapping(quantity, rest, 1.0)
    name, colon, symbol = rest.rpartition(":")
    if not colon or not name:
        raise SettingError(
            f"{text!r}: the unit is missing; write {quantity}={rest}:UNIT with {_allowed(unit)}"
        )
    factors = {p + s: f for p, f in _PREFIXES.items() for s in _SYMBOLS[unit]}
    if symbol not in factors:
        raise SettingError(f"{text!r}: {symbol!r} is no unit of {quantity}; use {_allowed(unit)}")
    return Mapping(quantity, name, factors[symbol])


def _allowed(unit: str) -> str:
    return ", ".join(p + unit for p in ("", "m", "u", "n", "k", "M"))


def read_table(path: Path, mappings: Sequence[Mapping]) -> Table:
    """Read a table and say what it is of.

    Raises
    ------
    SettingError
        If the mappings are those of no kind of table, or two are of one quantity.
    DataError
        If the file cannot be read, has not these columns, or no line of it means anything.
    """
    by_quantity = {one.quantity: one for one in mappings}
    if len(by_quantity) < len(mappings):
        raise SettingError("each quantity stands in one column; one was given twice")
    kind = _kind(by_quantity)
    texts = [one.name for one in mappings if one.quantity in _NAMES]
    columns = read_columns(path, [one.name for one in mappings], texts)
    lines = next(iter(columns.values())).size
    keep = np.ones(lines, bool)
    skipped: dict[str, int] = {}

    def skip(bad: BoolArray, why: str) -> None:
        count = int(np.count_nonzero(bad & keep))
        if count:
            skipped[why] = count
        np.logical_and(keep, ~bad, out=keep)

    values: dict[str, FloatArray] = {}
    numbers: dict[str, IntArray] = {}
    for one in mappings:
        column = columns[one.name]
        if one.quantity in _NAMES:
            if column.dtype.kind == "f":
                skip(~np.isfinite(column), f"{one.quantity} missing")
            numbers[one.quantity] = np.unique(column, return_inverse=True)[1].astype(np.intp)
            continue
        skip(~np.isfinite(column), f"{one.quantity} missing or no number")
        value = column * one.factor
        quantity = one.quantity
        if quantity.startswith("resistance"):
            skip(~(value > 0.0), f"{quantity} not above 0 ohm")
            value = np.divide(1.0, value, out=np.zeros(lines), where=value > 0.0)
            quantity = quantity.replace("resistance", "conductance")
        values[quantity] = value
    _skip_impossible(values, skip)
    if not keep.any():
        told = "; ".join(f"{n} x {why}" for why, n in skipped.items())
        raise DataError(f"{path}: none of {lines} lines means anything ({told})")
    if "level" in numbers:
        values["level"] = numbers["level"].astype(np.float64)
    cell, cells = _cells(numbers, keep)
    kept = {name: value[keep] for name, value in values.items()}
    return Table(path, kind, cell, cells, kept, skipped, lines)


def _kind(given: dict[str, Mapping]) -> Kind:
    for quantity in given:
        twin = quantity.replace("resistance", "conductance")
        if twin != quantity and twin in given:
            raise SettingError(f"{quantity} and {twin} are one and the same; give one of them")
    there = {name.replace("resistance", "conductance") for name in given}
    for told_by, (kind, needed) in _TOLD_BY.items():
        if told_by in there:
            if missing := [name for name in needed if name not in there]:
                other = missing[0].replace("conductance", "resistance")
                raise SettingError(
                    f"a table of a {kind.value} needs {missing[0]} or {other}: add "
                    f"--column {missing[0]}=NAME:S"
                )
            if kind is Kind.RELAXATION and not there & {"cell", "row", "column"}:
                raise SettingError("a table of a relaxation needs cells: add --column cell=NAME")
            return kind
    raise SettingError(
        f"the columns do not say what was measured; one of them must be {', '.join(_TOLD_BY)}"
    )


def _skip_impossible(values: dict[str, FloatArray], skip: Callable[[BoolArray, str], None]) -> None:
    for name, value in values.items():
        if name.startswith("conductance"):
            skip(~(np.abs(value) <= _LARGEST), f"{name} beyond {_LARGEST * 1e3:g} mS")
        elif name == "gate_voltage":
            skip(~((value >= 0.0) & (value <= _HIGHEST_GATE)), f"{name} outside 0 to 10 V")
        elif name in ("time", "pulse", "cycle"):
            skip(~(value >= 0.0), f"{name} below 0")
        elif name == "width":
            skip(~(value > 0.0), f"{name} not above 0 s")


def _cells(numbers: dict[str, IntArray], keep: BoolArray) -> tuple[IntArray, int]:
    """Number the cells that are left; all lines are of one where nothing tells them apart."""
    told = [numbers[name][keep] for name in ("cell", "row", "column") if name in numbers]
    if not told:
        return np.zeros(np.count_nonzero(keep), np.intp), 1
    unique, number = np.unique(np.stack(told), axis=1, return_inverse=True)
    return number.reshape(-1).astype(np.intp), unique.shape[1]
