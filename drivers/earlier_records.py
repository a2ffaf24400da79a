"""What a host kept of pulses before there were tickets: `ledger-UID.jsonl`, one JSON line per fact.

It is read once, into a board's `Tickets`. A line `sent` says what was about to leave, a line
`settled` what became of it, and the first line of a compacted file what it has forgotten. A full
disk could cut a line in two and join the next one to it, and pulses went out all the same: what
cannot be read is uncertain.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OldLedger", "Pulse", "Sent", "Settled", "parse"]

Pulse = tuple[int, int, int]
"""Kind, row and mask of columns (bit j is column j) of a row-pulse."""

NOTHING_CERTAIN = (1 << 32) - 1
"""As the last operation that was forgotten: above all that there can be."""
_NUMBER = re.compile(rb'"(?:sent|settled)":(\d+)[,}]')


@dataclass(frozen=True)
class Sent:
    """An operation whose fate is open."""

    session: int
    boot_id: int
    pulses: list[Pulse]


@dataclass(frozen=True)
class Settled:
    """What became of an operation of `size` pulses."""

    done: int
    started: int
    size: int


@dataclass
class OldLedger:
    """An old ledger.

    Parameters
    ----------
    identity
        Of the file; empty in the oldest ones.
    highest, forgotten
        Highest operation that was sent, and up to which one nothing is certain.
    open, settled
        By number of the operation.
    uncertain
        Operations on lines that cannot be read.
    """

    identity: str = ""
    highest: int = 0
    forgotten: int = 0
    open: dict[int, Sent] = field(default_factory=dict)
    settled: dict[int, Settled] = field(default_factory=dict)
    uncertain: set[int] = field(default_factory=set)


def parse(content: bytes) -> OldLedger:
    """Read the content of an old ledger; never raises."""
    old = OldLedger()
    unreadable = []
    for line in content.split(b"\n"):
        try:
            if line:
                _read(json.loads(line), old)
        except (ValueError, TypeError, KeyError, RecursionError):
            unreadable.append(line)
    for line in unreadable:
        numbers = {int(n) for n in _NUMBER.findall(line) if len(n) < 10}
        old.highest = max(old.highest, *numbers, 0)
        old.uncertain |= numbers - set(old.open)
    if not content.startswith((b'{"ledger":', b'{"highest":')) or any(
        len(_NUMBER.findall(line)) < max(1, line.count(b'{"')) for line in unreadable
    ):
        old.forgotten = NOTHING_CERTAIN  # not even a number
    return old


def _read(line: dict[str, Any], old: OldLedger) -> None:
    if "highest" in line:
        highest = _whole(line["highest"])
        # The oldest say too little: nothing of what is in them is certain.
        old.forgotten = _whole(line.get("forgotten", highest))
        old.highest = max(old.highest, highest)
        old.identity = str(line.get("ledger", ""))
    elif "sent" in line:
        op = _whole(line["sent"])
        pulses = [
            (_whole(kind, 2), _whole(row, 1 << 16), _whole(int(mask, 16), 1 << 64))
            for kind, row, mask in line["pulses"]
        ]
        old.open[op] = Sent(_whole(line["sess"]), _whole(line["boot"]), pulses)
        old.highest = max(old.highest, op)
    else:
        op = _whole(line["settled"])
        if "digest" in line:
            fate = Settled(*(_whole(line[name]) for name in ("done", "started", "size")))
            if not fate.done <= fate.started <= fate.size:
                raise ValueError("more done than sent")
            old.settled[op] = fate
        else:
            old.forgotten = max(old.forgotten, op)
        old.open.pop(op, None)
        old.highest = max(old.highest, op)


def _whole(value: Any, below: int = 1 << 32) -> int:
    if not isinstance(value, int) or not 0 <= value < below:
        raise ValueError(f"{value!r} is no whole number below {below}")
    return value
