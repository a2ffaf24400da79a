"""One program at a time for each board of a computer, whatever MEMLAB_STATE of each program is.

A small file for each board in a directory that all users share, locked for as long as the board is
open. The operating system drops the lock with the process, however that ends; the file stays and
means nothing. Locks belong to the process: a forked child does not keep its parent's.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from drivers.errors import InUseError, TransportError

__all__ = ["BoardLock", "lock_directory"]

_held: dict[Path, BoardLock] = {}
"""Locks of this process: the operating system would give it a second one."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_held.clear)


def lock_directory() -> Path:
    """Return where the locks of all users of this computer lie."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", tempfile.gettempdir())) / "memlab-locks"
    # The same for every user and every TMPDIR. A directory that everybody may write to is told by
    # its mode, not by trying: root may write where others may not.
    for shared in ("/run/lock", "/tmp", "/var/tmp"):
        with contextlib.suppress(OSError):
            if os.stat(shared).st_mode & stat.S_IWOTH:
                return Path(shared) / "memlab"
    return Path(tempfile.gettempdir()) / "memlab"


class BoardLock:
    """The lock of one board, from now until it is closed or this process ends.

    Parameters
    ----------
    name
        What tells the board from all others; letters, digits, and any of `._-`.

    Raises
    ------
    InUseError
        If another program, or another part of this one, has it.
    TransportError
        If there is no place for it.
    """

    def __init__(self, name: str) -> None:
        self.path = lock_directory() / f"{name}.lock"
        self._descriptor = -1
        try:
            if _held.setdefault(self.path, self) is not self:
                raise InUseError(
                    f"this program has board {name} open already; close that, or use it"
                )
            if not self._take():
                raise InUseError(
                    f"another program{self._read_holder()} uses board {name}, even if it is "
                    "suspended or has lost the line; wait for it to end, or end it. Nothing was "
                    "changed"
                )
        except OSError as error:
            self.close()
            raise TransportError(
                f"cannot lock board {name} ({self.path}: {error.strerror}). Without that nothing "
                "is pulsed; make this directory writable for all users"
            ) from error
        except BaseException:
            self.close()
            raise
        with contextlib.suppress(OSError):  # only to tell others who it is
            os.truncate(self._descriptor, 0)
            os.write(self._descriptor, f" {os.getpid()}\n".encode())

    def close(self) -> None:
        """Let go; calling it again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if _held.get(self.path) is self:  # afterwards: closing ends every lock of this process
            del _held[self.path]

    def _read_holder(self) -> str:
        try:
            os.lseek(self._descriptor, 1, os.SEEK_SET)  # the first byte is what is locked
            text = os.read(self._descriptor, 20).decode("ascii", "replace").strip()
        except OSError:
            return ""
        return f" (process {text})" if text.isdecimal() else ""

    def _take(self) -> bool:
        """Open and lock the file; False where another process has it."""
        for _ in range(3):
            self._descriptor = _open(self.path)
            if not _lock(self._descriptor):
                return False
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(self._descriptor), os.stat(self.path)):
                    return True
            os.close(self._descriptor)  # somebody has removed it in between: it locks nothing
            self._descriptor = -1
        raise FileNotFoundError(2, "it comes and goes", str(self.path))


def _open(path: Path) -> int:
    """Open a lock file for all users; makes it, and its directory, where there is none."""
    if not path.parent.is_dir():
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir()
            path.parent.chmod(0o1777)
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    for _ in range(3):
        # Not both at once: Linux may refuse to create-or-open a file of another user's there.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags)
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            if hasattr(os, "fchmod"):
                os.fchmod(descriptor, 0o666)  # whatever the umask
            return descriptor
    raise FileNotFoundError(2, "it comes and goes", str(path))


if sys.platform == "win32":

    def _lock(descriptor: int) -> bool:
        """Lock the first byte; False where another process has."""
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _lock(descriptor: int) -> bool:
        """Lock the first byte; False where another process has."""
        import fcntl

        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        except (BlockingIOError, PermissionError):
            return False
        return True
