"""Requests under way: how many, how long, and which of them are sent again.

Requests differ in length and so do their answers; sequence numbers pass 65,535 in the middle.
"""

import pytest

from firmware_protocol.framing import FRAME_OVERHEAD, Decoder, Frame
from firmware_protocol.line import FIRST_RTO, Flow, Line
from firmware_protocol.messages import REQUEST_WINDOW, Echo, GetState, Ping
from firmware_protocol.request_window import RequestWindow

RATE = 1e4
SESSION = 0x2B3C
LONG = 100
"""Bytes of a long request."""


class Talk:
    """A window and what has left it."""

    def __init__(self, credit: int = 4096, first: int = 0, longest_answer: int = 777) -> None:
        self.line = Line(RATE)
        self.flow = Flow(self.line)
        self.window = RequestWindow(SESSION, credit, self.flow, longest_answer)
        self.window._seq = first
        self.sent: list[Frame] = []

    def add(self, *sizes: int) -> None:
        for k, size in enumerate(sizes, 1 + len(self.sent) + len(self.window.unsent())):
            self.window.add(k, GetState(), bytes([k]) * size)

    def ready(self, now: float, ahead: int = 0) -> list[int]:
        """Let out what may leave, and return its sequence numbers."""
        wires = []
        for wire in self.window.ready(now, ahead):
            self.line.queued += len(wire)  # before the next one is made
            wires.append(wire)
        frames = self.frames(wires)
        self.sent += frames
        return [frame.seq for frame in frames]

    def frames(self, wires: list[bytes]) -> list[Frame]:
        decoder = Decoder()
        found = decoder.feed(b"\0" + b"".join(wires))
        assert all(isinstance(one, Frame) for one in found)
        return found  # type: ignore[return-value]

    def answer(self, seq: int, now: float, size: int = 24, ahead: int = 0) -> int | None:
        pending = self.window.on_answer(seq, GetState.ID, size, now, ahead)
        return None if pending is None else pending.ticket


def test_eight_leave_in_order_and_the_next_with_the_first_answer() -> None:
    talk = Talk(first=65533)
    talk.add(*range(1, 12))
    assert talk.ready(0.0) == [65533, 65534, 65535, 0, 1, 2, 3, 4]
    assert REQUEST_WINDOW == 8
    assert [len(frame.payload) for frame in talk.sent] == list(range(1, 9))
    assert {frame.sess for frame in talk.sent} == {SESSION}
    assert {frame.msg for frame in talk.sent} == {GetState.ID}
    assert talk.ready(0.0) == []
    assert sorted(talk.window.unsent()) == [9, 10, 11]
    assert sorted(talk.window.unanswered()) == list(range(1, 9))
    # One behind the oldest makes no room: the board remembers so far back and no further.
    assert talk.answer(65534, 0.1) == 2
    assert talk.ready(0.1) == []
    assert talk.answer(65533, 0.1) == 1
    assert talk.ready(0.1) == [5, 6]


def test_bytes_of_the_board_s_credit_are_not_exceeded_but_by_a_single_request() -> None:
    wire = LONG + FRAME_OVERHEAD
    talk = Talk(credit=2 * wire)
    talk.add(LONG, LONG, LONG)
    assert talk.ready(0.0) == [0, 1]
    talk = Talk(credit=2 * wire - 1)
    talk.add(LONG, LONG, LONG)
    assert talk.ready(0.0) == [0]
    assert talk.ready(0.0) == []
    talk = Talk(credit=wire - 1)
    talk.add(LONG, 1)
    assert talk.ready(0.0) == [0], "alone it must leave all the same"
    talk.answer(0, 0.1)
    assert talk.ready(0.1) == [1]


def test_an_answer_belongs_to_its_request_once() -> None:
    talk = Talk()
    talk.add(5, 6)
    talk.ready(0.0)
    assert talk.window.on_answer(0, Ping.ID, 24, 0.1, 0) is None, "an answer to something else"
    assert talk.answer(7, 0.1) is None
    assert talk.answer(0, 0.1) == 1
    assert talk.answer(0, 0.1) is None
    assert sorted(talk.window.unanswered()) == [2]


def test_the_wait_is_that_of_the_oldest_and_of_the_bytes_before_its_answer() -> None:
    talk = Talk()
    talk.add(50, 90)
    talk.ready(1.0, ahead=300)
    answer = GetState.RESPONSE.LAYOUT.struct.size + FRAME_OVERHEAD
    crossing = (50 + FRAME_OVERHEAD) + answer + 300
    assert talk.window.deadline == pytest.approx(1.0 + FIRST_RTO + crossing / RATE)
    # With the first answer the second is the oldest. The round trip is now 0.3 s less the bytes'.
    count = 50 + FRAME_OVERHEAD + 24 + FRAME_OVERHEAD
    talk.answer(0, 1.3, ahead=200)
    round_trip = 0.3 - count / RATE
    rto = round_trip + 2 * round_trip  # its deviation is taken for half of it, four times
    crossing = (90 + FRAME_OVERHEAD) + answer + 200
    assert talk.window.deadline == pytest.approx(1.3 + rto + crossing / RATE)
    talk.answer(1, 1.4)
    assert talk.window.deadline is None
    assert talk.window.tick(99.0, 0) == []


