"""Looks through an HDF5 file; run as a program, it does so under a deadline of its own.

    python probe.py FILE STARTED [swmr]

prints `ready`, and then `whole`, or in one line what is wrong. Where the HDF5 library waits, loops
or crashes in the file, the program ends without a word: that is why it is one. It imports no more
than h5py, for somebody waits for it.
STARTED is the monotonic clock at which it was asked for: what its own start took on a busy machine
stretches the deadline.
"""

from __future__ import annotations

import faulthandler
import math
import os
import sys
import time

import h5py

__all__ = [
    *("READY", "SECONDS", "WHOLE"),
    *("check_links", "check_sizes", "deadline", "look_through", "main"),
]

READY, WHOLE = "ready", "whole"

SECONDS = 3.0
"""Deadline on a machine that has nothing else to do. HDF5 reads what a file has but for its data in
some 0.05 s."""

_MOST_STRETCHED = 10.0

_MOST_DATA = 64 << 20
"""Bytes of data that are read; of what a dataset has beyond that, where its chunks lie."""

_SPARE, _PACKED = 256 << 20, 1032
"""What a file may unfold to: bytes that were never written, and the most that deflate makes of
one byte. Beyond this the sizes in it are not believed, for they are memory."""


def check_sizes(file: h5py.File) -> None:
    """Raise `ValueError` where a file claims to hold more than a file of its size can.

    Datasets whose data lie in other files are refused too: they would read any file of ours.
    """
    left = _SPARE + _PACKED * os.path.getsize(file.filename)

    def visit(name: str, item: h5py.HLObject) -> None:
        nonlocal left
        if not isinstance(item, h5py.Dataset):
            return
        if item.is_virtual or item.external:
            raise ValueError(f"the data of {name} lie in another file")
        size = max(item.dtype.itemsize, 1)
        left -= size * max(math.prod(item.shape or ()), math.prod(item.chunks or ()))
        if left < 0:
            shape = " x ".join(map(str, item.shape or ()))
            raise ValueError(f"{name} claims {shape} values, more than this file can hold")

    file.visititems(visit)


def check_links(file: h5py.File) -> None:
    """Raise `ValueError` where a file has links into other files, or links that lead nowhere.

    Another file may be any: a pipe, which is waited for, or one that nobody looked through.
    """
    soft: list[tuple[h5py.Group, str]] = []

    def visit(group: h5py.Group) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ValueError(f"{group.name.rstrip('/')}/{name} lies in another file")
            if isinstance(link, h5py.SoftLink):
                soft.append((group, name))

    visit(file)
    file.visititems(lambda _, item: visit(item) if isinstance(item, h5py.Group) else None)
    for group, name in soft:
        try:
            found = group.get(name) is not None
        except (KeyError, RuntimeError, OSError):
            found = False
        if not found:
            raise ValueError(f"{group.name.rstrip('/')}/{name} is a link that leads nowhere")


def look_through(path: str, *, swmr: bool) -> None:
    """Read all names, attributes and indices of a file, and its data within bounds.

    Raises
    ------
    Exception
        Whatever h5py says of what it cannot read; `ValueError` for sizes that cannot be.
    """
    with h5py.File(path, "r", swmr=swmr) as file:
        check_links(file)
        check_sizes(file)
        left = _MOST_DATA

        def visit(name: str, item: h5py.HLObject) -> None:
            nonlocal left
            dict(item.attrs)
            if not isinstance(item, h5py.Dataset):
                return
            if _end_of_data(item) > os.path.getsize(path):
                # HDF5 would read zeros there, and their checksum is right.
                raise ValueError(f"the file is cut off: data of {name} are missing")
            left -= item.size * item.dtype.itemsize if item.shape is not None else 0
            if left >= 0:
                item[()]

        dict(file.attrs)
        file.visititems(visit)


def _end_of_data(dataset: h5py.Dataset) -> int:
    """Return where the last byte of a dataset lies in its file."""
    if dataset.chunks is None:
        return int((dataset.id.get_offset() or 0) + dataset.id.get_storage_size())
    end = 0

    def visit(chunk: h5py.h5d.StoreInfo) -> None:
        nonlocal end
        end = max(end, chunk.byte_offset + chunk.size)

    dataset.id.chunk_iter(visit)
    return end


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    if most == resource.RLIM_INFINITY or most > 4 << 30:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, most))


def deadline(waited: float, used: float) -> float:
    """Return the seconds after which a file is given up.

    Parameters
    ----------
    waited, used
        Seconds that passed since this process was asked for, and that it had a processor: on a
        busy machine it waits for one most of the time, and so will it in the HDF5 library.
    """
    return SECONDS * min(max(waited / max(used, 1e-3), 1.0), _MOST_STRETCHED)


def main(path: str, started: str, *options: str) -> None:
    """Be the program."""
    print(READY, flush=True)
    with open(os.devnull, "w") as nowhere:
        # A thread of C, which also ends a process that does not leave the HDF5 library.
        seconds = deadline(time.monotonic() - float(started), time.process_time())
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        _bound_memory()
        try:
            look_through(path, swmr="swmr" in options)
        except Exception as error:
            print(" ".join(f"{error}".split()) or type(error).__name__)
        else:
            print(WHOLE)
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(*sys.argv[1:])
