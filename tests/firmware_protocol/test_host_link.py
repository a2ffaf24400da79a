"""The host's end of the link by hand, without a board: what it sends, when, and what it reports."""

import pytest

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import LocalProtocolError
from firmware_protocol.framing import FRAME_OVERHEAD, Decoder, Frame, encode_frame
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import Answered, DataReceived, HostEvent, LinkDown
from firmware_protocol.line import FIRST_RTO, Flow, Line
from firmware_protocol.messages import CreditFlag, ErrorCode, Kind, Stream
from firmware_protocol.streams import ReceiveStream, SendStream

RATE = 1000.0
"""Bytes per second of a line that is known; 100 bytes may be handed over at once."""
BEGIN = 64.0
"""Times here are sums of powers of two."""
SESSION = 0x2B3C
OP = 0x0005_8A31


class Host:
    """A link on a line of 1 kB/s, and what the board would say."""

    def __init__(
        self, byte_rate: float | None = RATE, max_payload: int = 256, ping_interval: float = 60.0
    ) -> None:
        self.link = HostLink(
            lambda: 5, byte_rate, max_payload=max_payload, ping_interval=ping_interval, tries=2
        )
        self.now = BEGIN

    def open(self) -> None:
        """Open a session; the line is free again then."""
        self.link.connect(self.now)
        self.drain()
        self.now += 0.5
        self.answer_hello()

    def answer_hello(self, nonce: int = 5) -> None:
        hello = m.HelloResponse(
            magic=m.MAGIC, major=m.MAJOR, minor=m.MINOR, sess=SESSION, nonce=nonce,
            spec_hash=m.SPEC_HASH, boot_id=9, op_hw=0, max_payload=self.link.wanted_payload,
            rx_credit=8192, tx_ring=8192, caps=0, fw=bytes(4), uid=bytes(12), state=2, fault=0,
            journal_n=0,
        )  # fmt: skip
        self.hear(Kind.RSP, m.Hello.ID, 0, hello.pack())
        assert self.link.connected == (nonce == 5)

    def drain(self) -> bytes:
        """Take all that the link wants to send, each byte when the line has room for it."""
        sent = bytearray()
        while data := self.link.data_to_send(self.now):
            sent += data
            self.now += len(data) / RATE
        return bytes(sent)

    def hear(
        self, kind: int, msg: int, seq: int, payload: bytes, session: int = SESSION
    ) -> list[HostEvent]:
        wire = b"\0" + encode_frame(kind, msg, seq, session, payload)
        return self.link.receive_bytes(wire, self.now)

    def hear_message(self, message: Message) -> list[HostEvent]:
        return self.hear(message.KIND, message.ID, 0, message.pack())


@pytest.fixture
def host() -> Host:
    found = Host()
    found.open()
    found.now += 1.0
    return found


def frames(data: bytes) -> list[Frame]:
    return [one for one in Decoder().feed(b"\0" + data) if isinstance(one, Frame)]


