"""Who may use a board: the process that opened it, and in that one thread at a time.

A board has a line, numbers its operations and keeps a record; so have its array's counts, caches
and passport. Two threads would mix them up, and a forked child would speak on its parent's line.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import Protocol

from drivers import stopping
from drivers.errors import InUseError

__all__ = ["Owner", "abandon_in_child", "make_immortal"]


_process = [os.getpid()]
"""This process; another list in each forked child, which is quicker to tell than to ask for it."""


class Owner:
    """The one lock of a board and of all that stands on it.

        with owner.turn():
            ...     # several steps that belong together

    A thread may take its turn again within its turn. Pickled or copied, it is a new owner's, as the
    copy is another thing.
    """

    def __init__(self) -> None:
        self._process = _process
        self._lock = threading.RLock()

    @property
    def is_here(self) -> bool:
        """False in a forked child: what it has is its parent's."""
        return self._process is _process

    def check(self) -> None:
        """Raise `InUseError` in a forked child."""
        if self._process is not _process:
            raise InUseError(
                f"this array or board belongs to process {self._process[0]}, and this is its "
                f"forked child {os.getpid()}: nothing was sent. Leave the work to the process that "
                "has it open, or open it in the child alone"
            )

    def turn(self) -> threading.RLock:
        """Return the lock to do something under; waits, when entered, for other threads.

        In two steps, because a forked child may not wait: nobody would ever let it go on.

        Raises
        ------
        InUseError
            In a forked child.
        """
        lock = self._lock
        if self._process is not _process:
            self.check()
        if not lock.acquire(False):
            while not lock.acquire(timeout=stopping.LOOK_EVERY):
                stopping.check()  # Ctrl-C is not to wait for another thread
        lock.release()  # whoever enters it takes it again
        return lock

    def wait_turn(self, seconds: float) -> bool:
        """Begin a turn to close something; False after these seconds, and in a forked child."""
        return self.is_here and self._lock.acquire(timeout=seconds)

    def end_turn(self) -> None:
        """End a turn that `wait_turn` has begun."""
        self._lock.release()

    def __reduce__(self) -> tuple[type[Owner], tuple[()]]:
        return Owner, ()


class _Abandoned(Protocol):
    def abandon(self) -> None: ...


_shared: weakref.WeakSet[_Abandoned] = weakref.WeakSet()


def abandon_in_child(thing: _Abandoned) -> None:
    """Call `abandon` of this in each forked child, to let go of it without touching it."""
    _shared.add(thing)


def make_immortal(thing: object) -> None:
    """Keep this for ever: its end would touch what belongs to the parent of this process."""
    _immortal.append(thing)
    # Interpreters clear their modules at exit, in the child too: one reference more outlasts that.
    with contextlib.suppress(ImportError, AttributeError):
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


_immortal: list[object] = []


def _begin_child() -> None:
    global _process
    _process = [os.getpid()]
    for thing in list(_shared):
        with contextlib.suppress(Exception):
            thing.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_child)
