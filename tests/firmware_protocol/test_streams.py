"""A lost frame costs one frame; whatever is lost, everything arrives once; no line is blocked."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_protocol.line import Flow, Line
from firmware_protocol.messages import Stream
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
