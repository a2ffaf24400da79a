"""What is said of a name that does not exist: the nearest one, and what there is at its place.

Names are dotted, `train.lr`, and there may be hundreds: only the level where the search ended is
listed, with groups as `train.*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

__all__ = ["at_place", "did_you_mean", "dotted_names", "near_names", "unknown"]


def dotted_names(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted name of every value that is no group."""
    names: list[str] = []
    for key, value in values.items():
        group = isinstance(value, Mapping)
        names += dotted_names(value, f"{prefix}{key}.") if group else [prefix + key]
    return names


def near_names(key: str, values: Mapping[str, Any], most: int = 3) -> list[str]:
    """Return the existing names that may have been meant by this one.

    Those that end like it, `train.lr` for `lr`, at most so many; else the one that is spelt most
    like it, as a whole or in its last part.
    """
    names = dotted_names(values)
    end = key.rpartition(".")[2]
    alike = [name for name in names if name.rpartition(".")[2] == end]
    if alike:
        return alike[:most]
    if spelt := get_close_matches(key, names, n=1):
        return spelt
    ends = {name.rpartition(".")[2]: name for name in reversed(names)}
    return [ends[near] for near in get_close_matches(end, ends, n=1, cutoff=0.75)]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return the question which of some names was meant, with a space behind; '' if none is near.

    Capital letters make no difference.
    """
    known = {name.lower(): name for name in names}
    near = [known[name] for name in near_names(word.lower(), known)]
    return f"did you mean {' or '.join(near)}? " if near else ""


def unknown(what: str, word: str, names: Iterable[str]) -> str:
    """Return what is said of a word that is none of some names: the near one, and all."""
    known = list(names)
    return f"unknown {what} {word!r}; {did_you_mean(word, known)}choose one of {', '.join(known)}"


def at_place(key: str, values: Mapping[str, Any]) -> str:
    """Return what the innermost existing group on the way to a name holds, groups as `train.*`."""
    node, place = values, ""
    for part in key.split("."):
        below = node.get(part)
        if not isinstance(below, Mapping):
            break
        node, place = below, f"{place}{part}."
    return ", ".join(
        f"{place}{name}.*" if isinstance(value, Mapping) else f"{place}{name}"
        for name, value in node.items()
    )
