"""Writes spec/golden.json: frames of every message, and frames that must be refused.

One file for every implementation: a C decoder is right when it reads these as Python does. A
released vector never changes; a changed one needs a new wire major.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from cobs import cobs

from firmware_protocol.codec import Field, Message
from firmware_protocol.framing import MAX_FRAME, encode_frame
from firmware_protocol.generator.spec import Spec
from firmware_protocol.messages import ANSWERS, CATALOGUE, Kind

CASES = ("min", "typical", "max")
_SESSION, _SEQ = 0x1234, 0x0102


def golden_json(spec: Spec) -> str:
    """Return the text of golden.json."""
    document = {
        "spec_hash": f"{spec.hash:016x}",
        "frames": [
            _vector(message_type, case) for message_type in (*CATALOGUE, *ANSWERS) for case in CASES
        ],
        "malformed": [
            {"reason": reason, "note": note, "wire": wire.hex()} for reason, note, wire in _bad()
        ],
    }
    # One vector per line: a change shows as the line of its message.
    lines = json.dumps(document["frames"], separators=(",", ":")).replace(
        '},{"name"', '},\n{"name"'
    )
    bad = json.dumps(document["malformed"], separators=(",", ":")).replace('},{"r', '},\n{"r')
    return f'{{"spec_hash":"{document["spec_hash"]}",\n"frames":{lines},\n"malformed":{bad}}}\n'


def _vector(message_type: type[Message], case: str) -> dict[str, Any]:
    values = {f.name: sample(f, case) for f in message_type.FIELDS}
    message = message_type(**values)
    wire = encode_frame(message_type.KIND, message_type.ID, _SEQ, _SESSION, message.pack())
    shown = {name: as_json(value) for name, value in values.items()}
    return {"name": message_type.__name__, "case": case, "fields": shown, "wire": wire.hex()}


def sample(field: Field, case: str) -> Any:
    """Return a value of a field: its lowest, highest, or one in between."""
    if field.is_scalar:
        bounds = np.iinfo(field.element)
        low = int(bounds.min) if field.minimum is None else field.minimum
        high = int(bounds.max) if field.maximum is None else field.maximum
        middle = low + zlib.crc32(field.name.encode()) % (high - low + 1)
        return {"min": low, "typical": middle, "max": high}[case]
    size = {"min": 0, "typical": 3, "max": 8}[case] if field.is_tail else field.count
    if field.base == "char":
        return {"min": "", "typical": "memlab"[:size], "max": "~" * size}[case]
    raw = bytes(
        {"min": 0, "typical": 37 * i + 1 & 0xFF, "max": 255}[case]
        for i in range(size * field.element.itemsize)
    )
    return raw if field.base == "u8" else np.frombuffer(raw, field.element)


def as_json(value: Any) -> Any:
    """Return a value as JSON shows it: bytes as hex, records as lists."""
    if isinstance(value, bytes):
        return value.hex()
    return value.tolist() if isinstance(value, np.ndarray) else value


def _frame(vk: int, msg: int, payload: bytes = b"", length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    body = struct.pack("<BBHHH", vk, msg, 0, _SESSION, size) + payload
    encoded: bytes = cobs.encode(body + struct.pack("<I", zlib.crc32(body)))
    return encoded + b"\0"


def _bad() -> Iterator[tuple[str, str, bytes]]:
    good = _frame(0x15, 0x03, b"\1\2\3\4")
    body: bytes = cobs.decode(good[:-1])
    for index in (0, 1, 3, 5, 7, 8, 11, 12, 15):
        broken = bytearray(body)
        broken[index] ^= 1 << index % 8
        yield "crc", f"one bit of byte {index} flipped", cobs.encode(bytes(broken)) + b"\0"
    yield "crc", "the last byte of the payload missing", cobs.encode(body[:11] + body[12:]) + b"\0"
    yield "crc", "CRC of the payload alone", cobs.encode(body[:12] + body[4:8]) + b"\0"
    yield "cobs", "a code that points past the end", b"\x05\x01\x00"
    yield "cobs", "a frame cut short", good[: len(good) // 2] + b"\0"
    yield "cobs", "the highest code with nothing behind it", b"\xff\x00"
    yield "length", "less than header and CRC", cobs.encode(body[:11]) + b"\0"
    yield "length", "one byte", b"\x02\x07\x00"
    yield "length", "len says one more", _frame(0x15, 0x03, b"\1\2\3\4", 5)
    yield "length", "len says one less", _frame(0x15, 0x03, b"\1\2\3\4", 3)
    yield "length", "len says 65535", _frame(0x15, 0x03, b"\1\2\3\4", 65535)
    yield "version", "wire major 2", _frame(0x25, 0x03, b"\1\2\3\4")
    yield "version", "wire major 0", _frame(0x05, 0x03, b"\1\2\3\4")
    yield "version", "kind 6", _frame(0x16, 0x03, b"\1\2\3\4")
    yield "overlong", "no zero for longer than any frame", b"\1" * MAX_FRAME + b"\0"
    request, link = 0x10 | Kind.REQ, 0x10 | Kind.LINK
    yield "UNKNOWN_MSG", "a request nobody knows", _frame(request, 0xFE)
    yield "LEN", "PING without its token", _frame(link, 0x03)
    yield "LEN", "HELLO cut short", _frame(link, 0x01, b"MLB1\1\0")
    yield "LEN", "half a word in VMM_LUT", _frame(request, 0x61, bytes(9))
    yield "RANGE", "CFG_SPAN of a fourth line class", _frame(request, 0x21, b"\3\0")
    yield (
        "RANGE",
        "ARM with a watchdog of 199 ms",
        _frame(request, 0x28, struct.pack("<IIH", 1, 60000, 199)),
    )
    yield "RANGE", "JOB_BEGIN of no entries", _frame(request, 0x51, bytes(16))
    yield (
        "RANGE",
        "PULSE on row 128",
        _frame(request, 0x50, struct.pack("<IBBBBHHH", 1, 128, 0, 0, 1, 1, 1, 1)),
    )
