"""What a virtual board writes of its pulses and outputs, read by tests that wait for it."""

import json
from pathlib import Path
from typing import Any


class EventLog:
    """The log of a board, of which each line is read once, however often somebody looks.

    Who polls it would otherwise take more of the processor than the programs that it waits for.

    Parameters
    ----------
    path
        Of `memlab board serve --log`; need not exist yet, and only grows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._events: list[dict[str, Any]] = []

    def events(self) -> list[dict[str, Any]]:
        """Return all events so far."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            # What the board is writing just now has no end of line yet.
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self._events += [json.loads(line) for line in whole.splitlines()]
        return list(self._events)
