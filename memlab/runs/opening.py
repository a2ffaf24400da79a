"""The one way to open an HDF5 file for reading: it may be damaged, foreign, killed or growing.

The HDF5 library is not safe against its input. As a reader beside a writer (SWMR), which a file
that nobody closed needs, it waits for minutes where a byte is wrong, for somebody could be writing
it; and a flipped bit in the length of a text lets it run in a circle even in a file that opens. So:

- A file with a seal (`memlab.storage.seal`), as every finished run has, is as memlab wrote it or is
  refused; this costs reading it once.
- A file that does not open plainly and is not being written is refused at once, by HDF5 itself.
- Every other file (killed or growing, without a seal, of another program, or too large to be read
  twice) is looked through first by a process of its own that has a deadline (`memlab.runs.probe`).

A file is looked at once for each process, as long as it does not change.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from memlab.errors import DataError, MemlabError
from memlab.runs import probe
from memlab.storage import Seal, check_seal

__all__ = ["is_not_begun", "open_for_reading", "read_attributes"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WRITING, _SWMR = 0x01, 0x04
"""Flags of a file that is open for writing, and that can be followed meanwhile."""

_MOST_SEALED = 64 << 20
"""Bytes of a file that is read for its checksum; to look through a larger one takes less time."""

_START = 60.0
"""Seconds that the process may take in all on a busy machine, the start of Python included."""


@contextmanager
def open_for_reading(path: Path, *, foreign: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file, whole or killed or still growing, for the block of a `with`.

    Whatever goes wrong in the block, the file is looked through then: it is called damaged only
    where it is.

    Parameters
    ----------
    path
        The file.
    foreign
        It was written by another program: look through it first in any case.

    Raises
    ------
    DataError
        If it cannot be read, or, from within the block, does not hold what is asked of it.
    """
    growing = _trust(path, foreign=foreign)
    try:
        file = h5py.File(path, "r", swmr=growing)
    except OSError as error:
        raise _refused(path, error) from error
    with file:
        try:
            yield file
        except MemlabError:
            raise
        except Exception as error:
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise error.__cause__ from None  # it came within h5py, which says SystemError
            if (damage := _look_again(path, swmr=growing)) is not None:
                raise _damaged(path, damage) from error
            if isinstance(error, OSError | RuntimeError):
                raise  # from writing to another file: this one is whole
            raise DataError(
                f"{path} does not hold what this memlab expects ({type(error).__name__}: "
                f"{error}): another program or version wrote it, or it is damaged"
            ) from error


def read_attributes(path: Path, group: str = "entry") -> dict[str, Any]:
    """Return the attributes of a group of a run file.

    Raises
    ------
    DataError
        If it cannot be read, or has no such group.
    """
    with open_for_reading(path) as file:
        if group not in file:
            raise DataError(f"{path} is no run file of memlab: it has no group {group}")
        return dict(file[group].attrs)


def is_not_begun(path: Path) -> bool:
    """Whether a run file holds nothing: its writer was killed before the run began, and is gone."""
    if not path.is_file() or not path.stat().st_size:
        return path.is_file()
    if not _is_left_open(path):
        return False
    try:
        h5py.File(path, "r").close()
    except BlockingIOError:  # it is being made
        return False
    except OSError:
        return True
    return False


_trusted: set[tuple[int, ...]] = set()
"""Device, number, size and time of change of the files that were looked through."""


def _trust(path: Path, *, foreign: bool) -> bool:
    """Look at a file before the HDF5 library does; return whether it is open for writing."""
    try:
        state = path.stat()
        _check_place(path, state)
        growing = _flags(path) & _SWMR != 0
        key = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
        if key in _trusted:
            return growing
        sealed = Seal.NONE
        if not growing and state.st_size <= _MOST_SEALED:
            sealed = check_seal(path)
        if sealed is Seal.BROKEN:
            raise DataError(
                f"{path} is damaged: it is not as it was written (checksum). Take another copy"
            )
        if sealed is Seal.NONE:
            if not growing and not foreign:
                h5py.File(path, "r").close()  # most damage is refused here, at once
            _probe(path, swmr=growing)
    except OSError as error:
        raise _refused(path, error) from error
    _trusted.add(key)
    return growing


def _check_place(path: Path, state: os.stat_result) -> None:
    """Refuse what is no file of bytes; to open a pipe would wait for its other end."""
    if not stat.S_ISREG(state.st_mode):
        raise DataError(f"{path} is no file")
    if not state.st_size:
        raise DataError(
            f"{path} is empty, 0 bytes: nothing was written into it, or a copy of it failed; "
            "remove it, and start the run again"
        )


def _flags(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(12)
    # Superblock 3 has them; older ones cannot be followed.
    return head[11] if head[:8] == _SIGNATURE and len(head) == 12 and head[8] == 3 else 0


def _is_left_open(path: Path) -> bool:
    """Whether a file was, or is, open for writing, and could not be followed yet."""
    try:
        return _flags(path) & (_WRITING | _SWMR) == _WRITING
    except OSError:
        return False


def _refused(path: Path, error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"there is no file {path}")
    if isinstance(error, PermissionError):
        return DataError(f"{path} may not be read (permissions)")
    if isinstance(error, BlockingIOError):
        return DataError(f"{path} is being written by another program; try again later")
    if _is_left_open(path):
        return DataError(
            f"{path} was left open by a program that ended before it could be read: it holds "
            "nothing that was measured; remove it, and start the run again"
        )
    return _damaged(path, error)


def _damaged(path: Path, error: object) -> DataError:
    return DataError(f"{path} is no run file that can be read, or is damaged or cut off: {error}")


def _look_again(path: Path, *, swmr: bool) -> object | None:
    """Return what is wrong with a file, None where all of it can be read."""
    try:
        _probe(path, swmr=swmr)
    except OSError as error:
        return error
    return None


def _probe(path: Path, *, swmr: bool) -> None:
    """Look through a file in another process.

    Raises
    ------
    OSError
        If something is wrong with it.
    DataError
        If there can be no such process.
    """
    said = _ask(path, swmr=swmr)
    if said[0] != probe.READY:
        raise DataError(
            f"{path} was not opened: a process that looks through it first could not be started "
            f"({said[0] or 'Python did not start'}); try again"
        )
    if said[1:2] != [probe.WHOLE]:
        silent = "the HDF5 library found no end in it in time, or crashed"
        raise OSError("".join(said[1:]) or silent)


def _ask(path: Path, *, swmr: bool) -> list[str]:
    """Start the process that looks through a file, and return the lines that it said."""
    options = ["swmr"] if swmr else []
    # It finds h5py where this process found it.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            # -P: the folder of the program holds modules with the names of others.
            [sys.executable, "-P", probe.__file__, str(path), str(time.monotonic()), *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_START,
            check=False,
            # Ctrl-C is for whoever waits here; the process ends by its own deadline.
            process_group=0 if os.name == "posix" else None,
        )
        return os.fsdecode(done.stdout).split("\n")
    except subprocess.TimeoutExpired as error:
        return os.fsdecode(error.stdout or b"").split("\n")
    except OSError as error:
        return [error.strerror or str(error)]
