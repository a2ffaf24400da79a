"""A run under way in a notebook, by one call: `watch`, or `live`, the page of `memlab live`.

`memlab.notebook.watch("run.h5")` is what `memlab runs watch` tells, with its loss as a curve and
its last maps, and it needs no server: the cell's output is made anew by a thread for as long as the
run goes on. A kernel that writes a run itself cannot follow it, for HDF5 opens a file once in a
process.

`memlab.notebook.live("run.h5")` is the page itself, of a program of its own, in a frame: the
browser must be on the computer of the kernel. Bokeh's own way into a notebook would put the server
into the kernel, and its page behind no door.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from memlab.errors import DataError, SettingError
from memlab.markup import card, curve, escape, small_map, spelt
from memlab.runs.follower import Follower, Progress
from memlab.runs.reader import Run
from memlab.runs.vitals import duration

__all__ = ["LivePage", "RunWatch", "live", "watch"]


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


class LivePage:
    """A page of `memlab live` in a frame; `stop` ends it, as the end of the kernel does.

    Parameters
    ----------
    what
        As `memlab live` takes it: a run file, a directory, a passport.
    height
        Of the frame, in pixels.
    """

    def __init__(self, what: str | Path, height: int = 900):
        if not height > 0:
            raise SettingError(f"height={height}: a frame has some pixels")
        words = ["live", "--no-browser", "--port", "0", "--embed", "--", str(what)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "memlab", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            said = self._process.communicate()[1].strip().splitlines()
            raise DataError(said[-1].removeprefix("memlab: ") if said else "memlab live has ended")
        self._height = height
        self._end = weakref.finalize(self, _end, self._process)

    def __repr__(self) -> str:
        """Return where the page is, and how to end it."""
        return f"<LivePage {self.url}, {'stop() ends it' if self._end.alive else 'ended'}>"

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{self._height}px;border:0"
        return f'<iframe src="{escape(self.url)}" title="memlab live" style="{style}"></iframe>'

    def stop(self) -> None:
        """End the page; again does nothing."""
        self._end()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate()


def live(what: str | Path, height: int = 900) -> LivePage:
    """Show the page of `memlab live` in the output of this cell, as its last line.

    Raises
    ------
    DataError
        If there is no such page: the line that the command says.
    """
    return LivePage(what, height)


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
