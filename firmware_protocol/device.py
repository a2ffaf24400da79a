"""The board's end of the link: sessions, order, repetition. It executes nothing.

Bytes go in, events come out; the owner (`firmware.Firmware`, or anything else) acts on the events
and calls back. Three rules make a request execute at most once: a seq is consumed before its
request is handed out; a repeated seq gets the stored answer and no event; a frame of another
session is dropped. One NAK goes out per burst of errors, so that damage does not multiply.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import RefusedError, RemoteProtocolError
from firmware_protocol.framing import BadFrame, Decoder, Frame, encode_frame
from firmware_protocol.journal import Memory
from firmware_protocol.line import Flow, Line

REPLAYED = 0x8000
"""Bit of `status` that marks an answer repeated from the cache."""
SESSION_SILENCE = 2.0
"""Seconds without a good frame after which another host may open a session without takeover."""


@dataclass(frozen=True, slots=True)
class SessionAsked:
    """A HELLO with a new nonce: ground everything, then call `open_session`."""

    hello: m.Hello


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """A BYE: ground everything, `answer_link` to this session, then `close_session`."""

    sess: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """An ESTOP, of whatever session."""


@dataclass(frozen=True, slots=True)
class RequestArrived:
    """A request to execute once, then `answer`; its seq is already consumed."""

    seq: int
    request: Message


@dataclass(frozen=True, slots=True)
class RequestUnreadable:
    """A request in order whose content is wrong; it was answered already."""

    msg: int
    reason: str


@dataclass(frozen=True, slots=True)
class FrameArrived:
    """A PING, CREDIT or data frame of this session, outside the sequence."""

    message: Message


DeviceEvent = (
    SessionAsked | SessionClosed | StopAsked | RequestArrived | RequestUnreadable | FrameArrived
)


@dataclass(slots=True)
class DeviceCounters:
    """What the board's link saw besides the decoder's counters."""

    dup: int = 0
    gap: int = 0
    replay: int = 0
    session: int = 0
    overrun: int = 0


class DeviceLink:
    """State of the board's end of one link.

    Parameters
    ----------
    memory
        Where session numbers come from; survives resets.
    max_payload
        Longest payload this board takes or sends.
    byte_rate
        Bytes per second of the line; None where it is not known, as over USB or TCP.
    """

    def __init__(
        self, memory: Memory, max_payload: int = m.MAX_PAYLOAD, byte_rate: float | None = None
    ) -> None:
        self.byte_rate = byte_rate
        self.line = Line(byte_rate)
        self.flow = Flow(self.line, trusting=True)
        self.counters = DeviceCounters()
        self.decoder = Decoder()
        self.session = 0
        self.max_payload = max_payload
        self.last_heard = float("-inf")
        self._limit = max_payload
        self._memory = memory
        self._nonce: int | None = None
        self._past_nonces: deque[int] = deque(maxlen=16)
        self._hello_answer = b""
        self._expected = 0
        self._cache: OrderedDict[int, tuple[int, bytes]] = OrderedDict()
        self._stream_seq = 0
        self._complained: set[m.ErrorCode] = set()
        self._out = bytearray()
        self._counted = 0

    # --- in

    def receive_bytes(self, data: bytes, now: float) -> Iterator[DeviceEvent]:
        """Take bytes from the line; yield what the owner must act on, in order.

        Lazy on purpose: each event must be acted on before the next frame is judged, or a frame of
        the old session that follows a HELLO would still count as current.
        """
        for found in self.decoder.feed(data):
            event = self._receive_frame(found, now)
            if event is not None:
                yield event
        if data and self.session and self.decoder.session_under_way == self.session:
            # A long frame on a slow line: the host is there, though its frame is not yet.
            self.last_heard = now

    def _receive_frame(self, found: Frame | BadFrame, now: float) -> DeviceEvent | None:
        if isinstance(found, BadFrame):
            self._complain(found.code, m.MAJOR if found.code == m.ErrorCode.VERSION else 0)
            return None
        self._complained -= {m.ErrorCode.BAD_FRAME, m.ErrorCode.VERSION}
        if found.kind == m.Kind.LINK and found.msg == m.Estop.ID:
            return StopAsked()
        if found.kind == m.Kind.LINK and found.msg == m.Hello.ID:
            return self._on_hello(found, now)
        if found.kind == m.Kind.LINK and found.msg == m.Bye.ID and self.session == 0:
            return SessionClosed(found.sess)
        if not self.is_current(found.sess):
            self.counters.session += 1
            self._complain(m.ErrorCode.SESSION, found.sess)
            return None
        self._complained.discard(m.ErrorCode.SESSION)
        self.last_heard = now
        if found.kind == m.Kind.REQ:
            return self._on_request(found)
        return self._on_loose_frame(found)

    def _on_loose_frame(self, frame: Frame) -> DeviceEvent | None:
        message_type = m.MESSAGES.get((frame.kind, frame.msg))
        if message_type is None or frame.kind not in (m.Kind.LINK, m.Kind.DOWN):
            return None
        try:
            message = message_type.unpack(frame.payload)
        except RemoteProtocolError:
            return None  # nobody waits for an answer; the stream's own rules repair it
        return SessionClosed(frame.sess) if isinstance(message, m.Bye) else FrameArrived(message)

    def _on_hello(self, frame: Frame, now: float) -> DeviceEvent | None:
        try:
            hello = m.Hello.unpack(frame.payload)
        except RemoteProtocolError:
            self._complain(m.ErrorCode.LEN)
            return None
        if hello.magic != m.MAGIC or hello.major != m.MAJOR:
            self._nak(m.ErrorCode.VERSION, m.MAJOR)
        elif self.session and hello.nonce == self._nonce:
            self.last_heard = now
            self._out += self._hello_answer
        elif hello.nonce in self._past_nonces:
            self.counters.dup += 1  # late: its session is over
        elif self.alive(now) and not hello.flags & m.HelloFlag.TAKEOVER:
            self._nak(m.ErrorCode.BUSY, self.session)
        else:
            return SessionAsked(hello)
        return None

    def _on_request(self, frame: Frame) -> DeviceEvent | None:
        behind = (self._expected - frame.seq) & 0xFFFF
        if behind == 0:
            return self._take_request(frame)
        if behind <= m.REPLAY_CACHE:
            self.counters.dup += 1
            if frame.seq in self._cache:
                self.counters.replay += 1
                self._send_replay(frame.seq)
        elif behind >= 0x8000:
            self.counters.gap += 1
            self._complain(m.ErrorCode.GAP)
        else:
            self.counters.dup += 1
            self._complain(m.ErrorCode.STALE)
        return None

    def _take_request(self, frame: Frame) -> DeviceEvent:
        # Consumed first: whatever happens while it executes, it cannot execute again.
        self._expected = (self._expected + 1) & 0xFFFF
        self._complained -= {m.ErrorCode.GAP, m.ErrorCode.STALE}
        message_type = m.MESSAGES.get((m.Kind.REQ, frame.msg))
        try:
            if message_type is None:
                raise RemoteProtocolError(f"no message {frame.msg:#x}", m.ErrorCode.UNKNOWN_MSG)
            return RequestArrived(frame.seq, message_type.unpack(frame.payload))
        except RemoteProtocolError as error:
            self.refuse(frame.seq, frame.msg, RefusedError(error.code))
            return RequestUnreadable(frame.msg, str(error))

    # --- out

    def open_session(self, hello: m.Hello, now: float, **fields: int | bytes) -> None:
        """Begin a new session and answer its HELLO.

        Parameters
        ----------
        hello
            From `SessionAsked`.
        now
            Time in s.
        fields
            Fields of `HelloResponse` that the owner knows: op_hw, journal_n, rx_credit, tx_ring,
            caps, fw, uid, state, fault.
        """
        session = (self._memory.last_session + 1) & 0xFFFF or 1
        self._memory.last_session = self.session = session
        self._nonce = hello.nonce
        self._past_nonces.append(hello.nonce)
        self._limit = max(64, min(self.max_payload, hello.max_payload))
        self._expected = self._stream_seq = 0
        self._cache.clear()
        self._complained.clear()
        self.discard_output()
        self.line = Line(self.byte_rate)
        self.flow = Flow(self.line, trusting=True)
        self.last_heard = now
        answer = m.HelloResponse(
            magic=m.MAGIC,
            major=m.MAJOR,
            minor=m.MINOR,
            sess=session,
            nonce=hello.nonce,
            spec_hash=m.SPEC_HASH,
            boot_id=self._memory.boot_id,
            max_payload=self._limit,
            **fields,  # type: ignore[arg-type]
        )
        self._hello_answer = b"\0" + encode_frame(m.Kind.RSP, m.Hello.ID, 0, session, answer.pack())
        self._out += self._hello_answer

    def close_session(self) -> None:
        """Forget the session; frames of it are refused from now on."""
        self.session = 0
        self._nonce = None
        self._cache.clear()

    @property
    def payload_limit(self) -> int:
        """Longest payload of this session."""
        return self._limit

    def is_current(self, session: int) -> bool:
        """Return True when frames of this session may be acted on."""
        return self.session != 0 and session == self.session

    def alive(self, now: float) -> bool:
        """Return True while the session's host has been heard of lately."""
        return self.session != 0 and now - self.last_heard < SESSION_SILENCE

    def answer(self, seq: int, response: Message) -> None:
        """Store the answer of a request, then send it."""
        self._store(seq, response.ID, response.pack())

    def refuse(self, seq: int, msg: int, refusal: RefusedError) -> None:
        """Answer a request with an error code and nothing else."""
        head = refusal.code.to_bytes(2, "little") + (refusal.detail & 0xFFFF).to_bytes(2, "little")
        self._store(seq, msg, head)

    def answer_link(self, response: Message, sess: int | None = None) -> None:
        """Answer a PING or BYE, which stand outside the sequence."""
        to = self.session if sess is None else sess
        self._out += encode_frame(m.Kind.RSP, response.ID, 0, to, response.pack())

    def send(self, message: Message) -> None:
        """Send a CREDIT, event or data frame."""
        seq = 0
        if message.KIND == m.Kind.UP:
            seq, self._stream_seq = self._stream_seq, (self._stream_seq + 1) & 0xFFFF
        self._out += encode_frame(message.KIND, message.ID, seq, self.session, message.pack())

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that are due."""
        data = bytes(self._out)
        self._out.clear()
        self._counted = 0
        return data

    def free_at(self, now: float) -> float:
        """Return when more results may follow what is on its way: only as fast as they leave.

        Whatever waits in front of the port delays the answers behind it. Where the rate is not
        known the credit of the host bounds that, and results may follow at once.
        """
        fresh = len(self._out) - self._counted
        self.line.queued += fresh
        self.line.spend(fresh, now)
        self._counted = len(self._out)
        return (self.line.room_at(now) or now) if self.line.known else now

    def discard_output(self) -> None:
        """Drop what was not yet taken."""
        self._out.clear()
        self._counted = 0
        self.line.forget()

    def _store(self, seq: int, msg: int, payload: bytes) -> None:
        self._cache[seq] = msg, payload
        while len(self._cache) > m.REPLAY_CACHE:
            self._cache.popitem(last=False)
        self._out += encode_frame(m.Kind.RSP, msg, seq, self.session, payload)

    def _send_replay(self, seq: int) -> None:
        msg, payload = self._cache[seq]
        status = int.from_bytes(payload[:2], "little") | REPLAYED
        payload = status.to_bytes(2, "little") + payload[2:]
        self._out += encode_frame(m.Kind.RSP, msg, seq, self.session, payload)

    def _complain(self, reason: m.ErrorCode, detail: int = 0) -> None:
        if reason not in self._complained:
            self._complained.add(reason)
            self._nak(reason, detail)

    def _nak(self, reason: m.ErrorCode, detail: int) -> None:
        nak = m.Nak(reason=reason, expected=self._expected, detail=detail)
        self._out += encode_frame(m.Kind.LINK, m.Nak.ID, 0, self.session, nak.pack())