class TestWhenToComeAgain:
    def test_never_before_anything_was_asked(self) -> None:
        assert Host().link.next_timeout() is None

    def test_for_the_answer_to_hello_it_and_its_bytes_are_waited_for_three_times(self) -> None:
        host = Host()
        host.link.connect(BEGIN)
        sent = host.drain()
        (hello,) = frames(sent)
        assert (hello.kind, hello.msg, hello.seq, hello.sess) == (Kind.LINK, m.Hello.ID, 0, 0)
        # A zero before it, and both frames cross the line.
        crossing = 2 * (len(hello.encode()) + 1) + m.HelloResponse.LAYOUT.struct.size
        wait = 1 / 3 + (crossing + FRAME_OVERHEAD) / RATE
        events: list[HostEvent] = []
        began = BEGIN
        for events_then in (0, 0, 1):
            due = host.link.next_timeout()
            assert due == pytest.approx(began + wait)
            assert due is not None
            assert host.link.tick(due - 1e-6) == []
            began = host.now = due
            events = host.link.tick(due)
            assert len(events) == events_then
            assert frames(host.drain()) == ([] if events else [hello])
        assert events == [LinkDown(ErrorCode.HOST_LOST, 0, {}, {})]
        assert host.link.next_timeout() is None

    def test_for_the_rest_when_the_line_has_room(self, host: Host) -> None:
        host.link.request(m.Echo(data=b"x" * 200), host.now)
        assert len(host.link.data_to_send(host.now)) == 100, "0.1 s of line"
        # Half of that is left then.
        assert host.link.next_timeout() == pytest.approx(host.now + 0.05)

    @pytest.mark.parametrize(("items", "waits"), [(4, True), (0, False)])
    def test_for_items_of_a_stream_as_for_bytes(self, items: int, waits: bool, host: Host) -> None:
        host.link.request(m.Echo(data=b"x" * 60), host.now)
        sent = host.link.data_to_send(host.now)
        assert 60 < len(sent) < 100
        stream = SendStream(Stream.VMM_DATA, OP, 9, 8, 4, 9, host.link.flow)
        stream.append(bytes(8 * items))
        host.link.start_sending(stream, host.now)
        due = host.link.next_timeout()
        assert due is not None
        room = pytest.approx(host.now + len(sent) / RATE - 0.05)
        assert (due == room) is waits
        assert due >= room.expected - 1e-9

    def test_the_answer_to_bye_has_the_time_of_two_long_frames(self, host: Host) -> None:
        host.link.close(host.now)
        # A zero that ends what was cut, another after the silence, and BYE.
        bye = 2 + len(encode_frame(Kind.LINK, m.Bye.ID, 0, SESSION))
        crossing = bye + 2 * (256 + FRAME_OVERHEAD)
        due = host.link.next_timeout()
        assert due == pytest.approx(host.now + FIRST_RTO + crossing / RATE)

    def test_bye_is_sent_again_after_twice_the_time_and_then_given_up(self, host: Host) -> None:
        host.link.close(host.now)
        (bye,) = frames(host.drain())
        due = host.link.next_timeout()
        assert due is not None
        host.now = due
        assert host.link.tick(due) == []
        wire = len(encode_frame(Kind.LINK, m.Bye.ID, 0, SESSION)) + 1
        crossing = wire + 2 * (256 + FRAME_OVERHEAD)
        assert host.link.next_timeout() == pytest.approx(due + 2 * FIRST_RTO + crossing / RATE)
        assert frames(host.drain()) == [bye]
        last = host.link.next_timeout()
        assert last is not None
        assert host.link.tick(last) == [LinkDown(ErrorCode.HOST_LOST, 0, {}, {})]


