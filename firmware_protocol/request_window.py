"""Requests under way: up to eight in a window, asked again when their answer stays away.

The board answers in order, so an answer that overtakes an older request proves that the older
answer was lost: that request is asked again at once. All others wait for the measured round trip
and for the time that their bytes, those of the answer, and what is ahead of both take to cross the
line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from firmware_protocol.codec import Message
from firmware_protocol.framing import FRAME_OVERHEAD, encode_frame
from firmware_protocol.line import Flow
from firmware_protocol.messages import REQUEST_WINDOW, Kind


@dataclass(slots=True)
class Pending:
    """A request that was sent and not answered."""

    ticket: int
    request: Message
    wire: bytes
    sent: float
    end: int
    repeated: bool = False


class RequestWindow:
    """The sequenced requests of one session.

    Parameters
    ----------
    session, credit
        Session number, and bytes of unanswered requests that the board can hold.
    flow
        The way to the board: how much may be under way, and how long to wait.
    longest_answer
        Bytes of the longest answer of this session.
    """

    def __init__(self, session: int, credit: int, flow: Flow, longest_answer: int = 0) -> None:
        self.attempts = 0
        self.repeats = 0
        self.deadline: float | None = None
        self._session, self._credit, self._flow = session, credit, flow
        self._longest_answer = longest_answer
        self._queue: deque[tuple[int, Message, bytes]] = deque()
        self._pending: dict[int, Pending] = {}
        self._seq = 0

    def add(self, ticket: int, request: Message, payload: bytes) -> None:
        """Queue a request."""
        self._queue.append((ticket, request, payload))

    def ready(self, now: float, ahead: int) -> Iterator[bytes]:
        """Yield the frames that may leave now; `ahead` is what may be before them or the answer."""
        held = sum(len(p.wire) for p in self._pending.values())
        credit = min(self._credit, self._flow.allowance)
        # Counted from the oldest open one: the board's replay cache reaches back only 16.
        while self._queue and self._ahead() < REQUEST_WINDOW:
            ticket, request, payload = self._queue[0]
            wire = encode_frame(Kind.REQ, request.ID, self._seq, self._session, payload)
            if self._pending and held + len(wire) > credit:
                return
            self._queue.popleft()
            held += len(wire)
            end = self._flow.line.queued + len(wire)
            self._pending[self._seq] = Pending(ticket, request, wire, now, end)
            self._seq = (self._seq + 1) & 0xFFFF
            if self.deadline is None:
                self._wait(now, ahead)
            yield wire

    def on_answer(self, seq: int, msg: int, size: int, now: float, ahead: int) -> Pending | None:
        """Return the request that this answers, or None for a repetition.

        Parameters
        ----------
        seq, msg, size
            Of the answer; its payload in bytes.
        now, ahead
            Time, and bytes that may be before the next answer.
        """
        pending = self._pending.get(seq)
        if pending is None or msg != pending.request.ID:
            return None
        del self._pending[seq]
        count = len(pending.wire) + size + FRAME_OVERHEAD
        self._flow.acknowledged(count)
        self._flow.line.arrived(pending.end)
        if not pending.repeated:
            self._flow.measured(count, now - pending.sent)
        self.attempts = 0
        self.deadline = None
        if self._pending:
            self._wait(now, ahead)
        return pending

    def overtaken(self, seq: int, now: float) -> list[bytes]:
        """Return again the requests older than an answered one: their answers were lost."""
        return [
            self._again(pending, now)
            for other, pending in self._pending.items()
            if (seq - other) & 0xFFFF < 0x8000 and not pending.repeated
        ]

    def refused_from(self, expected: int, now: float) -> list[bytes]:
        """Return again the requests that a NAK says the board still lacks."""
        again = [
            self._again(pending, now)
            for seq, pending in self._pending.items()
            if (seq - expected) & 0xFFFF < 0x8000
            and not (pending.repeated and now - pending.sent < self._crossing(pending, now))
        ]
        if again:
            self._flow.lost()
        return again

    def tick(self, now: float, ahead: int) -> list[bytes]:
        """Return all open requests again when the time of the oldest is over."""
        if self.deadline is None or now < self.deadline:
            return []
        self.attempts += 1
        self._flow.line.slow_down(self.attempts)
        self._wait(now, ahead)
        return [self._again(pending, now) for pending in self._pending.values()]

    def unanswered(self) -> dict[int, Message]:
        """Return the requests that left, by ticket."""
        return {p.ticket: p.request for p in self._pending.values()}

    def unsent(self) -> dict[int, Message]:
        """Return the requests that never left, by ticket."""
        return {ticket: request for ticket, request, _ in self._queue}

    def _wait(self, now: float, ahead: int) -> None:
        """Set the time by which the oldest open request must be answered."""
        oldest = next(iter(self._pending.values()))
        crossing = len(oldest.wire) + self._answer_size(oldest.request) + ahead
        self.deadline = now + self._flow.wait(crossing, now, self.attempts)

    def _crossing(self, pending: Pending, now: float) -> float:
        return self._flow.wait(len(pending.wire), now)

    def _answer_size(self, request: Message) -> int:
        answer = request.RESPONSE
        if answer is None or answer.LAYOUT.tail is not None:
            return self._longest_answer
        return answer.LAYOUT.struct.size + FRAME_OVERHEAD

    def _ahead(self) -> int:
        return (self._seq - next(iter(self._pending), self._seq)) & 0xFFFF

    def _again(self, pending: Pending, now: float) -> bytes:
        pending.repeated, pending.sent = True, now
        self.repeats += 1
        return b"\0" + pending.wire
