"""What one end of a link learns of its line: how fast it is, how long to wait, how much to send.

A line is slow more often than one thinks: 9,600 baud carries one vector of 128 rows in 0.3 s.
Timers that ignore this send everything again while the first copy is still under way, and the
copies keep the line from ever catching up. So every wait here is a measured round trip *plus the
time of the bytes under way*.

The rate of a serial port is known. Behind a socket or a pseudo-terminal it is not, and then
`Line.rate` is in essence the highest rate that the line has proved: n bytes that crossed it one
after the other within t seconds show that it carries at least n / t, whatever else delayed them.
Such a bound does not exceed the truth, so that waits computed from it are not too short and queues
not too long; it rises by itself as more bytes travel at once.
"""

from __future__ import annotations

import math

from firmware_protocol.framing import FRAME_OVERHEAD, SHORTEST_FRAME, max_payload_for
from firmware_protocol.messages import MAX_PAYLOAD

MARGIN, MAXIMUM_RTO, FIRST_RTO = 0.05, 2.0, 0.2
"""Least excess of the retransmission time over a round trip, its largest value, and its value
before the first measurement (s). Serial adapters pass bytes on in lumps, a FIFO or 16 ms each way,
and a few round trips that happened to fall alike do not show it."""

SLOWEST = 960.0
"""Bytes per second of a line of which nothing is known yet: 9,600 baud."""
_QUEUE, _UNKNOWN_QUEUE = 0.1, 0.25
"""Seconds of line that may be handed to the port at once: what an ESTOP may have to wait for.

More where the rate must be measured: a line that is never filled beyond its latency shows no rate.
"""
MAX_WINDOW = 65535
"""Bytes that nobody has under way."""
_DIFFERENT = 64
"""Bytes by which two answers must differ to tell latency from rate."""
_CAREFUL = 2560
"""Bytes under way while little is known."""
_PER_FRAME = 2 * (FRAME_OVERHEAD + 12)
"""Twice what a frame costs besides its items: with its header, and its part of the answers."""
_QUICK = 6144
"""Bytes under way on a line that carries them in a moment: three long frames."""


class RoundTrip:
    """Retransmission time from measured round trips: min(SRTT + max(4 var, 50 ms), 2 s)."""

    def __init__(self) -> None:
        self._mean: float | None = None
        self._deviation = 0.0

    def measure(self, seconds: float) -> None:
        """Take one round trip, without the time that its bytes took to cross the line."""
        if self._mean is None:
            self._mean, self._deviation = seconds, seconds / 2
        else:
            self._deviation += (abs(self._mean - seconds) - self._deviation) / 4
            self._mean += (seconds - self._mean) / 8

    @property
    def rto(self) -> float:
        """Seconds to wait for an answer before asking again, on top of the time of its bytes."""
        if self._mean is None:
            return FIRST_RTO
        return min(self._mean + max(4 * self._deviation, MARGIN), MAXIMUM_RTO)

    def patience(self, attempts: int) -> float:
        """Return the time to wait after so many attempts in vain."""
        return min(self.rto * float(2**attempts), MAXIMUM_RTO)