class TestSilence:
    """On a line of 1 kB/s, where nothing arrives unless it is said."""

    @staticmethod
    def at_next_timeout(host: Host) -> tuple[list[HostEvent], list[Message]]:
        """Let time pass until something is due; return what happens and what is sent."""
        due = host.link.next_timeout()
        assert due is not None
        host.now = max(host.now, due)
        events = host.link.tick(host.now)
        return events, [
            m.MESSAGES[frame.kind, frame.msg].unpack(frame.payload)
            for frame in frames(host.drain())
        ]

    def test_a_board_that_answers_no_ping_is_given_up(self) -> None:
        host = Host(ping_interval=0.25)
        host.open()
        told = [self.at_next_timeout(host) for _ in range(5)]
        # Twice as often as a request is tried; the fifth finds nobody.
        assert [one for _, sent in told[:4] for one in sent] == [
            m.Ping(token=k) for k in range(1, 5)
        ]
        assert [events for events, _ in told[:4]] == 4 * [[]]
        assert told[4][0] == [LinkDown(ErrorCode.HOST_LOST, 0, {}, {})]

    def test_any_byte_of_the_session_ends_the_silence(self) -> None:
        host = Host(ping_interval=0.25)
        host.open()
        pong = m.PingResponse(token=1, mcu_us=0, state=2, fault=0, busy_op=0)
        answer = encode_frame(Kind.RSP, m.Ping.ID, 0, SESSION, pong.pack())
        for heard, token in (
            (answer[:12], 1),
            (b"", 2),  # not a byte
            (b"\0\7", 3),
            (b"\0" + encode_frame(Kind.RSP, m.Ping.ID, 0, SESSION ^ 1)[:12], 4),
            (b"\0" + answer, 1),
        ):
            host.link.receive_bytes(heard, host.now)
            assert self.at_next_timeout(host) == ([], [m.Ping(token=token)])

    def test_while_results_are_awaited_first_a_credit_says_that_we_live(self) -> None:
        host = Host(ping_interval=0.25)
        host.open()
        host.now += 1.0
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 4), host.now)
        began, sent = host.now, host.drain()
        # All of it is granted, as the line carries that; and its bytes take their time.
        (credit,) = frames(sent)
        assert m.Credit.unpack(credit.payload).window == 6
        assert host.link.next_timeout() == pytest.approx(began + len(sent) / RATE + 0.4)
        _, (first,) = self.at_next_timeout(host)
        assert first == m.Credit.unpack(credit.payload)
        _, (asks,) = self.at_next_timeout(host)
        assert isinstance(asks, m.Credit), "it is time for results"
        assert self.at_next_timeout(host) == ([], [m.Ping(token=2)])

    def test_results_that_do_not_come_are_asked_for_more_and_more_firmly(self, host: Host) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 6), host.now)
        crossing = 2 * (256 + FRAME_OVERHEAD) / RATE
        due = host.now + FIRST_RTO + crossing
        for k, flags in enumerate((CreditFlag.NONE, CreditFlag.GO_BACK, CreditFlag.GO_BACK)):
            assert host.link.next_timeout() == pytest.approx(due)
            host.now = due
            assert host.link.tick(due) == []
            sent = host.drain()
            (frame,) = frames(sent)
            credit = m.Credit.unpack(frame.payload)
            assert (credit.flags, credit.next, credit.window) == (flags, 0, 6)
            due += FIRST_RTO * 2 ** (k + 1) + crossing + len(sent) / RATE
        host.now = due
        assert host.link.tick(due) == [LinkDown(ErrorCode.HOST_LOST, 0, {}, {})]

    def test_the_end_of_results_that_have_all_come_is_asked_for_firmly_at_once(
        self, host: Host
    ) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 2, 8, 2), host.now)
        host.hear_message(TestResults.result(OP & 0xFFFF, 0, bytes(16)))
        host.drain()
        _, (credit,) = self.at_next_timeout(host)
        assert isinstance(credit, m.Credit)
        assert (credit.flags, credit.next) == (CreditFlag.GO_BACK, 2)

    def test_no_results_are_asked_for_while_the_board_waits_for_us(self, host: Host) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 6), host.now)
        nothing_yet = SendStream(Stream.VMM_DATA, OP, 9, 8, 4, 9, host.link.flow)
        host.link.start_sending(nothing_yet, host.now)
        for _ in range(6):
            assert self.at_next_timeout(host) == ([], [])


