"""The host's own memory of programming operations: written before each send, kept over kill -9.

One file per board, one JSON line per fact, flushed before it may become true on the wire. A line
`sent` says what is about to leave; a line `settled` says what became of it. An operation without
`settled` is one whose fate this computer does not know: the next session asks the board's journal.
A last line that was cut while it was written never left, because sending comes after it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.errors import TransportError

__all__ = ["KEPT", "Ledger", "Sent", "state_directory"]

KEPT = 256
"""Settled operations that the file remembers; one batch of pulses is a few operations."""


@dataclass(frozen=True)
class Sent:
    """A programming operation as it was sent.

    Parameters
    ----------
    op
        Operation number.
    session, boot_id
        Of the board, from HELLO, when it was sent.
    pulses
        Kind, row and column mask of every pulse, in order.
    """

    op: int
    session: int
    boot_id: int
    pulses: Sequence[tuple[int, int, int]]

    def cells(self, which: range) -> list[tuple[int, int]]:
        """Return (row, column) of every cell that these pulses address, each once."""
        found: dict[tuple[int, int], None] = {}
        for k in which:
            _, row, mask = self.pulses[k]
            found |= {(row, j): None for j in range(mask.bit_length()) if mask >> j & 1}
        return list(found)


def state_directory() -> Path:
    """Return where ledgers lie: MEMLAB_STATE, or the user's directory for program state."""
    if chosen := os.environ.get("MEMLAB_STATE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "memlab"
    return Path(os.environ.get("XDG_STATE_HOME", Path.home() / ".local/state")) / "memlab"


class Ledger:
    """The ledger of one board.

    Opening it drops what was settled long ago; call it only with the board's session in hand, which
    is what keeps two programs from writing to the same file.

    Parameters
    ----------
    path
        The file; made when there is none.
    fsync
        Wait for the disk at each line, so that it also survives a power cut of this computer.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.path = path
        self._fsync = fsync
        self._open: dict[int, Sent] = {}
        self._settled: dict[int, tuple[int, int]] = {}
        self._highest = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._load(path.read_bytes())
            self._compact()
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise TransportError(
                f"cannot keep the pulse ledger {path}: {error}. Without it nothing is pulsed; "
                "set MEMLAB_STATE to a directory that can be written"
            ) from error

    @classmethod
    def of_board(cls, uid: bytes, *, fsync: bool = False) -> Ledger:
        """Open the ledger of a board in the user's state directory."""
        return cls(state_directory() / f"ledger-{uid.hex()}.jsonl", fsync=fsync)

    @property
    def highest_op(self) -> int:
        """Highest operation number ever sent from here."""
        return self._highest

    @property
    def unsettled(self) -> list[Sent]:
        """Operations of unknown fate, rising."""
        return [self._open[op] for op in sorted(self._open)]

    def settled_after(self, op: int) -> list[tuple[int, int]]:
        """Return (done, started) of the settled operations above `op`, in order; see `settled`."""
        return [self._settled[number] for number in sorted(self._settled) if number > op]

    def sent(self, operation: Sent) -> None:
        """Record an operation that is about to be sent."""
        self._open[operation.op] = operation
        self._highest = max(self._highest, operation.op)
        self._write(_as_line(operation))

    def settled(self, op: int, done: int, started: int) -> None:
        """Record what became of an operation: `done` pulses fired, `done..started` unknown."""
        self._open.pop(op, None)
        self._remember(op, done, started)
        self._write(_settled_line(op, done, started))

    def _remember(self, op: int, done: int, started: int) -> None:
        self._settled[op] = done, started
        if len(self._settled) > KEPT:
            del self._settled[min(self._settled)]

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        if self._fsync:
            os.fsync(self._file.fileno())

    def _load(self, content: bytes) -> None:
        for raw in content.split(b"\n")[:-1]:  # what follows the last newline was cut off
            line = json.loads(raw)
            if "highest" in line:
                self._highest = max(self._highest, line["highest"])
            elif "sent" in line:
                pulses = [(kind, row, int(mask, 16)) for kind, row, mask in line["pulses"]]
                self._open[line["sent"]] = Sent(line["sent"], line["sess"], line["boot"], pulses)
                self._highest = max(self._highest, line["sent"])
            else:
                self._open.pop(line["settled"], None)
                self._remember(line["settled"], line["done"], line["started"])

    def _compact(self) -> None:
        lines = [
            {"highest": self._highest},
            *(_settled_line(op, *fate) for op, fate in self._settled.items()),
            *(_as_line(sent) for sent in self.unsettled),
        ]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        os.replace(beside, self.path)


def _as_line(sent: Sent) -> dict[str, Any]:
    pulses = [[kind, row, f"{mask:x}"] for kind, row, mask in sent.pulses]
    return {"sent": sent.op, "sess": sent.session, "boot": sent.boot_id, "pulses": pulses}


def _settled_line(op: int, done: int, started: int) -> dict[str, Any]:
    return {"settled": op, "done": done, "started": started}
