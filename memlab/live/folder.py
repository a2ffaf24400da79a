"""The runs of a directory and of those below it: scanned bit by bit, kept while they are the same.

Of each run no more is kept than its line of the table, so that ten thousand of them take a few
megabytes. A run that is going on is asked each time whether its writer is alive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memlab.errors import DataError
from memlab.kinds import kind_of_run
from memlab.markup import plain, spelt
from memlab.runs.brief import Brief, read_brief
from memlab.runs.found import FoundValues
from memlab.runs.listing import SUFFIXES
from memlab.runs.living import LOCK, RUN_ID, is_alive

__all__ = ["Entry", "Folder", "FolderSource", "matches"]

_AT_ONCE = 1.0
"""Seconds that one look may read new files, before it tells what it has."""

_MOST_FILES = 50_000
"""More are not looked for: somebody has named the wrong directory."""

_KEYS = ("kind", "status", "tag", "chip", "board", "seed", "preset")


@dataclass(frozen=True)
class Entry:
    """A line of the table.

    Parameters
    ----------
    number
        By which people name it on the page; it stays while the program runs.
    name
        Path below the directory, with every character that it has; all other texts are plain.
    kind, preset, status, board, chip, tags, title, started, seconds, seed
        Of the run; None where it has none.
    found
        The number by which a person recognises it.
    emulated
        Whether nothing of it was measured on silicon.
    """

    number: int
    name: str
    kind: str
    preset: str
    status: str
    started: datetime
    seconds: float | None
    board: str
    chip: str
    seed: int | None
    tags: tuple[str, ...]
    title: str
    found: str
    emulated: bool

    @property
    def text(self) -> str:
        """Everything in which a word is looked for, in small letters."""
        parts = (self.name, self.kind, self.preset, self.status, self.chip, self.board)
        return " ".join((*parts, *self.tags, self.title)).lower()


@dataclass(frozen=True)
class Folder:
    """What was found by now.

    Parameters
    ----------
    path
        The directory.
    entries
        By their numbers.
    left_out
        Names of files that are no runs or cannot be read, and why.
    left
        Files that are still to be read.
    more
        Whether there are so many files that some were not looked at.
    """

    path: Path
    entries: tuple[Entry, ...]
    left_out: tuple[tuple[str, str], ...]
    left: int
    more: bool = False


def matches(entry: Entry, words: str) -> bool:
    """Return whether an entry has all words: `kind:iv`, `tag:first`, or a part of any text."""
    text = entry.text
    for word in words.lower().split():
        key, colon, value = word.partition(":")
        if not colon or key not in _KEYS:
            found = word in text
        elif key == "tag":
            found = any(value in tag.lower() for tag in entry.tags)
        elif key == "seed":
            found = str(entry.seed) == value
        else:
            found = value in str(getattr(entry, key)).lower()
        if not found:
            return False
    return True


State = tuple[int, int, int]


class FolderSource:
    """Looks at a directory (`memlab.live.watch.Source`).

    Parameters
    ----------
    path
        The directory.
    """

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[str, tuple[State, Entry | str]] = {}
        self._locks: dict[str, Mapping[str, Any]] = {}
        self._numbers: dict[str, int] = {}
        self._last: Folder | None = None
        self.left = 0
        """Files that are still to be read."""

    def look(self) -> Folder | None:
        """Return what was found by now; None where nothing has changed."""
        files = dict(self._files())
        for name in self._known.keys() - files.keys():
            del self._known[name]
            self._locks.pop(name, None)
        new = [name for name, state in files.items() if self._known.get(name, ("",))[0] != state]
        until = time.monotonic() + _AT_ONCE
        done = 0
        for name in new:
            self._known[name] = files[name], self._read(name)
            done += 1
            if time.monotonic() >= until:
                break
        self.left = len(new) - done
        self._look_after_the_living()
        entries = [one for _, one in self._known.values() if isinstance(one, Entry)]
        folder = Folder(
            self.path,
            tuple(sorted(entries, key=lambda one: one.number)),
            tuple((n, one) for n, (_, one) in self._known.items() if isinstance(one, str)),
            self.left,
            len(files) >= _MOST_FILES,
        )
        if folder == self._last:
            return None
        self._last = folder
        return folder

    def close(self) -> None:
        """Keep what is known: nothing is open."""

    def find(self, name: str) -> Path | None:
        """Return the file of a name as the table has it; None where there is no such file."""
        path = self.path / name
        if name in self._known:
            return path if path.is_file() else None
        try:
            return path if name in dict(self._files()) else None
        except DataError:  # the directory has gone
            return None

    def _files(self) -> Iterator[tuple[str, State]]:
        """Yield name and state of what is called like a run file, here and below."""
        count, folders = 0, [""]
        while folders:
            folder = folders.pop()
            try:
                found = sorted(os.scandir(self.path / folder), key=lambda one: one.name)
            except OSError as error:
                if not folder:
                    raise DataError(f"{self.path} cannot be read: {error.strerror}") from error
                continue
            for one in found:
                name = f"{folder}{one.name}"
                try:
                    if one.is_dir(follow_symlinks=False) and not one.name.startswith("."):
                        folders.append(f"{name}/")
                    elif name.endswith(SUFFIXES) and one.is_file():
                        state = one.stat()
                        yield name, (state.st_ino, state.st_size, state.st_mtime_ns)
                        count += 1
                except OSError:  # it has gone meanwhile
                    continue
                if count >= _MOST_FILES:
                    return

    def _read(self, name: str) -> Entry | str:
        """Return the entry of a file, or why it has none."""
        self._locks.pop(name, None)
        path = self.path / name
        try:
            with read_brief(path) as (run, found):
                entry = self._entry(name, run, found)
        except DataError as error:
            return str(error)
        if run.status == "running":
            self._locks[name] = {
                k: run.attributes[k] for k in (RUN_ID, LOCK) if k in run.attributes
            }
        return entry

    def _look_after_the_living(self) -> None:
        """Call those killed whose writers are gone: their files do not change by that."""
        for name, about in list(self._locks.items()):
            if not is_alive(self.path / name, about):
                del self._locks[name]
                state, entry = self._known[name]
                if isinstance(entry, Entry):
                    self._known[name] = state, replace(entry, status="killed")

    def _entry(self, name: str, run: Brief, found: FoundValues) -> Entry:
        number = self._numbers.setdefault(name, len(self._numbers) + 1)
        chief = kind_of_run(run).chief(found)
        return Entry(
            number=number,
            name=name,
            kind=plain(run.kind),
            preset=plain(run.preset),
            status=plain(run.status),
            started=run.started.astimezone(UTC),
            seconds=run.seconds,
            board=plain(" ".join(run.boards)),
            chip=plain(", ".join(dict.fromkeys(filter(None, run.chips)))),
            seed=run.seed,
            tags=tuple(map(plain, run.tags)),
            title=plain(run.title),
            found="" if chief is None else plain(spelt(f"{chief} {found[chief].in_words()}")),
            emulated=run.emulated,
        )
