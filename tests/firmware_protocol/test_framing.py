"""Frames survive anything on the line, and no damaged one is ever accepted."""

import struct
import time
import zlib

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.errors import LocalProtocolError
from firmware_protocol.framing import (
    MAX_FRAME,
    BadFrame,
    Decoder,
    DecoderCounters,
    Frame,
    encode_frame,
    max_payload_for,
)

FRAMES = st.builds(
    Frame,
    st.integers(0, 5),
    st.integers(0, 255),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.binary(max_size=600),
)


def feed_in_pieces(data: bytes, cuts: list[int]) -> tuple[list[Frame | BadFrame], Decoder]:
    decoder, found, start = Decoder(), [], 0
    for cut in [*sorted(c % (len(data) + 1) for c in cuts), len(data)]:
        found += decoder.feed(data[start:cut])
        start = cut
    return found, decoder


@pytest.mark.parametrize(
    ("frame", "wire"),
    [
        (Frame(5, 0x0F, 0, 0), "0315 0f01 0101 0101 05cf 9031 a700"),
        (Frame(5, 0x03, 0, 0x1234, b"\1\0\0\0"), "0315 0301 0434 1204 0201 0101 0591 cf67 a400"),
    ],
)
def test_the_golden_frames_of_the_reference_match_byte_for_byte(frame: Frame, wire: str) -> None:
    assert frame.encode() == bytes.fromhex(wire)
    assert Decoder().feed(b"\0" + bytes.fromhex(wire)) == [frame]


def test_the_fast_cobs_extension_is_in_use() -> None:
    assert cobs._using_extension


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(0, 5000), max_size=8))
def test_frames_arrive_whole_however_they_are_cut(frames: list[Frame], cuts: list[int]) -> None:
    found, decoder = feed_in_pieces(b"".join(f.encode() for f in frames), cuts)
    assert found == frames
    assert decoder.counters.good == len(frames)
    assert decoder.counters.bad == 0


@given(
    st.lists(st.one_of(st.binary(max_size=300), FRAMES.map(Frame.encode)), max_size=8).map(
        b"".join
    ),
    st.lists(st.integers(0, 5000), max_size=8),
    st.integers(0, 3),
)
def test_events_and_counters_do_not_depend_on_chunking(
    data: bytes, cuts: list[int], repeat: int
) -> None:
    data = data * (1 + 10 * repeat)
    whole, decoder = feed_in_pieces(data, [])
    pieces, other = feed_in_pieces(data, [c * (1 + 5 * repeat) for c in cuts])
    assert (whole, decoder.counters) == (pieces, other.counters)
    assert decoder._partial == other._partial
    assert decoder._skipping == other._skipping


@given(st.binary(max_size=200), FRAMES)
def test_after_any_garbage_a_zero_makes_the_next_frame_good(garbage: bytes, frame: Frame) -> None:
    assert Decoder().feed(garbage + b"\0" + frame.encode())[-1] == frame


@given(FRAMES, st.data())
def test_a_damaged_frame_is_never_accepted(frame: Frame, data: st.DataObject) -> None:
    wire = bytearray(frame.encode())
    index = data.draw(st.integers(0, len(wire) - 1))
    match data.draw(st.sampled_from(["flip", "drop", "insert", "duplicate"])):
        case "flip":
            wire[index] ^= 1 << data.draw(st.integers(0, 7))
        case "drop":
            del wire[index]
        case "insert":
            wire.insert(index, data.draw(st.integers(1, 255)))
        case "duplicate":
            wire.insert(index, wire[index])
    found = Decoder().feed(bytes(wire) + b"\0")
    good = [f for f in found if isinstance(f, Frame)]
    # Only a repeated or dropped closing zero leaves the frame itself intact.
    assert good == [] or (good == [frame] and bytes(wire).strip(b"\0") == frame.encode()[:-1])


