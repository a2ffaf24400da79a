"""What packages bring under a name: entry points, loaded when somebody names them.

Boards, kinds of runs and update rules are found through this one door. Names are known without
loading anything; what is wrong with one package is told of what it brings alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from firmware_protocol.errors import MemlabError

__all__ = ["find_points", "load_point", "only_point", "where_from"]


def find_points(groups: Sequence[str]) -> dict[str, list[EntryPoint]]:
    """Return the entry points of some groups by name; searching all packages takes a while."""
    found: dict[str, list[EntryPoint]] = {}
    everything = entry_points()
    for group in groups:
        for point in everything.select(group=group):
            found.setdefault(point.name, []).append(point)
    return found


def only_point(points: Sequence[EntryPoint], error: type[MemlabError]) -> EntryPoint:
    """Return the entry point of a name; raise an `error` where several packages bring one."""
    if len(points) > 1:
        packages = " and ".join(sorted(map(_package, points)))
        raise error(f"{points[0].name} is brought by {packages}: uninstall all but one of them")
    return points[0]


def load_point(point: EntryPoint, error: type[MemlabError]) -> Any:
    """Return what an entry point names; raise an `error` with the reason where that fails."""
    try:
        return point.load()
    except (Exception, SystemExit) as cause:  # whatever other people's modules raise
        why = " ".join(str(cause).split()) or "no reason given"
        raise error(
            f"{where_from(point)} cannot be loaded: {type(cause).__name__}: {why}"
        ) from cause


def where_from(point: EntryPoint) -> str:
    """Return the name of an entry point with its package, for messages."""
    return f"{point.name} ({_package(point)})"


def _package(point: EntryPoint) -> str:
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"
