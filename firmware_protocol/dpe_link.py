"""Both ends of the published board's ASCII wire as state machines without I/O.

The dialect has no frames, checks or sequence numbers, so each rule is about not guessing. Every
command begins with `1024` and waits for `go`, which also ends whatever the board was in. Reads are
asked again when their shape is wrong. A pulse is sent once: when its answer is missing or wrong
after the last matrix line has left, its fate is unknown and the cells must be read.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from firmware_protocol import dpe
from firmware_protocol.errors import RemoteProtocolError

LINE_PAUSE = 0.1
"""Seconds between two lines of a request, as in the public host code."""
_LONGEST_LINE = 65536


class LineReader:
    """Cuts bytes into lines; a line that does not end is dropped, not kept for ever."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that these bytes complete, without their ends and without empty ones."""
        *ended, rest = data.split(b"\n")
        lines = []
        for piece in ended:
            self._keep(piece)
            line = self._partial.decode("ascii", "replace").strip()
            if line and not self._skipping:
                lines.append(line)
            self.clear()
        self._keep(rest)
        return lines

    def clear(self) -> None:
        """Forget a line that has begun."""
        self._partial.clear()
        self._skipping = False

    def _keep(self, piece: bytes) -> None:
        if len(self._partial) + len(piece) > _LONGEST_LINE:
            self._skipping = True
            self._partial.clear()
        elif not self._skipping:
            self._partial += piece


@dataclass(frozen=True, eq=False)
class RequestAsked:
    """A complete, sound request: carry it out, then `answer`."""

    request: dpe.Request


@dataclass(frozen=True)
class RequestBroken:
    """A command that is not carried out; the board stays silent until the next `1024`."""

    reason: str