class TestWhatIsSent:
    @pytest.mark.parametrize(("silence", "zero"), [(0.0625, False), (0.125, True)])
    def test_a_zero_goes_before_a_frame_after_a_silence(
        self, silence: float, zero: bool, host: Host
    ) -> None:
        host.link.request(m.GetState(), host.now)
        assert host.link.data_to_send(host.now)[0] == 0, "long silence"
        host.now += silence
        host.link.request(m.GetInfo(), host.now)
        assert (host.link.data_to_send(host.now)[0] == 0) is zero

    def test_a_stop_goes_before_all_that_waits_and_is_said_three_times(self, host: Host) -> None:
        host.link.request(m.Echo(data=b"x" * 200), host.now)
        begun = host.link.data_to_send(host.now)
        host.link.estop(host.now)
        host.now += 1.0
        stop = encode_frame(Kind.LINK, m.Estop.ID, 0, SESSION)
        # A zero ends the frame that was cut, and another each stop, whatever damages its own.
        assert host.drain() == b"\0" + 3 * (stop + b"\0")
        assert len(begun) == 100

    def test_the_longest_request_is_as_long_as_the_session_allows(self, host: Host) -> None:
        host.link.request(m.Echo(data=b"x" * 256), host.now)
        with pytest.raises(LocalProtocolError, match="257 bytes, the session takes 256"):
            host.link.request(m.Echo(data=b"x" * 257), host.now)

    @pytest.mark.parametrize(
        ("request_", "longest"), [(m.Echo(data=b"abc"), True), (m.Renew(), False)], ids=str
    )
    def test_an_answer_of_any_length_has_the_time_of_the_longest(
        self, request_: Message, longest: bool, host: Host
    ) -> None:
        host.link.request(request_, host.now)
        wire = len(encode_frame(Kind.REQ, request_.ID, 0, SESSION, request_.pack()))
        size = 256 if longest else m.RenewResponse.LAYOUT.struct.size
        crossing = wire + size + FRAME_OVERHEAD
        due = host.now + FIRST_RTO + crossing / RATE
        host.drain()
        assert host.link.next_timeout() == pytest.approx(due)

    def test_an_answer_has_the_time_of_the_results_that_may_be_before_it(self, host: Host) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 99, 8, 30), host.now)
        (frame,) = frames(host.drain())
        assert m.Credit.unpack(frame.payload).window == 99
        host.now += 1.0
        host.link.request(m.Renew(), host.now)
        wire = len(encode_frame(Kind.REQ, m.Renew.ID, 0, SESSION))
        crossing = wire + m.RenewResponse.LAYOUT.struct.size + FRAME_OVERHEAD + 99 * 8
        assert host.link._requests.deadline == pytest.approx(
            host.now + FIRST_RTO + crossing / RATE, abs=5e-4
        )

    def test_a_request_is_sent_five_times_by_default(self) -> None:
        host = Host()
        host.link = HostLink(lambda: 5, RATE, max_payload=256, ping_interval=60.0)
        host.open()
        host.link.request(m.Renew(), host.now)
        sent, events = frames(host.drain()), []
        while not events:
            due = host.link.next_timeout()
            assert due is not None
            host.now = max(host.now, due)
            if not (events := host.link.tick(host.now)):
                sent += frames(host.drain())
        assert len(sent) == 5
        assert {one.msg for one in sent} == {m.Renew.ID}

    def test_items_fill_what_room_the_line_has_and_no_more(self, host: Host) -> None:
        stream = SendStream(Stream.VMM_DATA, OP, 90, 8, 4, 90, host.link.flow)
        stream.append(bytes(90 * 8))
        host.link.start_sending(stream, host.now)
        assert len(host.link.data_to_send(host.now)) == 100, "0.1 s of line"
        host.link.estop(host.now)
        host.now += 1.0
        left = frames(host.link.data_to_send(host.now))
        assert [one.msg for one in left[:3]] == [m.Estop.ID] * 3, "little was made in advance"

    def test_what_is_cancelled_is_not_sent(self, host: Host) -> None:
        stream = SendStream(Stream.VMM_DATA, OP, 9, 8, 4, 9, host.link.flow)
        stream.append(bytes(9 * 8))
        host.link.start_sending(stream, host.now)
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 6), host.now)
        host.link.cancel()
        assert host.drain() == b""
        assert host.link.next_timeout() > host.now + 10.0, "of the ping"  # type: ignore[operator]

    def test_items_that_are_never_acknowledged_end_the_link(self, host: Host) -> None:
        stream = SendStream(Stream.VMM_DATA, OP, 4, 8, 4, 9, host.link.flow)
        stream.append(bytes(4 * 8))
        host.link.start_sending(stream, host.now)
        asked = 0
        while not (events := host.link.tick(host.now)):
            host.drain()
            due = host.link.next_timeout()
            assert due is not None
            host.now = max(host.now, due)
            asked += 1
        assert events == [LinkDown(ErrorCode.HOST_LOST, 0, {}, {})]
        assert asked == 4, "twice as often as a request is tried"

    def test_only_requests_are_requested(self, host: Host) -> None:
        with pytest.raises(LocalProtocolError, match="Ping is not a request"):
            host.link.request(m.Ping(token=1), host.now)

    def test_only_a_credit_of_this_stream_and_operation_acknowledges(self, host: Host) -> None:
        stream = SendStream(Stream.VMM_DATA, OP, 5, 8, 5, 5, host.link.flow)
        stream.append(bytes(40))
        host.link.start_sending(stream, host.now)
        (data,) = frames(host.drain())
        assert m.VmmData.unpack(data.payload).n == 5
        low = OP & 0xFFFF
        for number, op, acknowledged in (
            (Stream.JOB_DATA, low, 0),
            (Stream.VMM_DATA, low ^ 1, 0),
            (Stream.VMM_DATA, low ^ 0x8000, 0),
            (Stream.VMM_DATA, low, 3),
        ):
            credit = m.Credit(stream=number, flags=0, op_lo=op, next=3, window=2)
            assert host.hear_message(credit) == []
            assert stream.acknowledged == acknowledged


