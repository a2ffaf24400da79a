"""Sessions, order and repetition, one rule at a time."""

from dataclasses import FrozenInstanceError, fields
from typing import get_args

import numpy as np
import pytest
from support.loopback import Loopback, PaperBoard, cold_reset, warm_reset

from firmware_protocol import messages as m
from firmware_protocol.device import (
    DeviceEvent,
    DeviceLink,
    FrameArrived,
    RequestArrived,
    SessionAsked,
    SessionClosed,
    StopAsked,
)
from firmware_protocol.errors import LocalProtocolError, RefusedError
from firmware_protocol.framing import BadFrame, Decoder, Frame, encode_frame
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import (
    Answered,
    Closed,
    Connected,
    HostEvent,
    LinkDown,
    Notified,
)
from firmware_protocol.journal import Journal, Memory, judge
from firmware_protocol.machine import LIVE, TRANSITIONS, Machine, Trigger
from firmware_protocol.messages import ErrorCode, Kind, State
from firmware_protocol.operations import LinkDownError, Request
from firmware_protocol.streams import Slice


def hello(nonce: int, takeover: bool = False, major: int = 1) -> bytes:
    message = m.Hello(
        magic="MLB1",
        major=major,
        minor=0,
        flags=int(takeover),
        nonce=nonce,
        spec_hash=m.SPEC_HASH,
        max_payload=2048,
        host_credit=8192,
    )
    return b"\0" + encode_frame(Kind.LINK, 1, 0, 0, message.pack())


class Device:
    """A device link whose requests are answered with OK and counted."""

    def __init__(self) -> None:
        self.link = DeviceLink(Memory())
        self.executed: list[m.Ping] = []

    def feed(self, data: bytes, now: float = 0.0) -> list[Frame]:
        for event in self.link.receive_bytes(data, now):
            if isinstance(event, SessionAsked):
                self.link.open_session(
                    event.hello, now, op_hw=0, rx_credit=8192, tx_ring=8192, caps=0,
                    fw=bytes(4), uid=bytes(12), state=2, fault=0, journal_n=0,
                )  # fmt: skip
            if isinstance(event, RequestArrived):
                self.executed.append(event.request)
                self.link.answer(event.seq, m.RenewResponse(state=2))
        return [f for f in Decoder().feed(self.link.data_to_send()) if isinstance(f, Frame)]

    def renew(self, seq: int, sess: int | None = None) -> bytes:
        return encode_frame(Kind.REQ, m.Renew.ID, seq, self.link.session if sess is None else sess)


def reasons(frames: list[Frame]) -> list[ErrorCode]:
    return [ErrorCode(m.Nak.unpack(f.payload).reason) for f in frames if f.msg == m.Nak.ID]


def test_the_same_nonce_gets_the_same_session_and_another_needs_takeover() -> None:
    device = Device()
    first, again = device.feed(hello(1)), device.feed(hello(1))
    assert first == again
    assert reasons(device.feed(hello(2))) == [ErrorCode.BUSY]
    (other,) = device.feed(hello(2, takeover=True))
    assert other.sess == first[0].sess + 1
    assert device.feed(hello(1, takeover=True)) == [], "a late HELLO of an ended session"
    (later,) = device.feed(hello(3), now=60.0)
    assert later.sess == other.sess + 1, "a silent host does not hold the board"


def test_another_major_is_refused_by_name() -> None:
    (frame,) = Device().feed(hello(1, major=2))
    nak = m.Nak.unpack(frame.payload)
    assert (nak.reason, nak.detail) == (ErrorCode.VERSION, 1)


def test_a_repeated_request_gets_the_stored_answer_and_is_not_executed() -> None:
    device = Device()
    device.feed(hello(1))
    (answer,) = device.feed(device.renew(0))
    (again,) = device.feed(device.renew(0))
    assert len(device.executed) == 1
    assert again.payload[1] == 0x80, "marked as repeated"
    assert again.payload[2:] == answer.payload[2:]


