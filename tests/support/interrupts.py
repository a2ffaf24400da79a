"""An exception at a chosen line of the code under test, as Ctrl-C or a time-out may raise it."""

import linecache
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupt(BaseException):
    """What is raised."""


class Lines:
    """Counts lines that this thread executes in some files, and raises at one of them."""

    def __init__(self, parts: tuple[str, ...], at: int, number: int) -> None:
        self.count = 0
        self._parts, self._at, self._number = parts, at, number
        self._inside: dict[int, set[int]] = {}

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "call":
            self._inside.pop(id(frame), None)
            return self if any(part in frame.f_code.co_filename for part in self._parts) else None
        if event == "line" and not self._ends_a_block(frame):
            self.count += 1
            if self.count == self._at:
                sys.settrace(None)
                if self._number:
                    signal.raise_signal(self._number)
                    return None
                raise Interrupt(f"{frame.f_code.co_filename}:{frame.f_lineno}")
        return self

    def _ends_a_block(self, frame: FrameType) -> bool:
        """Whether this is a `with` for the second time: Python asks for signals only after it."""
        if (
            not linecache.getline(frame.f_code.co_filename, frame.f_lineno)
            .lstrip()
            .startswith("with")
        ):
            return False
        inside = self._inside.setdefault(id(frame), set())
        inside ^= {frame.f_lineno}
        return frame.f_lineno not in inside


@contextmanager
def interrupted(*parts: str, at: int = 0, number: int = 0) -> Iterator[Lines]:
    """Raise `Interrupt` at the line number `at` that is executed in files of these names.

    0 only counts. The block swallows it. With the `number` of a signal that one comes instead.
    """
    lines = Lines(parts, at, number)
    try:
        sys.settrace(lines)
        yield lines
    except Interrupt:
        pass
    finally:
        sys.settrace(None)