class DpeDevice:
    """The board's end. Nothing is carried out before every line of it has arrived and is sound."""

    def __init__(self) -> None:
        self._reader = LineReader()
        self._at_top = False
        self._head: str | None = None
        self._data: list[str] = []
        self._missing = 0
        self._out = bytearray()

    def receive_bytes(self, data: bytes) -> list[RequestAsked | RequestBroken]:
        """Take bytes from the line; return what to do."""
        events: list[RequestAsked | RequestBroken] = []
        for line in self._reader.feed(data):
            if line == dpe.TOP:
                self._at_top, self._head, self._data = True, None, []
                self._send([dpe.GO])
                continue
            try:
                request = self._on_line(line)
            except RemoteProtocolError as error:
                self._at_top, self._head = False, None
                events.append(RequestBroken(str(error)))
            else:
                if request is not None:
                    events.append(RequestAsked(request))
        return events

    def _on_line(self, line: str) -> dpe.Request | None:
        if self._head is None:
            if not self._at_top:
                raise RemoteProtocolError(f"a command before {dpe.TOP}: {line[:40]!r}")
            self._missing = dpe.data_lines(line)
            self._head, self._data, self._at_top = line, [], False
        else:
            self._data.append(line)
            self._missing -= 1
        if self._missing:
            return None
        head, self._head = self._head, None
        return dpe.parse_request(head, self._data)

    def answer(self, request: dpe.Request, codes: npt.ArrayLike = ()) -> None:
        """Send the answer of a request; see `dpe.reply_lines` for the shape of `codes`."""
        self._send(dpe.reply_lines(request, codes))

    def data_to_send(self) -> bytes:
        """Return and forget the bytes for the line."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _send(self, lines: list[str]) -> None:
        self._out += "".join(line + "\n" for line in lines).encode()


@dataclass(frozen=True, eq=False)
class Replied:
    """The answer to the request: its codes, empty for a pulse."""

    request: dpe.Request
    codes: npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Failed:
    """The request has no usable answer.

    Parameters
    ----------
    request, reason
        What was asked, and what came instead.
    unknown
        True for a pulse that may or may not have been fired.
    """

    request: dpe.Request
    reason: str
    unknown: bool = False


@dataclass
class DpeHost:
    """The host's end: one request at a time, with a deadline on every wait.

    Parameters
    ----------
    go_timeout
        Seconds to wait for `go`.
    reply_timeout
        Seconds to wait for the next line of an answer, after the bytes have left.
    tries
        How often `1024`, and a whole request that only reads, is sent.
    line_pause
        Seconds between the lines of a request.
    byte_rate
        Bytes per second of the line: how long what is sent takes to leave.
    """

    go_timeout: float = 1.0
    reply_timeout: float = 5.0
    tries: int = 3
    line_pause: float = LINE_PAUSE
    byte_rate: float = 11520.0
    _request: dpe.Request | None = None
    _lines: deque[str] = field(default_factory=deque)
    _parser: dpe.ReplyParser | None = None
    _waiting_for_go: bool = False
    _go_tries: int = 0
    _tries_left: int = 0
    _deadline: float | None = None
    _next_line: float | None = None
    _reader: LineReader = field(default_factory=LineReader)
    _out: bytearray = field(default_factory=bytearray)

    def ask(self, request: dpe.Request, now: float) -> None:
        """Begin a request; raises `LocalProtocolError` when the dialect cannot carry it."""
        self._lines = deque(request.lines())
        self._request = request
        self._tries_left = 1 if isinstance(request, dpe.Program) else self.tries
        self._begin(now)

    @property
    def busy(self) -> bool:
        """True while a request is open."""
        return self._request is not None

    def data_to_send(self) -> bytes:
        """Return and forget the bytes for the line."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        """Return when `tick` must be called at the latest."""
        times = [t for t in (self._deadline, self._next_line) if t is not None]
        return min(times, default=None)

    def receive_bytes(self, data: bytes, now: float) -> list[Replied | Failed]:
        """Take bytes from the line; return what has ended."""
        events: list[Replied | Failed] = []
        for line in self._reader.feed(data):
            if self._request is None:
                continue  # late: its request was given up
            if self._waiting_for_go:
                if line == dpe.GO:
                    self._waiting_for_go, self._deadline = False, None
                    self._next_line = now
            elif self._parser is not None and line != dpe.GO:  # a second one, for a repeated 1024
                self._on_reply(line, now, events)
        self._send_lines(now)
        return events

    def tick(self, now: float) -> list[Replied | Failed]:
        """Send the next line, give up waiting; return what has ended."""
        events: list[Replied | Failed] = []
        self._send_lines(now)
        if self._deadline is not None and now >= self._deadline:
            if self._waiting_for_go and self._go_tries < self.tries:
                self._send_top(now)
            elif self._waiting_for_go:
                self._fail("no answer to 1024", unknown=False, events=events)
            else:
                self._bad_reply("the answer did not come or did not end", now, events)
        return events

    def _begin(self, now: float) -> None:
        self._parser, self._next_line, self._go_tries = None, None, 0
        self._send_top(now)

    def _send_top(self, now: float) -> None:
        self._go_tries += 1
        self._waiting_for_go = True
        self._deadline = now + self.go_timeout
        self._out += f"{dpe.TOP}\n".encode()

    def _send_lines(self, now: float) -> None:
        while self._next_line is not None and now >= self._next_line and self._lines:
            line = self._lines.popleft() + "\n"
            self._out += line.encode()
            self._next_line = now + len(line) / self.byte_rate + self.line_pause
            if line.startswith(","):  # vectors follow one another without a pause
                self._next_line = now
            if not self._lines:
                assert self._request is not None
                self._next_line = None
                self._parser = dpe.ReplyParser(self._request)
                self._deadline = now + len(self._out) / self.byte_rate + self.reply_timeout

    def _on_reply(self, line: str, now: float, events: list[Replied | Failed]) -> None:
        assert self._parser is not None
        assert self._request is not None
        try:
            codes = self._parser.feed(line)
        except RemoteProtocolError as error:
            self._bad_reply(str(error), now, events)
            return
        self._deadline = now + self.reply_timeout
        if codes is not None:
            request = self._request
            self._end()
            events.append(Replied(request, codes))

    def _bad_reply(self, reason: str, now: float, events: list[Replied | Failed]) -> None:
        assert self._request is not None
        self._tries_left -= 1
        if self._tries_left > 0:
            self._lines = deque(self._request.lines())
            self._begin(now)
        else:
            self._fail(reason, isinstance(self._request, dpe.Program), events)

    def _fail(self, reason: str, unknown: bool, events: list[Replied | Failed]) -> None:
        assert self._request is not None
        request = self._request
        self._end()
        events.append(Failed(request, reason, unknown))

    def _end(self) -> None:
        self._request = self._parser = self._deadline = self._next_line = None
        self._waiting_for_go = False
        self._lines.clear()