def test_order_is_kept_with_one_nak_per_burst() -> None:
    device = Device()
    device.feed(hello(1))
    assert reasons(device.feed(device.renew(1) + device.renew(2) + device.renew(3))) == [
        ErrorCode.GAP
    ]
    assert device.executed == []
    device.feed(b"".join(device.renew(seq) for seq in range(40)))
    assert len(device.executed) == 40
    assert reasons(device.feed(device.renew(2) + device.renew(3))) == [ErrorCode.STALE]
    assert device.link.counters.gap == 3


def test_garbage_is_complained_about_once_until_a_good_frame() -> None:
    device = Device()
    device.feed(hello(1))
    assert reasons(device.feed(b"\5\1\0" * 5)) == [ErrorCode.BAD_FRAME]
    assert reasons(device.feed(device.renew(0) + b"\5\1\0")) == [ErrorCode.BAD_FRAME]


def test_frames_of_another_session_are_not_executed() -> None:
    device = Device()
    device.feed(hello(1))
    old = device.link.session
    device.feed(hello(2, takeover=True) + device.renew(0, old))
    assert device.executed == []
    assert device.link.counters.session == 1


def test_unknown_and_unreadable_requests_are_refused_in_order() -> None:
    device = Device()
    device.feed(hello(1))
    sess = device.link.session
    frames = device.feed(
        encode_frame(Kind.REQ, 0xFE, 0, sess)
        + encode_frame(Kind.REQ, m.CfgSpan.ID, 1, sess, b"\7\0")
        + encode_frame(Kind.REQ, m.CfgSpan.ID, 2, sess, b"\1")
        + device.renew(3)
    )
    assert [int.from_bytes(f.payload[:2], "little") for f in frames] == [
        ErrorCode.UNKNOWN_MSG,
        ErrorCode.RANGE,
        ErrorCode.LEN,
        ErrorCode.OK,
    ]


def naks(frames: list[Frame]) -> list[tuple[int, int, int]]:
    found = [m.Nak.unpack(f.payload) for f in frames if f.msg == m.Nak.ID]
    return [(nak.reason, nak.expected, nak.detail) for nak in found]


def test_sixteen_answers_are_kept_also_where_the_numbers_begin_anew() -> None:
    device = Device()
    device.feed(hello(1))
    device.link._expected = 65530
    for k in range(20):
        device.feed(device.renew((65530 + k) & 0xFFFF))
    assert len(device.executed) == 20
    # The last is 13; 16 from the end is 65534.
    assert [len(device.feed(device.renew(seq))) for seq in (13, 0, 65534)] == [1, 1, 1]
    assert naks(device.feed(device.renew(65533))) == [(ErrorCode.STALE, 14, 0)]
    assert device.feed(device.renew(65532)) == [], "said already"
    assert (device.link.counters.dup, device.link.counters.replay) == (5, 3)
    # What is half the numbers away is ahead; one more, and it is behind.
    assert naks(device.feed(device.renew(14 + 0x8000))) == [(ErrorCode.GAP, 14, 0)]
    assert device.feed(device.renew(15)) == []
    assert device.feed(device.renew(15 + 0x8000)) == []
    assert (device.link.counters.gap, device.link.counters.dup) == (2, 6)
    assert len(device.executed) == 20
    device.feed(device.renew(14))
    assert len(device.executed) == 21
    assert naks(device.feed(device.renew(16))) == [(ErrorCode.GAP, 15, 0)], "another burst"


def test_a_request_that_is_still_executed_is_neither_answered_nor_executed_again() -> None:
    device = Device()
    device.feed(hello(1))
    request = device.renew(0)
    assert [type(e) for e in device.link.receive_bytes(request, 0.0)] == [RequestArrived]
    assert list(device.link.receive_bytes(request, 0.0)) == []
    assert device.link.data_to_send() == b""
    assert (device.link.counters.dup, device.link.counters.replay) == (1, 0)


def test_a_session_has_the_next_number_and_never_none() -> None:
    device = Device()
    device.link._memory.last_session = 0xFFFE
    assert device.feed(hello(1))[0].sess == 0xFFFF
    assert device.feed(hello(2, takeover=True))[0].sess == 1
    assert naks(device.feed(hello(3))) == [(ErrorCode.BUSY, 0, 1)]
    assert naks(device.feed(device.renew(0, 0xFFFF))) == [(ErrorCode.SESSION, 0, 0xFFFF)]
    assert device.feed(device.renew(1, 0xFFFF)) == [], "said already"
    device.feed(device.renew(0))
    assert naks(device.feed(device.renew(0, 77))) == [(ErrorCode.SESSION, 1, 77)]
    assert device.link.counters.session == 3


