"""The host's own memory of programming operations: written before each send, kept over kill -9.

One file per board, one JSON line per fact, flushed before it may become true on the wire. A line
`sent` says what is about to leave; a line `settled` says what became of it. An operation without
`settled` is one whose fate this computer does not know: the next session asks the board's journal.
A last line that was cut while it was written never left, because sending comes after it.

Operations are numbered by the board for all computers, and a ledger knows those of its own alone.
So it has an identity: a record that counts on the fate of its pulses must name it.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drivers.errors import TransportError

__all__ = ["KEPT", "Ledger", "Pulse", "Sent", "state_directory"]

KEPT = 256
"""Settled operations that the file remembers; one batch of pulses is a few operations."""

Pulse = tuple[int, int, int]
"""Kind, row and mask of columns (bit j is column j) of a row-pulse."""


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
    pulses: Sequence[Pulse]

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


@dataclass(frozen=True)
class _Settled:
    """What became of an operation of `size` pulses; `digest` is how they are known again."""

    done: int
    started: int
    size: int
    digest: int


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

    Attributes
    ----------
    identity
        Of this file, from its first opening on; another computer's is another.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self.path = path
        self._fsync = fsync
        self._open: dict[int, Sent] = {}
        self._settled: dict[int, _Settled] = {}
        self._highest = self._forgotten = 0
        self.identity = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._load(path.read_bytes())
            self.identity = self.identity or uuid.uuid4().hex
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

    def fate(
        self, pulses: Sequence[Pulse], after: int, until: int | None = None
    ) -> list[tuple[int, int]] | None:
        """Return what became of a batch of pulses: (done, started) of each of its operations.

        An operation goes on where the one before it ended, past what was in doubt there. Of its
        pulses the first `done` were fired and those up to `started` perhaps; what comes after the
        last operation was not fired. Operations of other batches are passed over.

        Parameters
        ----------
        pulses
            The whole batch, in order.
        after, until
            Highest operation number of this ledger before the batch, and before the next one.

        Returns
        -------
        None where nothing is certain: the fate of an operation is not settled yet, or so many came
        after it that it may have been forgotten.
        """
        last = self._highest if until is None else until
        within = range(after + 1, last + 1)
        if (
            after < self._forgotten
            or after > self._highest
            or any(op in within for op in self._open)
        ):
            return None
        found, position = [], 0
        for op in sorted(op for op in self._settled if op in within):
            one = self._settled[op]
            if _digest(pulses[position : position + one.size]) == one.digest:
                found.append((one.done, one.started))
                position += one.started
        return found

    def sent(self, operation: Sent) -> None:
        """Record an operation that is about to be sent."""
        self._open[operation.op] = operation
        self._highest = max(self._highest, operation.op)
        self._write(_as_line(operation))

    def settled(self, op: int, done: int, started: int) -> None:
        """Record what became of an operation: `done` pulses fired, `done..started` unknown."""
        sent = self._open.pop(op)
        fate = _Settled(done, started, len(sent.pulses), _digest(sent.pulses))
        self._remember(op, fate)
        self._write(_settled_line(op, fate))

    def _remember(self, op: int, fate: _Settled) -> None:
        self._settled[op] = fate
        if len(self._settled) > KEPT:
            self._forgotten = min(self._settled)
            del self._settled[self._forgotten]

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
                self._highest = line["highest"]
                # Older ledgers say too little: nothing of what is in them is certain.
                self._forgotten = line.get("forgotten", self._highest)
                self.identity = line.get("ledger", "")
            elif "sent" in line:
                pulses = [(kind, row, int(mask, 16)) for kind, row, mask in line["pulses"]]
                self._open[line["sent"]] = Sent(line["sent"], line["sess"], line["boot"], pulses)
                self._highest = max(self._highest, line["sent"])
            else:
                op = line.pop("settled")
                self._open.pop(op, None)
                if "digest" in line:
                    self._remember(op, _Settled(**line))
                else:
                    self._forgotten = max(self._forgotten, op)

    def _compact(self) -> None:
        lines = [
            {
                "ledger": self.identity,
                "highest": self._highest,
                "forgotten": self._forgotten,
            },
            *(_settled_line(op, fate) for op, fate in self._settled.items()),
            *(_as_line(sent) for sent in self.unsettled),
        ]
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        os.replace(beside, self.path)


def _as_line(sent: Sent) -> dict[str, Any]:
    pulses = [[kind, row, f"{mask:x}"] for kind, row, mask in sent.pulses]
    return {"sent": sent.op, "sess": sent.session, "boot": sent.boot_id, "pulses": pulses}


def _settled_line(op: int, fate: _Settled) -> dict[str, Any]:
    return {"settled": op, **asdict(fate)}


def _digest(pulses: Sequence[Pulse]) -> int:
    return zlib.crc32(json.dumps(pulses).encode())