class TestResults:
    @staticmethod
    def result(
        op: int, first: int, body: bytes, kind: type[m.VmmResult | m.ReadData] = m.VmmResult
    ) -> Message:
        return kind(op_lo=op, n=len(body) // 8, first=first, body=body)

    def test_only_those_of_this_stream_and_operation_are_taken(self, host: Host) -> None:
        stream = ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 6)
        host.link.start_receiving(stream, host.now)
        low, body = OP & 0xFFFF, bytes(range(16))
        assert host.hear_message(self.result(low ^ 1, 0, body)) == []
        assert host.hear_message(self.result(low ^ 0x8000, 0, body)) == []
        assert host.hear_message(self.result(low, 0, body, m.ReadData)) == []
        assert host.hear_message(self.result(low, 0, body)) == [DataReceived(0, body)]
        assert host.hear_message(self.result(low, 2, body)) == [DataReceived(2, body)]
        host.drain()
        host.link.stop_receiving()
        assert host.hear_message(self.result(low, 4, body)) == []
        assert host.drain() == b"", "nobody waits for the rest"

    def test_what_is_behind_a_gap_is_answered_with_what_is_missing(self, host: Host) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 6), host.now)
        low = OP & 0xFFFF
        assert host.hear_message(self.result(low, 2, bytes(16))) == []
        (frame,) = frames(host.drain())
        credit = m.Credit.unpack(frame.payload)
        assert (credit.flags, credit.next, credit.window) == (CreditFlag.GO_BACK, 0, 6)
        assert host.hear_message(self.result(low, 0, bytes(16))) == [DataReceived(0, bytes(32))]

    def test_four_frames_are_acknowledged_together(self, host: Host) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 600, 8, 320), host.now)
        for k in range(4):
            assert host.drain() == b""
            host.hear_message(self.result(OP & 0xFFFF, 2 * k, bytes(16)))
        (frame,) = frames(host.drain())
        credit = m.Credit.unpack(frame.payload)
        # 2,560 bytes of eight each on a line of which little has come yet.
        assert (credit.flags, credit.next, credit.window) == (CreditFlag.NONE, 8, 320)

    def test_items_that_come_put_off_the_question_for_them(self, host: Host) -> None:
        host.link.start_receiving(ReceiveStream(Stream.VMM_RESULT, OP, 6, 8, 6), host.now)
        for first in (0, 2):
            due = host.link.next_timeout()
            assert due is not None
            host.now = due
            host.link.tick(due)
            (frame,) = frames(host.drain())
            assert m.Credit.unpack(frame.payload).flags == CreditFlag.NONE, "the first question"
            host.now += 0.25
            host.hear_message(self.result(OP & 0xFFFF, first, bytes(16)))
            crossing = 2 * (256 + FRAME_OVERHEAD) / RATE
            assert host.link.next_timeout() == pytest.approx(host.now + FIRST_RTO + crossing)

    @pytest.mark.parametrize("op", [OP, OP + 1])
    def test_what_comes_again_when_all_was_taken_is_acknowledged_again(
        self, op: int, host: Host
    ) -> None:
        stream = ReceiveStream(Stream.VMM_RESULT, op, 2, 8, 2)
        host.link.start_receiving(stream, host.now)
        low, body = op & 0xFFFF, bytes(range(16))
        assert host.hear_message(self.result(low, 0, body)) == [DataReceived(0, body)]
        host.link.stop_receiving()
        host.drain()
        for other in (
            self.result(low ^ 1, 0, body),
            self.result(low ^ 0x8000, 0, body),
            self.result(low, 0, body, m.ReadData),
        ):
            assert host.hear_message(other) == []
            assert host.drain() == b""
        assert host.hear_message(self.result(low, 0, body)) == []
        (again,) = frames(host.drain())
        credit = m.Credit.unpack(again.payload)
        assert (credit.stream, credit.op_lo, credit.next) == (Stream.VMM_RESULT, low, 2)


