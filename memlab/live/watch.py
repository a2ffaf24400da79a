"""Looks at something in a thread of its own for as long as a page shows it, and tells the pages."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from memlab.errors import MemlabError
from memlab.runs.follower import file_state

__all__ = ["Source", "Watch", "end_all"]

T = TypeVar("T")
Seen = TypeVar("Seen", covariant=True)
Hear = Callable[[T | None, str], None]

_SOON, _GLANCE = 0.25, 0.05
"""Seconds between two looks, at least, at a file that has changed, and between two glances whether
it has: a writer that flushes all the time is not looked at more often."""


class Source(Protocol[Seen]):
    """What can be looked at."""

    def look(self) -> Seen | None:
        """Return what there is to see; None where nothing has changed.

        Raises
        ------
        MemlabError
            If it cannot be read now.
        """

    def close(self) -> None:
        """Let go of what is open."""


_ALL: weakref.WeakSet[Watch[Any]] = weakref.WeakSet()


def end_all(patience: float = 10.0) -> None:
    """End all watches: Python hangs when it ends while a thread of it is within HDF5."""
    for watch in list(_ALL):
        watch.end(patience)


class Watch(Generic[T]):
    """Pages that look at the same source share its looks.

    Parameters
    ----------
    source
        Used in the thread alone.
    every
        Seconds between two looks, at least.
    share
        The next look waits this many times as long as the last one computed, if that is longer,
    most
        and no longer than this.
    hurry
        Whether the source has more to see at once: the next look comes as soon as others had a
        chance to do something.
    file
        A change of this file is worth an earlier look; those that are not told by the system
        (on some network drives) are seen by the next one.
    """

    def __init__(
        self,
        source: Source[T],
        every: float = 0.5,
        share: float = 10.0,
        most: float = 1.0,
        file: Path | None = None,
        hurry: Callable[[], bool] = lambda: False,
    ):
        self._source = source
        self._every, self._share, self._most = every, share, most
        self._file, self._hurry = file, hurry
        self._listeners: list[Hear[T]] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        _ALL.add(self)
        self.last: T | None = None
        """What was seen last, by the first look on."""
        self.error = ""
        """Why the last look has seen nothing; empty where it has."""

    def subscribe(self, hear: Hear[T]) -> Callable[[], None]:
        """Tell what is seen, in the thread, from now on; the function that is returned ends it."""
        with self._lock:
            self._listeners.append(hear)
            if self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, daemon=True, name="memlab live")
                self._thread.start()

        return partial(self._forget, hear)

    def end(self, patience: float) -> None:
        """Tell nobody any more, and wait so many seconds at most for the look under way."""
        with self._lock:
            self._listeners.clear()
            self._wake.set()
            thread = self._thread
        if thread is not None:
            thread.join(patience)

    @property
    def is_idle(self) -> bool:
        """Whether nobody looks."""
        return not self._listeners

    def _run(self) -> None:
        while True:
            before = self._state()  # what changes during the look is worth another one
            began = time.thread_time()  # other programs on a busy machine do not make it rarer
            with np.errstate(all="ignore"):
                self._look()
            took = time.thread_time() - began
            self._pause(before, min(self._share * took, self._most))
            with self._lock:
                if not self._listeners:
                    self._thread = None
                    self._source.close()
                    return
                self._wake.clear()  # somebody left, and somebody else came meanwhile

    def _pause(self, before: tuple[int, ...], least: float) -> None:
        """Wait until the next look is due, or nobody listens any more."""
        begun = time.monotonic()
        pause = max(self._every, least)
        if self._hurry():
            self._wake.wait(_GLANCE)
        elif self._file is None:
            self._wake.wait(pause)
        elif not self._wake.wait(max(min(_SOON, self._every), least)):
            while (left := begun + pause - time.monotonic()) > 0 and self._state() == before:
                if self._wake.wait(min(left, _GLANCE)):
                    return

    def _state(self) -> tuple[int, ...]:
        try:
            return () if self._file is None else file_state(self._file)
        except MemlabError:
            return ()

    def _look(self) -> None:
        try:
            found, error = self._source.look(), ""
        except (MemlabError, OSError) as problem:
            found, error = None, str(problem)
        except Exception as problem:  # the page says it, and goes on looking
            found, error = None, f"{type(problem).__name__}: {problem}"
        if found is None and error == self.error:
            return
        self.error = error
        if found is not None:
            self.last = found
        with self._lock:
            listeners = list(self._listeners)
        for hear in listeners:
            try:
                hear(found, error)
            except Exception:  # a page that was closed meanwhile; the others go on
                self._forget(hear)

    def _forget(self, hear: Hear[T]) -> None:
        with self._lock:
            if hear in self._listeners:
                self._listeners.remove(hear)
            if not self._listeners:
                self._wake.set()