def test_an_answer_of_any_length_is_waited_for_as_if_it_were_the_longest() -> None:
    talk = Talk(longest_answer=777)
    talk.window.add(1, Echo(data=b"abc"), b"abc")
    talk.ready(0.0)
    crossing = 3 + FRAME_OVERHEAD + 777
    assert talk.window.deadline == pytest.approx(FIRST_RTO + crossing / RATE)


def test_when_the_time_is_over_all_open_ones_go_again_and_the_wait_doubles() -> None:
    talk = Talk()
    talk.add(10, 20, 30)
    talk.ready(0.0)
    talk.answer(1, 0.0)
    deadline = talk.window.deadline
    assert deadline is not None
    assert talk.window.tick(deadline - 1e-6, 0) == []
    again = talk.window.tick(deadline, 0)
    assert [frame.seq for frame in talk.frames(again)] == [0, 2]
    assert all(wire[0] == 0 for wire in again), "a zero ends what a damaged line has left"
    assert (talk.window.attempts, talk.window.repeats) == (1, 2)
    # The round trip was measured as nothing: 50 ms at least, twice that now.
    answer = GetState.RESPONSE.LAYOUT.struct.size + FRAME_OVERHEAD
    crossing = (10 + FRAME_OVERHEAD + answer) / RATE
    assert talk.window.deadline == pytest.approx(deadline + 2 * 0.05 + crossing)
    assert talk.answer(0, deadline + 0.01) == 1
    assert talk.window.attempts == 0


def test_a_repeated_request_measures_no_round_trip() -> None:
    talk = Talk()
    talk.add(10)
    talk.ready(0.0)
    talk.window.tick(5.0, 0)
    talk.answer(0, 5.001)
    assert talk.flow.round_trip.rto == FIRST_RTO


@pytest.mark.parametrize("first", [0, 65534])
def test_an_answer_that_overtook_older_requests_sends_these_again_once(first: int) -> None:
    talk = Talk(first=first)
    talk.add(10, 20, 30, 40)
    seqs = talk.ready(0.0)
    talk.answer(seqs[2], 0.1)
    again = talk.window.overtaken(seqs[2], 0.1)
    assert [frame.seq for frame in talk.frames(again)] == seqs[:2], "not the one behind it"
    assert talk.window.overtaken(seqs[2], 0.1) == []
    assert talk.window.repeats == 2


@pytest.mark.parametrize("first", [0, 65534])
def test_a_refusal_sends_again_from_the_one_that_the_board_expects(first: int) -> None:
    talk = Talk(first=first)
    talk.add(10, 20, 30, 40)
    seqs = talk.ready(0.0)
    again = talk.window.refused_from(seqs[1], 0.1)
    assert [frame.seq for frame in talk.frames(again)] == seqs[1:]
    assert talk.flow.losing
    # What has gone again and may still be on its way does not go a third time.
    assert talk.window.refused_from(seqs[1], 0.1 + 1e-3) == []
    crossing = talk.flow.wait(40 + FRAME_OVERHEAD, 9.0)
    again = talk.window.refused_from(seqs[3], 0.1 + crossing + 1e-3)
    assert [frame.seq for frame in talk.frames(again)] == [seqs[3]]


def test_a_refusal_of_what_nobody_waits_for_is_no_loss() -> None:
    talk = Talk()
    talk.add(10)
    talk.ready(0.0)
    assert talk.window.refused_from(1, 0.1) == []
    assert not talk.flow.losing


def test_an_answer_says_how_far_all_of_our_output_has_come() -> None:
    talk = Talk(first=65535)
    talk.add(3, 40)
    assert talk.ready(0.0) == [65535, 0]
    first, second = (len(frame.encode()) for frame in talk.sent)
    talk.line.spend(first + second, 0.0)
    assert talk.line.busy(0.0) == (first + second) / RATE
    talk.answer(65535, 0.0)
    assert talk.line.busy(0.0) == second / RATE
    talk.answer(0, 0.0)
    assert talk.line.busy(0.0) == 0.0


def test_of_two_numbers_half_a_circle_apart_neither_is_the_older() -> None:
    talk = Talk(first=7)
    talk.add(3)
    talk.ready(0.0)
    assert talk.window.refused_from(7 + 0x8000, 0.1) == []
    assert talk.window.overtaken(7 + 0x8000, 0.1) == []
    (again,) = talk.frames(talk.window.overtaken(7 + 0x7FFF, 0.1))
    assert again.seq == 7
    talk = Talk(first=7)
    talk.add(3)
    talk.ready(0.0)
    (again,) = talk.frames(talk.window.refused_from(7 - 0x7FFF & 0xFFFF, 0.1))
    assert again.seq == 7
