"""What happened to each programming operation, and what a host may conclude from it.

The contract of a pulse is: at most once always, exactly once while the board lives, and a definite
answer afterwards - done, not done or unknown. The journal is what makes the answer definite:
`started` counts a pulse before the switch closes, `done` after it opens. It lives in memory that
survives a warm reset; `boot_id` names that memory, so that a host can see when it was lost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from firmware_protocol import messages as m
from firmware_protocol.errors import RefusedError


@dataclass(slots=True)
class Entry:
    """One operation; both counters are in pulses."""

    op: int
    sess: int
    t_us: int
    phase: m.Phase = m.Phase.ACCEPTED
    err: int = 0
    started: int = 0
    done: int = 0


@dataclass
class Journal:
    """The last 64 operations of a board, and the highest operation number it ever accepted."""

    op_hw: int = 0
    lost_op: int = 0
    entries: deque[Entry] = field(default_factory=deque)

    def accept(self, op: int, sess: int, now: float) -> Entry:
        """Open a record; refuse an operation number that is not above all earlier ones."""
        self.check_new(op)
        if len(self.entries) == m.JOURNAL_RECORDS:
            self.lost_op = self.entries.popleft().op
        self.op_hw = op
        entry = Entry(op, sess, int(now * 1e6) & 0xFFFFFFFF)
        self.entries.append(entry)
        return entry

    def check_new(self, op: int) -> None:
        """Refuse an operation number that is not above all earlier ones, or far above them.

        A single wrong number, such as 0xFFFFFFFF, would otherwise refuse every pulse after it.
        """
        if op <= self.op_hw:
            raise RefusedError(
                m.ErrorCode.OP_REUSED, 0, f"operation {op} is not above {self.op_hw}"
            )
        highest = min(self.op_hw + m.OPERATION_STEP, m.LAST_OPERATION)
        if op > highest:
            raise RefusedError(m.ErrorCode.RANGE, 0, f"operation {op} is above {highest}")

    def find(self, op: int) -> Entry | None:
        """Return the record of an operation, if it is still there."""
        return next((entry for entry in self.entries if entry.op == op), None)

    def close_open_entries(self, err: int) -> None:
        """Mark what will not go on: after a reset, a fault or a new session."""
        for entry in self.entries:
            if entry.phase in (m.Phase.ACCEPTED, m.Phase.FIRING):
                entry.phase, entry.err = m.Phase.ABORTED, err

    def records(self, from_op: int, limit: int) -> npt.NDArray[np.void]:
        """Return at most `limit` records from `from_op` on, rising."""
        chosen = [e for e in self.entries if e.op >= from_op][:limit]
        return np.array(
            [(e.op, e.phase, e.err, e.sess, e.started, e.done, e.t_us) for e in chosen],
            m.JOURNAL_RECORD,
        )


@dataclass
class Memory:
    """What a board keeps while it is reset.

    Parameters
    ----------
    boots
        Counts starts; in non-volatile memory.
    boot_id
        Names the RAM that holds the journal: changes when that was lost.
    journal
        In RAM that survives a warm reset.
    last_session
        Session given last, so that the next one differs.
    """

    boots: int = 1
    boot_id: int = 1
    journal: Journal = field(default_factory=Journal)
    last_session: int = 0

    def __post_init__(self) -> None:
        self.last_session = self.last_session or (self.boots << 8) & 0xFFFF


@dataclass(frozen=True)
class Verdict:
    """What is known of an operation of `total` pulses, in the order of its pulses.

    Pulses 0..done-1 were fired exactly once; done..started-1 are unknown (at most one while the
    journal lived, all of them when it was lost); the rest were not fired and never will be.
    """

    total: int
    done: int
    started: int

    @property
    def unknown(self) -> range:
        """Pulses whose cells must be read to know."""
        return range(self.done, self.started)


def judge(
    op: int,
    total: int,
    sess: int,
    sent_boot_id: int,
    boot_id: int,
    lost_op: int,
    records: npt.NDArray[np.void],
) -> Verdict:
    """Conclude what happened to an operation, after a new session has ended whatever ran.

    Parameters
    ----------
    op, total, sess
        The operation, its number of pulses, and the session in which it was sent.
    sent_boot_id, boot_id
        From HELLO_ACK, when the operation was sent and now.
    lost_op, records
        From READ_JOURNAL, asked in the new session with `from_op` at or below `op`.
    """
    if boot_id != sent_boot_id:
        return Verdict(total, 0, total)
    for record in records[(records["op"] == op) & (records["sess"] == sess)]:
        done, started = int(record["done"]), int(record["started"])
        if not done <= started <= total:  # no board counts so: what it says decides nothing
            return Verdict(total, 0, total)
        return Verdict(total, done, started)
    if op <= lost_op:
        return Verdict(total, 0, total)
    return Verdict(total, 0, 0)
