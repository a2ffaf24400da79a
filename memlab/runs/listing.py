"""The runs in a directory, and which of them somebody looks for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from drivers.known_names import did_you_mean
from memlab.errors import DataError, SettingError
from memlab.runs.brief import Brief, read_brief

__all__ = ["SUFFIXES", "Choice", "Listing", "files_of", "list_runs"]

SUFFIXES = (".h5", ".hdf5", ".nxs")
"""Of run files."""


@dataclass(frozen=True)
class Choice:
    """Which runs are wanted; what is empty or None chooses nothing.

    Parameters
    ----------
    kinds, statuses
        Any of them: `staircase`, `airline`; `finished`, `killed`.
    board, chip
        Part of a board's URL; part of a board's serial number or of the name of a chip.
    seed
        Of the run.
    tags
        All of them.
    since, until
        Moments (with a time zone) between which the run began.
    """

    kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    board: str = ""
    chip: str = ""
    seed: int | None = None
    tags: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and not self.since <= self.until:
            raise SettingError("no run begins after `since` and before `until`: they are swapped")

    def holds(self, run: Brief) -> bool:
        """Return whether a run is wanted."""
        return (
            (not self.kinds or run.kind in self.kinds or str(run.family) in self.kinds)
            and (not self.statuses or run.status in self.statuses)
            and (not self.board or any(self.board in url for url in run.boards))
            and (not self.chip or any(self.chip in name for name in _chips(run)))
            and (self.seed is None or run.seed == self.seed)
            and set(self.tags) <= set(run.tags)
            and (self.since is None or run.started >= self.since)
            and (self.until is None or run.started <= self.until)
        )


@dataclass(frozen=True)
class Listing:
    """What was found.

    Parameters
    ----------
    runs
        Those that are wanted, in short, by the time of their start.
    unreadable
        Files that are called like run files and are none, or are damaged; and why.
    unknown
        Of each word of the choice that no run there has, what is said of it.
    """

    runs: list[Brief]
    unreadable: list[tuple[Path, str]]
    unknown: list[str] = field(default_factory=list)


def list_runs(
    places: Sequence[Path],
    choice: Choice = Choice(),
    *,
    below: bool = False,
) -> Listing:
    """Read all run files of some directories.

    Parameters
    ----------
    places
        Directories; files are taken as they are.
    choice
        Which runs are wanted.
    below
        Also in the directories below.

    Raises
    ------
    SettingError
        If a place is not there.
    """
    found, unreadable = [], []
    for path in dict.fromkeys(path for place in places for path in files_of(place, below)):
        try:
            with read_brief(path) as (run, _):
                found.append(run)
        except DataError as error:
            unreadable.append((path, str(error)))
    runs = sorted(filter(choice.holds, found), key=lambda run: (run.started, run.path))
    return Listing(runs, unreadable, list(_unknown(choice, found)))


def _unknown(choice: Choice, found: Sequence[Brief]) -> Iterator[str]:
    """Say of each word that no run has which one may be meant."""
    for what, words, there in (
        ("kind", choice.kinds, {text for run in found for text in (run.kind, str(run.family))}),
        ("status", choice.statuses, {run.status for run in found}),
        ("tag", choice.tags, {tag for run in found for tag in run.tags}),
    ):
        for word in words:
            if word not in there:
                hint = did_you_mean(word, sorted(there))
                yield f"no run here has the {what} {word!r}; {hint}there are " + (
                    ", ".join(sorted(there)) or "none"
                )


def files_of(place: Path, below: bool) -> Iterator[Path]:
    """Yield the files of a directory that are called like run files; a file is taken as it is."""
    if place.is_file():
        yield place
    elif place.is_dir():
        found = _below(place) if below else place.iterdir()
        yield from sorted(p for p in found if p.suffix in SUFFIXES and p.is_file())
    else:
        raise SettingError(f"there is no directory or file {place}")


def _below(place: Path) -> Iterator[Path]:
    """Yield what lies in a directory and below; one that goes meanwhile ends `rglob`, not this."""
    for folder, _, names in os.walk(place):
        yield from (Path(folder, name) for name in names)


def _chips(run: Brief) -> Iterator[str]:
    for instrument in run.instruments:
        for key in ("board.serial", "passport.chip", "chip.name"):
            if key in instrument:
                yield str(instrument[key])
