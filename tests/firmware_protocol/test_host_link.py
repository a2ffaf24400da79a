"""The host's end of the link by hand, without a board: what it sends, when, and what it reports."""

import pytest

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.framing import FRAME_OVERHEAD, Decoder, Frame, encode_frame
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import Answered, DataReceived, HostEvent, LinkDown
from firmware_protocol.line import FIRST_RTO, Flow, Line
from firmware_protocol.messages import ErrorCode, Kind, Stream
from firmware_protocol.streams import ReceiveStream, SendStream

RATE = 1000.0
"""Bytes per second of a line that is known; 100 bytes may be handed over at once."""
BEGIN = 64.0
"""Times here are sums of powers of two."""
SESSION = 0x2B3C
OP = 0x0005_8A31


class Host:
    """A link on a line of 1 kB/s, and what the board would say."""

    def __init__(self, byte_rate: float | None = RATE, max_payload: int = 256) -> None:
        self.link = HostLink(
            lambda: 5, byte_rate, max_payload=max_payload, ping_interval=60.0, tries=2
        )
        self.now = BEGIN

    def open(self) -> None:
        """Open a session; the line is free again then."""
        self.link.connect(self.now)
        self.drain()
        self.now += 0.5
        self.answer_hello()

    def answer_hello(self) -> None:
        hello = m.HelloResponse(
            magic=m.MAGIC, major=m.MAJOR, minor=m.MINOR, sess=SESSION, nonce=5,
            spec_hash=m.SPEC_HASH, boot_id=9, op_hw=0, max_payload=self.link.wanted_payload,
            rx_credit=8192, tx_ring=8192, caps=0, fw=bytes(4), uid=bytes(12), state=2, fault=0,
            journal_n=0,
        )  # fmt: skip
        self.hear(Kind.RSP, m.Hello.ID, 0, hello.pack())
        assert self.link.connected

    def drain(self) -> bytes:
        """Take all that the link wants to send, each byte when the line has room for it."""
        sent = bytearray()
        while data := self.link.data_to_send(self.now):
            sent += data
            self.now += len(data) / RATE
        return bytes(sent)

    def hear(self, kind: int, msg: int, seq: int, payload: bytes) -> list[HostEvent]:
        wire = b"\0" + encode_frame(kind, msg, seq, SESSION, payload)
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
        host.link.stop_receiving()
        assert host.hear_message(self.result(low, 4, body)) == []

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
