"""Finds kinds by name: those of memlab and those of other packages, through one door.

Kinds are entry points in a group for each family: `memlab.kinds.procedure` and so on. Names and
families are known without loading anything; a kind is loaded when somebody names it. In the group
`memlab.kinds` a family is not told: such a kind is loaded with any other.
What is wrong with one package is told of its kinds alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import TypeVar

from drivers.known_names import did_you_mean
from drivers.plug_ins import find_points, load_point, only_point, where_from
from memlab.errors import SettingError
from memlab.kinds.kind import Kind
from memlab.runs import Family
from memlab.runs.brief import Brief

__all__ = ["GROUP", "Kinds", "kind_names", "kind_of_run", "load_derived", "load_kind"]

GROUP = "memlab.kinds"
K = TypeVar("K", bound=Kind)
_NAME = re.compile(r"\w+([.-]\w+)*")
"""Run files are called after their kind."""


@cache
def _points() -> dict[str, list[EntryPoint]]:
    return find_points((GROUP, *(f"{GROUP}.{family}" for family in Family)))


def _family_of(point: EntryPoint) -> Family | None:
    """Return the family that the group of an entry point tells; None where it tells none."""
    return None if point.group == GROUP else Family(point.group.removeprefix(f"{GROUP}."))


def kind_names(family: Family | None = None) -> list[str]:
    """Return the names of all kinds, or of those that may be of a family; loads none."""
    return sorted(
        name
        for name, points in _points().items()
        if family is None or {_family_of(point) for point in points} & {family, None}
    )


def load_kind(name: str, family: Family | None = None) -> type[Kind]:
    """Return a kind.

    Parameters
    ----------
    name
        As users type it.
    family
        Of which it must be, and one that commands can run; None for any.

    Raises
    ------
    SettingError
        If there is none of this name or several are, it is of another family, or its package
        cannot be loaded.
    """
    points = _points().get(name, [])
    if not points:
        there = list(Kinds(family))
        choice = ", ".join(there) or "none: install memlab (python -m pip install .)"
        near = did_you_mean(name, there)
        raise SettingError(f"unknown {family or 'kind'} {name!r}; {near}choose one of {choice}")
    point = only_point(points, SettingError)
    found = _family_of(point) or _load(point).family
    if family is not None and found is not family:
        raise SettingError(f"{name} is no {family} but of the family {found}")
    kind = _load(point)
    if family is not None and not kind.runs():
        raise SettingError(f"{name} is not run by name: {kind.about}")
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        raise SettingError(
            f"{name}: {kind.__name__} ({kind.__module__}) lacks {' and '.join(missing)}; a "
            f"{kind.family} cannot be run without (README.md, Your own experiments and procedures)"
        )
    return kind


def load_derived(name: str, base: type[K]) -> type[K]:
    """Return a kind that derives from the class of its family.

    Raises
    ------
    SettingError
        As `load_kind`, and if it derives from another class.
    """
    kind = load_kind(name, base.family)
    if not issubclass(kind, base):
        raise SettingError(
            f"{name} is of the family {base.family} and derives from no {base.__name__}"
        )
    return kind


@cache
def _load(point: EntryPoint) -> type[Kind]:
    where = where_from(point)
    if not _NAME.fullmatch(point.name):
        raise SettingError(f"{where} is no name of a kind: letters, digits, - _ . between")
    kind = load_point(point, SettingError)
    if not (isinstance(kind, type) and issubclass(kind, Kind)):
        raise SettingError(f"{where} is no kind: {point.value} must be a class of memlab.Kind")
    missing = [name for name in ("name", "title", "family") if not hasattr(kind, name)]
    if missing:
        raise SettingError(f"{where} is no whole kind: {point.value} has no {missing[0]}")
    if kind.name != point.name:
        raise SettingError(f"{where} calls itself {kind.name}; its entry point must be called so")
    if _family_of(point) not in (None, kind.family):
        raise SettingError(f"{where} stands in {point.group}: move it to {GROUP}.{kind.family}")
    return kind


class Kinds(Mapping[str, type[Kind]]):
    """The kinds of a family that commands can run, by name; what cannot be loaded is left out.

    Parameters
    ----------
    family
        Which; None for all kinds, also those of which there are only files.
    """

    def __init__(self, family: Family | None = None):
        self._family = family

    def __getitem__(self, name: str) -> type[Kind]:
        """Return a kind of the family; `KeyError` where there is none of this name."""
        try:
            return load_kind(name, self._family) if name in _points() else _none(name)
        except SettingError as error:
            raise KeyError(str(error)) from error

    def __iter__(self) -> Iterator[str]:
        """Yield the names in order; the kinds of the family are loaded to leave out broken ones."""
        for name in kind_names(self._family):
            try:
                load_kind(name, self._family)
            except SettingError:
                continue
            yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def broken(self) -> dict[str, str]:
        """Return why kinds, that are of the family as far as one knows, cannot be loaded."""
        found = {}
        for name in kind_names(self._family):
            try:
                load_kind(name)
            except SettingError as error:
                found[name] = str(error)
        return found


def _none(name: str) -> type[Kind]:
    raise SettingError(f"unknown kind {name!r}")


def kind_of_run(run: Brief) -> type[Kind]:
    """Return the kind of a run file; a nameless one where its package is not here, or is broken.

    That one knows nothing of its own: it shows what the file declares.
    """
    try:
        return load_kind(run.kind)
    except SettingError:
        return _Foreign


class _Foreign(Kind):
    """A kind of which there is only a file."""

    name = "unknown"
    title = "Run of a kind that is not installed"
    family = Family.IMPORT