class TestAnswers:
    @pytest.mark.parametrize("replayed", [False, True])
    def test_one_that_was_kept_says_so_and_is_the_same(self, replayed: bool, host: Host) -> None:
        ticket = host.link.request(m.Renew(), host.now)
        (request,) = frames(host.drain())
        plain = m.RenewResponse(state=2).pack()
        payload = plain[:1] + bytes([plain[1] | 0x80 * replayed]) + plain[2:]
        (event,) = host.hear(Kind.RSP, m.Renew.ID, request.seq, payload)
        assert event == Answered(ticket, m.Renew(), m.RenewResponse(state=2), replayed)

    def test_what_is_of_another_session_is_nothing(self, host: Host) -> None:
        host.link.request(m.Renew(), host.now)
        (request,) = frames(host.drain())
        answer = Kind.RSP, m.Renew.ID, request.seq, m.RenewResponse(state=2).pack()
        pong = m.PingResponse(token=1, mcu_us=0, state=2, fault=0, busy_op=0).pack()
        for other in (SESSION ^ 1, 0):
            assert host.hear(*answer, other) == []
            assert host.hear(Kind.RSP, m.Ping.ID, 0, pong, other) == []
        assert [type(event) for event in host.hear(*answer)] == [Answered]
        closed = Host()
        assert closed.hear(Kind.RSP, m.Ping.ID, 0, pong, 0) == [], "there is none"

    def test_a_credit_is_nothing_when_nothing_is_sent(self, host: Host) -> None:
        credit = m.Credit(stream=Stream.VMM_DATA, flags=0, op_lo=OP & 0xFFFF, next=3, window=2)
        assert host.hear_message(credit) == []
        assert host.drain() == b""

    def test_a_line_that_says_nothing_is_given_up_without_a_detail(self, host: Host) -> None:
        ticket = host.link.request(m.Renew(), host.now)
        events: list[HostEvent] = []
        for _ in range(20):
            host.drain()
            due = host.link.next_timeout()
            if due is None:
                break
            host.now = max(host.now, due)
            events += host.link.tick(host.now)
        assert events == [LinkDown(ErrorCode.HOST_LOST, 0, {ticket: m.Renew()}, {})]
        assert host.link.repeats == 0, "those of a session that is over"


