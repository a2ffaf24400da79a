"""Locks of files that the operating system drops with the process that holds them."""

from __future__ import annotations

import errno
import os
import sys

__all__ = ["open_to_lock", "try_lock"]


def open_to_lock(path: str | os.PathLike[str], flags: int = os.O_CREAT) -> int:
    """Return the descriptor of a file, closed in programs that this one starts."""
    return os.open(path, os.O_RDWR | flags | getattr(os, "O_CLOEXEC", 0), 0o644)


def try_lock(descriptor: int) -> bool:
    """Lock a file, opened and not read yet, without waiting; return False where another has it.

    The lock is this descriptor's and ends with it; on Windows nobody else can read the first byte
    until then. A file system without locks says True to everybody: nobody can know there.
    """
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
            raise
    return True
