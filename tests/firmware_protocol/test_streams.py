"""A lost frame costs one frame; whatever is lost, everything arrives once; no line is blocked."""

import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol.framing import FRAME_OVERHEAD
from firmware_protocol.line import Flow, Line
from firmware_protocol.messages import Credit, CreditFlag, Stream
from firmware_protocol.streams import ReceiveStream, SendStream, Slice

SIZE = 10
RATE = 1e6


def item(k: int) -> bytes:
    return k.to_bytes(2, "little") * (SIZE // 2)


def streams(total: int, frame_items: int = 4, window: int = 64) -> tuple[SendStream, ReceiveStream]:
    out = SendStream(Stream.VMM_DATA, 1, total, SIZE, frame_items, window, Flow(Line(RATE)))
    out.append(b"".join(map(item, range(total))))
    return out, ReceiveStream(Stream.VMM_DATA, 1, total, SIZE, window)


class Exchange:
    """Two ends and the frames between them, each of which `loses` may drop."""

    def __init__(self, total: int, loses, keeps: bool = True) -> None:
        self.out, self.incoming = streams(total)
        self.loses, self.keeps = loses, keeps
        self.frames: list[Slice] = []
        self.arrived = b""
        self.now = 0.0

    def run(self, rounds: int = 400) -> None:
        while not self.out.complete:
            rounds -= 1
            assert rounds, "the stream stalls"
            self.out.tick(self.now)
            under_way = []
            while (part := self.out.take(self.now)) is not None:
                self.frames.append(part)
                if not self.loses(len(self.frames) - 1):
                    under_way.append(part)
            credits_ = []
            for part in under_way:
                fresh, back = self.incoming.on_data(part.first, part.count, part.body, self.now)
                self.arrived += fresh
                if not self.keeps:
                    self.incoming._kept.clear()
                if back or self.incoming.credit_due():
                    credits_.append(self.incoming.credit(go_back=back))
            self.now += 0.01
            for credit in credits_:
                if not self.loses(-1):
                    self.out.on_credit(credit, self.now)
            if not credits_:
                self.now = max(self.now, self.out.next_timeout() or 0.0)


def items(frames: list[Slice]) -> int:
    return sum(part.count for part in frames)


@pytest.mark.parametrize("lost", range(10))
def test_a_lost_frame_travels_again_and_nothing_else(lost: int) -> None:
    exchange = Exchange(40, lambda k: k == lost)
    exchange.run()
    assert exchange.arrived == b"".join(map(item, range(40)))
    assert items(exchange.frames) == 40 + 4


def test_two_lost_frames_of_one_window_travel_again_and_little_else() -> None:
    exchange = Exchange(40, lambda k: k in (2, 6))
    exchange.run()
    assert exchange.arrived == b"".join(map(item, range(40)))
    assert items(exchange.frames) <= 40 + 4 + 4


def test_a_receiver_that_keeps_nothing_behind_a_gap_gets_everything_in_a_few_rounds() -> None:
    exchange = Exchange(40, lambda k: k == 1, keeps=False)
    exchange.run(rounds=12)
    assert exchange.arrived == b"".join(map(item, range(40)))


@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.5),
    total=st.integers(1, 150),
    keeps=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_lost_everything_arrives_once_and_in_order(
    seed: int, loss: float, total: int, keeps: bool
) -> None:
    rng = random.Random(seed)
    exchange = Exchange(total, lambda k: rng.random() < loss, keeps)
    exchange.run(rounds=4000)
    assert exchange.arrived == b"".join(map(item, range(total)))


def test_what_was_not_granted_is_not_kept() -> None:
    _, incoming = streams(100, window=8)
    for first in range(4, 100, 4):
        body = b"".join(map(item, range(first, first + 4)))
        assert incoming.on_data(first, 4, body, 0.0)[0] == b""
    fresh, _ = incoming.on_data(0, 4, b"".join(map(item, range(4))), 0.0)
    assert fresh == b"".join(map(item, range(8)))