@pytest.mark.parametrize("size", [MAX_FRAME - 1, MAX_FRAME, MAX_FRAME + 1, 3 * MAX_FRAME])
@pytest.mark.parametrize("step", [1, 7, 2000, 100000])
def test_a_line_without_zeros_counts_as_overlong_once(size: int, step: int) -> None:
    data = b"\1" * size + b"\0" + Frame(5, 3, 0, 1).encode()
    decoder = Decoder()
    found = [f for i in range(0, len(data), step) for f in decoder.feed(data[i : i + step])]
    assert [f.counter for f in found[:-1]] == ["overlong" if size >= MAX_FRAME else "cobs"] or (
        size < MAX_FRAME and isinstance(found[0], BadFrame)
    )
    assert found[-1] == Frame(5, 3, 0, 1)


def test_whatever_was_dropped_is_counted_by_its_reason_and_together() -> None:
    def sealed(head: bytes) -> bytes:
        return cobs.encode(head + struct.pack("<I", zlib.crc32(head)))

    header = struct.Struct("<BBHHH")
    good = sealed(header.pack(0x13, 0x63, 1, 0x2B3C, 0))
    bad = {
        "cobs": (b"\5\1", 1),
        "crc": (cobs.encode(header.pack(0x13, 0x63, 1, 0x2B3C, 0) + b"wxyz"), 2),
        "length": (sealed(header.pack(0x13, 0x63, 1, 0x2B3C, 3)), 3),
        "version": (sealed(header.pack(0x23, 0x63, 1, 0x2B3C, 0)), 4),
        "overlong": (b"\1" * MAX_FRAME, 5),
    }
    decoder = Decoder()
    for name, (piece, times) in bad.items():
        for _ in range(times):
            (found,) = decoder.feed(piece + b"\0")
            assert isinstance(found, BadFrame)
            assert found.counter == name
    (found,) = decoder.feed(cobs.encode(b"short") + b"\0")
    assert found == BadFrame("length")
    assert len(decoder.feed(good + b"\0")) == 1
    assert decoder.counters == DecoderCounters(
        good=1, crc=2, cobs=1, overlong=5, length=4, version=4
    )
    assert decoder.counters.bad == 16


def test_payload_sizes_follow_the_line_rate() -> None:
    assert [max_payload_for(baud / 10) for baud in (115200, 921600, 3000000)] == [320, 1843, 2048]
    assert len(encode_frame(3, 0x63, 0, 1, b"\1" * 2048)) == MAX_FRAME
    with pytest.raises(LocalProtocolError, match="2048"):
        encode_frame(0, 8, 0, 1, bytes(2049))


def test_two_kilobyte_frames_pass_at_tens_of_megabytes_per_second() -> None:
    wire = encode_frame(3, 0x63, 0, 1, bytes(range(256)) * 8) * 500
    decoder = Decoder()
    start = time.perf_counter()
    found = [f for i in range(0, len(wire), 4096) for f in decoder.feed(wire[i : i + 4096])]
    rate = len(wire) / (time.perf_counter() - start)
    assert len(found) == 500
    assert rate > 20e6


@pytest.mark.parametrize("session", [0x2B3C, 0x2B00, 0x003C])
@pytest.mark.parametrize("seq", [0x0000, 0x0001, 0x0100, 0x0203])
@pytest.mark.parametrize("size", [0, 5, 256, 259, 2048])
def test_whose_frame_is_under_way_is_known_with_its_header_and_not_before(
    session: int, seq: int, size: int
) -> None:
    decoder = Decoder()
    wire = encode_frame(3, 0x63, seq, session, bytes([9]) * size)
    told = []
    for byte in wire:
        decoder.feed(bytes([byte]))
        told.append(decoder.session_under_way)
    # 8 bytes of header behind one of COBS, of which a zero at the end of the header is known early.
    assert told[:7] == [None] * 7
    assert told[8:-1] == [session] * (len(wire) - 9)
    assert told[-1] is None, "it has come"


@pytest.mark.parametrize("head", [(0x23, 1), (0x16, 1), (0x13, 2049)])
def test_a_header_that_no_frame_has_is_nobodys(head: tuple[int, int]) -> None:
    vk, length = head
    decoder = Decoder()
    decoder.feed(cobs.encode(struct.pack("<BBHHH", vk, 0x63, 1, 0x2B3C, length) + b"more"))
    assert decoder.session_under_way is None
