"""Saves what a run file could not take: everything, or at least what it lacks, somewhere else.

A run file that meets a full disk, or was removed from its directory, still has everything that was
flushed; what was queued since is in memory. Both together become a run file of the same name in a
spare directory, which every command takes as if it had been written there. Where there is no room
for everything, a file with only what is missing is written: the same datasets, which begin where
those of the run file end (their scales count on).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py

from memlab.errors import MemlabError
from memlab.runs.growing import Growing, find_growing
from memlab.runs.hdf5 import written
from memlab.runs.rescue import copy_run, edit, rewrite
from memlab.storage import spare_directories

__all__ = ["Leftovers", "mend", "save_elsewhere"]

Finish = Callable[[h5py.Group], None]


@dataclass(frozen=True)
class Leftovers:
    """What became of a run whose file could not be written.

    Parameters
    ----------
    text
        Half a sentence that says where everything is.
    paths
        Files that hold it.
    """

    text: str
    paths: tuple[Path, ...]


def save_elsewhere(
    path: Path, descriptor: int, growing: Mapping[str, Growing], finish: Finish
) -> Leftovers:
    """Save everything of a run, or what its file lacks, in a spare directory.

    Parameters
    ----------
    path
        The run file; HDF5 has let go of it.
    descriptor
        An open descriptor of it: it may have been removed from its directory.
    growing
        What is in it for certain, and what waits to be written.
    finish
        Called with the entry of the copy to write how the run ended.
    """
    there = _is_there(path, descriptor)
    kept = (path,) if there else ()
    flushed = {name: one.size for name, one in growing.items()}
    queued = sum(array.nbytes for one in growing.values() for array in one.pending)
    size = os.fstat(descriptor).st_size

    def write_whole(copy: Path) -> None:
        with open(os.dup(descriptor), "rb") as source, copy.open("xb") as target:
            source.seek(0)
            shutil.copyfileobj(source, target, 2**20)
        rewrite(copy, flushed)
        _complete(copy, growing, finish)

    def write_rest(copy: Path) -> None:
        copy_run(path, copy, dict.fromkeys(flushed, 0))

        def note(entry: h5py.Group) -> None:
            finish(entry)
            entry.attrs["rest_of"] = str(path.resolve())

        _complete(copy, growing, note)

    if whole := _try(write_whole, 2 * size + 2 * queued, path.name):
        where = "what was written before is still there, and" if there else "it is gone, but"
        return Leftovers(f"{where} all that was measured is in {whole}", (*kept, whole))
    if not there:
        return Leftovers("it is gone, and there was no room to save it elsewhere", ())
    if rest := _try(write_rest, 2 * queued, f"{path.stem}-rest{path.suffix}"):
        return Leftovers(f"it holds what was written before, {rest} the rest", (*kept, rest))
    return Leftovers("it holds what was written before; what came after is lost", kept)


def mend(
    path: Path, descriptor: int, growing: Mapping[str, Growing], finish: Finish, *, closed: bool
) -> None:
    """Make the run file itself whole, with what it has; it stays as it is where that fails.

    Parameters
    ----------
    path, descriptor, growing, finish
        As for `save_elsewhere`.
    closed
        Whether HDF5 could close it.
    """
    if not _is_there(path, descriptor):
        return
    with suppress(OSError, RuntimeError, MemlabError):
        if not closed:
            rewrite(path, {name: one.size for name, one in growing.items()})
        with edit(path) as file:
            finish(file["entry"])


def _complete(copy: Path, growing: Mapping[str, Growing], finish: Finish) -> None:
    def targets(file: h5py.File) -> list[Growing]:
        found = find_growing(file["entry"])
        for name, target in found.items():
            target.pending = list(growing[name].pending)
        return list(found.values())

    with h5py.File(copy, "r") as file:
        size = sum(target.room for target in targets(file))
    with written(copy, "r+", size) as file:
        for target in targets(file):
            target.write()
        finish(file["entry"])


def _try(write: Callable[[Path], None], size: int, name: str) -> Path | None:
    """Write a file in the first spare directory where that works; None where there is none."""
    for directory in spare_directories(size):
        copy = directory / name
        try:
            write(copy)
        except (OSError, RuntimeError, MemlabError):
            shutil.rmtree(directory, ignore_errors=True)
            continue
        return copy
    return None


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