class TestComplaints:
    def nak(
        self, host: Host, reason: ErrorCode, detail: int = 0, session: int = SESSION
    ) -> list[HostEvent]:
        nak = m.Nak(reason=reason, expected=0, detail=detail)
        return host.hear(Kind.LINK, m.Nak.ID, 0, nak.pack(), session)

    @pytest.mark.parametrize("reason", [ErrorCode.BUSY, ErrorCode.VERSION])
    def test_a_board_that_refuses_a_session_says_why(self, reason: ErrorCode, host: Host) -> None:
        assert self.nak(host, reason, 7) == [], "a late one"
        assert host.link.connected
        host = Host()
        host.link.connect(host.now)
        assert self.nak(host, reason, 7, 0) == [LinkDown(reason, 7, {}, {})]
        assert host.link.next_timeout() is None

    def test_a_session_that_the_board_does_not_know_is_over_if_it_is_ours(self, host: Host) -> None:
        assert self.nak(host, ErrorCode.SESSION, SESSION ^ 1) == []
        assert host.link.connected
        assert self.nak(host, ErrorCode.SESSION, SESSION) == [
            LinkDown(ErrorCode.SESSION, SESSION, {}, {})
        ]
        assert not host.link.connected

    def test_before_a_session_none_is_over(self) -> None:
        assert self.nak(Host(), ErrorCode.SESSION, 0, 0) == []

    @pytest.mark.parametrize("reason", [ErrorCode.GAP, ErrorCode.BAD_FRAME])
    def test_a_complaint_makes_us_ask_what_has_come_of_the_items(
        self, reason: ErrorCode, host: Host
    ) -> None:
        stream = SendStream(Stream.VMM_DATA, OP, 5, 8, 5, 5, host.link.flow)
        stream.append(bytes(40))
        host.link.start_sending(stream, host.now)
        host.drain()
        assert self.nak(host, reason, session=SESSION ^ 1) == []
        assert host.drain() == b""
        assert self.nak(host, reason) == []
        (asks,) = frames(host.drain())
        assert (m.VmmData.unpack(asks.payload).first, m.VmmData.unpack(asks.payload).n) == (5, 0)

    def test_what_it_lacks_is_sent_again_if_it_is_of_our_session(self, host: Host) -> None:
        host.link.request(m.Renew(), host.now)
        (first,) = frames(host.drain())
        host.now += 0.5
        assert self.nak(host, ErrorCode.GAP, session=SESSION ^ 1) == []
        assert frames(host.drain()) == []
        assert self.nak(host, ErrorCode.GAP) == []
        assert frames(host.drain()) == [first]


@pytest.mark.parametrize("nonce", [4, 6])
def test_the_answer_to_another_hello_opens_no_session(nonce: int) -> None:
    host = Host()
    host.link.connect(host.now)
    host.answer_hello(nonce)
    assert host.link.next_timeout() is not None, "still waiting"
    host.answer_hello()


def test_without_a_session_nothing_may_be_under_way() -> None:
    link = Host().link
    assert (link.stream_window, link.first_window, link.payload_limit) == (0, 0, 256)


def test_the_first_window_is_what_host_line_and_board_can_hold() -> None:
    host = Host()
    host.open()
    assert host.link.first_window == min(Flow(Line(RATE)).allowance, 8192)
    assert host.link.stream_window == 8192


def test_the_answer_to_hello_shows_how_fast_a_line_is() -> None:
    host = Host(byte_rate=None)
    host.link.connect(BEGIN)
    (hello,) = frames(host.link.data_to_send(BEGIN))
    host.now = BEGIN + 0.0625
    host.answer_hello()
    crossed = len(hello.encode()) + 1 + m.HelloResponse.LAYOUT.struct.size + FRAME_OVERHEAD
    assert crossed / 0.0625 > Line().rate
    assert host.link.flow.line.rate == pytest.approx(crossed / 0.0625)