def test_a_silent_host_holds_the_board_for_two_seconds() -> None:
    device = Device()
    device.feed(hello(1), now=10.0)
    device.feed(device.renew(0), now=11.0)
    assert device.link.alive(12.999)
    assert not device.link.alive(13.0)
    assert reasons(device.feed(hello(2), now=12.999)) == [ErrorCode.BUSY]
    device.feed(device.renew(1, sess=99), now=12.9995)  # another session's frames are no sign
    (answer,) = device.feed(hello(2), now=13.0)
    assert answer.sess == device.link.session
    assert device.link.alive(13.5)
    device.link.close_session()
    assert not device.link.alive(13.5)


def test_the_beginning_of_a_frame_of_this_session_is_a_sign_of_life_and_nothing_else() -> None:
    device = Device()
    device.feed(hello(1), now=10.0)
    frame = device.renew(0)[:12]  # header, and some of the CRC
    device.feed(frame, now=11.0)
    assert device.link.alive(12.999)
    device.feed(b"", now=11.5)  # nothing has come
    assert not device.link.alive(13.0)
    for foreign in (device.renew(0, device.link.session + 1)[:12], b"\7\7", b"\0"):
        device.feed(b"\0" + foreign, now=12.0)
        assert not device.link.alive(13.0)


def test_a_frame_for_the_other_direction_is_no_event() -> None:
    device = Device()
    device.feed(hello(1))
    session = device.link.session
    for message in (
        m.ReadData(op_lo=1, n=0, first=0, body=b""),
        m.VmmData(op_lo=1, n=0, first=0, body=b""),
        m.Ping(token=3),
    ):
        wire = encode_frame(message.KIND, message.ID, 0, session, message.pack())
        events = list(device.link.receive_bytes(wire, 0.0))
        expected = [] if isinstance(message, m.ReadData) else [FrameArrived(message)]
        assert events == expected


def test_the_last_sixteen_sessions_do_not_come_again() -> None:
    device = Device()
    for nonce in range(1, 18):
        assert len(device.feed(hello(nonce, takeover=True))) == 1
    session = device.link.session
    assert device.feed(hello(2, takeover=True)) == []
    assert device.link.counters.dup == 1
    (answer,) = device.feed(hello(1, takeover=True))
    assert answer.sess == session + 1, "too long ago to be a late one"
    device.link.close_session()
    assert device.feed(hello(1)) == [], "its session is over"


def test_a_hello_that_comes_again_is_a_sign_of_life() -> None:
    device = Device()
    device.feed(hello(1), now=10.0)
    device.feed(hello(1), now=11.5)
    assert device.link.alive(13.499)
    assert not device.link.alive(13.5)


def test_a_hello_that_cannot_be_read_is_complained_about_once() -> None:
    device = Device()
    short = b"\0" + encode_frame(Kind.LINK, m.Hello.ID, 0, 0, b"MLB1")
    assert naks(device.feed(short)) == [(ErrorCode.LEN, 0, 0)]
    assert device.feed(short) == []
    assert device.link.session == 0


def test_answers_outside_the_sequence_and_refusals_are_framed_for_whom_they_are() -> None:
    device = Device()
    device.feed(hello(1))
    link = device.link
    pong = m.PingResponse(token=3, mcu_us=0, state=2, fault=0, busy_op=0)
    link.answer_link(pong)
    link.answer_link(m.ByeResponse(state=1), 77)
    link.refuse(5, m.Pulse.ID, RefusedError(ErrorCode.RANGE, detail=0x12345))
    frames = [f for f in Decoder().feed(link.data_to_send()) if isinstance(f, Frame)]
    assert [(f.kind, f.msg, f.seq, f.sess) for f in frames] == [
        (Kind.RSP, m.Ping.ID, 0, link.session),
        (Kind.RSP, m.Bye.ID, 0, 77),
        (Kind.RSP, m.Pulse.ID, 5, link.session),
    ]
    assert frames[2].payload == int(ErrorCode.RANGE).to_bytes(2, "little") + b"\x45\x23"


