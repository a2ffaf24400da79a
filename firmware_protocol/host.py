"""The host's end of the link: session, window of requests, repetition, streams.

Bytes go in, events come out; what is due to be sent is fetched with `data_to_send`. The driver
moves bytes and time and nothing else:

    link = HostLink(nonce=...)
    link.connect(now())
    while True:
        port.write(link.data_to_send())
        for event in link.receive_bytes(port.read(timeout), now()):
            ...                              # `operations` has the loops for reads, VMM and jobs
        events = link.tick(now())            # at the latest at next_timeout()

Every request is either answered (`Answered`) or ends with the link (`LinkDown`), at most five tries
later. A request that was sent and not answered before `LinkDown` has an unknown fate: for pulses,
open a new session, read the journal and ask `journal.judge`. Nothing here sends a request again in
another session.
"""

from __future__ import annotations

from collections.abc import Callable

from firmware_protocol.codec import Message
from firmware_protocol.device import REPLAYED
from firmware_protocol.errors import LocalProtocolError
from firmware_protocol.framing import BadFrame, Decoder, Frame, encode_frame
from firmware_protocol.host_events import (
    Answered,
    Closed,
    Connected,
    DataReceived,
    HostEvent,
    LinkDown,
    Notified,
)
from firmware_protocol.messages import (
    MAGIC,
    MAJOR,
    MAX_PAYLOAD,
    MESSAGES,
    MINOR,
    RESPONSES,
    SPEC_HASH,
    Bye,
    ByeResponse,
    Credit,
    ErrorCode,
    Estop,
    Hello,
    HelloFlag,
    HelloResponse,
    JobData,
    Kind,
    Nak,
    Ping,
    PingResponse,
    ReadData,
    Stream,
    VmmData,
    VmmResult,
)
from firmware_protocol.request_window import RequestWindow, RoundTrip
from firmware_protocol.streams import ReceiveStream, SendStream

_HELLO_INTERVAL, _HELLO_TRIES = 1 / 3, 3
_IDLE = 0.1
"""Seconds of silence after which a zero goes before the next frame, to end any line noise."""


