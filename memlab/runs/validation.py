"""Whether a run file keeps what run files promise: names, units, scales, lengths, its checksum."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py

from memlab.errors import DataError
from memlab.runs.reader import Run, open_run
from memlab.runs.schema import SCHEMA_VERSION
from memlab.storage import Seal, check_seal

__all__ = ["find_problems"]

_GROWING = (None,)


def find_problems(path: Path) -> list[str]:
    """Return what is wrong with a run file, a line each; an empty list where nothing is.

    A run that was killed, or is still being written, has no checksum, and its groups may end
    between two items: that is told as its status, not as damage.
    """
    try:
        run = open_run(path)
        with run.entry() as entry:
            return [*_of_whole(run), *_of_groups(entry, run)]
    except DataError as error:
        return [str(error)]


def _of_whole(run: Run) -> Iterator[str]:
    if not run.finished:
        yield f"the run is {run.status}, not finished"
    if run.status in ("finished", "interrupted", "failed") and check_seal(run.path) is Seal.NONE:
        yield "it has no checksum: changed since by another program, or written by memlab 0.1"
    if run.schema_version < SCHEMA_VERSION:
        yield f"schema version {run.schema_version} of an older memlab; it is read as it is"
    if not run.versions:
        yield "it does not say which versions wrote it"
    if not any(run.instruments):
        yield "it does not say on which instrument it was measured"


def _of_groups(entry: h5py.Group, run: Run) -> Iterator[str]:
    problems: list[str] = []

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset):
            problems.extend(f"{name} {text}" for text in _of_dataset(item))
        elif run.finished:
            problems.extend(f"{name}: {text}" for text in _of_lengths(item))

    entry.visititems(visit)
    yield from problems


def _of_dataset(item: h5py.Dataset) -> Iterator[str]:
    if item.dtype.kind != "O" and not item.attrs.get("units"):
        yield "has no units"
    if not item.attrs.get("long_name"):
        yield "does not say what it is (long_name)"
    if item.is_scale:
        return
    for number, dim in enumerate(item.dims):
        if not len(dim):
            yield f"has no scale on axis {number}"
        elif dim[0].shape != item.shape[number : number + 1]:
            yield f"is as long as {item.shape[number]} on axis {number}, its scale {dim[0].size}"


def _of_lengths(group: h5py.Group) -> Iterator[str]:
    lengths = {
        name: len(item)
        for name, item in group.items()
        if isinstance(item, h5py.Dataset) and item.maxshape[:1] == _GROWING
    }
    if len(set(lengths.values())) > 1:
        yield "items are missing: " + ", ".join(f"{name} {n}" for name, n in lengths.items())
