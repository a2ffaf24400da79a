"""A run under way in a notebook: `memlab.notebook.watch("run.h5")` shows it, and keeps showing it.

It is what `memlab runs watch` tells, with its loss as a curve and its last maps, and it needs no
server: the cell's output is made anew by a thread for as long as the run goes on. A kernel that
writes a run itself cannot follow it, for HDF5 opens a file once in a process.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from memlab.errors import DataError, SettingError
from memlab.markup import card, curve, small_map, spelt
from memlab.runs.follower import Follower, Progress
from memlab.runs.reader import Run
from memlab.runs.vitals import duration

__all__ = ["RunWatch", "watch"]


@dataclass(frozen=True)
class _Shown:
    html: str

    def _repr_html_(self) -> str:
        return self.html


class _Handle(Protocol):
    def update(self, shown: Any) -> object:
        """Show something else in the same place."""


class RunWatch:
    """A run that is shown while it goes on; `stop` ends that, and the run goes on.

    Parameters
    ----------
    path
        The run file; another that takes its place is shown from then on.
    every
        Seconds between two looks.
    """

    def __init__(self, path: str | Path, every: float = 1.0):
        if not every > 0.0:
            raise SettingError(f"every={every}: the seconds between two looks are more than 0")
        self._every = every
        self._follower = Follower(Path(path))
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_over = False
        self._html = self._look()

    @property
    def shown(self) -> _Shown:
        """What was seen last, as a notebook shows it."""
        return _Shown(self._html)

    def __repr__(self) -> str:
        """Return which run it is, and how to end it."""
        going = self._thread is not None and self._thread.is_alive()
        return f"<RunWatch {self._follower.run.path}, {'stop() ends it' if going else 'ended'}>"

    def follow(self, handle: _Handle) -> None:
        """Show every look through a handle of IPython, until the run is over or `stop`."""
        self._thread = threading.Thread(target=self._run, args=(handle,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it, and let go of the file; again does nothing."""
        self._end.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._follower.__exit__()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the run is over, or for some seconds."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self, handle: _Handle) -> None:
        while not self._end.wait(self._every):
            html = self._look()
            if html != self._html:
                self._html = html
                handle.update(self.shown)
            if self._is_over:
                return

    def _look(self) -> str:
        try:
            progress = self._follower.look()
        except DataError as error:
            self._is_over = False
            return card("Not readable now, tried again", [("why", str(error))])
        self._is_over = progress.over
        return _card(self._follower.run, progress)


def watch(path: str | Path, every: float = 1.0) -> RunWatch:
    """Show a run in the output of this cell, and keep it up to date while the run goes on.

    Nothing is written, and no device is asked.

    Raises
    ------
    SettingError
        If this is no notebook.
    DataError
        If the file is no run.
    """
    try:
        display: Any = import_module("IPython.display").display
    except ImportError as error:
        raise SettingError(
            "this needs Jupyter (IPython); in a terminal memlab runs watch shows a run"
        ) from error
    watched = RunWatch(path, every)
    handle = display(watched.shown, display_id=True)
    if handle is not None:
        watched.follow(handle)
    return watched


def _card(run: Run, progress: Progress) -> str:
    total = "" if progress.total is None else f" of {progress.total}"
    rows = [("status", progress.status), (progress.what, f"{progress.done}{total}")]
    if not progress.over:
        if progress.rate is not None:
            rows.append(("pace", f"{progress.rate:.3g} {progress.what} a second"))
        if progress.left is not None:
            rows.append(("left", duration(progress.left)))
    rows += [(one.label, spelt(one.words)) for one in progress.vitals.values()]
    parts = [small_map(one.conductance, "S", name) for name, one in progress.maps.items()]
    if progress.losses.size > 1:
        parts.insert(0, curve(progress.losses, "loss"))
    name = f'<div style="font-size:85%">{escape(str(run.path))}</div>'
    return card(run.title, rows, parts, run.origin, name)