class Line:
    """Rate of a line, and what of ours is still on it.

    Parameters
    ----------
    byte_rate
        Bytes per second of the line; None where only measuring can tell.
    """

    def __init__(self, byte_rate: float | None = None) -> None:
        self.known = byte_rate is not None
        self.rate = self._proved = byte_rate or SLOWEST
        self.queued = 0
        """Bytes that have been queued so far: where in our output the next frame begins."""
        self._queue = _QUEUE if self.known else _UNKNOWN_QUEUE
        self._handed = self._arrived = 0
        self._backlog, self._backlog_at = 0.0, float("-inf")
        self._quickest, self._longer = (0, float("inf")), (0, 0.0)

    def measure(self, count: int, seconds: float) -> float:
        """Learn from bytes that crossed one after the other; return what was not their time (s).

        Behind a long latency the proof of a few bytes is weak: they would have to fill the line. So
        they are compared with the quickest answer so far, whose time was mostly latency: what the
        others took longer is the time of their bytes. That is no proof; it counts for three
        quarters, and for four times what is proved.
        """
        if self.known:
            return max(0.0, seconds - count / self.rate)
        seconds = max(seconds, 1e-4)
        self._proved = max(self._proved, count / seconds)
        self.rate = max(self.rate, self._proved)
        if count >= self._quickest[0] + _DIFFERENT:
            self._longer = count, seconds
        if seconds < self._quickest[1]:
            self._quickest = count, seconds
        few, least = self._quickest
        many, most = self._longer
        if many >= few + _DIFFERENT and most > least:
            likely = 0.75 * (many - few) / (most - least)
            self.rate = max(self.rate, min(likely, 4 * many / most))
        return max(0.0, seconds - count / self.rate)

    def slow_down(self, attempts: int) -> None:
        """Trust what is not proved less after waiting in vain so often; once may be a loss."""
        if attempts > 1 and not self.known:
            self.rate = max(self._proved, self.rate / 2)

    def spend(self, count: int, now: float) -> None:
        """Note that bytes were handed to the port."""
        self._backlog = self._left(now) + count
        self._backlog_at = now
        self._handed += count

    def arrived(self, position: int) -> None:
        """Note that our output has arrived up to here: something at this place was answered."""
        self._arrived = max(self._arrived, min(position, self._handed))

    def forget(self) -> None:
        """Note that nothing of ours is left on the way: it was discarded."""
        self.queued = self._arrived = self._handed
        self._backlog = 0.0

    def busy(self, now: float) -> float:
        """Return the seconds after which what was handed over has left, at the latest."""
        return self._left(now) / self.rate

    def _left(self, now: float) -> float:
        """Return the bytes that have not left: in bytes, because a rate learnt later holds too.

        Not answered is not the same as not left: of bytes that were lost nobody hears.
        """
        unanswered = self._handed - self._arrived
        gone = max(0.0, now - self._backlog_at) * self.rate
        return max(0.0, min(self._backlog - gone, unanswered))

    def room(self, now: float) -> int:
        """Return how many bytes may be handed over now."""
        return max(0, int((self._queue - self.busy(now)) * self.rate))

    def room_at(self, now: float) -> float | None:
        """Return when it is worth while to hand over more; None when it is already."""
        wait = self.busy(now) - self._queue / 2
        return now + wait if wait > 0 else None


class Flow:
    """How much one sender may have under way unacknowledged: more the longer nothing was lost.

    A lost byte costs its frame, and the frames behind it where the receiver keeps nothing behind a
    gap. So what is under way is a part of what comes through between two losses, and frames are as
    long as makes the sum of their overhead and of the lost ones least: for a lost byte in n that is
    the root of 2 n times the overhead.

    Parameters
    ----------
    line
        The line, whose rate is measured by the acknowledgements.
    trusting
        True where the receiver's credit alone bounds what is under way while nothing is lost, for
        receivers that give no more CREDIT once they have granted everything; frames may then be of
        any length. False to be careful, and to keep a frame within 20 ms of line, for receivers
        that hear only whole frames.
    """

    def __init__(self, line: Line, trusting: bool = False) -> None:
        self.line = line
        self.round_trip = RoundTrip()
        self._trusting = trusting
        self._whole = 0
        self._between = 0.0
        self.losing = False
        """True once something was lost in this session."""

    def acknowledged(self, count: int) -> None:
        """Note bytes that came through."""
        self._whole += count

    def measured(self, count: int, seconds: float) -> None:
        """Note how long it took from sending bytes, for the first time, to their answer."""
        self.round_trip.measure(self.line.measure(count, seconds))

    def lost(self) -> None:
        """Note that something was lost."""
        if not self.losing:
            self._between = self._whole
        self._between += (self._whole - self._between) / 4
        self.losing, self._whole = True, 0

    @property
    def allowance(self) -> int:
        """Bytes that may be under way."""
        if self.losing:
            return max(_CAREFUL, int(self._interval / 4))
        if self._trusting:
            return MAX_WINDOW
        moment = int(min(self.line.rate * 0.1, _QUICK))
        return max(_CAREFUL, self._whole // 4, moment)

    @property
    def longest_payload(self) -> int:
        """Longest payload of a frame of this stream."""
        payload = MAX_PAYLOAD
        if not self._trusting:
            payload = min(payload, max_payload_for(self.line.rate))
        if self.losing:
            payload = min(payload, math.isqrt(int(_PER_FRAME * self._interval)))
        return max(payload, SHORTEST_FRAME)

    @property
    def _interval(self) -> float:
        """Bytes that come through between two losses."""
        return max(self._between, self._whole)

    def wait(self, under_way: int, now: float, attempts: int = 0) -> float:
        """Return the seconds to wait for an acknowledgement of bytes under way."""
        return self.round_trip.patience(attempts) + under_way / self.line.rate + self.line.busy(now)
