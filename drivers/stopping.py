"""Ctrl-C, SIGTERM and SIGHUP end a run between two of its steps, in order.

Python raises `KeyboardInterrupt` wherever the program happens to be: in the middle of a record,
and now and then in a place that drops exceptions, so that Ctrl-C vanishes. Within
`stopped_in_order` a signal is only noted. The run asks by `check` between its steps, and all that
waits asks at least every `LOOK_EVERY` seconds. A second signal does not wait for a step: it raises
at once, wherever the program is, and what closes on the way out grounds the array.

Signals can be handled in the main thread only. In another thread, and where the host program has
handlers of its own, nothing is changed.
"""

from __future__ import annotations

import _weakrefset
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import CodeType, FrameType
from typing import TypeVar

__all__ = [
    "LOOK_EVERY",
    "Handler",
    "at_once",
    "check",
    "heard",
    "ignore",
    "shielded",
    "sleep",
    "stopped_at_once",
    "stopped_in_order",
    "unbroken",
]

Handler = Callable[[int, FrameType | None], object]
_T = TypeVar("_T")

_WEAKLY = (weakref.__file__, _weakrefset.__file__)
"""Files of the standard library whose callbacks run where exceptions are dropped."""

LOOK_EVERY = 0.2
"""Seconds after which whoever waits asks again."""

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)


class _Stop:
    """What was asked for, in the one thread that can be asked."""

    def __init__(self) -> None:
        self.thread = 0
        self.process = 0
        self.forget()

    def forget(self) -> None:
        self.pending = ""
        """Name of a signal that was noted, and not raised yet."""
        self.asked = 0
        self.at_once = self.shielded = False
        self.only_in: CodeType | None = None
        """Code that must be running for a signal to break anything off; None where any may be."""

    def raise_pending(self) -> None:
        name, self.pending = self.pending, ""
        raise KeyboardInterrupt(name)

    @property
    def mine(self) -> bool:
        return threading.get_ident() == self.thread and os.getpid() == self.process


_stop = _Stop()


def check() -> None:
    """Raise `KeyboardInterrupt` if a signal asks the run of this thread to stop.

    It is raised once: what is done on the way out may take as many steps as it needs.
    """
    if _stop.pending and _stop.mine and not _stop.shielded:
        _stop.raise_pending()


def sleep(seconds: float) -> None:
    """Wait, or raise `KeyboardInterrupt` within `LOOK_EVERY` seconds of a signal."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.0:
        time.sleep(min(left, LOOK_EVERY))
        check()
    check()


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """Note signals while the block runs, for `check`; handlers are restored afterwards.

    A signal that no step asked for any more is raised at the end of the block.
    """
    if not _can_handle():
        yield
        return
    with _handled(), _set("at_once", False):
        yield
    if _stop.pending:
        _stop.raise_pending()


@contextmanager
def heard(*replaced: Handler) -> Iterator[None]:
    """Handle signals for a program while the block runs; only `stopped_at_once` is broken off.

    Outside of that call a signal is noted and nothing more: the call has not begun, and asks first
    of all; or it has ended, and the program is saying how.

    Parameters
    ----------
    *replaced
        Handlers of the caller that ours may take the place of, as they do of Python's own.
    """
    if not _can_handle():
        yield
        return
    with _handled(*replaced, only_in=stopped_at_once.__code__):
        yield


def stopped_at_once(call: Callable[[], _T]) -> _T:
    """Let a signal break off a call wherever it is, for a program whose commands may be no runs.

    The runs in it are stopped in order all the same.
    """
    # What a signal may break off is what has this function below it on the stack (`_running`). A
    # flag would be set a moment too late, and cleared a moment too late: after the call has ended.
    with _set("at_once", True) if _stop.mine else nullcontext():
        check()
        return call()


@contextmanager
def at_once() -> Iterator[None]:
    """Let a signal break off a wait of a run that cannot ask: for an operator, in a library."""
    with _set("at_once", True) if _stop.mine else nullcontext():
        yield


@contextmanager
def shielded() -> Iterator[None]:
    """Let no signal break off the block, not even a second one: a file is being closed."""
    with _set("shielded", True) if _stop.mine else nullcontext():
        yield


@contextmanager
def unbroken() -> Iterator[None]:
    """Let no signal break off the block, whoever runs it; it comes afterwards."""
    with nullcontext() if _stop.mine else stopped_in_order(), shielded():
        yield
    if _stop.at_once:  # else the run asks
        check()


def ignore() -> None:
    """Ignore the signals that we handle, for good: this process has ended all that can be stopped.

    Blocks that are still to be left do not restore the handlers.
    """
    if not _can_handle():
        return
    _stop.shielded = True
    # Not held back meanwhile: one would go to another thread, and Python would complain of it.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _can_handle() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _set(name: str, value: bool) -> Iterator[None]:
    before = getattr(_stop, name)
    setattr(_stop, name, value)
    try:
        yield
    finally:
        setattr(_stop, name, before)


@contextmanager
def _handled(*replaced: Handler, only_in: CodeType | None = None) -> Iterator[None]:
    """Have our handlers installed; the outermost block installs and removes them."""
    if _stop.mine:
        yield
        return
    _stop.forget()
    _stop.only_in = only_in
    _stop.thread, _stop.process = threading.get_ident(), os.getpid()
    before = {}
    try:
        for number in SIGNALS:
            handler = signal.getsignal(number)
            # One that is ignored stays ignored (nohup), and one of the host program is its own.
            if handler in (signal.SIG_DFL, signal.default_int_handler, *replaced):
                before[number] = handler
                signal.signal(number, _handle)
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is _handle:  # and not ignored for good
                signal.signal(number, handler)
        _stop.thread = 0


def _handle(number: int, frame: FrameType | None) -> None:
    _stop.asked += 1
    _stop.pending = signal.Signals(number).name
    if _stop.shielded or not _running(_stop.only_in, frame) or _dropped(frame):
        return
    if _stop.at_once or _stop.asked > 1:
        _stop.raise_pending()
    elif number == signal.SIGINT and sys.stderr is not None and sys.stderr.isatty():
        # Not through `sys.stderr`: the signal may have come in the middle of a write to it.
        os.write(2, b"\nstopping after this step; Ctrl-C again stops at once\n")


def _running(code: CodeType | None, frame: FrameType | None) -> bool:
    while code is not None and frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return code is None or frame is not None


def _dropped(frame: FrameType | None) -> bool:
    """Whether Python drops what is raised here, so that a signal waits for the next step.

    So it does in a destructor, and where something has vanished that others refer to weakly.
    """
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or code.co_filename in _WEAKLY:
            return True
        if code.co_name == "cb" and code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


class _Fork:
    """A forked child has no run to end in order: it gets the handlers of any program.

    The signals are held back meanwhile. Python forgets those that reach a child before it is set
    up, and a child that was told to end would live on.
    """

    def __init__(self) -> None:
        self._mask: set[int] | None = None
        os.register_at_fork(
            before=self._hold, after_in_parent=self._let, after_in_child=self._restore
        )

    def _hold(self) -> None:
        if _stop.thread:
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def _let(self) -> None:
        if self._mask is not None:
            mask, self._mask = self._mask, None
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _restore(self) -> None:
        _stop.thread = 0
        _stop.forget()
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is _handle:
                    plain = number == signal.SIGINT
                    signal.signal(number, signal.default_int_handler if plain else signal.SIG_DFL)
        self._let()


if hasattr(os, "register_at_fork"):
    _fork = _Fork()
