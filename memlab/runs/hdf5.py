"""HDF5 files that memlab writes: their format, their checksums, and what to do when the disk fails.

HDF5 does not survive a write that fails: what its cache could not write it tries again when the
file is closed and when the program ends, which then dies by a signal; and its metadata may be on
the disk before the data. So it is looked whether there is room before HDF5 writes (`Room`), and a
file on which a write has failed all the same is let go of (`let_go`).
"""

from __future__ import annotations

import errno
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from drivers.owner import Owner, abandon_in_child

__all__ = [
    "LIBVER",
    "OneProcess",
    "Room",
    "appendable",
    "checked",
    "created",
    "describe",
    "let_go",
    "written",
]

LIBVER = ("v110", "v110")
"""File format of run files: the oldest one that can be followed while it is written. Its metadata
have checksums; data have those of `checked`."""

_LOOKS, _LOOK = 100, 0.01
"""How often, and how long (s), a program is waited for that looks at a new file."""

_WHOLE = 2**20
"""Bytes of a dataset of fixed size that stand in one chunk."""

_PLAIN = {
    kind: (dtype, h5py.h5t.py_create(dtype, logical=True), h5py.h5t.py_create(dtype))
    for kind, dtype in ((str, h5py.string_dtype()), (float, np.dtype(np.float64)))
}
_ONE = h5py.h5s.create(h5py.h5s.SCALAR)


def describe(item: h5py.HLObject, attributes: Mapping[str, Any]) -> None:
    """Write attributes of an item that has none of these names yet.

    A run has hundreds of them. h5py asks whether each is there, and makes its type and its shape
    anew, which takes twice the time of HDF5 itself.
    """
    for name, value in attributes.items():
        if type(value) in _PLAIN:
            dtype, stored, given = _PLAIN[type(value)]
            attribute = h5py.h5a.create(item.id, name.encode(), stored, _ONE)
            attribute.write(np.array(value, dtype), mtype=given)
        else:
            item.attrs[name] = value


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


def created(path: Path) -> h5py.File:
    """Create a file that must not be there yet.

    A program that follows files may open this one before HDF5 has locked it. It finds nothing in it
    and goes away: it is waited for.

    Raises
    ------
    OSError, RuntimeError
        If it is there, or cannot be written.
    """
    for _ in range(_LOOKS):
        try:
            return h5py.File(path, "x", libver=LIBVER)
        except BlockingIOError:
            path.unlink()  # ours, and empty: another one would have been refused as existing
            time.sleep(_LOOK)
    raise BlockingIOError(errno.EAGAIN, "another program has it open, whenever it is made")


def appendable(items: tuple[int, ...], chunk: int, *, packed: bool) -> dict[str, Any]:
    """Return how to create a dataset that grows along its first axis, with the same checksums.

    Parameters
    ----------
    items
        Shape of an item.
    chunk
        Items in a chunk.
    packed
        Whether integers get as few bits as the span of those in a chunk needs, which every HDF5
        library undoes (scale-offset, without loss). It takes some time, and each flush of a chunk
        that is not full leaves a hole of its size.
    """
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((chunk, *items))
    if packed:
        layout.set_scaleoffset(h5py.h5z.SO_INT, h5py.h5z.SO_INT_MINBITS_DEFAULT)
    layout.set_fletcher32()
    return {"dcpl": layout, "chunks": (chunk, *items), "maxshape": (None, *items)}


def let_go(file: h5py.File) -> None:
    """Close a file on which a write has failed, without another write to it."""
    if not file:
        return
    _turn_away(file)
    with suppress(OSError, RuntimeError):
        file.close()


class OneProcess:
    """Keeps an open file with the process that opened it; keep this for as long as it is open.

    A forked child has a copy of the file, and of all that HDF5 has not written yet: when the
    child ends, however it does, HDF5 would write that, and end the lock of its parent.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file, self._owner = file, Owner()
        abandon_in_child(self)

    @property
    def is_here(self) -> bool:
        """False in a forked child: the file is its parent's."""
        return self._owner.is_here

    def abandon(self) -> None:
        """In a forked child: let go of the file without touching it.

        It is not closed, as another thread of the parent may have been in HDF5.
        """
        if self._file:
            _turn_away(self._file)


def _turn_away(file: h5py.File) -> None:
    """Have all that HDF5 still writes to a file go to one in memory that nobody sees."""
    with suppress(OSError, ValueError, NotImplementedError):
        descriptor = file.id.get_vfd_handle()
        nowhere = _open_nowhere(file.id.get_filesize())
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


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
    process, room = OneProcess(file), Room(file, path)
    try:
        room.check(size)
        yield file
        file.flush()
    except BaseException as error:
        if error is room.refused and process.is_here:
            with suppress(OSError, RuntimeError):
                file.close()
        let_go(file)
        raise
    file.close()


class Room:
    """Looks whether a file can grow before HDF5 writes into it.

    Nothing is reserved: another program may take the room in between, and HDF5 then meets the full
    disk after all (`let_go`).

    Parameters
    ----------
    file
        An open file.
    path
        Where it is.
    """

    def __init__(self, file: h5py.File, path: Path):
        self._file, self._path = file, path
        self.refused: OSError | None = None

    def check(self, size: int) -> None:
        """Make sure that there is room for `size` bytes of data, and the metadata for them.

        Raises
        ------
        OSError
            If there is none, or nobody can reach the file any more; nothing was written.
        """
        used = self._file.id.get_filesize()
        needed = size + 2**15 + (used + size) // 64
        descriptor = self._file.id.get_vfd_handle()
        try:
            if os.fstat(descriptor).st_nlink == 0:
                raise FileNotFoundError(errno.ENOENT, "the file was removed", str(self._path))
            if self._free(descriptor) < needed:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            if used + needed > _largest():
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(self._path))
        except OSError as error:
            self.refused = error
            raise

    def _free(self, descriptor: int) -> int:
        """Return the bytes that are free where the file lies."""
        if sys.platform == "win32":
            return shutil.disk_usage(self._path.parent).free
        state = os.fstatvfs(descriptor)
        return state.f_bavail * state.f_frsize


def _largest() -> float:
    """Return how long this process may make a file."""
    try:
        import resource
    except ImportError:  # Windows
        return math.inf
    soft = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return math.inf if soft == resource.RLIM_INFINITY else soft
