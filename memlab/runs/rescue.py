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

from memlab.runs.living import RunLock
from memlab.runs.opening import open_for_reading, read_attributes
from memlab.storage import seal

__all__ = ["LIBVER", "edit", "rescue", "rewrite"]

LIBVER = ("v110", "v110")
"""File format of run files: the oldest one that can be followed while it is written."""

_OF_SCALES = frozenset({"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"})
"""Attributes that hold references; they are made anew."""


@contextmanager
def edit(path: Path) -> Iterator[h5py.File]:
    """Open a copy of a closed file for writing; it takes the file's place when the block ends.

    HDF5 has no journal: a writer that is killed between two of its writes may leave a file that
    nobody can open. This way the file that was there stays until the new one is whole.
    """
    beside = _beside(path)
    shutil.copyfile(path, beside)
    with h5py.File(beside, "r+", libver=LIBVER) as file:
        yield file
    seal(beside)
    os.replace(beside, path)


def rescue(path: Path, lengths: Mapping[str, int] | None = None) -> None:
    """Replace a file by a whole copy of itself.

    Parameters
    ----------
    path
        The file.
    lengths
        Items to keep of growing datasets, by the name of a group below the entry; all by default.
        A writer that is killed may have written to some datasets of a group and not yet to others.

    Raises
    ------
    DataError
        If it cannot be read, or something is writing to it.
    """
    with RunLock.of_run(path, read_attributes(path)):
        rewrite(path, lengths)


def rewrite(path: Path, lengths: Mapping[str, int] | None = None) -> None:
    """Do what `rescue` does; the caller holds the lock of the run."""
    beside = _beside(path)
    with open_for_reading(path) as source, h5py.File(beside, "w", libver=LIBVER) as target:
        target.attrs.update(source.attrs)
        _copy_group(source, target, lengths or {})
        _attach_scales(source, target)
    os.replace(beside, path)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _copy_group(source: h5py.Group, target: h5py.Group, lengths: Mapping[str, int]) -> None:
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            group = target.create_group(name)
            group.attrs.update(item.attrs)
            _copy_group(item, group, lengths)
        else:
            _copy_dataset(item, target, name, lengths.get(source.name.removeprefix("/entry/")))


def _copy_dataset(source: h5py.Dataset, target: h5py.Group, name: str, length: int | None) -> None:
    growing = source.maxshape[:1] == (None,)
    data = source[:length] if growing else source[()]
    layout = {"maxshape": source.maxshape, "chunks": source.chunks} if growing else {}
    copy = target.create_dataset(
        name,
        data=data,
        dtype=source.dtype,
        fillvalue=source.fillvalue if growing else None,
        **layout,
    )
    copy.attrs.update({k: v for k, v in source.attrs.items() if k not in _OF_SCALES})
    if source.is_scale:
        copy.make_scale(name)


def _attach_scales(source: h5py.File, target: h5py.File) -> None:
    def attach(name: str, item: h5py.HLObject) -> None:
        if not isinstance(item, h5py.Dataset) or item.is_scale:
            return
        for axis, dimension in enumerate(item.dims):
            for scale in dimension.values():
                target[name].dims[axis].attach_scale(target[scale.name])

    source.visititems(attach)
