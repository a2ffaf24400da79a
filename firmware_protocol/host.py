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

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.device import REPLAYED
from firmware_protocol.errors import LocalProtocolError
from firmware_protocol.framing import FRAME_OVERHEAD, BadFrame, Decoder, Frame, encode_frame
from firmware_protocol.host_events import (
    Answered,
    Closed,
    Connected,
    DataReceived,
    HostEvent,
    LinkDown,
    Notified,
)
from firmware_protocol.line import MAX_WINDOW, Flow, Line
from firmware_protocol.request_window import RequestWindow
from firmware_protocol.streams import ReceiveStream, SendStream

_HELLO_INTERVAL, _HELLO_TRIES = 1 / 3, 3
_RECEIVING_INTERVAL = 0.4
"""Seconds of our silence while results arrive: a CREDIT then says that we live, unanswered."""
_IDLE = 0.1
"""Seconds of silence after which a zero goes before the next frame, to end any line noise."""


class HostLink:
    """State of the host's end of one link.

    Parameters
    ----------
    nonce
        Gives a fresh random u64 per session.
    byte_rate
        Bytes per second of the line; None where it is not known and must be measured.
    max_payload
        Longest payload to use; see `framing.max_payload_for`. Kept as `wanted_payload`.
    host_credit
        Bytes of results that may be under way before the first CREDIT of an operation; None to
        choose by the rate of the line.
    tries
        How often a request is sent before the link is given up.
    ping_interval
        Seconds of silence after which a PING goes out.
    """

    def __init__(
        self,
        nonce: Callable[[], int],
        byte_rate: float | None = None,
        max_payload: int = m.MAX_PAYLOAD,
        host_credit: int | None = None,
        tries: int = 5,
        ping_interval: float = 0.25,
    ) -> None:
        self.decoder = Decoder()
        self.hello: m.HelloResponse | None = None
        self.incoming: ReceiveStream | None = None
        self.outgoing: SendStream | None = None
        self._finished: ReceiveStream | None = None
        self._nonce_source = nonce
        self._byte_rate = byte_rate
        self.wanted_payload = max_payload
        if host_credit is None:
            host_credit = min(Flow(Line(byte_rate)).allowance, MAX_WINDOW)
        self._host_credit = host_credit
        self._tries = tries
        self._ping_interval = ping_interval
        self._disabled: set[int] | None = set()
        self._ticket = 0
        self._out = bytearray()
        self._now = self._last_put = self._last_sent = float("-inf")
        self._nonce = 0
        self._reset_session()
        self._hello_wire = b""
        self._hello_sent = 0.0
        self._hello_tries = 0
        self._hello_deadline: float | None = None

    def _reset_session(self) -> None:
        self.session = 0
        self._line = Line(self._byte_rate)
        self.flow, self._arriving = Flow(self._line), Flow(self._line)
        self._requests = RequestWindow(0, 0, self.flow)
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
        ended = self._end(m.ErrorCode.ABORTED)
        self._discard()
        hello = m.Hello(
            magic=m.MAGIC,
            major=m.MAJOR,
            minor=m.MINOR,
            flags=m.HelloFlag.TAKEOVER if takeover else m.HelloFlag.NONE,
            nonce=self._nonce_source(),
            spec_hash=m.SPEC_HASH,
            max_payload=self.wanted_payload,
            host_credit=self._host_credit,
        )
        self._nonce = hello.nonce
        self._hello_wire = b"\0" + encode_frame(m.Kind.LINK, m.Hello.ID, 0, 0, hello.pack())
        self._hello_tries = 0
        self._hello_sent = now
        self._send_hello(now)
        return ended

    def close(self, now: float) -> None:
        """Send BYE; the answer is `Closed`, or `LinkDown` when none comes."""
        if self.session:
            self.outgoing = None
            self._discard()  # whatever it was, the end of the session makes it void
            self._send_link(m.Bye(), now)
            self._bye = now + self._answer_time(now), 1

    def estop(self, now: float) -> None:
        """Drop what is queued and stop the board. The caller also empties the port's own queue."""
        self._discard()
        stop = encode_frame(m.Kind.LINK, m.Estop.ID, 0, self.session)
        self._line.forget()
        self._queue((stop + b"\0") * 3, now)

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
        return min(MAX_WINDOW, self.hello.tx_ring if self.hello is not None else 0)

    @property
    def first_window(self) -> int:
        """Bytes of results that the board sends before the first CREDIT of an operation."""
        return min(self._host_credit, self.stream_window)

    def accept_dictionary(self, hashes: dict[int, int]) -> set[int]:
        """Take the board's message hashes by id; return, and disable, the ids that differ."""
        self._disabled = {t.ID for t in m.MESSAGES.values() if hashes.get(t.ID) != t.HASH}
        return self._disabled

    def offers(self, message_type: type[Message]) -> bool:
        """Return whether the board of this session knows a message as this host does."""
        return self._disabled is not None and message_type.ID not in self._disabled

    # --- sending

    def request(self, message: Message, now: float) -> int:
        """Queue a request; return the ticket that its `Answered` will carry."""
        if not self.session:
            raise LocalProtocolError(f"{type(message).__name__}: no session is open")
        if message.KIND != m.Kind.REQ:
            raise LocalProtocolError(f"{type(message).__name__} is not a request")
        asks_for_dictionary = self._disabled is None and message.ID == 0x06
        if not (asks_for_dictionary or self.offers(type(message))):
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
        if stream.granted < min(stream.total, self._window(stream)):
            # The board begins with what HELLO granted; by now we know the line better.
            self._grant(stream, now)
        self._nudge = now + self._answer_time(now)

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

    def cancel(self) -> None:
        """Give up both streams: what was not handed to the port of them is not sent any more."""
        self.stop_receiving()
        self.outgoing = None

    def data_to_send(self, now: float | None = None) -> bytes:
        """Return and forget the bytes for the line: as many as it carries in a moment.

        The rest waits here, where an ESTOP can discard it; `next_timeout` tells when to come again.
        Items of a stream become frames only now, so that requests never wait behind many of them.

        Parameters
        ----------
        now
            Time in s; that of the last call that had one when not given.
        """
        if now is not None:
            self._now = now
        room = self._line.room(self._now)
        while len(self._out) < room and self._put_next_items(self._now):
            pass
        data = bytes(self._out[:room])
        del self._out[:room]
        if data:
            self._line.spend(len(data), self._now)
            self._last_sent = self._now
        return data

    # --- receiving

    def receive_bytes(self, data: bytes, now: float) -> list[HostEvent]:
        """Take bytes from the line; return what happened.

        Raises `RemoteProtocolError` when a sound frame holds what no board of this wire sends.
        """
        events: list[HostEvent] = []
        self._now = now
        for found in self.decoder.feed(data):
            if isinstance(found, BadFrame):
                continue  # what it carried is asked for again by timers and by GO_BACK
            self._on_frame(found, now, events)
        if data and self.session and self.decoder.session_under_way == self.session:
            self._silent_pings = 0
        incoming = self.incoming
        if incoming is not None and self.session:
            incoming.window = self._window(incoming)
            if incoming.credit_due():
                self._grant(incoming, now)
        self.pump(now)
        return events

    def _on_frame(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        if frame.kind == m.Kind.RSP and frame.msg == m.Hello.ID:
            self._on_hello(frame, now, events)
        elif frame.kind == m.Kind.LINK and frame.msg == m.Nak.ID:
            self._on_nak(frame, now, events)
        elif self.session == 0 or frame.sess != self.session:
            return
        else:
            self._silent_pings = 0
            if frame.kind == m.Kind.RSP:
                self._on_response(frame, now, events)
            elif (message_type := m.MESSAGES.get((frame.kind, frame.msg))) is not None:
                self._on_message(message_type.unpack(frame.payload), now, events)

    def _on_hello(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        hello = m.HelloResponse.unpack(frame.payload)
        if self._hello_deadline is None or hello.nonce != self._nonce:
            return
        self._hello_deadline = None
        self.hello, self.session = hello, hello.sess
        longest = hello.max_payload + FRAME_OVERHEAD
        self._requests = RequestWindow(hello.sess, hello.rx_credit, self.flow, longest)
        crossed = len(self._hello_wire) + len(frame.payload) + FRAME_OVERHEAD
        self._line.measure(crossed, now - self._hello_sent)
        self._line.arrived(len(self._hello_wire))
        matches = hello.spec_hash == m.SPEC_HASH
        self._disabled = set() if matches else None
        events.append(Connected(hello, matches))

    def _on_nak(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        nak = m.Nak.unpack(frame.payload)
        connecting = self._hello_deadline is not None
        match nak.reason:
            case m.ErrorCode.BUSY | m.ErrorCode.VERSION if connecting:
                self._down(m.ErrorCode(nak.reason), nak.detail, events)
            case m.ErrorCode.SESSION if self.session and nak.detail == self.session:
                if self._bye is None:
                    self._down(m.ErrorCode.SESSION, nak.detail, events)
                else:
                    self._reset_session()
                    events.append(Closed())
            case m.ErrorCode.GAP | m.ErrorCode.BAD_FRAME if frame.sess == self.session:
                self._put_all(self._requests.refused_from(nak.expected, now), now)
                if self.outgoing is not None:
                    self.outgoing.doubt()

    def _on_response(self, frame: Frame, now: float, events: list[HostEvent]) -> None:
        if frame.msg == m.Ping.ID:
            events.append(Notified(m.PingResponse.unpack(frame.payload)))
            return
        if frame.msg == m.Bye.ID:
            m.ByeResponse.unpack(frame.payload)
            self._reset_session()
            events.append(Closed())
            return
        payload = frame.payload
        size, ahead = len(payload), self._ahead
        pending = self._requests.on_answer(frame.seq, frame.msg, size, now, ahead)
        if pending is None:
            return
        self._put_all(self._requests.overtaken(frame.seq, now), now)
        replayed = len(payload) > 1 and bool(payload[1] & REPLAYED >> 8)
        if replayed:
            payload = payload[:1] + bytes([payload[1] & ~(REPLAYED >> 8)]) + payload[2:]
        response = m.RESPONSES[frame.msg].unpack(payload)
        events.append(Answered(pending.ticket, pending.request, response, replayed))

    def _on_message(self, message: Message, now: float, events: list[HostEvent]) -> None:
        match message:
            case m.Credit():
                outgoing = self.outgoing
                if (
                    outgoing is not None
                    and message.stream == outgoing.stream
                    and message.op_lo == outgoing.op & 0xFFFF
                ):
                    outgoing.on_credit(message, now)
            case m.ReadData() | m.VmmResult():
                self._on_data(message, now, events)
            case _:
                events.append(Notified(message))

    def _on_data(
        self, message: m.ReadData | m.VmmResult, now: float, events: list[HostEvent]
    ) -> None:
        incoming = self.incoming
        stream = m.Stream.READ_DATA if isinstance(message, m.ReadData) else m.Stream.VMM_RESULT
        late = self._finished
        if late is not None and (stream, message.op_lo) == (late.stream, late.op & 0xFFFF):
            self._send_link(late.credit(), now)  # our last CREDIT was lost
            return
        if incoming is None or stream != incoming.stream or message.op_lo != incoming.op & 0xFFFF:
            return
        first = incoming.expected
        fresh, go_back = incoming.on_data(message.first, message.n, message.body, now)
        if fresh:
            self._arriving.acknowledged(len(fresh))
            self._nudges = 0
            self._nudge = now + self._answer_time(now)
            events.append(DataReceived(first, fresh))
        if go_back:
            self._arriving.lost()
            self._grant(incoming, now, go_back=True)

    # --- time

    @property
    def repeats(self) -> int:
        """Requests of this session that were sent again."""
        return self._requests.repeats

    def next_timeout(self) -> float | None:
        """Return when `tick` or `data_to_send` must be called at the latest; None for never."""
        times = [self._hello_deadline, self._requests.deadline]
        waiting = bool(self._out)
        if self.session:
            times += [self._silent_from + self._silence, self._nudge]
            times.append(self._bye[0] if self._bye is not None else None)
            if self.outgoing is not None:
                times.append(self.outgoing.next_timeout())
                waiting |= not self.outgoing.drained
        if waiting:
            times.append(self._line.room_at(self._now))
        return min((t for t in times if t is not None), default=None)

    def tick(self, now: float) -> list[HostEvent]:
        """Repeat what was not answered, ping, give up; return what happened."""
        self._now = now
        events: list[HostEvent] = []
        if self._hello_deadline is not None and now >= self._hello_deadline:
            if self._hello_tries >= _HELLO_TRIES:
                self._down(m.ErrorCode.HOST_LOST, 0, events)
            else:
                self._send_hello(now)
        if self.session:
            self._tick_session(now, events)
        return events

    def _tick_session(self, now: float, events: list[HostEvent]) -> None:
        self._put_all(self._requests.tick(now, self._ahead), now)
        exhausted = self._requests.attempts >= self._tries
        if self.outgoing is not None:
            self.outgoing.tick(now)
            exhausted |= self.outgoing.tries >= 2 * self._tries
        if self._nudge is not None and self.incoming is not None and now >= self._nudge:
            exhausted |= self._tick_receiving(self.incoming, now)
        if self._bye is not None and now >= self._bye[0]:
            exhausted |= self._bye[1] >= self._tries
            self._send_link(m.Bye(), now)
            self._bye = now + self._answer_time(now, self._bye[1]), self._bye[1] + 1
        if now >= self._silent_from + self._silence:
            self._silent_pings += 1
            exhausted |= self._silent_pings > 2 * self._tries
            self._break_silence(now)
        if exhausted:
            self._down(m.ErrorCode.HOST_LOST, 0, events)
        else:
            self.pump(now)

    def _tick_receiving(self, incoming: ReceiveStream, now: float) -> bool:
        """Ask for items that do not come; return True when that was in vain too often."""
        outgoing = self.outgoing
        if outgoing is None or outgoing.complete:  # else the board waits for us
            self._nudges += 1
            # What was sent last and lost leaves no gap. At first only tell how far we are: the
            # board asks in its turn. END comes again only on GO_BACK.
            self._grant(incoming, now, go_back=incoming.complete or self._nudges > 1)
        self._nudge = now + self._answer_time(now, self._nudges)
        return self._nudges >= 2 * self._tries

    # --- helpers

    def _send_hello(self, now: float) -> None:
        self._hello_tries += 1
        crossing = 2 * len(self._hello_wire) + m.HelloResponse.LAYOUT.struct.size + FRAME_OVERHEAD
        self._queue(self._hello_wire, now)
        self._hello_deadline = now + _HELLO_INTERVAL + crossing / self._line.rate

    @property
    def _silent_from(self) -> float:
        """When the board has heard all that we have sent so far."""
        return max(self._last_put, self._last_sent + self._line.busy(self._last_sent))

    @property
    def _silence(self) -> float:
        """Seconds of silence that are too long."""
        quiet = self.incoming is None or self.incoming.complete
        return self._ping_interval if quiet else max(self._ping_interval, _RECEIVING_INTERVAL)

    def _break_silence(self, now: float) -> None:
        incoming = self.incoming
        if incoming is None or incoming.complete or self._silent_pings > 1:
            self._send_link(m.Ping(token=self._silent_pings), now)
        else:
            self._grant(incoming, now)

    def _window(self, stream: ReceiveStream) -> int:
        """Items of results to have under way: not more than the line carries in a while."""
        size = stream.item_size
        return max(1, min(self._arriving.allowance, self.stream_window) // size)

    def _grant(self, stream: ReceiveStream, now: float, go_back: bool = False) -> None:
        stream.window = self._window(stream)
        self._send_link(stream.credit(go_back=go_back), now)

    @property
    def _ahead(self) -> int:
        """Bytes that may cross the line before the next answer: ours that wait, and results."""
        results = self.incoming.granted * self.incoming.item_size if self.incoming else 0
        return len(self._out) + results

    def _answer_time(self, now: float, attempts: int = 0) -> float:
        """Return the seconds in which the board must have said something."""
        crossing = 2 * (self.payload_limit + FRAME_OVERHEAD)
        return self.flow.wait(len(self._out) + crossing, now, attempts)

    def _put(self, wire: bytes, now: float) -> None:
        self._queue(b"\0" + wire if now - self._last_put > _IDLE else wire, now)

    def _queue(self, data: bytes, now: float) -> None:
        self._out += data
        self._line.queued += len(data)
        self._now = self._last_put = now

    def _discard(self) -> None:
        """Drop what was not yet handed over; a zero ends the frame that this may have cut."""
        self._line.queued += 1 - len(self._out)
        self._out[:] = b"\0"

    def _put_next_items(self, now: float) -> bool:
        """Put the next frame of the outgoing stream behind what waits; False when there is none."""
        outgoing = self.outgoing
        if not self.session or outgoing is None or (part := outgoing.take(now)) is None:
            return False
        data = m.JobData if outgoing.stream == m.Stream.JOB_DATA else m.VmmData
        body = data(
            op_lo=outgoing.op & 0xFFFF, n=part.count, first=part.first, body=part.body
        ).pack()
        self._put(encode_frame(m.Kind.DOWN, data.ID, 0, self.session, body), now)
        return True

    def _send_link(self, message: Message, now: float) -> None:
        self._put(encode_frame(m.Kind.LINK, message.ID, 0, self.session, message.pack()), now)

    def _put_all(self, frames: list[bytes], now: float) -> None:
        for wire in frames:
            self._put(wire, now)

    def pump(self, now: float) -> None:
        """Queue the requests that have become possible."""
        self._now = now
        if self.session:
            for wire in self._requests.ready(now, self._ahead):
                self._put(wire, now)

    def _down(self, code: m.ErrorCode, detail: int, events: list[HostEvent]) -> None:
        events.append(self._end(code, detail))

    def _end(self, code: m.ErrorCode, detail: int = 0) -> LinkDown:
        requests = self._requests
        self._hello_deadline = None
        self._reset_session()
        return LinkDown(code, detail, requests.unanswered(), requests.unsent())