class HostLink:
    """State of the host's end of one link.

    Parameters
    ----------
    nonce
        Gives a fresh random u64 per session.
    byte_rate
        Bytes per second of the line, to allow for bytes still on it; None when it is fast.
    max_payload
        Longest payload to use; see `framing.max_payload_for`. Kept as `wanted_payload`.
    host_credit
        Bytes of results that may be under way.
    tries
        How often a request is sent before the link is given up.
    ping_interval
        Seconds of silence after which a PING goes out.
    """

    def __init__(
        self,
        nonce: Callable[[], int],
        byte_rate: float | None = None,
        max_payload: int = MAX_PAYLOAD,
        host_credit: int = 65535,
        tries: int = 5,
        ping_interval: float = 0.25,
    ) -> None:
        self.decoder = Decoder()
        self.hello: HelloResponse | None = None
        self.incoming: ReceiveStream | None = None
        self.outgoing: SendStream | None = None
        self._finished: ReceiveStream | None = None
        self._nonce_source = nonce
        self._byte_rate = byte_rate
        self.wanted_payload = max_payload
        self._host_credit = host_credit
        self._tries = tries
        self._ping_interval = ping_interval
        self._disabled: set[int] | None = set()
        self._ticket = 0
        self._out = bytearray()
        self._last_sent = float("-inf")
        self._nonce = 0
        self._reset_session()
        self._hello_wire = b""
        self._hello_tries = 0
        self._hello_deadline: float | None = None

    def _reset_session(self) -> None:
        self.session = 0
        self._round_trip = RoundTrip()
        self._requests = RequestWindow(0, 0, self._round_trip)
        self._bye: tuple[float, int] | None = None
        self._silent_pings = 0
        self._nudge: float | None = None
        self._nudges = 0
        self.incoming = self.outgoing = self._finished = None

    # --- session

    def connect(self, now: float, takeover: bool = False) -> LinkDown:
        """Begin a new session; the answer is `Connected` or `LinkDown`.

        Returns the end of the session that was open, with what it left unanswered.
        """
        ended = self._end(ErrorCode.ABORTED)
        self._out.clear()
        hello = Hello(
            magic=MAGIC,
            major=MAJOR,
            minor=MINOR,
            flags=HelloFlag.TAKEOVER if takeover else HelloFlag.NONE,
            nonce=self._nonce_source(),
            spec_hash=SPEC_HASH,
            max_payload=self.wanted_payload,
            host_credit=self._host_credit,
        )
        self._nonce = hello.nonce
        self._hello_wire = b"\0" + encode_frame(Kind.LINK, Hello.ID, 0, 0, hello.pack())
        self._hello_tries = 0
        self._send_hello(now)
        return ended

    def close(self, now: float) -> None:
        """Send BYE; the answer is `Closed`, or `LinkDown` when none comes."""
        if self.session:
            self._bye = now + self.rto, 1
            self._send_link(Bye(), now)

    def estop(self, now: float) -> None:
        """Drop what is queued and stop the board. The caller also empties the port's own queue."""
        self._out.clear()
        stop = encode_frame(Kind.LINK, Estop.ID, 0, self.session)
        self._out += (b"\0" + stop) * 3
        self._last_sent = now

    @property
    def connected(self) -> bool:
        """True while a session is open."""
        return self.session != 0

    @property
    def payload_limit(self) -> int:
        """Longest payload of this session."""
        return self.hello.max_payload if self.hello is not None else self.wanted_payload

    @property
    def stream_window(self) -> int:
        """Bytes of results that may be under way: what both ends can hold."""
        return min(self._host_credit, self.hello.tx_ring if self.hello is not None else 0)

    def accept_dictionary(self, hashes: dict[int, int]) -> set[int]:
        """Take the board's message hashes by id; return, and disable, the ids that differ."""
        self._disabled = {t.ID for t in MESSAGES.values() if hashes.get(t.ID) != t.HASH}
        return self._disabled

    # --- sending

    def request(self, message: Message, now: float) -> int:
        """Queue a request; return the ticket that its `Answered` will carry."""
        if not self.session:
            raise LocalProtocolError(f"{type(message).__name__}: no session is open")
        if message.KIND != Kind.REQ:
            raise LocalProtocolError(f"{type(message).__name__} is not a request")
        unknown = self._disabled is None and message.ID != 0x06
        if unknown or (self._disabled and message.ID in self._disabled):
            raise LocalProtocolError(
                f"{type(message).__name__} differs between this host and the board; update one"
            )
        payload = message.pack()
        if len(payload) > self.payload_limit:
            raise LocalProtocolError(
                f"{type(message).__name__}: {len(payload)} bytes, the session takes "
                f"{self.payload_limit}"
            )
        self._ticket += 1
        self._requests.add(self._ticket, message, payload)
        self.pump(now)
        return self._ticket

    def start_receiving(self, stream: ReceiveStream, now: float) -> None:
        """Take the items of this stream from now on, instead of any other."""
        self.incoming, self._finished = stream, None
        self._nudges = 0
        self._nudge = now + self._round_trip.patience(0) + self._backlog

    def stop_receiving(self) -> None:
        """Stop waiting for items or END."""
        if self.incoming is not None and self.incoming.complete:
            self._finished = self.incoming
        self.incoming = None
        self._nudge = None

    def start_sending(self, stream: SendStream, now: float) -> None:
        """Send the items of this stream from now on, instead of any other."""
        self.outgoing = stream
        self.pump(now)

    def data_to_send(self) -> bytes:
        """Return and forget the bytes for the line."""
        data = bytes(self._out)
        self._out.clear()
        return data

    # --- receiving

    def receive_bytes(self, data: bytes, now: float) -> list[HostEvent]:
        """Take bytes from the line; return what happened.

        Raises `RemoteProtocolError` when a sound frame holds what no board of this wire sends.
        """
        events: list[HostEvent] = []
        for found in self.decoder.feed(data):
            if isinstance(found, BadFrame):
                continue  # what it carried is asked for again by timers and by GO_BACK
            self._on_frame(found, now, events)
        if self.incoming is not None and self.session and self.incoming.credit_due():
            self._send_link(self.incoming.credit(), now)
        self.pump(now)
        return events

    def _on_frame(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        if frame.kind == Kind.RSP and frame.msg == Hello.ID:
            self._on_hello(frame, events)
        elif frame.kind == Kind.LINK and frame.msg == Nak.ID:
            self._on_nak(frame, now, events)
        elif self.session == 0 or frame.sess != self.session:
            return
        else:
            self._silent_pings = 0
            if frame.kind == Kind.RSP:
                self._on_response(frame, now, events)
            elif (message_type := MESSAGES.get((frame.kind, frame.msg))) is not None:
                self._on_message(message_type.unpack(frame.payload), now, events)

    def _on_hello(self, frame: Frame, events: list[HostEvent]) -> None:
        hello = HelloResponse.unpack(frame.payload)
        if self._hello_deadline is None or hello.nonce != self._nonce:
            return
        self._hello_deadline = None
        self.hello, self.session = hello, hello.sess
        self._requests = RequestWindow(hello.sess, hello.rx_credit, self._round_trip)
        matches = hello.spec_hash == SPEC_HASH
        self._disabled = set() if matches else None
        events.append(Connected(hello, matches))

    def _on_nak(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        nak = Nak.unpack(frame.payload)
        connecting = self._hello_deadline is not None
        match nak.reason:
            case ErrorCode.BUSY | ErrorCode.VERSION if connecting:
                self._down(ErrorCode(nak.reason), nak.detail, events)
            case ErrorCode.SESSION if self.session and nak.detail == self.session:
                if self._bye is None:
                    self._down(ErrorCode.SESSION, nak.detail, events)
                else:
                    self._reset_session()
                    events.append(Closed())
            case ErrorCode.GAP | ErrorCode.BAD_FRAME if frame.sess == self.session:
                self._put_all(self._requests.refused_from(nak.expected, now), now)

    def _on_response(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        if frame.msg == Ping.ID:
            events.append(Notified(PingResponse.unpack(frame.payload)))
            return
        if frame.msg == Bye.ID:
            ByeResponse.unpack(frame.payload)
            self._reset_session()
            events.append(Closed())
            return
        pending = self._requests.on_answer(frame.seq, frame.msg, now)
        if pending is None:
            return
        self._put_all(self._requests.overtaken(frame.seq, now), now)
        payload = frame.payload
        replayed = len(payload) > 1 and bool(payload[1] & REPLAYED >> 8)
        if replayed:
            payload = payload[:1] + bytes([payload[1] & ~(REPLAYED >> 8)]) + payload[2:]
        response = RESPONSES[frame.msg].unpack(payload)
        events.append(Answered(pending.ticket, pending.request, response, replayed))

    def _on_message(self, message: Message, now: float, events: list[HostEvent]) -> None:
        match message:
            case Credit():
                outgoing = self.outgoing
                if (
                    outgoing is not None
                    and message.stream == outgoing.stream
                    and message.op_lo == outgoing.op & 0xFFFF
                ):
                    outgoing.on_credit(message, now, self.rto)
            case ReadData() | VmmResult():
                self._on_data(message, now, events)
            case _:
                events.append(Notified(message))

    def _on_data(self, message: ReadData | VmmResult, now: float, events: list[HostEvent]) -> None:
        incoming = self.incoming
        stream = Stream.READ_DATA if isinstance(message, ReadData) else Stream.VMM_RESULT
        late = self._finished
        if late is not None and (stream, message.op_lo) == (late.stream, late.op & 0xFFFF):
            self._send_link(late.credit(), now)  # our last CREDIT was lost
            return
        if incoming is None or stream != incoming.stream or message.op_lo != incoming.op & 0xFFFF:
            return
        first = incoming.expected
        fresh, go_back = incoming.on_data(message.first, message.n, message.body, now)
        if fresh:
            self._nudges = 0
            self._nudge = now + self._round_trip.patience(0) + self._backlog
            events.append(DataReceived(first, fresh))
        if go_back:
            self._send_link(incoming.credit(go_back=True), now)

    # --- time

    @property
    def rto(self) -> float:
        """Seconds to wait for an answer before asking again."""
        return self._round_trip.rto

    @property
    def repeats(self) -> int:
        """Requests of this session that were sent again."""
        return self._requests.repeats

    def next_timeout(self) -> float | None:
        """Return when `tick` must be called at the latest; None for never."""
        times = [self._hello_deadline, self._requests.deadline]
        if self.session:
            times += [self._last_sent + self._ping_interval, self._nudge]
            times.append(self._bye[0] if self._bye is not None else None)
            if self.outgoing is not None:
                times.append(self.outgoing.next_timeout())
        return min((t for t in times if t is not None), default=None)

    def tick(self, now: float) -> list[HostEvent]:
        """Repeat what was not answered, ping, give up; return what happened."""
        events: list[HostEvent] = []
        if self._hello_deadline is not None and now >= self._hello_deadline:
            if self._hello_tries >= _HELLO_TRIES:
                self._down(ErrorCode.HOST_LOST, 0, events)
            else:
                self._send_hello(now)
        if self.session:
            self._tick_session(now, events)
        return events

    def _tick_session(self, now: float, events: list[HostEvent]) -> None:
        self._put_all(self._requests.tick(now, self._backlog), now)
        exhausted = self._requests.attempts >= self._tries
        if self.outgoing is not None:
            self.outgoing.tick(now, self.rto)
            exhausted |= self.outgoing.tries >= 2 * self._tries
        if self._nudge is not None and self.incoming is not None and now >= self._nudge:
            self._nudges += 1
            exhausted |= self._nudges >= 2 * self._tries
            self._nudge = now + self._round_trip.patience(self._nudges)
            self._send_link(self.incoming.credit(go_back=True), now)
        if self._bye is not None and now >= self._bye[0]:
            exhausted |= self._bye[1] >= self._tries
            self._bye = now + self._round_trip.patience(self._bye[1]), self._bye[1] + 1
            self._send_link(Bye(), now)
        if now >= self._last_sent + self._ping_interval:
            self._silent_pings += 1
            exhausted |= self._silent_pings > 2 * self._tries
            self._send_link(Ping(token=self._silent_pings), now)
        if exhausted:
            self._down(ErrorCode.HOST_LOST, 0, events)
        else:
            self.pump(now)

    # --- helpers

    def _send_hello(self, now: float) -> None:
        self._hello_tries += 1
        self._hello_deadline = now + _HELLO_INTERVAL
        self._out += self._hello_wire
        self._last_sent = now

    @property
    def _backlog(self) -> float:
        return len(self._out) / self._byte_rate if self._byte_rate else 0.0

    def _put(self, wire: bytes, now: float) -> None:
        if now - self._last_sent > _IDLE:
            self._out += b"\0"
        self._out += wire
        self._last_sent = now

    def _send_link(self, message: Message, now: float) -> None:
        self._put(encode_frame(Kind.LINK, message.ID, 0, self.session, message.pack()), now)

    def _put_all(self, frames: list[bytes], now: float) -> None:
        for wire in frames:
            self._put(wire, now)

    def pump(self, now: float) -> None:
        """Send what has become possible; only needed after items were appended to a stream."""
        if not self.session:
            return
        for wire in self._requests.ready(now, self._backlog):
            self._put(wire, now)
        outgoing = self.outgoing
        while outgoing is not None and (part := outgoing.take(now, self.rto)) is not None:
            data = JobData if outgoing.stream == Stream.JOB_DATA else VmmData
            body = data(
                op_lo=outgoing.op & 0xFFFF, n=part.count, first=part.first, body=part.body
            ).pack()
            self._put(encode_frame(Kind.DOWN, data.ID, 0, self.session, body), now)

    def _down(self, code: ErrorCode, detail: int, events: list[HostEvent]) -> None:
        events.append(self._end(code, detail))

    def _end(self, code: ErrorCode, detail: int = 0) -> LinkDown:
        requests = self._requests
        self._hello_deadline = None
        self._reset_session()
        return LinkDown(code, detail, requests.unanswered(), requests.unsent())