def test_items_that_travelled_twice_prove_no_rate() -> None:
    line = Line()
    out = SendStream(Stream.VMM_DATA, 1, 100, SIZE, 4, 100, Flow(line))
    out.append(bytes(100 * SIZE))
    incoming = ReceiveStream(Stream.VMM_DATA, 1, 100, SIZE, 100)
    while out.take(0.0) is not None:
        pass
    out.on_credit(incoming.credit(go_back=True), 1.0)
    while out.take(1.0) is not None:
        pass
    incoming.on_data(0, 100, bytes(100 * SIZE), 1.0)
    before = line.rate
    out.on_credit(incoming.credit(), 1.0001)  # that of the first copy
    assert out.complete
    assert line.rate == before


def test_a_known_rate_is_not_learnt() -> None:
    line = Line(960.0)
    line.measure(1000, 0.001)
    line.slow_down(5)
    assert line.rate == 960.0


def test_bytes_that_nobody_answers_leave_the_line_all_the_same() -> None:
    line = Line()
    line.spend(2000, 0.0)
    line.measure(2000, 0.1)  # it is faster than we thought
    assert line.busy(0.05) > 0
    assert line.busy(0.15) == 0
    assert line.room(0.15) > 1000


class TestReceiving:
    """Frames of three items in windows of ten, of a stream that is neither's multiple."""

    @staticmethod
    def body(first: int, count: int) -> bytes:
        return b"".join(map(item, range(first, first + count)))

    def receive(self, total: int = 47, window: int = 10, op: int = 0x12345) -> ReceiveStream:
        return ReceiveStream(Stream.VMM_DATA, op, total, SIZE, window)

    def give(self, incoming: ReceiveStream, first: int, count: int, now: float = 0.0) -> object:
        return incoming.on_data(first, count, self.body(first, count), now)

    def test_only_the_items_that_are_new_are_handed_on(self) -> None:
        incoming = self.receive()
        assert self.give(incoming, 0, 3) == (self.body(0, 3), False)
        assert self.give(incoming, 1, 4) == (self.body(3, 2), False)
        assert incoming.expected == 5
        assert self.give(incoming, 2, 3) == (b"", False)
        assert (incoming.duplicates, incoming.gaps) == (1, 0)
        assert incoming.crc == zlib.crc32(self.body(0, 5))
        assert not incoming.complete

    def test_a_frame_of_another_length_or_beyond_the_end_is_nothing(self) -> None:
        incoming = self.receive(total=7)
        assert incoming.on_data(0, 3, self.body(0, 3)[:-1], 0.0) == (b"", False)
        assert self.give(incoming, 5, 3) == (b"", False)
        assert self.give(incoming, 0, 8) == (b"", False)
        assert (incoming.expected, incoming.gaps, incoming.duplicates) == (0, 0, 0)
        assert self.give(incoming, 0, 7) == (self.body(0, 7), False)
        assert incoming.complete

    def test_what_came_behind_a_gap_follows_when_it_is_filled(self) -> None:
        incoming = self.receive()
        self.give(incoming, 3, 2)
        self.give(incoming, 3, 3)  # a longer copy of the same place
        self.give(incoming, 3, 1)
        self.give(incoming, 7, 3)  # ends where the window does
        assert incoming.gaps == 4
        # Its last item is the first of what is kept.
        assert self.give(incoming, 0, 4) == (self.body(0, 6), False)
        assert self.give(incoming, 5, 2) == (self.body(6, 4), False)
        assert incoming.crc == zlib.crc32(self.body(0, 10))

    def test_a_frame_beyond_what_was_granted_is_not_kept(self) -> None:
        incoming = self.receive()
        self.give(incoming, 8, 3)  # ends one item behind the window
        assert self.give(incoming, 0, 8) == (self.body(0, 8), False)

    def test_one_question_for_each_gap(self) -> None:
        incoming = self.receive()
        asked = [
            self.give(incoming, first, count, now)[1]  # type: ignore[index]
            for first, count, now in (
                (3, 3, 5.0),  # something is missing
                (6, 3, 5.5),  # that was under way behind it
                (3, 3, 5.6),  # the sender has started again, and lost it again
                (6, 0, 5.7),  # a probe
                (7, 2, 6.69),
                (8, 1, 6.7),  # a second after the last question
                (9, 1, 6.8),
            )
        ]
        assert asked == [True, False, True, True, False, True, False]
        self.give(incoming, 0, 3, 6.9)
        assert incoming.expected == 10
        assert self.give(incoming, 12, 1, 6.9)[1], "another gap"  # type: ignore[index]

    def test_credit_is_due_after_four_frames_half_a_window_or_the_end(self) -> None:
        incoming = self.receive(window=100, total=47)
        for first in range(3):
            assert not incoming.credit_due()
            self.give(incoming, first, 1)
        assert not incoming.credit_due()
        self.give(incoming, 3, 1)
        assert incoming.credit_due()
        incoming.credit()
        assert not incoming.credit_due()

        incoming = self.receive()
        self.give(incoming, 0, 4)
        assert not incoming.credit_due()
        self.give(incoming, 4, 1)
        assert incoming.credit_due(), "five of ten have opened"

        incoming = self.receive(total=4, window=100)
        self.give(incoming, 0, 3)
        assert not incoming.credit_due()
        self.give(incoming, 3, 1)
        assert incoming.credit_due(), "the last"

        incoming = self.receive()
        self.give(incoming, 0, 1)
        incoming.credit()
        self.give(incoming, 0, 1)
        assert incoming.credit_due(), "our answer was lost"

    def test_credit_says_what_is_expected_and_how_much_may_come(self) -> None:
        incoming = self.receive()
        assert incoming.granted == 10
        self.give(incoming, 0, 3)
        assert incoming.granted == 7
        credit = incoming.credit(go_back=True)
        assert (credit.stream, credit.op_lo, credit.flags) == (
            Stream.VMM_DATA,
            0x2345,
            CreditFlag.GO_BACK,
        )
        assert (credit.next, credit.window) == (3, 10)
        assert incoming.granted == 10
        credit = incoming.credit()
        assert credit.flags == CreditFlag.NONE
        near_the_end = self.receive(total=5)
        self.give(near_the_end, 0, 3)
        assert near_the_end.credit().window == 2

    def test_a_receiver_that_can_hold_less_grants_less(self) -> None:
        incoming = self.receive()
        self.give(incoming, 0, 8)
        assert not incoming.credit_due(room=6), "four have opened"
        assert incoming.credit_due(room=7)
        assert incoming.credit(room=4).window == 4
        assert incoming.credit(room=-3).window == 0


