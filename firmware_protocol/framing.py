"""Frames: COBS between zero bytes around header, payload and CRC-32.

A zero byte never occurs inside a frame, so that after any damage the next zero is a place to
start again, without timers and without waiting for bytes that a broken length promised. The
decoder searches zeros with `bytes.find` and decodes whole frames in C; no Python runs per byte.
Its state after k bytes depends on those bytes only, not on how they were cut.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from cobs import cobs

from firmware_protocol.errors import LocalProtocolError
from firmware_protocol.messages import MAJOR, MAX_PAYLOAD, ErrorCode, Kind

_HEADER = struct.Struct("<BBHHH")
_CRC = struct.Struct("<I")
_OVERHEAD = _HEADER.size + _CRC.size
FRAME_OVERHEAD = _OVERHEAD + 2
"""What a short frame costs on top of its payload, on the wire."""
MAX_FRAME = MAX_PAYLOAD + 22
"""Longest frame on the wire with its closing zero: 2070 bytes."""

SHORTEST_FRAME = 320
"""Payload that a slow line is given all the same: one vector or one row with gains must fit."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One good frame, its payload not yet read."""

    kind: int
    msg: int
    seq: int
    sess: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """Return the bytes on the wire, with the closing zero."""
        return encode_frame(self.kind, self.msg, self.seq, self.sess, self.payload)


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Something between two zeros that was not a frame; its content must not be used.

    Parameters
    ----------
    counter
        Which counter it went to: cobs, crc, length, overlong or version.
    code
        VERSION when a sound frame has another wire major, else BAD_FRAME.
    """

    counter: str
    code: ErrorCode = ErrorCode.BAD_FRAME


@dataclass(slots=True)
class DecoderCounters:
    """What the decoder has seen since it was made."""

    good: int = 0
    crc: int = 0
    cobs: int = 0
    overlong: int = 0
    length: int = 0
    version: int = 0

    @property
    def bad(self) -> int:
        """Return the number of all that was dropped."""
        return self.crc + self.cobs + self.overlong + self.length + self.version


def encode_frame(kind: int, msg: int, seq: int, sess: int, payload: bytes = b"") -> bytes:
    """Return the bytes of one frame, with the closing zero."""
    if len(payload) > MAX_PAYLOAD:
        raise LocalProtocolError(f"a payload holds {MAX_PAYLOAD} bytes, got {len(payload)}")
    body = _HEADER.pack(MAJOR << 4 | kind, msg, seq, sess, len(payload)) + payload
    encoded: bytes = cobs.encode(body + _CRC.pack(zlib.crc32(body)))
    return encoded + b"\0"


def max_payload_for(bytes_per_second: float) -> int:
    """Return the payload that keeps one frame within 20 ms of the line: 320 to 2048."""
    return int(min(max(bytes_per_second * 0.020, SHORTEST_FRAME), MAX_PAYLOAD))


class Decoder:
    """Finds frames in bytes that arrive in pieces of any size."""

    def __init__(self) -> None:
        self.counters = DecoderCounters()
        self._partial = bytearray()
        self._skipping = False

    @property
    def session_under_way(self) -> int | None:
        """Session of the frame that is arriving; None between frames and in its first bytes.

        Not checked by a CRC yet: good for one thing, to tell that somebody is still sending.
        """
        head = _first_bytes(self._partial, _HEADER.size)
        if head is None or self._skipping:
            return None
        vk, _, _, session, length = _HEADER.unpack(head)
        sound = vk >> 4 == MAJOR and vk & 0xF <= Kind.LINK and length <= MAX_PAYLOAD
        return int(session) if sound else None

    def feed(self, data: bytes) -> list[Frame | BadFrame]:
        """Take bytes and return what they completed, good and bad, in order."""
        found: list[Frame | BadFrame] = []
        start = 0
        while (end := data.find(0, start)) >= 0:
            if self._partial or self._skipping:
                self._keep(data[start:end], found)
                piece = bytes(self._partial)
                self._partial.clear()
            else:
                piece = data[start:end]
                if len(piece) >= MAX_FRAME:
                    self._too_long(found)
                    piece = b""
            start = end + 1
            self._skipping = False
            if piece:
                found.append(self._decode(piece))
        self._keep(data[start:], found)
        return found

    def _keep(self, piece: bytes, found: list[Frame | BadFrame]) -> None:
        if self._skipping:
            return
        if len(self._partial) + len(piece) >= MAX_FRAME:
            self._too_long(found)
            self._partial.clear()
            self._skipping = True
        else:
            self._partial += piece

    def _too_long(self, found: list[Frame | BadFrame]) -> None:
        self.counters.overlong += 1
        found.append(BadFrame("overlong"))

    def _decode(self, piece: bytes) -> Frame | BadFrame:
        counters = self.counters
        try:
            body: bytes = cobs.decode(piece)
        except cobs.DecodeError:
            counters.cobs += 1
            return BadFrame("cobs")
        if len(body) < _OVERHEAD:
            counters.length += 1
            return BadFrame("length")
        if zlib.crc32(memoryview(body)[:-4]) != _CRC.unpack_from(body, len(body) - 4)[0]:
            counters.crc += 1
            return BadFrame("crc")
        vk, msg, seq, sess, length = _HEADER.unpack_from(body)
        if length != len(body) - _OVERHEAD:
            counters.length += 1
            return BadFrame("length")
        if vk >> 4 != MAJOR or vk & 0xF > Kind.LINK:
            counters.version += 1
            return BadFrame("version", ErrorCode.VERSION)
        counters.good += 1
        return Frame(vk & 0xF, msg, seq, sess, body[_HEADER.size : -_CRC.size])


def _first_bytes(partial: bytearray, count: int) -> bytes | None:
    """Decode the first bytes of a frame of which more is to come; None when they are not here."""
    out = bytearray()
    at = 0
    while len(out) < count and at < len(partial):
        code = partial[at]
        block = partial[at + 1 : at + code]
        out += block
        if len(block) < code - 1:
            break  # the rest of this block is still under way
        out.append(0)  # none follows a block of 254 bytes, but that is longer than any header
        at += code
    return bytes(out[:count]) if len(out) >= count else None