def test_what_is_discarded_takes_no_time_of_the_line() -> None:
    link = DeviceLink(Memory(), byte_rate=1000.0)
    result = m.ReadData(op_lo=1, n=200, first=0, body=bytes(200))
    link.send(result)
    assert link.free_at(5.0) > 5.1
    link.discard_output()
    assert link.free_at(5.0) == 5.0
    link.send(result)
    assert link.free_at(5.0) == pytest.approx(5.0 + len(link.data_to_send()) / 1000.0 - 0.05)


@pytest.mark.parametrize(
    ("board", "host", "agreed"), [(2048, 1000, 1000), (700, 2048, 700), (2048, 3, 64)]
)
def test_the_shorter_payload_of_both_ends_is_agreed_on(board: int, host: int, agreed: int) -> None:
    device = Device()
    device.link = DeviceLink(Memory(boot_id=9), board)
    asked = m.Hello.unpack(Decoder().feed(hello(5))[-1].payload)  # type: ignore[union-attr]
    fields = {f.name: getattr(asked, f.name) for f in m.Hello.FIELDS} | {"max_payload": host}
    wire = encode_frame(Kind.LINK, m.Hello.ID, 0, 0, m.Hello(**fields).pack())
    (frame,) = device.feed(b"\0" + wire)
    answer = m.HelloResponse.unpack(frame.payload)
    assert device.link.payload_limit == answer.max_payload == agreed
    assert (answer.nonce, answer.boot_id, answer.sess) == (5, 9, device.link.session)


def test_only_data_are_numbered_and_each_session_from_0() -> None:
    device = Device()
    for nonce in (1, 2):
        device.feed(hello(nonce, takeover=True))
        credit = m.Credit(stream=1, flags=0, op_lo=1, next=0, window=1)
        for message in (m.ReadData(op_lo=1, n=0, first=0, body=b""), credit) * 3:
            device.link.send(message)
        frames = [f for f in Decoder().feed(device.link.data_to_send()) if isinstance(f, Frame)]
        assert [f.seq for f in frames] == [0, 0, 1, 0, 2, 0]
        assert {f.sess for f in frames} == {device.link.session}


def test_numbers_of_data_go_on_from_0_after_65535() -> None:
    device = Device()
    device.feed(hello(1))
    device.link._stream_seq = 0xFFFE
    for _ in range(4):
        device.link.send(m.VmmResult(op_lo=1, n=0, first=0, body=b""))
    frames = [f for f in Decoder().feed(device.link.data_to_send()) if isinstance(f, Frame)]
    assert [f.seq for f in frames] == [0xFFFE, 0xFFFF, 0, 1]


def test_a_stop_is_one_whatever_its_session_and_the_end_of_one_says_which() -> None:
    link = DeviceLink(Memory())
    stop = encode_frame(Kind.LINK, m.Estop.ID, 0, 77)
    assert list(link.receive_bytes(stop, 0.0)) == [StopAsked()]
    bye = encode_frame(Kind.LINK, m.Bye.ID, 0, 77)
    assert list(link.receive_bytes(bye, 0.0)) == [SessionClosed(77)]


@pytest.mark.parametrize("message", [m.Hello, m.Bye, m.Estop])
@pytest.mark.parametrize("kind", [Kind.REQ, Kind.DOWN, Kind.UP])
@pytest.mark.parametrize("session", [0, 77])
def test_without_a_session_only_those_three_say_anything_and_only_as_messages_of_the_link(
    message: type[m.Hello | m.Bye | m.Estop], kind: Kind, session: int
) -> None:
    device = Device()
    payload = Decoder().feed(hello(1))[0].payload if message is m.Hello else b""  # type: ignore[union-attr]
    wire = encode_frame(kind, message.ID, 0, session, payload)
    assert list(device.link.receive_bytes(wire, 0.0)) == []
    (frame,) = device.feed(b"")
    assert naks([frame]) == [(ErrorCode.SESSION, 0, session)]


