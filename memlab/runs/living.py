"""Whether a run is alive: a lock beside its file, which the operating system drops with the writer.

The lock is a file of its own, `.ID.lock` in the directory of the run file, so that it says the same
to every user and host that sees the directory. It is not on the run file, where HDF5's followers
would meet it, and it is named by the run's identity: the run file may be renamed while it is
written. A copy in another directory finds it by the path that the run file notes.
"""

from __future__ import annotations

import os
import sys
import uuid
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from memlab.errors import DataError, SettingError
from memlab.storage.locks import open_to_lock, try_lock

__all__ = ["IDENTIFYING", "LOCK", "RUN_ID", "RunLock", "is_alive", "run_identity"]

RUN_ID, LOCK = "run_id", "lock"
"""Attributes of a run file: its identity, and where the lock of its writer lies."""
_OF_OLD_RUNS = ("title", "start_time", "clock_origin", "board", "session")
IDENTIFYING = (RUN_ID, *_OF_OLD_RUNS)
"""Attributes by which `run_identity` knows a run."""


class RunLock:
    """The right to write a run file, held until `release` or the end of the process.

    A forked child does not have it.

    Parameters
    ----------
    path
        The lock file; made when there is none.
    what
        What it stands for, in words, for the refusal.

    Raises
    ------
    DataError
        If somebody holds it: the run is alive.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._close = weakref.finalize(self, os.close, _locked(path, what))
        _held.add(self)

    @classmethod
    def beside(cls, run: Path, identity: str) -> RunLock:
        """Take the lock of a run with this identity in the directory of its file."""
        return cls(run.resolve().parent / f".{identity}.lock", str(run))

    @classmethod
    def of_run(cls, run: Path, attributes: Mapping[str, Any], identity: str = "") -> RunLock:
        """Take the lock of an existing run file, with the attributes of its entry.

        `identity` is that of the run itself, unless it is another one's that goes with it.
        """
        lock = cls.beside(run, identity or run_identity(attributes))
        first = Path(str(attributes.get(LOCK, lock.path))).with_name(lock.path.name)
        try:
            if first != lock.path and first.exists():  # the file was moved, or is a copy
                cls(first, str(run)).release()
        except BaseException:
            lock.release()
            raise
        return lock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def release(self) -> None:
        """Let go, and take the file away; again does nothing."""
        if self._close.alive:
            # Before it is closed: whoever waits for it finds that its name is gone, and makes a
            # new one. Windows cannot remove an open file, and leaves it.
            _remove(self.path)
            self._close()
            if sys.platform == "win32":
                _remove(self.path)


def run_identity(attributes: Mapping[str, Any]) -> str:
    """Return what a run is known by: it is made with the run file, and copied with it.

    Run files of memlab 0.x before it had one get theirs from what is written at the start.
    """
    if RUN_ID in attributes:
        return str(attributes[RUN_ID])
    start = [str(attributes.get(name, "")) for name in _OF_OLD_RUNS]
    return uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(start)).hex


def is_alive(run: Path, attributes: Mapping[str, Any]) -> bool:
    """Return whether a program is writing a run; it is looked at, and nothing is made or kept."""
    beside = run.resolve().parent / f".{run_identity(attributes)}.lock"
    return any(_is_held(path) for path in {beside, Path(str(attributes.get(LOCK, beside)))})


def _is_held(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except OSError:
        return False
    try:
        return not try_lock(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)


_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


def _forget() -> None:
    """Close a child's copies; those of its parent keep the lock."""
    for lock in list(_held):
        lock._close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _locked(path: Path, what: str) -> int:
    """Return the descriptor of the lock file, locked."""
    while True:
        try:
            descriptor = _open(path)
        except OSError as error:
            raise SettingError(f"cannot write {what}: {error.strerror}") from error
        try:
            if not try_lock(descriptor):
                raise DataError(
                    f"{what}: this run is alive, another program is writing it; wait for it to "
                    "end, or end it (Ctrl-C). Nothing was touched"
                )
            # It may have been let go, and its name taken away, while it was opened.
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return open_to_lock(path)
    except PermissionError:  # another user's, and it is enough to read it
        return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    # Another user's, or an open one on Windows, stays, and locks nobody out.
    with suppress(OSError):
        path.unlink(missing_ok=True)
