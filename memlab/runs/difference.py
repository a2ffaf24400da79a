"""What differs between two runs: kind, settings, versions, instrument, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memlab.runs.findings import Finding
from memlab.runs.reader import Run
from memlab.runs.run_file import flatten

__all__ = ["Change", "Comparison", "NumberChange", "compare_runs"]

_ABOUT_PLACE = ("run_id", "lock", "start_time", "end_time", "session", "clock_origin")


@dataclass(frozen=True)
class Change:
    """Something that is not the same; None where a run does not have it."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class NumberChange:
    """A number that both runs found.

    Parameters
    ----------
    name, units, description
        As its kind declares it.
    before, after
        With their errors; None where a run gives none, or did not determine the number.
    given
        Which of the two runs give the number, determined or not.
    """

    name: str
    units: str
    description: str
    before: float | None
    before_error: float | None
    after: float | None
    after_error: float | None
    given: tuple[bool, bool] = (True, True)

    @property
    def difference(self) -> float | None:
        """`after` less `before`; None where one is missing."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    @property
    def z(self) -> float | None:
        """The difference in its standard errors; None where a run gives no error."""
        if self.difference is None or self.before_error is None or self.after_error is None:
            return None
        error = float(np.hypot(self.before_error, self.after_error))
        return self.difference / error if error > 0.0 else None


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side; whatever is the same is left out, except for numbers.

    Parameters
    ----------
    about
        Kind, status, boards, seed, preset, tags.
    settings, versions
        By their dotted names.
    instrument
        Chip, board, limits, calibration: all that the arrays say of themselves.
    numbers
        That either found.
    """

    about: list[Change] = field(default_factory=list)
    settings: list[Change] = field(default_factory=list)
    versions: list[Change] = field(default_factory=list)
    instrument: list[Change] = field(default_factory=list)
    numbers: list[NumberChange] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether nothing differs but when and where the runs were made."""
        lists = (self.about, self.settings, self.versions, self.instrument)
        return not any(lists) and all(n.before == n.after for n in self.numbers)


def compare_runs(before: Run, after: Run) -> Comparison:
    """Return every difference between two runs.

    The runs may be of different kinds; then what they have in common is compared.
    """
    return Comparison(
        about=_changes(_about(before), _about(after)),
        settings=_changes(flatten(before.settings), flatten(after.settings)),
        versions=_changes(before.versions, after.versions),
        instrument=_changes(_arrays(before), _arrays(after)),
        numbers=_numbers(before, after),
    )


def _about(run: Run) -> dict[str, Any]:
    return {
        "kind": run.kind,
        "status": run.status,
        "boards": " ".join(run.boards),
        "seed": run.seed,
        "preset": run.preset,
        "tags": ", ".join(run.tags),
        "note": run.note,
    }


def _arrays(run: Run) -> dict[str, Any]:
    if len(run.instruments) == 1:
        return dict(run.instruments[0])
    return flatten({f"array_{k}": dict(one) for k, one in enumerate(run.instruments)})


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    names = dict.fromkeys([*before, *after])
    return [
        Change(name, before.get(name), after.get(name))
        for name in names
        if name not in _ABOUT_PLACE and before.get(name) != after.get(name)
    ]


def _numbers(before: Run, after: Run) -> list[NumberChange]:
    first, second = before.findings.values, after.findings.values
    found = []
    for name in dict.fromkeys([*first, *second]):
        a, b = first.get(name), second.get(name)
        one = a or b
        if one is None or not isinstance(one.value, float):
            continue
        if a is not None and b is not None and a.units != b.units:
            # Not one quantity, whatever it is called.
            found += [_number(name, a, None), _number(name, None, b)]
        else:
            found.append(_number(name, a, b))
    return found


def _number(name: str, a: Finding | None, b: Finding | None) -> NumberChange:
    one = a or b
    assert one is not None
    return NumberChange(
        name,
        one.units,
        one.description,
        *_value(a),
        *_value(b),
        given=(a is not None, b is not None),
    )


def _value(one: Finding | None) -> tuple[float | None, float | None]:
    if one is None or not isinstance(one.value, float) or not np.isfinite(one.value):
        return None, None
    error = np.nan if one.error is None else float(np.mean(one.error))
    return one.value, error if np.isfinite(error) else None
