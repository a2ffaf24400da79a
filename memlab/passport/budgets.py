"""How much a cell may be asked for over its life; what goes beyond is refused before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.errors import LimitError
from drivers.known_names import unknown
from memlab.chip.budget_changes import DEFAULT_BUDGETS
from memlab.errors import SettingError
from memlab.passport.pulses import RowPulses
from memlab.passport.totals import Totals, add_rows

__all__ = ["Budgets", "parse_budget"]


@dataclass(frozen=True)
class Budgets:
    """Most that each cell of a chip may get; None where there is no end.

    Pulses whose fate is unknown count as fired. The defaults ask for a look at the chip, well
    before oxide cells are known to wear out (10^6 cycles and more): 10^5 SETs are about a hundred
    published trainings.

    Parameters
    ----------
    set, reset
        SETs, and RESETs.
    pulses
        Both together.
    energy
        Estimated energy of all pulses, in J (see `memlab.passport.totals`).
    forming
        Formings: a formed cell is not formed again.
    """

    set: int | None = DEFAULT_BUDGETS["set"]
    reset: int | None = DEFAULT_BUDGETS["set"]
    pulses: int | None = None
    energy: float | None = None
    forming: int | None = DEFAULT_BUDGETS["forming"]

    @property
    def limited(self) -> dict[str, float]:
        """The budgets that have an end, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def check(
        self,
        totals: Totals,
        asked: npt.NDArray[np.int32],
        pulses: RowPulses,
        where: str,
    ) -> None:
        """Raise `LimitError` if a cell would go over a budget.

        Parameters
        ----------
        totals
            So far.
        asked, pulses
            What is asked for now: pulses of each cell (`count`), and one by one.
        where
            Name of the passport.
        """
        used = totals.fired + totals.doubtful
        if self.set is not None:
            _check("set", "SETs", used[0], asked[0], self.set, where)
        if self.reset is not None:
            _check("reset", "RESETs", used[1], asked[1], self.reset, where)
        if self.pulses is not None:
            _check("pulses", "pulses", used.sum(0), asked.sum(0), self.pulses, where)
        if self.energy is not None:
            energy = np.zeros(totals.shape)
            add_rows(energy, pulses.row, totals.energy_of(pulses))
            _check("energy", "J", totals.energy, energy, self.energy, where)

    def may_form(self, formed: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Return which cells, formed this often so far, may be formed once more."""
        return np.full(formed.shape, True) if self.forming is None else formed < self.forming

    def check_forming(
        self, formed: npt.NDArray[np.int32], cells: npt.NDArray[np.bool_], where: str
    ) -> None:
        """Raise `LimitError` if one of these cells was formed as often as it may be."""
        if self.forming is not None:
            _check("forming", "formings", formed, cells.astype(np.int32), self.forming, where)


def parse_budget(name: str, text: str) -> float | None:
    """Read the value of a budget as people write it; `none` takes it away.

    Raises
    ------
    SettingError
        If there is no such budget, or this is no value for it.
    """
    names = [field.name for field in fields(Budgets)]
    if name not in names:
        raise SettingError(unknown("budget", name, names))
    if text == "none":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    whole = name != "energy"
    if not 0 <= value < 2**31 or (whole and value != int(value)):
        kind = "a whole number of pulses" if whole else "a number of joules"
        raise SettingError(f"budget {name}={text}: give {kind}, for example 1e5, or none")
    return int(value) if whole else value


def _check(
    name: str,
    unit: str,
    used: npt.NDArray[Any],
    asked: npt.NDArray[Any],
    budget: float,
    where: str,
) -> None:
    after = used + asked
    if after.max() <= budget:  # nearly always
        return
    over = ~(after <= budget) & ~(asked <= 0)  # a NaN on either side is refused
    if not over.any():
        return
    row, column = (int(k) for k in np.argwhere(over)[0])
    others = int(np.count_nonzero(over)) - 1
    more = f" (and {others} more cells)" if others else ""
    raise LimitError(
        f"cell [{row}, {column}]{more} has had {used[row, column]:.6g} {unit}, "
        f"{asked[row, column]:.6g} more would go over its budget of {budget:.6g}. Nothing was "
        f"sent. Leave these cells out, or look at them and raise the budget: "
        f"memlab chip budget {where} --{name} N"
    )
