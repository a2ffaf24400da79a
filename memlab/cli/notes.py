"""What the packages log while a command runs: shown when it has ended well, not beside an error.

A command that fails says one line, with the cause. With `--debug` every note is shown at once.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from memlab.errors import LoadWarning

__all__ = ["Notes", "noted"]

_MOST = 10


class Notes(logging.Handler):
    """Warnings of memlab's own loggers, each once.

    Parameters
    ----------
    at_once
        Asked at each note, whether it is shown when it comes.
    """

    def __init__(self, at_once: Callable[[], bool]) -> None:
        super().__init__(logging.WARNING)
        self._at_once = at_once
        self._held: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a note, or show it."""
        text = " ".join(record.getMessage().split())
        if self._at_once():
            _show(text)
        else:
            self._held[text] = None

    def show(self) -> None:
        """Show what was kept."""
        notes = list(self._held)
        self._held.clear()
        for text in notes[:_MOST]:
            _show(text)
        if (more := len(notes) - _MOST) > 0:
            _show(f"{more} more; --debug shows each when it comes")


def _show(text: str) -> None:
    print(f"memlab: note: {text}", file=sys.stderr)


@contextmanager
def noted(at_once: Callable[[], bool]) -> Iterator[Notes]:
    """Receive the notes in place of Python's handler of last resort, which shows them bare.

    Warnings that readings have different loads are notes too.
    """
    notes, logger = Notes(at_once), logging.getLogger("memlab")
    logger.addHandler(notes)
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, LoadWarning):
            logger.warning("%s", message)
        else:
            shown(message, category, *where, **more)

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("default", category=LoadWarning)
            warnings.showwarning = show
            yield notes
    finally:
        logger.removeHandler(notes)
