"""Boards by the scheme of their URL: those of this package, and those of any other.

A package offers a board as an entry point of the group `memlab.boards`: the scheme, and the
function that opens it. Its parameters are the options of the URL, so that

    [project.entry-points."memlab.boards"]
    bench-7 = "my_lab.board:open_board"          # def open_board(port: str, settle: float = 1e-3)

opens `bench-7:?port=/dev/ttyUSB3&settle=0.01`. Nothing of a package is loaded before its scheme is
used. Options that do not exist, are missing, or are of another type are refused in one line, before
the function is called.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint
from math import isfinite
from typing import Any, get_type_hints

from drivers.board import Board
from drivers.errors import DeviceError
from drivers.known_names import did_you_mean
from drivers.plug_ins import find_points, load_point, only_point

__all__ = ["GROUP", "named_schemes", "open_named_board", "read_options"]

GROUP = "memlab.boards"
_OURS = {
    "arc2": "drivers.arc2_board:open_board",
    "smu-matrix": "drivers.smu_matrix:open_board",
}
_TYPES: dict[type, str] = {str: "text", int: "a whole number", float: "a number"}


@cache
def _points() -> dict[str, list[EntryPoint]]:
    """Return all boards by scheme; nothing of them is loaded."""
    ours = {name: [EntryPoint(name, value, GROUP)] for name, value in _OURS.items()}
    return find_points([GROUP]) | ours


def named_schemes() -> tuple[str, ...]:
    """Return the schemes that there are, in alphabetical order."""
    return tuple(sorted(_points()))


def read_options(
    url: str, scheme: str, options: Mapping[str, str], beside: Sequence[str] = ()
) -> tuple[Callable[..., Board], dict[str, Any]]:
    """Return what opens a board, and its arguments; opens nothing.

    Parameters
    ----------
    url
        For messages.
    scheme, options
        Of the URL.
    beside
        Options that the caller takes out of a URL himself, for whoever misspelt one of them.

    Raises
    ------
    ValueError
        If an option does not exist, is missing, or is of another type.
    DeviceError
        If the package that offers the scheme cannot be loaded.
    """
    opener: Callable[..., Board] = load_point(
        only_point(_points()[scheme], DeviceError), DeviceError
    )
    known, hints = inspect.signature(opener).parameters, get_type_hints(opener)
    for name in options:
        if name not in known:
            hint = did_you_mean(name, (*known, *beside))
            raise ValueError(f"{url!r}: unknown option {name!r}; {hint}allowed: {', '.join(known)}")
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in options:
            raise ValueError(f"{url!r} lacks an option: write {scheme}:?{name}=...")
    return opener, {name: _typed(url, name, text, hints[name]) for name, text in options.items()}


def open_named_board(
    url: str, scheme: str, options: Mapping[str, str], beside: Sequence[str] = ()
) -> Board:
    """Open the board of a scheme; arguments and errors as in `read_options`, and its own."""
    opener, arguments = read_options(url, scheme, options, beside)
    return opener(**arguments)


def _typed(url: str, name: str, text: str, wanted: type) -> Any:
    try:
        value = wanted(text)
    except ValueError:
        value = None
    if value is None or (wanted is float and not isfinite(value)):
        raise ValueError(f"{url!r}: {name}={text} must be {_TYPES[wanted]}")
    return value