class TestSending:
    @staticmethod
    def sender(
        total: int = 47,
        produced: int = 0,
        frame_items: int = 4,
        window: int = 30,
        capacity: int | None = None,
    ) -> SendStream:
        flow = Flow(Line(RATE))
        out = SendStream(Stream.VMM_DATA, 1, total, SIZE, frame_items, window, flow, capacity)
        out.append(b"".join(map(item, range(produced))))
        return out

    @staticmethod
    def credit(upto: int, window: int, flags: CreditFlag = CreditFlag.NONE) -> Credit:
        return Credit(stream=Stream.VMM_DATA, flags=flags, op_lo=1, next=upto, window=window)

    @staticmethod
    def drain(out: SendStream, now: float = 0.0) -> list[tuple[int, int]]:
        return [(part.first, part.count) for part in iter(lambda: out.take(now), None)]

    def test_room_is_what_is_kept_and_what_is_left(self) -> None:
        out = self.sender(total=9, capacity=6)
        assert out.room == 6
        out.append(bytes(5 * SIZE))
        assert (out.produced, out.room) == (5, 1)
        self.drain(out)
        out.on_credit(self.credit(2, 7), 0.1)
        assert out.room == 3
        out.append(bytes(3 * SIZE))
        self.drain(out)
        out.on_credit(self.credit(4, 5), 0.2)
        assert out.room == 1, "of nine items eight are there"
        assert self.sender(frame_items=4, capacity=2).room == 4, "a frame at least"
        assert self.sender(total=47).room == 47

    def test_frames_are_full_where_more_is_sure_to_come(self) -> None:
        out = self.sender(produced=6)
        assert self.drain(out) == [(0, 4)]
        assert not out.drained
        out.append(b"".join(map(item, range(6, 13))))
        assert self.drain(out) == [(4, 4), (8, 4)]
        assert out.crc == zlib.crc32(b"".join(map(item, range(13))))

    def test_the_last_frame_is_as_short_as_it_must_be(self) -> None:
        out = self.sender(total=6, produced=6)
        first, second = out.take(0.0), out.take(0.0)
        assert first == Slice(0, 4, b"".join(map(item, range(4))))
        assert second == Slice(4, 2, item(4) + item(5))
        assert out.drained
        assert not out.complete
        out.on_credit(self.credit(6, 0), 0.1)
        assert out.complete
        assert out.next_timeout() is None

    def test_what_is_not_granted_waits_and_a_short_rest_goes_only_when_nothing_is_under_way(
        self,
    ) -> None:
        out = self.sender(produced=47, window=6)
        assert self.drain(out) == [(0, 4)]
        out.on_credit(self.credit(4, 2), 0.1)
        assert self.drain(out) == [(4, 2)], "two are granted, and no answer would come for more"
        out.on_credit(self.credit(6, 5), 0.2)
        assert self.drain(out) == [(6, 4)]

    def test_credit_counts_from_what_is_acknowledged_and_is_never_taken_back(self) -> None:
        out = self.sender(produced=47, window=8)
        assert self.drain(out) == [(0, 4), (4, 4)]
        out.on_credit(self.credit(4, 12), 0.1)
        out.on_credit(self.credit(4, 4), 0.1)
        assert self.drain(out) == [(8, 4), (12, 4)]
        assert out.acknowledged == 4
        out.on_credit(self.credit(3, 40), 0.2)
        out.on_credit(self.credit(48, 40), 0.2)
        assert out.acknowledged == 4, "neither fits"
        assert self.drain(out) == []
        out.on_credit(self.credit(16, 1000), 0.3)
        assert out.acknowledged == 16
        assert self.drain(out)[-1] == (44, 3)

    def test_a_complaint_makes_a_question_behind_what_is_under_way(self) -> None:
        out = self.sender(total=8, produced=8)
        out.doubt()
        assert self.drain(out) == [(0, 4), (4, 4)], "nothing was under way"
        out.doubt()
        assert self.drain(out) == [(8, 0)]
        assert self.drain(out) == []
        out.on_credit(self.credit(8, 0), 0.1)
        out.doubt()
        assert self.drain(out) == []

    def test_a_complaint_about_what_has_arrived_meanwhile_makes_none(self) -> None:
        out = self.sender(total=12, produced=8)
        self.drain(out)
        out.doubt()
        out.on_credit(self.credit(8, 4), 0.1)
        assert self.drain(out, 0.1) == []

    def test_a_question_of_the_receiver_when_nothing_is_under_way_is_no_loss(self) -> None:
        out = self.sender(produced=8)
        self.drain(out)
        out.on_credit(self.credit(8, 30), 0.1)
        out.on_credit(self.credit(8, 30, CreditFlag.GO_BACK), 0.2)
        assert self.drain(out, 0.2) == []
        assert not out._flow.losing
        out.append(bytes(8 * SIZE))
        assert self.drain(out, 0.3) == [(8, 4), (12, 4)]

    def test_a_gap_is_repaired_again_once_the_repair_of_before_must_have_arrived(self) -> None:
        out = self.sender(total=20, produced=20)
        self.drain(out)
        out._flow.wait = lambda *_: 0.25  # type: ignore[method-assign,assignment]
        for now, again in ((1.0, True), (1.125, False), (1.25, True), (1.375, False)):
            out.on_credit(self.credit(0, 20, CreditFlag.GO_BACK), now)
            assert self.drain(out, now) == ([(0, 4), (4, 0)] if again else []), now

    @pytest.mark.parametrize(
        ("produced", "frame_items", "sent"),
        [
            (2000, 200, [(0, 200), (200, 200), (400, 200), (600, 0)]),
            (2000, 150, [(0, 150), (150, 150), (300, 150), (450, 150)]),
            (400, 200, [(0, 200), (200, 200)]),
        ],
        ids=["three frames", "four, after which it comes by itself", "nothing more to send"],
    )
    def test_credit_is_asked_for_where_the_receiver_has_no_reason_to_give_any(
        self, produced: int, frame_items: int, sent: list[tuple[int, int]]
    ) -> None:
        # 6,144 bytes may be under way: 614 items of ten, which no further frame fits.
        out = self.sender(2000, produced, frame_items, window=2000)
        assert self.drain(out) == sent

    def test_a_receiver_that_grants_no_more_is_asked_after_a_while(self) -> None:
        out = self.sender(produced=47, window=8)
        self.drain(out)
        out.on_credit(self.credit(8, 0), 0.1)
        assert out.next_timeout() is None
        assert self.drain(out, 0.5) == []
        due = out.next_timeout()
        assert due is not None
        assert due > 0.5
        assert self.drain(out, 0.625) == []
        assert out.next_timeout() == due, "not put off"
        out.tick(due)
        assert self.drain(out, due) == [(8, 0)]

    def test_whoever_waits_for_items_to_be_made_waits_without_end(self) -> None:
        out = self.sender(produced=8)
        self.drain(out)
        out.on_credit(self.credit(8, 30), 0.1)
        assert self.drain(out, 0.5) == []
        assert out.next_timeout() is None

    def test_an_item_longer_than_a_frame_has_one_of_its_own(self) -> None:
        out = SendStream(Stream.VMM_DATA, 1, 2, 3000, 4, 2, Flow(Line(RATE)))
        out.append(bytes(2 * 3000))
        assert self.drain(out) == [(0, 1), (1, 1)]
        assert self.sender(produced=3, frame_items=0).take(0.0) == Slice(0, 1, item(0))

    def test_silence_is_first_asked_about_and_then_taken_for_loss(self) -> None:
        out = self.sender(total=8, produced=8)
        self.drain(out)
        deadline = out.next_timeout()
        # 0.2 s for the first answer, and the time of 80 bytes.
        assert deadline == pytest.approx(0.2 + 80 / RATE)
        assert deadline is not None
        out.tick(deadline - 1e-9)
        assert self.drain(out, deadline) == []
        out.tick(deadline)
        assert out.tries == 1
        assert self.drain(out, deadline) == [(8, 0)]
        later = out.next_timeout()
        assert later == pytest.approx(deadline + 2 * 0.2 + 80 / RATE)
        assert later is not None
        out.tick(later)
        assert self.drain(out, later) == [(0, 4), (4, 0)], "the first frame, and a question"
        out.on_credit(self.credit(8, 0), later + 0.1)
        assert out.complete
        assert out.tries == 0

    @pytest.mark.parametrize(("upto", "again"), [(4, 4), (5, 3), (7, 1)])
    def test_a_question_of_the_receiver_repeats_what_is_missing_of_a_frame_once(
        self, upto: int, again: int
    ) -> None:
        out = self.sender(total=20, produced=20)
        self.drain(out, 50.0)
        out.on_credit(self.credit(upto, 20 - upto, CreditFlag.GO_BACK), 50.1)
        assert self.drain(out, 50.1) == [(upto, again), (8, 0)], "it was sent as items 4 to 7"
        out.on_credit(self.credit(upto, 20 - upto, CreditFlag.GO_BACK), 50.1001)
        assert self.drain(out, 50.1001) == [], "asked before that can have arrived"
        out.on_credit(self.credit(20, 0), 50.2)
        assert out.complete

    def test_an_acknowledgement_says_how_far_all_of_our_output_has_come(self) -> None:
        line = Line(RATE)
        line.queued = 700  # frames of others before ours
        out = SendStream(Stream.VMM_DATA, 1, 20, SIZE, 4, 20, Flow(line))
        out.append(bytes(4 * SIZE))
        assert out.take(0.0) == Slice(0, 4, bytes(4 * SIZE))
        frame = 4 * SIZE + FRAME_OVERHEAD + 8  # with operation, count and number of the first
        line.spend(700 + frame, 0.0)
        assert line.busy(0.0) == pytest.approx((700 + frame) / RATE)
        out.on_credit(self.credit(4, 16), 0.0)
        assert line.busy(0.0) == 0.0, "what was before it has arrived as well"

    def test_no_more_is_under_way_than_the_flow_allows_in_bytes(self) -> None:
        out = self.sender(total=2000, produced=2000, window=2000)
        sent = self.drain(out)
        # 6,144 bytes of ten each, in full frames of four.
        assert sum(count for _, count in sent) == 612
        assert {count for _, count in sent} == {4}
        out.on_credit(self.credit(100, 1900), 0.1)
        assert sum(count for _, count in self.drain(out, 0.1)) == 100

    def test_what_leaves_later_has_its_answer_waited_for_from_then_on(self) -> None:
        out = self.sender(total=12, produced=8)
        assert self.drain(out) == [(0, 4), (4, 4)]
        assert out.next_timeout() == pytest.approx(0.2 + 80 / RATE)
        out.append(bytes(4 * SIZE))
        assert self.drain(out, 0.15) == [(8, 4)]
        assert out.next_timeout() == pytest.approx(0.15 + 0.2 + 120 / RATE)

    def test_what_is_acknowledged_together_is_measured_from_the_first_of_it(self) -> None:
        out = self.sender(total=12, produced=12)
        measured: list[tuple[int, float]] = []
        out._flow.measured = lambda count, seconds: measured.append((count, seconds))  # type: ignore[method-assign]
        for now in (0.0, 0.25, 0.5):
            assert out.take(now) is not None
        out.on_credit(self.credit(8, 4), 0.75)
        assert measured == [(8 * SIZE, 0.75)]
        out.on_credit(self.credit(12, 0), 1.0)
        assert measured == [(8 * SIZE, 0.75), (4 * SIZE, 0.5)]

    def test_what_is_left_under_way_is_waited_for_and_no_more(self) -> None:
        out = self.sender(total=12, produced=12)
        assert self.drain(out) == [(0, 4), (4, 4), (8, 4)]
        out.on_credit(self.credit(8, 4), 0.75)
        # Three times a round trip of 0.75 s is cut to 2 s; 40 bytes are left.
        assert out.next_timeout() == pytest.approx(0.75 + 2.0 + 40 / RATE, rel=1e-6)

    def test_a_repair_of_two_frames_goes_on_when_the_first_has_come(self) -> None:
        out = self.sender(produced=28)
        assert len(self.drain(out)) == 7
        out.on_credit(self.credit(0, 30, CreditFlag.GO_BACK), 1.0)
        assert self.drain(out) == [(0, 4), (4, 0)]
        out.on_credit(self.credit(4, 26), 2.0)
        assert self.drain(out) == [(4, 4), (8, 0)]
        out.on_credit(self.credit(8, 22), 3.0)
        assert self.drain(out) == [(8, 4), (12, 4), (16, 0)]
        out.on_credit(self.credit(12, 18), 4.0)
        assert self.drain(out) == [], "the other one is under way"
        out.on_credit(self.credit(28, 2), 5.0)
        assert out.drained
