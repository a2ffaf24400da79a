"""Makes a whole file of one whose writer was killed.

A killed writer leaves a file that opens only with `h5py.File(path, "r", swmr=True)`, and that
nothing can be appended to. What is in it is written anew into a file beside it, which then takes
its place in one step: at every moment one of the two is there and whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from memlab.errors import StorageError
from memlab.runs.hdf5 import appendable, checked, written
from memlab.runs.living import RunLock
from memlab.runs.opening import open_for_reading, read_attributes
from memlab.storage import reason_of, seal

__all__ = [
    "NEW",
    "RESUMED",
    "copy_run",
    "edit",
    "lengths_of",
    "rescue",
    "rewrite",
    "whole_lengths",
]

NEW, RESUMED = ".new", ".resumed"
"""What the name of a run file ends in while it is written anew beside its place, and by whom."""

_OF_SCALES = frozenset({"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"})
"""Attributes that hold references; they are made anew."""

_AT_A_TIME = 16 * 2**20
"""Bytes that are copied at a time."""


@contextmanager
def edit(path: Path) -> Iterator[h5py.File]:
    """Open a copy of a closed file for writing; it takes the file's place when the block ends.

    HDF5 has no journal: a writer that is killed between two of its writes may leave a file that
    nobody can open. This way the file that was there stays until the new one is whole. If the
    block fails, or the disk is full, it stays as well.
    """
    with _replacing(path) as beside:
        shutil.copyfile(path, beside)
        with written(beside, "r+") as file:
            yield file
        seal(beside)


def rescue(path: Path, lengths: Mapping[str, int] | None = None) -> None:
    """Replace a file by a whole copy of itself.

    Parameters
    ----------
    path
        The file.
    lengths
        See `copy_run`.

    Raises
    ------
    DataError
        If it cannot be read, or something is writing to it.
    StorageError
        If there is no room for the copy; the file is as it was.
    """
    with RunLock.of_run(path, read_attributes(path)):
        rewrite(path, lengths)


def whole_lengths(path: Path) -> dict[str, int]:
    """Return how many items of each group of a run file are whole, by the group's name.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    found: dict[str, int] = {}
    for name, length in lengths_of(path).items():
        group = name.rpartition("/")[0]
        found[group] = min(found.get(group, length), length)
    return found


def lengths_of(path: Path) -> dict[str, int]:
    """Return how many items each growing dataset of a run file has, by its name below the entry.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    found: dict[str, int] = {}

    def visit(name: str, item: h5py.HLObject) -> None:
        if isinstance(item, h5py.Dataset) and item.maxshape[:1] == (None,):
            found[name] = len(item)

    with open_for_reading(path) as file:
        file["entry"].visititems(visit)
    return found


def rewrite(path: Path, lengths: Mapping[str, int] | None = None, into: Path | None = None) -> None:
    """Do what `rescue` does; the caller holds the lock of the run.

    The copy takes the place of the file, or is left at `into`.
    """
    try:
        if into is not None:
            copy_run(path, into, lengths)
            return
        with _replacing(path) as beside:
            copy_run(path, beside, lengths)
    except (OSError, RuntimeError) as error:
        if into is not None:
            into.unlink(missing_ok=True)
        raise StorageError(
            f"cannot write a whole copy of {path} beside it: {reason_of(error)}; it is as it was",
            saved=(path,),
        ) from error


def copy_run(path: Path, copy: Path, lengths: Mapping[str, int] | None = None) -> None:
    """Write what is in a file into a new one.

    Parameters
    ----------
    path, copy
        From where to where.
    lengths
        Items to keep of growing datasets, by the name of one, or of its group, below the entry;
        all by default. A writer that is killed may have written to some datasets of a group and
        not yet to others.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    with open_for_reading(path) as source:
        size = 0 if lengths and not any(lengths.values()) else path.stat().st_size
        with written(copy, "w", size) as target:
            target.attrs.update(source.attrs)
            _copy_group(source, target, lengths or {})
            _attach_scales(source, target)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Name a file beside another; it takes the other's place when the block ends well."""
    beside = path.with_name(path.name + NEW)
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _copy_group(source: h5py.Group, target: h5py.Group, lengths: Mapping[str, int]) -> None:
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            group = target.create_group(name)
            group.attrs.update(item.attrs)
            _copy_group(item, group, lengths)
        else:
            below = source.name.removeprefix("/entry/")
            _copy_dataset(item, target, name, lengths.get(f"{below}/{name}", lengths.get(below)))


def _copy_dataset(source: h5py.Dataset, target: h5py.Group, name: str, length: int | None) -> None:
    shape, dtype = source.shape, source.dtype
    if source.maxshape[:1] == (None,):
        shape = (shape[0] if length is None else min(length, shape[0]), *shape[1:])
        packed = source.scaleoffset is not None
        layout = appendable(shape[1:], source.chunks[0], packed=packed)
        copy = target.create_dataset(name, shape, dtype, fillvalue=source.fillvalue, **layout)
        _copy_items(source, copy)
    else:
        copy = target.create_dataset(name, data=source[()], dtype=dtype, **checked(shape, dtype))
    copy.attrs.update({k: v for k, v in source.attrs.items() if k not in _OF_SCALES})
    if source.is_scale:
        copy.make_scale(name)


def _copy_items(source: h5py.Dataset, copy: h5py.Dataset) -> None:
    """Copy whole chunks at a time, not everything at once: a run may be larger than the memory."""
    chunk, *items = source.chunks
    size = chunk * max(1, int(np.prod(items)) * source.dtype.itemsize)
    step = chunk * max(1, _AT_A_TIME // size)
    for first in range(0, copy.shape[0], step):
        last = min(first + step, copy.shape[0])
        copy[first:last] = source[first:last]


def _attach_scales(source: h5py.File, target: h5py.File) -> None:
    def attach(name: str, item: h5py.HLObject) -> None:
        if not isinstance(item, h5py.Dataset) or item.is_scale:
            return
        for axis, dimension in enumerate(item.dims):
            for scale in dimension.values():
                target[name].dims[axis].attach_scale(target[scale.name])

    source.visititems(attach)
