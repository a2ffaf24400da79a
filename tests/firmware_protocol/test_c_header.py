"""mlp_gen.h: it compiles without a warning and reads and writes every message as Python does."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.c_codec import COMPILER, CCodec, words_of

from firmware_protocol import messages as m
from firmware_protocol.codec import Field, Message, Response
from firmware_protocol.errors import LocalProtocolError, RemoteProtocolError
from firmware_protocol.framing import BadFrame, Decoder
from firmware_protocol.generator.spec import SPEC_DIRECTORY

pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
GOLDEN = json.loads((SPEC_DIRECTORY / "golden.json").read_text())
RANDOM = 10_000


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> CCodec:
    return CCodec(tmp_path_factory.mktemp("codec"))


def python_reads(message_type: type[Message], payload: bytes) -> tuple[int, Message | None]:
    try:
        return 0, message_type.unpack(payload)
    except RemoteProtocolError as error:
        return error.code, None


def assert_same(codec: CCodec, name: str, payload: bytes) -> int:
    """Read a payload with both and write it again with both; return the error code."""
    message_type = codec.types[name]
    code, message = python_reads(message_type, payload)
    c_code, words, tail = codec.unpack(name, payload)
    assert c_code == code, (name, payload.hex(), m.ErrorCode(code), c_code)
    if message is None:
        return code
    text = any(f.base == "char" for f in message_type.FIELDS)
    if not text or payload.isascii():  # Python shows other bytes of a text as ?, C keeps them
        assert (words, tail) == words_of(message), (name, payload.hex())
        try:
            expected = message.pack()
        except LocalProtocolError:  # zeros that stand for what a refusal left out
            assert codec.pack(name, words, tail)[0] == m.ErrorCode.RANGE
        else:
            assert codec.pack(name, words, tail) == (0, expected), (name, payload.hex())
    return code


def test_every_message_with_fields_is_in_the_header(codec: CCodec) -> None:
    with_fields = {t.__name__ for t in (*m.CATALOGUE, *m.ANSWERS) if t.FIELDS}
    assert {t.__name__ for t in codec.types.values()} == with_fields


def test_c_and_python_agree_on_every_golden_vector(codec: CCodec) -> None:
    names = {t.__name__: name for name, t in codec.types.items()}
    seen = 0
    for vector in GOLDEN["frames"]:
        if vector["name"] in names:
            (frame,) = Decoder().feed(bytes.fromhex(vector["wire"]))
            assert assert_same(codec, names[vector["name"]], frame.payload) == 0
            seen += 1
    assert seen == 3 * len(names)


def test_c_refuses_the_malformed_golden_payloads_for_the_stated_reason(codec: CCodec) -> None:
    names = {t: name for name, t in codec.types.items()}
    reasons = set()
    for case in GOLDEN["malformed"]:
        (found,) = Decoder().feed(bytes.fromhex(case["wire"]))
        if isinstance(found, BadFrame) or case["reason"] == "UNKNOWN_MSG":
            continue
        name = names[m.MESSAGES[found.kind, found.msg]]
        code, _, _ = codec.unpack(name, found.payload)
        assert m.ErrorCode(code).name == case["reason"], case["note"]
        reasons.add(case["reason"])
    assert reasons == {"LEN", "RANGE"}


def scalar(field: Field, rng: np.random.Generator) -> int:
    info = np.iinfo(field.element)
    low = int(info.min) if field.minimum is None else field.minimum
    high = int(info.max) if field.maximum is None else field.maximum
    edge = rng.integers(4)
    if edge == 0:
        return low
    if edge == 1:
        return high
    return int(rng.integers(low, high, dtype=field.element, endpoint=True))


def valid(message_type: type[Message], rng: np.random.Generator) -> bytes:
    """Return a payload whose fields are all in range."""
    raw = b""
    for field in message_type.FIELDS:
        if field.is_scalar:
            raw += np.array(scalar(field, rng), field.element).tobytes()
        else:
            count = int(rng.integers(40)) if field.is_tail else field.count
            piece = rng.bytes(count * field.element.itemsize)
            raw += bytes(b % 95 + 32 for b in piece) if field.base == "char" else piece
    if issubclass(message_type, Response):
        raw = b"\0\0" + raw[2:]
    return raw


def spoiled(payload: bytes, rng: np.random.Generator) -> bytes:
    """Return a payload that is cut, longer, or has other bytes."""
    raw = bytearray(payload)
    match rng.integers(4):
        case 0:
            return bytes(raw[: rng.integers(len(raw) + 1)])
        case 1:
            return bytes(raw) + rng.bytes(int(rng.integers(1, 9)))
        case 2:
            return rng.bytes(int(rng.integers(len(raw) + 8)))
        case _:
            for _ in range(int(rng.integers(1, 4))):
                if raw:
                    raw[rng.integers(len(raw))] = rng.integers(256)
            return bytes(raw)


def test_c_and_python_agree_on_ten_thousand_random_messages_good_and_bad(codec: CCodec) -> None:
    rng = np.random.default_rng(1)
    codes: dict[int, int] = {}
    names = list(codec.types)
    for k in range(RANDOM):
        name = names[k % len(names)]
        payload = valid(codec.types[name], rng)
        if k // len(names) % 2:
            payload = spoiled(payload, rng)
            code = assert_same(codec, name, payload)
        else:
            code = assert_same(codec, name, payload)
            assert code == 0, (name, payload.hex())
        codes[code] = codes.get(code, 0) + 1
    assert set(codes) == {m.ErrorCode.OK, m.ErrorCode.LEN, m.ErrorCode.RANGE}
    assert min(codes.values()) > RANDOM // 100, codes


def test_a_tail_that_is_not_whole_elements_is_refused_in_both_directions(codec: CCodec) -> None:
    head = codec.types["vmm_lut"].LAYOUT.struct.size
    assert codec.unpack("vmm_lut", bytes(head + 3))[0] == m.ErrorCode.LEN
    assert codec.pack("vmm_lut", [0] * 5, b"abc")[0] == m.ErrorCode.LEN


def test_an_empty_payload_is_no_failure_and_a_failure_is_no_payload(codec: CCodec) -> None:
    assert codec.pack("echo", [], b"") == (m.ErrorCode.OK, b"")
    assert codec.pack("echo", [], b"abc", room=3) == (m.ErrorCode.OK, b"abc")
    assert codec.pack("echo", [], b"abc", room=2) == (m.ErrorCode.TOO_BIG, b"")
    assert codec.pack("ping", [7], b"", room=3) == (m.ErrorCode.TOO_BIG, b"")


def test_c_does_not_write_what_the_specification_does_not_allow(codec: CCodec) -> None:
    assert codec.pack("arm", [1, 60000, 199], b"")[0] == m.ErrorCode.RANGE
    assert codec.pack("arm", [1, 60000, 200], b"")[0] == m.ErrorCode.OK


def test_the_header_stands_alone_under_stricter_compilers(tmp_path: Path) -> None:
    source = tmp_path / "alone.c"
    source.write_text('#include "mlp_gen.h"\n#include "mlp_gen.h"\nint mlp_alone;\n')
    for extra in (["-Wconversion", "-Wshadow"], ["-O2", "-Wtype-limits"]):
        flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-I", str(SPEC_DIRECTORY), *extra]
        out = ["-c", str(source), "-o", str(tmp_path / "alone.o")]
        subprocess.run([str(COMPILER), *flags, *out], check=True)
