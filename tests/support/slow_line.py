"""Host link and firmware joined by two lines of finite rate, in simulated time.

Nothing here runs in real time and nothing waits: the clock jumps from event to event. What is
handed to a line is taken at once, as by the buffer of an operating system, and leaves byte by byte
at the line's rate; it arrives `latency` later. Every frame that crosses is looked at, so that what
was sent twice can be counted.
"""

from collections import deque
from itertools import count
from typing import Any

from support.loopback import PaperBoard
from support.wire_host import WireHost

from drivers.faults.line import FaultyLine
from firmware_protocol import messages as m
from firmware_protocol.firmware import Firmware
from firmware_protocol.framing import Decoder, Frame, max_payload_for
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import HostEvent
from firmware_protocol.journal import Memory
from firmware_protocol.messages import Kind

_PIECE = 0.002
"""Seconds of line that arrive together."""
_FIFO = 16
"""Bytes that arrive together on slow lines, as from the FIFO of a 16550."""


class Traffic:
    """Counts the bytes of one direction, and those of frames that had been sent before.

    `keep_alive` counts what depends on how long something takes and not on what it carries.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.repeated = 0
        self.keep_alive = 0
        self.broken = 0
        self._decoder = Decoder()
        self._seen: set[tuple[int, ...]] = set()
        self._credited = (-1, -1, -1)

    def count(self, data: bytes) -> None:
        """Look at bytes that are sent."""
        self.bytes += len(data)
        for frame in self._decoder.feed(data):
            if isinstance(frame, Frame):
                self._judge(frame)
            else:
                self.broken += 1

    def _judge(self, frame: Frame) -> None:
        size = len(frame.encode())
        if frame.msg in (m.Ping.ID, m.Renew.ID) or self._says_nothing_new(frame):
            self.keep_alive += size
        elif frame.kind in (Kind.REQ, Kind.RSP):
            key = (frame.kind, frame.sess, frame.seq, frame.msg)
            link = frame.msg in (m.Hello.ID, m.Bye.ID)
            self.repeated += 0 if link else size * (key in self._seen)
            self._seen.add(key)
        elif frame.kind == Kind.LINK and frame.msg == m.Hello.ID:
            self.repeated += size * ((Kind.LINK, m.Hello.ID) in self._seen)
            self._seen.add((Kind.LINK, m.Hello.ID))
        elif frame.kind in (Kind.DOWN, Kind.UP):
            data = m.MESSAGES[frame.kind, frame.msg].unpack(frame.payload)
            items = {
                (frame.kind, frame.msg, frame.sess, data.op_lo, k)
                for k in range(data.first, data.first + data.n)
            }
            again = len(items & self._seen)
            self.repeated += round(size * again / max(1, len(items)))
            self._seen |= items

    def _says_nothing_new(self, frame: Frame) -> bool:
        if (frame.kind, frame.msg) != (Kind.LINK, m.Credit.ID):
            return False
        credit = m.Credit.unpack(frame.payload)
        before, self._credited = self._credited, (credit.stream, credit.op_lo, credit.next)
        return self._credited == before and not credit.flags


class Wire(Traffic):
    """One direction: a queue, a rate, a latency, and faults.

    Parameters
    ----------
    byte_rate
        Bytes per second that truly pass.
    latency
        Seconds from the last bit sent to its arrival.
    faults
        What happens to the bytes; None for a good cable.
    """

    def __init__(self, byte_rate: float, latency: float, faults: FaultyLine | None = None) -> None:
        super().__init__()
        self.byte_rate, self.latency, self.faults = byte_rate, latency, faults
        self._queue = bytearray()
        self._piece = max(_FIFO, round(byte_rate * _PIECE))
        self._busy_until = 0.0
        self._arriving: deque[tuple[float, bytes]] = deque()

    def feed(self, data: bytes, now: float) -> None:
        """Hand bytes to the line."""
        if not data:
            return
        self.count(data)
        if not self._queue:
            self._busy_until = max(self._busy_until, now)
        self._queue += data

    def take(self, now: float) -> bytes:
        """Return what has arrived."""
        while self._queue:
            part = bytes(self._queue[: self._piece])
            done = self._busy_until + len(part) / self.byte_rate
            if done > now:
                break
            del self._queue[: self._piece]
            self._busy_until = done
            if self.faults is not None:
                self.faults.feed(part, done)
                part = self.faults.take(done)
            self._arriving.append((done + self.latency, part))
        out = []
        while self._arriving and self._arriving[0][0] <= now:
            out.append(self._arriving.popleft()[1])
        return b"".join(out)

    def next_time(self) -> float | None:
        """Return when something moves on the line."""
        times = [self._arriving[0][0]] if self._arriving else []
        if self._queue:
            times.append(self._busy_until + min(self._piece, len(self._queue)) / self.byte_rate)
        return min(times, default=None)

    def discard(self) -> None:
        """Forget what has not left, as an operating system can."""
        self._queue.clear()

    def new_operation(self) -> None:
        """Count from here."""
        self.bytes = self.repeated = self.keep_alive = self.broken = 0


class SlowLine(WireHost):
    """A host and a board at the ends of one line.

    Parameters
    ----------
    baud
        Bits per second that truly pass, each way.
    latency
        Seconds each way.
    known
        True when both ends know the rate, as on a serial port; False as over TCP.
    error_rate, seed
        Faults per byte.
    board
        What the firmware runs.
    """

    takes_over = True
    lease = 1e4
    patience = 3600.0

    def __init__(
        self,
        baud: float,
        latency: float = 0.0,
        *,
        known: bool = True,
        error_rate: float = 0.0,
        seed: int = 0,
        board: PaperBoard | None = None,
        kinds: tuple[str, ...] = ("flip", "drop", "duplicate", "insert"),
        **link_options: Any,
    ) -> None:
        rate = baud / 10
        faults = [
            FaultyLine(2 * seed + k, error_rate, kinds) if error_rate else None for k in (0, 1)
        ]
        self.now = 0.0
        self.up, self.down = (Wire(rate, latency, fault) for fault in faults)
        self.board = board or PaperBoard()
        self.firmware = Firmware(self.board, Memory())
        if known:
            self.firmware.set_byte_rate(rate)
        options = {"byte_rate": rate, "max_payload": max_payload_for(rate)} if known else {}
        self.link = HostLink(count(1).__next__, **(options | link_options))

    @property
    def bytes(self) -> int:
        """Bytes of both directions since the last `new_operation`."""
        return self.up.bytes + self.down.bytes

    @property
    def repeated(self) -> int:
        """Of these, bytes of frames that had been sent before."""
        return self.up.repeated + self.down.repeated

    def new_operation(self) -> None:
        """Count from here."""
        self.up.new_operation()
        self.down.new_operation()

    def time(self) -> float:
        """Return the simulated time."""
        return self.now

    def exchange(self) -> list[HostEvent]:
        """Let time jump to the next event; move what moves then."""
        self.up.feed(self.link.data_to_send(self.now), self.now)
        times = [
            self.up.next_time(),
            self.down.next_time(),
            self.link.next_timeout(),
            self.firmware.next_timeout(),
        ]
        soonest = min(t for t in times if t is not None)
        self.now = max(self.now + 1e-6, soonest)
        self.firmware.receive_bytes(self.up.take(self.now), self.now)
        while self.firmware.tick(self.now):
            pass
        self.down.feed(self.firmware.data_to_send(), self.now)
        events = self.link.receive_bytes(self.down.take(self.now), self.now)
        return events + self.link.tick(self.now)

    def settle(self, seconds: float = 3.0) -> None:
        """Let what is under way arrive."""
        end = self.now + seconds
        while self.now < end:
            self.exchange()

    def ready(self) -> "SlowLine":
        """Connect and arm."""
        self.connect()
        self.arm()
        return self
