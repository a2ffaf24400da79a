"""HDF5 files that memlab writes: their format, their checksums, and what to do when the disk fails.

HDF5 does not survive a write that fails: what its cache could not write it tries again when the
file is closed and when the program ends, which then dies by a signal; and its metadata may be on
the disk before the data. So room is taken from the file system before HDF5 writes (`Room`), and a
file on which a write has failed all the same is let go of (`let_go`).
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

__all__ = ["LIBVER", "Room", "checked", "let_go", "written"]

LIBVER = ("v110", "v110")
"""File format of run files: the oldest one that can be followed while it is written. Its metadata
have checksums; data have those of `checked`."""

_WHOLE = 2**20
"""Bytes of a dataset of fixed size that stand in one chunk."""

_AHEAD = 2**20
"""Bytes of room to take at a time, where there are as many."""


def checked(shape: tuple[int, ...], dtype: npt.DTypeLike) -> dict[str, Any]:
    """Return how to create a dataset of fixed size so that a flipped bit in it is seen.

    An array has a checksum on each chunk (Fletcher-32, which every HDF5 library knows). A single
    number stands in the header of its dataset, which has a checksum of its own. Texts of any
    length have none: HDF5 keeps them outside of the chunks.
    """
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    size = int(np.prod(shape, dtype=np.int64))
    variable = np.dtype(dtype).kind == "O"
    if not shape or not size or variable:
        if size and not variable:
            layout.set_layout(h5py.h5d.COMPACT)
        return {"dcpl": layout}
    # What is filled later must have its place before the file can be followed.
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    whole = size * np.dtype(dtype).itemsize <= _WHOLE
    return {"dcpl": layout, "chunks": shape if whole else True, "fletcher32": True}


def let_go(file: h5py.File) -> None:
    """Close a file on which a write has failed, without another write to it.

    What HDF5 still wants to write goes to a file in memory that nobody sees.
    """
    if not file:
        return
    with suppress(OSError, ValueError, NotImplementedError):
        descriptor = file.id.get_vfd_handle()
        nowhere = _open_nowhere(file.id.get_filesize())
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
    with suppress(OSError, RuntimeError):
        file.close()


def _open_nowhere(size: int) -> int:
    """Return a descriptor that takes writes up to a size, and shortening where that can be."""
    try:
        descriptor = os.memfd_create("memlab") if hasattr(os, "memfd_create") else _unnamed()
    except OSError:
        return os.open(os.devnull, os.O_RDWR)
    try:
        os.ftruncate(descriptor, size)
    except OSError:  # a limit on the size of any file
        os.close(descriptor)
        return os.open(os.devnull, os.O_RDWR)
    return descriptor


def _unnamed() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


@contextmanager
def written(path: Path, mode: str, size: int = 0) -> Iterator[h5py.File]:
    """Open a file for writing and close it; whatever fails, HDF5 lets go of it.

    Parameters
    ----------
    path, mode
        As for `h5py.File`.
    size
        About how many bytes will be written; there must be room for them.
    """
    file = h5py.File(path, mode, libver=LIBVER)
    room = Room(file, path)
    try:
        room.take(size)
        yield file
        file.flush()
        room.give_back()
    except BaseException as error:
        if error is room.refused:
            with suppress(OSError, RuntimeError):
                file.close()
        let_go(file)
        raise
    file.close()


class Room:
    """Takes room for a growing file from the file system before HDF5 writes into it.

    Parameters
    ----------
    file
        An open file.
    path
        Where it is.
    """

    def __init__(self, file: h5py.File, path: Path):
        self._file, self._path = file, path
        self._end = 0
        self.refused: OSError | None = None

    def take(self, size: int) -> None:
        """Make sure that the file can grow by `size` bytes of data, and the metadata for them.

        Raises
        ------
        OSError
            If there is no room, or nobody can reach the file any more; nothing was written.
        """
        used = self._file.id.get_filesize()
        needed = used + size + 2**15 + (used + size) // 64
        try:
            if os.fstat(self._file.id.get_vfd_handle()).st_nlink == 0:
                raise FileNotFoundError(errno.ENOENT, "the file was removed", str(self._path))
            if needed > self._end:
                self._take(used, needed)
        except OSError as error:
            self.refused = error
            raise

    def _take(self, used: int, needed: int) -> None:
        for end in (needed + _AHEAD, needed):
            try:
                self._extend(used, end - used)
            except OSError:
                if end == needed:
                    raise
                continue
            self._end = end
            return

    def give_back(self) -> None:
        """End the file where HDF5 ends it; to be called before it is closed."""
        if self._end and hasattr(os, "posix_fallocate"):
            os.ftruncate(self._file.id.get_vfd_handle(), self._file.id.get_filesize())
        self._end = 0

    def _extend(self, start: int, size: int) -> None:
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self._file.id.get_vfd_handle(), start, size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise
            else:
                return
        if shutil.disk_usage(self._path.parent).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
