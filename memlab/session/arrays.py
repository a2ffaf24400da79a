"""The arrays of a run: opened, grounded and counted together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields

from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.measurement import Counts
from memlab.array.urls import check_url, open_array, open_board_array
from memlab.chip.limit_changes import LimitChanges
from memlab.chip.limits import Limits, OperatingPoint
from memlab.emulator import ChipPreset
from memlab.errors import SettingError
from memlab.runs import GoodLines

__all__ = [
    "check_boards",
    "open_arrays",
    "open_chip",
    "save_chips",
    "save_passports",
    "total_counts",
]

_COUNTED = tuple(field.name for field in fields(Counts))


def check_boards(boards: Sequence[str]) -> tuple[str, ...]:
    """Raise `SettingError` unless these URLs can be open at the same time; opens nothing.

    Returns them as they may be written down: see `check_url`.
    """
    if not boards:
        raise SettingError("no board was named; a network needs at least one")
    boards = tuple(check_url(url) for url in boards)
    for url, times in Counter(boards).items():
        if times > 1 and url.partition(":")[0] not in ("emulator", "ideal"):
            raise SettingError(f"{url} is one board and was named {times} times")
    return boards


@contextmanager
def open_arrays(
    boards: Sequence[str],
    *,
    seed: int = 0,
    chip: ChipPreset | None = None,
    point: OperatingPoint | None = None,
    limits: Limits | LimitChanges | None = None,
    good: GoodLines | None = None,
) -> Iterator[list[Array]]:
    """Open an array for each URL; however the block ends, every one of them is grounded.

    Chips must differ: emulated board k has `seed` plus k, unless its URL gives one. With `good`,
    views of those rows and columns. What is not in `limits` is as each chip's file says, and so is
    a `point` that is not given.

    Raises
    ------
    SettingError, TransportError, ProtocolError
        As `memlab.open_array`; the arrays that were open already are grounded and released.
    """
    with ExitStack() as stack:
        arrays = [
            stack.enter_context(
                open_array(url, seed=seed + number, chip=chip, point=point, limits=limits)
            )
            for number, url in enumerate(boards)
        ]
        yield arrays if good is None else [array[good.rows, good.columns] for array in arrays]


@contextmanager
def open_chip(
    board: str,
    *,
    seed: int = 0,
    chip: ChipPreset | None = None,
    point: OperatingPoint | None = None,
    limits: Limits | LimitChanges | None = None,
) -> Iterator[BoardArray]:
    """Open the one array of a run that is about a device; however the block ends, it is grounded.

    Raises
    ------
    SettingError, TransportError, ProtocolError
        As `memlab.open_array`; and where there is no device.
    """
    with open_board_array(board, seed=seed, chip=chip, point=point, limits=limits) as array:
        yield array


def save_chips(arrays: Sequence[Array]) -> None:
    """Save chips that are kept in files, before a run file says that the run came so far.

    A kill in between then leaves a chip that is ahead of the run, which can go back, and never one
    that lacks what its run file tells of.
    """
    for array in arrays:
        if array.simulation is not None:
            array.simulation.save()


def save_passports(arrays: Sequence[Array]) -> None:
    """Save what a run has found in the passports, before its file says that it is finished.

    A run that is finished is never taken up again: what a kill took from its passport stays lost.
    """
    for array in arrays:
        if array.passport is not None:
            array.passport.save()


def total_counts(arrays: Sequence[Array]) -> dict[str, int]:
    """Return what all arrays together have been asked to do, by the names of `Counts`."""
    return {name: sum(getattr(array.counts, name) for array in arrays) for name in _COUNTED}
