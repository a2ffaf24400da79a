"""What truly happened on a virtual board, for tests that compare it with what a host believes.

The journal of the firmware is a claim; this is the truth: an event is made where the chip is
pulsed, after the pulse, and where the lines go to ground.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TextIO

__all__ = ["BoardEvent", "Fired", "OutputsChanged", "json_lines"]


@dataclass(frozen=True, slots=True)
class Fired:
    """One physical pulse.

    Parameters
    ----------
    op, index
        Operation that asked for it, and the number of the pulse within it, from 0.
    time
        When, in s of the board's clock.
    row, kind, amplitude_code, columns
        What was pulsed; `columns` is a bit mask.
    """

    op: int
    index: int
    time: float
    row: int
    kind: int
    amplitude_code: int
    columns: int


@dataclass(frozen=True, slots=True)
class OutputsChanged:
    """The lines went to ground, or were driven for the first time since they were there."""

    grounded: bool
    time: float


BoardEvent = Fired | OutputsChanged


def json_lines(file: TextIO) -> Callable[[BoardEvent], None]:
    """Return a recorder that appends each event as one line of JSON, flushed at once."""

    def record(event: BoardEvent) -> None:
        name = "pulse" if isinstance(event, Fired) else "outputs"
        file.write(json.dumps({"event": name, **asdict(event)}) + "\n")
        file.flush()

    return record
