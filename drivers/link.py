"""The thread that owns the port, and the calls of the user's thread that go through it.

One I/O thread reads, keeps time and pings; a call of the user's thread puts an operation on the
`HostLink` under the same lock and sleeps until it is over. Bytes are handed to the line without
waiting: what does not fit is kept here, so that an ESTOP can discard it.

Two clocks on the board watch over us. Pings of the I/O thread feed the watchdog. The *lease* is
renewed only while a call of the user's thread runs, so a program that hangs elsewhere grounds the
board although its I/O thread lives on.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drivers import stopping
from drivers.errors import InUseError, NoAnswerError, TransportError
from drivers.link_test import Echoes
from drivers.transport import Opener, Transport
from drivers.wire_log import LOGGER, WireLog
from firmware_protocol import messages as m
from firmware_protocol.answers import check_hello, read_dictionary
from firmware_protocol.codec import Message
from firmware_protocol.errors import MemlabError, ProtocolError
from firmware_protocol.framing import max_payload_for
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import (
    Answered,
    Closed,
    Connected,
    DataReceived,
    HostEvent,
    LinkDown,
    Notified,
)
from firmware_protocol.operations import LinkDownError, Operation, Request

__all__ = ["Link"]

_LONGEST_READ = 0.02
"""Seconds the I/O thread may sleep in the port: how late a timer can be."""
_RETRY_WRITE = 0.001
_CONNECT_TIME = 3.0


class Link:
    """A link to one board: connects, runs operations, keeps the board fed, closes cleanly.

    Parameters
    ----------
    opener
        Opens the port; used again after the line was lost.
    name
        What people call the port.
    timeout
        Seconds without any progress after which a call gives up.
    patience
        Seconds to wait for the session of a host that died: a board forgets it after two.
    """

    def __init__(
        self, opener: Opener, name: str, timeout: float = 10.0, patience: float = 2.5
    ) -> None:
        self.name = name
        self.hello: m.HelloResponse | None = None
        self.bytes_sent = self.bytes_received = 0
        self.fault = m.ErrorCode.OK
        """Fault that the board has reported in this session."""
        self._opener = opener
        self._timeout, self._patience = timeout, patience
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        # It is `with self._lock`, never `with self._changed`: those two steps of a condition are
        # Python, and a Ctrl-C between their lines would leave the lock taken for ever.
        self._user = threading.RLock()
        self._log = WireLog(name)
        self._transport: Transport | None = None
        self._thread: threading.Thread | None = None
        self._host: HostLink
        self._outbox = bytearray()
        self._operations: list[Operation] = []
        self._error: Exception | None = None
        self._end: Connected | LinkDown | Closed | None = None
        self._stopping = self._closing = False
        self._progress = 0.0
        self._fired = 0
        self._acknowledged = 0
        self._lease = 0.0
        self._renewed = 0.0

    # --- session

    @property
    def connected(self) -> bool:
        """True while a session is open and the line is alive."""
        return self._transport is not None and self._error is None and self._host.connected

    def connect(self, takeover: bool = False) -> m.HelloResponse:
        """Open the port and a session; an older session of ours is over with that.

        Raises
        ------
        TransportError
            If the port cannot be opened, nobody answers, or another host has the board.
        ProtocolError
            If the board speaks another version of the wire.
        """
        with self._user:
            self._shut()
            give_up = time.monotonic() + self._patience
            while True:
                try:
                    self._start()
                    return self._hello(takeover)
                except InUseError:
                    self._shut()
                    if time.monotonic() > give_up:
                        raise
                    stopping.sleep(0.1)
                except BaseException:
                    self._shut()
                    raise

    def close(self) -> None:
        """Send BYE, which grounds the board, and let go of the port; never raises.

        What another thread runs ends with an error.
        """
        with self._lock:
            self._closing = True
            self._changed.notify_all()
        with self._user:
            self._closing = False
            try:
                self._say_bye()
            finally:
                self._shut()

    def estop(self) -> None:
        """Stop the board at once, before all that is queued; may be called from any thread."""
        with self._lock:
            transport = self._require_transport()
            self._outbox.clear()
            transport.discard_output()
            self._host.estop(time.monotonic())
            self._flush()

    # --- operations

    def request(self, message: Message) -> Any:
        """Send one request and return its response; see `run` for errors."""
        return self.run(Request(message))

    def echo(self, count: int) -> int:
        """Send so many full frames to and fro; return the payload bytes that went each way."""
        moved: int = self.run(Echoes(count))
        return moved

    def run(self, operation: Any) -> Any:
        """Carry out an operation and return its result.

        Raises
        ------
        TransportError
            If the line died, or there was no progress for `timeout` seconds.
        LinkDownError
            If the session ended.
        RefusedError
            If the board refused.
        """
        with self._user, self._running(operation):
            pass
        return operation.result()

    def request_now(self, message: Message) -> Any:
        """Send one request beside whatever another thread runs, and return its response."""
        request = Request(message)
        with self._running(request):
            pass
        return request.result()

    def offers(self, message_type: type[Message]) -> bool:
        """Return whether the board of this session knows a message: one of an older version."""
        with self._lock:
            return self._host.offers(message_type)

    def set_lease(self, seconds: float) -> None:
        """Renew the board's lease from now on, during calls only; 0 to stop."""
        self._lease, self._renewed = seconds, time.monotonic()

    @contextmanager
    def _running(self, operation: Operation) -> Iterator[None]:
        with self._lock:
            self._require_transport()
            now = self._progress = time.monotonic()
            self._fired = 0
            self._renew(now)
            try:
                operation.start(self._host, now)
                self._operations.append(operation)
                self._flush()
                while not self._changed.wait_for(
                    lambda: operation.finished or self._error is not None or self._closing, 0.25
                ):
                    stopping.check()
                    now = time.monotonic()
                    self._renew(now)
                    if now - self._progress > self._timeout:
                        name = type(operation).__name__
                        raise TransportError(
                            f"{self.name}: {name} made no progress for {self._timeout:g} s, though "
                            "the board answers pings; look at the board, then open it again"
                        )
                if not operation.finished:
                    self._raise_lost()
                    raise TransportError(f"{self.name} was closed by another thread")
            finally:
                if operation in self._operations:
                    self._operations.remove(operation)
                if not operation.finished:
                    self._host.cancel()
            yield

    def _renew(self, now: float) -> None:
        if self._lease and self._host.connected and now - self._renewed > self._lease / 4:
            self._renewed = now
            self._host.request(m.Renew(), now)
            self._flush()

    def _say_bye(self) -> None:
        with self._lock:
            # Also after the board said what we cannot read: the line may carry a BYE still.
            if self._transport is not None and self._host.connected:
                self._operations.clear()
                self._end = None
                self._host.close(time.monotonic())
                with contextlib.suppress(TransportError):
                    self._flush()
                self._changed.wait_for(lambda: self._end is not None or self._error, 1.0)

    # --- connecting

    def _start(self) -> None:
        # An exception may come between any two lines, as Ctrl-C does: `_shut` undoes what there is.
        self._host = HostLink(_nonce)  # of no session
        transport = self._transport = self._opener()
        rate = transport.byte_rate
        self._host = HostLink(
            _nonce, byte_rate=rate, max_payload=max_payload_for(rate) if rate else m.MAX_PAYLOAD
        )
        self._outbox.clear()
        self._operations.clear()
        self._error = self._end = None
        self._stopping = False
        self._lease = 0.0
        self.fault = m.ErrorCode.OK
        self._thread = threading.Thread(
            target=self._serve, args=(transport,), name=f"memlab I/O {self.name}", daemon=True
        )
        self._thread.start()

    def _hello(self, takeover: bool) -> m.HelloResponse:
        with self._lock:
            self._host.connect(time.monotonic(), takeover)
            self._flush()
            give_up = time.monotonic() + _CONNECT_TIME
            while not self._changed.wait_for(
                lambda: self._end is not None or self._error, stopping.LOOK_EVERY
            ):
                stopping.check()
                if time.monotonic() > give_up:
                    break
            if self._error is not None:
                raise self._error
            end = self._end
        if isinstance(end, LinkDown) and end.code == m.ErrorCode.BUSY:
            raise InUseError(
                f"{self.name}: another program has session {end.detail} with this board; "
                "close it, or add takeover=1 to the URL to end it"
            )
        if isinstance(end, LinkDown) and end.code == m.ErrorCode.VERSION:
            raise ProtocolError(
                f"{self.name}: the board speaks version {end.detail} of the wire, this program "
                f"version {m.MAJOR}; update the older one"
            )
        if not isinstance(end, Connected):
            raise NoAnswerError(
                f"{self.name}: sent HELLO three times in a second, no MLP/1 board answered. Check "
                "that the board has power, the baud rate (?baudrate=...), and that the port is the "
                "right one (`memlab board list`); the published board needs dpe+ before its URL"
            )
        check_hello(end.hello, self._host.wanted_payload)
        self.hello = end.hello
        if not end.spec_matches:
            self._compare_dictionaries()
        return end.hello

    def _compare_dictionaries(self) -> None:
        hashes = read_dictionary(self.request)
        with self._lock:
            differing = self._host.accept_dictionary(hashes)
        once = {t.ID for t in m.CATALOGUE if t.CLASS == "O"} & differing
        if differing:
            LOGGER.warning("%s: messages %s differ and are not used", self.name, sorted(differing))
        if once:
            raise ProtocolError(
                f"{self.name}: messages that pulse or arm differ between board and program "
                f"({', '.join(f'{i:#04x}' for i in sorted(once))}); update one of them"
            )

    def _shut(self) -> None:
        self._stopping = True
        thread = self._thread
        try:
            # One that an exception kept from being started is not alive, and cannot be joined.
            if thread and thread.is_alive() and thread is not threading.current_thread():
                thread.join(2.0)
        finally:
            if self._transport is not None:
                self._transport.close()
            self._thread = self._transport = None

    def _require_transport(self) -> Transport:
        self._raise_lost()
        if self._transport is None:
            raise TransportError(f"{self.name} is not connected")
        return self._transport

    def _raise_lost(self) -> None:
        if self._error is not None:
            raise self._error
        if isinstance(self._end, LinkDown):
            raise LinkDownError(self._end)

    # --- the I/O thread

    def _serve(self, transport: Transport) -> None:
        wait = _LONGEST_READ
        try:
            # A thread that was on its way when `_shut` came has another port than we by now.
            while not self._stopping and transport is self._transport:
                data = transport.read(wait)
                with self._lock:
                    now = time.monotonic()
                    events: list[HostEvent] = []
                    if data:
                        self.bytes_received += len(data)
                        self._log.frames("<-", data)
                        events = self._host.receive_bytes(data, now)
                    events += self._host.tick(now)
                    self._dispatch(events, now)
                    self._flush()
                    wait = self._wait(now)
        except Exception as error:  # told to whoever waits, in their thread
            with self._lock:
                if not self._stopping and transport is self._transport:
                    self._error = self._typed(error)
                self._changed.notify_all()

    def _typed(self, error: Exception) -> Exception:
        """Return what callers are told: whatever a board sends, it is an error of ours."""
        if isinstance(error, MemlabError):
            return error
        broken = ProtocolError(
            f"{self.name}: the board sent what this program cannot read "
            f"({type(error).__name__}: {error}); update the older of the two"
        )
        broken.__cause__ = error
        return broken

    def _wait(self, now: float) -> float:
        if self._outbox:
            return _RETRY_WRITE
        due = self._host.next_timeout()
        return _LONGEST_READ if due is None else min(max(due - now, 0.0005), _LONGEST_READ)

    def _dispatch(self, events: list[HostEvent], now: float) -> None:
        ended = False
        for event in events:
            if isinstance(event, (Connected, Closed, LinkDown)):
                self._end, ended = event, True
            elif isinstance(event, Notified):
                self._note(event.message)
            if self._is_progress(event):
                self._progress = now
            for operation in self._operations:
                operation.handle(event, now)
        outgoing = self._host.outgoing
        if outgoing is not None and outgoing.acknowledged != self._acknowledged:
            self._acknowledged, self._progress = outgoing.acknowledged, now
        for operation in self._operations:
            operation.tick(now)
            ended |= operation.finished
        if ended:
            self._changed.notify_all()

    def _note(self, message: Message) -> None:
        if isinstance(message, m.FaultEvent):
            self.fault = m.ErrorCode(message.fault)
            LOGGER.warning("%s: the board reports fault %s", self.name, self.fault.name)
        elif isinstance(message, m.LogEvent):
            said = "".join(c if c.isprintable() else "?" for c in message.text)
            LOGGER.log(min(message.level, 50), "%s: board: %s", self.name, said)

    def _flush(self) -> None:
        """Hand bytes to the line; the caller holds the lock, so that their order is kept."""
        fresh = self._host.data_to_send(time.monotonic()) if not self._outbox else b""
        if fresh:
            self._log.frames("->", fresh)
            self._outbox += fresh
        if self._outbox and self._transport is not None:
            try:
                count = self._transport.write(bytes(self._outbox))
            except TransportError as error:
                self._error = error
                raise
            self.bytes_sent += count
            del self._outbox[:count]

    def _is_progress(self, event: HostEvent) -> bool:
        """Return True for news. A board that only repeats how far a job is makes no progress."""
        if isinstance(event, Answered) and not isinstance(event.request, (m.Renew, m.JobStatus)):
            return True
        if isinstance(event, DataReceived):
            return True
        news = event.response if isinstance(event, Answered) else getattr(event, "message", None)
        if not isinstance(news, (m.ProgressEvent, m.JobStatusResponse)):
            return False
        before, self._fired = self._fired, news.started + news.done
        return self._fired > before


def _nonce() -> int:
    return secrets.randbits(64)