def test_a_new_board_has_counted_nothing_but_what_was_asked() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    found = loop.request(m.GetCounters())
    counted = {one.name: getattr(found, one.name) for one in found.FIELDS}
    assert counted.pop("good") == 2, "HELLO and this"
    assert not any(counted.values()), counted


def test_results_follow_as_fast_as_they_leave_a_line_whose_rate_is_known() -> None:
    link = DeviceLink(Memory(), byte_rate=1000.0)
    assert link.free_at(5.0) == 5.0
    link.send(m.ReadData(op_lo=1, n=200, first=0, body=bytes(200)))
    length = len(link.data_to_send())
    assert length > 200
    link.send(m.ReadData(op_lo=1, n=200, first=0, body=bytes(200)))
    # Two of them wait, and 0.1 s of line may be handed over: half of that is left then.
    assert link.free_at(5.0) == pytest.approx(5.0 + length / 1000.0 - 0.05)
    assert link.free_at(5.0) == pytest.approx(5.0 + length / 1000.0 - 0.05), "counted once"
    assert link.free_at(6.0) == 6.0
    unknown = DeviceLink(Memory())
    unknown.send(m.ReadData(op_lo=1, n=2000, first=0, body=bytes(2000)))
    assert unknown.free_at(5.0) == 5.0


@pytest.mark.parametrize(
    "event", [*get_args(DeviceEvent), *get_args(HostEvent), Frame, BadFrame, Slice]
)
def test_nobody_changes_an_event(event: type) -> None:
    made = event(*(0 for _ in fields(event)))
    for field in fields(event):
        with pytest.raises(FrozenInstanceError):
            setattr(made, field.name, 1)
    assert made == event(*(0 for _ in fields(event)))


def test_a_board_begins_with_its_first_start() -> None:
    memory = Memory()
    assert (memory.boots, memory.boot_id, memory.last_session) == (1, 1, 0x100)
    later = warm_reset(memory)
    assert (later.boots, later.boot_id, later.last_session) == (2, 1, 0x100)
    later = cold_reset(later)
    assert (later.boots, later.boot_id, later.last_session) == (3, 3, 0x300)


def test_a_dead_line_ends_the_session_with_all_that_was_open() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    loop.to_board = lambda data: b""
    for token in range(12):
        loop.link.request(m.Echo(data=bytes([token])), loop.now)
    start = loop.now
    while not (downs := [e for e in loop.exchange() if isinstance(e, LinkDown)]):
        assert loop.now - start < 5
    assert downs[0].code == ErrorCode.HOST_LOST
    assert (len(downs[0].unanswered), len(downs[0].unsent)) == (8, 4)
    with pytest.raises(LocalProtocolError, match="no session"):
        loop.link.request(m.GetInfo(), loop.now)


def test_a_reset_board_is_noticed_at_the_next_frame() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    loop.firmware = type(loop.firmware)(PaperBoard(), Memory(boots=2))
    with pytest.raises(LinkDownError, match="SESSION"):
        loop.run(Request(m.GetInfo()))


def test_takeover_ends_the_session_of_the_first_host() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    second = HostLink(lambda: 99)
    second.connect(loop.now)
    loop.firmware.receive_bytes(second.data_to_send(), loop.now)
    assert isinstance(second.receive_bytes(loop.firmware.data_to_send(), loop.now)[0], LinkDown)
    second.connect(loop.now, takeover=True)
    loop.firmware.receive_bytes(second.data_to_send(), loop.now)
    (event,) = second.receive_bytes(loop.firmware.data_to_send(), loop.now)
    assert isinstance(event, Connected)
    with pytest.raises(LinkDownError, match="SESSION"):
        loop.run(Request(m.GetInfo()))


def test_bye_grounds_and_closes_even_when_its_answer_is_lost() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    loop.arm()
    loop.to_host = lambda data: b""
    loop.link.close(loop.now)
    loop.exchange()
    assert loop.firmware.state == State.SAFE
    assert loop.board.grounded
    loop.to_host = lambda data: data
    events = [e for _ in range(500) for e in loop.exchange()]
    assert [type(e) for e in events] == [Closed]
    assert not loop.link.connected


def test_a_board_that_knows_other_messages_is_asked_and_the_differing_ones_are_disabled() -> None:
    loop = Loopback(PaperBoard())
    connected = loop.connect()
    assert isinstance(connected, Connected)
    loop.link._disabled = None  # as after another spec_hash
    with pytest.raises(LocalProtocolError, match="differs"):
        loop.link.request(m.GetInfo(), loop.now)
    entries = loop.request(m.GetDict(first=0)).entries
    hashes = {int(e["id"]): int(e["hash"]) for e in entries}
    assert loop.link.accept_dictionary(hashes | {m.Pulse.ID: 0}) == {m.Pulse.ID}
    assert loop.request(m.GetInfo()).rows == 128
    pulse = m.Pulse(op=1, row=0, col=0, kind=0, count=1, gate=0, width=0, amp=0)
    with pytest.raises(LocalProtocolError, match="differs"):
        loop.request(pulse)


def test_pings_keep_a_quiet_session_alive() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    loop.arm()
    events = [e for _ in range(3000) for e in loop.exchange()]
    assert all(isinstance(e, Notified) for e in events)
    assert 10 <= len(events) <= 13
    assert loop.firmware.state == State.ARMED


def test_a_line_that_loses_every_second_answer_only_costs_time() -> None:
    loop = Loopback(PaperBoard())
    loop.connect()
    keep = iter(int(k % 2) for k in range(10**6))
    loop.to_host = lambda data: data if not data or next(keep) else b""
    tickets = [loop.link.request(m.Echo(data=bytes([k])), loop.now) for k in range(100)]
    answers = []
    while len(answers) < 100:
        assert loop.now < 60
        answers += [e for e in loop.exchange() if isinstance(e, Answered)]
    assert {a.ticket: a.response.data for a in answers} == {
        ticket: bytes([k]) for k, ticket in enumerate(tickets)
    }


def test_no_state_is_left_with_live_lines_except_through_grounding() -> None:
    for state, moves in TRANSITIONS.items():
        for trigger, after in moves.items():
            machine = Machine()
            machine.state = state
            assert machine.fire(trigger) == (state in LIVE and after not in LIVE)
    assert TRANSITIONS[State.FAULT] == {Trigger.CLEAR: State.LINKED}


def test_requests_are_allowed_exactly_where_the_specification_says() -> None:
    assert {State.READY, State.ARMED} == m.Arm.STATES
    assert m.Pulse.STATES == m.ReadArray.STATES == m.JobRun.STATES == {State.ARMED}
    assert {State.BUSY_VMM} == m.VmmLut.STATES
    assert frozenset(State) == m.GroundAll.STATES
    for message_type in (m.SpiXfer, m.AdcCr, m.AdcRaw, m.GpioGet, m.GpioSet, m.Shadow):
        assert {State.DEBUG} == message_type.STATES


def test_the_journal_answers_done_not_done_and_unknown() -> None:
    journal = Journal()
    for op in range(1, 101):
        entry = journal.accept(op, 7, 0.0)
        entry.started = entry.done = 1
    partial = journal.accept(101, 7, 0.0)
    partial.started, partial.done = 3, 2
    with pytest.raises(RefusedError):
        journal.accept(101, 7, 0.0)
    records = journal.records(0, 64)

    def verdict(op: int, sess: int = 7, boot: int = 1, total: int = 1) -> tuple[int, int]:
        found = judge(op, total, sess, boot, 1, journal.lost_op, records)
        return found.done, found.started

    assert (len(records), journal.lost_op) == (64, 37)
    assert verdict(100) == (1, 1), "done"
    assert verdict(102) == (0, 0), "never arrived"
    assert verdict(100, sess=6) == (0, 0), "another host's operation of that number"
    assert verdict(5) == (0, 1), "overwritten: unknown"
    assert verdict(100, boot=2) == (0, 1), "the journal was lost: unknown"
    assert verdict(101, total=5) == (2, 3), "two done, the third unknown, two not"
    assert np.array_equal(journal.records(99, 2)["op"], [99, 100])
