"""A client written from protocol_reference.md alone: nothing of the package's codec is used.

It reads the tables of the page for ids, offsets and enumerations, has its own COBS and CRC, and
does what the text says: identifies a board, configures, arms, reads, pulses, meets HOST_LOST.
"""

import re
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard

PAGE = (
    Path(__file__).parents[2] / "firmware_protocol" / "spec" / "protocol_reference.md"
).read_text(encoding="utf-8")
FORMATS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i"}


def tables(section: str) -> list[list[tuple[int, str, str]]]:
    """Return the tables of a section: (offset, field, type) of each row."""
    found = []
    for table in re.findall(r"(?:^\|.*\n)+", section, re.M):
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
        found.append([(int(row[0]), row[1], row[2]) for row in rows[2:]])
    return found


MESSAGES: dict[str, tuple[int, str]] = {}
for line in PAGE.splitlines():
    if row := re.match(r"\| ([0-9A-F]{2}) \| (\w+) \| (\w+) \| [IOS] \|", line):
        MESSAGES[row[2]] = int(row[1], 16), row[3]
SECTIONS = {
    m[1]: m[2] for m in re.finditer(r"^### [0-9A-F]{2} (\w+)\n(.*?)(?=^#)", PAGE, re.M | re.S)
}
ENUMS = {
    m[1]: {name: int(value) for value, name in re.findall(r"(\d+) ([A-Z_0-9]+)[,.]", m[2])}
    for m in re.finditer(r"^- \*\*(\w+)\*\*: (.*)$", PAGE, re.M)
}
KIND = ENUMS["Kind"]


def pack(table: list[tuple[int, str, str]], **values: object) -> bytes:
    raw = bytearray()
    for offset, name, kind in table:
        assert offset == len(raw), name
        base, _, count = kind.rstrip("]").partition("[")
        value = values.pop(name, 0)
        if isinstance(value, bytes):
            raw += value
        elif count:
            raw += bytes(struct.calcsize("<" + FORMATS[base]) * int(count))
        else:
            raw += struct.pack("<" + FORMATS[base], value)
    assert not values, values
    return bytes(raw)


def unpack(table: list[tuple[int, str, str]], raw: bytes) -> dict[str, object]:
    fields: dict[str, object] = {}
    for offset, name, kind in table:
        base, bracket, count = kind.rstrip("]").partition("[")
        if base == "char":
            fields[name] = raw[offset : offset + int(count)].rstrip(b"\0").decode()
        elif base not in FORMATS or (bracket and not count):
            fields[name] = raw[offset:]
        elif count:
            fields[name] = struct.unpack_from(f"<{count}{FORMATS[base]}", raw, offset)
        else:
            (fields[name],) = struct.unpack_from("<" + FORMATS[base], raw, offset)
    return fields


def cobs(body: bytes) -> bytes:
    out = bytearray()
    for piece in body.split(b"\0"):
        while len(piece) >= 254:
            out += b"\xff" + piece[:254]
            piece = piece[254:]
        out += bytes([len(piece) + 1]) + piece
    return bytes(out)


def uncobs(data: bytes) -> bytes:
    out, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        out += data[at + 1 : at + code]
        at += code
        if code < 255 and at < len(data):
            out.append(0)
    return bytes(out)


class Stranger:
    """The client."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.line = socket.create_connection(address, timeout=10)
        self.partial = b""
        self.seq = self.sess = 0
        self.frames: list[tuple[int, int, int, bytes]] = []

    def close(self) -> None:
        self.line.close()

    def send(self, name: str, payload: bytes, seq: int = 0) -> None:
        number, kind = MESSAGES[name]
        sess = 0 if name in ("HELLO", "ESTOP") else self.sess
        body = struct.pack("<BBHHH", 1 << 4 | KIND[kind], number, seq, sess, len(payload)) + payload
        self.line.sendall(b"\0" + cobs(body + struct.pack("<I", zlib.crc32(body))) + b"\0")

    def receive(self) -> tuple[int, int, int, bytes]:
        """Return kind, id, seq and payload of the next frame."""
        while not self.frames:
            data = self.line.recv(65536)
            assert data, "the board closed the connection"
            *whole, self.partial = (self.partial + data).split(b"\0")
            for piece in filter(None, whole):
                body = uncobs(piece)
                assert struct.unpack("<I", body[-4:])[0] == zlib.crc32(body[:-4])
                vk, number, seq, _, length = struct.unpack_from("<BBHHH", body)
                assert (vk >> 4, length) == (1, len(body) - 12)
                self.frames.append((vk & 15, number, seq, body[8:-4]))
        return self.frames.pop(0)

    def hello(self) -> dict[str, object]:
        ask, answer = tables(SECTIONS["HELLO"])
        spec_hash = int(re.search(r"Spec hash `0x(\w+)`", PAGE)[1], 16)  # type: ignore[index]
        nonce = int.from_bytes(np.random.default_rng().bytes(8), "little")
        self.send(
            "HELLO",
            pack(
                ask,
                magic=b"MLB1",
                major=1,
                nonce=nonce,
                spec_hash=spec_hash,
                max_payload=2048,
                host_credit=8192,
            ),
        )
        while True:
            kind, number, _, payload = self.receive()
            if (kind, number) == (KIND["RSP"], MESSAGES["HELLO"][0]):
                found = unpack(answer, payload)
                assert found["nonce"] == nonce
                self.sess, self.seq = found["sess"], 0  # type: ignore[assignment]
                return found

    def ask(self, name: str, raw: bytes | None = None, **values: object) -> dict[str, object]:
        """Send a request and return its answer, whatever its status."""
        found = tables(SECTIONS[name])
        ask, answer = (found[0], found[1]) if len(found) > 1 else ([], found[0])
        seq, self.seq = self.seq, self.seq + 1
        self.send(name, pack(ask, **values) if raw is None else raw, seq)
        later = []
        while True:
            frame = self.receive()
            if frame[:3] == (KIND["RSP"], MESSAGES[name][0], seq):
                self.frames = later + self.frames
                payload = frame[3]
                status, detail = struct.unpack_from("<HH", payload)
                if status:
                    return {"status": status, "detail": detail}
                return unpack(answer, payload)
            later.append(frame)

    def do(self, name: str, **values: object) -> dict[str, object]:
        answer = self.ask(name, **values)
        assert answer["status"] == 0, (name, answer)
        return answer

    def configure(self, gate: int = 32768) -> int:
        """Configure as the page says; return the CRC."""
        middle = 32768
        limits = [(31457, 34079), (middle, middle), (middle, 65535)]  # ROW READ, SET, RESET
        limits += [(middle, middle), (middle, 65535), (middle, middle)]  # COLUMN
        limits += [(0, 32768)] * 3  # GATE
        spans = (2, 2, 1)
        self.do("CFG_BEGIN")
        for line, span in enumerate(spans):
            self.do("CFG_SPAN", line=line, span=span)
        for k, (low, high) in enumerate(limits):
            self.do("CFG_LIMIT", line=k // 3, mode=k % 3, minimum=low, maximum=high)
        timing = struct.pack("<7H", 900, 1000, 1010, 1020, 10, 0, 1023)
        levels = struct.pack("<2H", gate, middle)
        seq, self.seq = self.seq, self.seq + 1
        self.send("CFG_TIMING", timing, seq)
        assert self.receive()[3][:2] == b"\0\0"
        seq, self.seq = self.seq, self.seq + 1
        self.send("CFG_LEVELS", levels, seq)
        assert self.receive()[3][:2] == b"\0\0"
        covered = struct.pack("<3B18H", *spans, *(b for pair in limits for b in pair))
        crc = zlib.crc32(covered + timing + levels)
        assert self.do("CFG_COMMIT", crc=crc)["crc"] == crc
        return crc

    def arm(self) -> None:
        crc = self.configure()
        state = self.do("ARM", config_crc=crc, lease_ms=60000, watchdog_ms=5000)["state"]
        assert state == ENUMS["State"]["ARMED"]

    def read(self, op: int, row_code: int, gain: int) -> np.ndarray:
        """Read the whole array; return ADC codes."""
        total = self.do(
            "READ_ARRAY",
            op=op,
            rows=b"\xff" * 16,
            cols=2**64 - 1,
            v_row=row_code,
            v_idle=32768,
            v_gate=32768,
            navg=1,
            gain_mode=gain - 1,
        )["total"]
        (data_table,), (end_table,) = tables(SECTIONS["READ_DATA"]), tables(SECTIONS["READ_END"])
        (credit_table,) = tables(SECTIONS["CREDIT"])
        body, frames = b"", 0
        while True:
            kind, number, _, payload = self.receive()
            if (kind, number) == (KIND["UP"], MESSAGES["READ_DATA"][0]):
                part = unpack(data_table, payload)
                if part["first"] == len(body) // 128:
                    body += part["body"]  # type: ignore[operator]
                frames += 1
                if frames % 4 == 0 or len(body) == total * 128:
                    credit = pack(
                        credit_table, stream=1, op_lo=op, next=len(body) // 128, window=64
                    )
                    self.send("CREDIT", credit)
            elif (kind, number) == (KIND["EVT"], MESSAGES["READ_END"][0]):
                end = unpack(end_table, payload)
                if len(body) == total * 128:
                    assert (end["status"], end["crc"]) == (0, zlib.crc32(body))
                    return np.frombuffer(body, "<u2").reshape(total, 64)  # type: ignore[call-overload]


@pytest.fixture
def server() -> Iterator[ServedBoard]:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0)) as running:
        yield running


@pytest.fixture
def stranger(server: ServedBoard) -> Iterator[Stranger]:
    host, port = server.url.split("//")[1].split(":")
    stranger = Stranger((host, int(port)))
    yield stranger
    stranger.close()


def test_a_stranger_identifies_configures_arms_reads_and_pulses(stranger: Stranger) -> None:
    hello = stranger.hello()
    info = stranger.do("GET_INFO")
    assert (info["rows"], info["cols"], hello["state"]) == (128, 64, ENUMS["State"]["LINKED"])
    bounds = np.array(info["hard_limits"]).reshape(3, 3, 2)
    assert bounds[2, 1].tolist() == [0, 32768], "0 to 5 V of the gate in SET mode, in span 1"
    limits = stranger.do("GET_LIMITS")
    assert limits["max_width_ticks"] == 1023
    stranger.arm()

    row_code, gain = 32768 + 1311, 2
    volts = -5 + row_code * 10 / 65536
    scale = info["adc_span_mv"] / 1000 / 65536  # type: ignore[operator]

    def siemens(codes: np.ndarray) -> np.ndarray:
        amperes = -(codes.astype(float) - 32768) * scale / info["transimpedance"][gain - 1]  # type: ignore[index]
        return amperes / volts

    before = siemens(stranger.read(1, row_code, gain))
    op = hello["op_hw"] + 1  # type: ignore[operator]
    gate = int(1.3 / 10 * 65536)
    fired = stranger.do(
        "PULSE", op=op, row=5, col=7, kind=0, count=1, amp=49152, gate=gate, width=500
    )
    assert fired["fired"] == 1
    after = siemens(stranger.read(op + 1, row_code, gain))

    here = EmulatedBoard(load_preset("ideal"), 0)  # the same chip, through the package's own path
    changed = np.argwhere(before != after)
    assert changed.tolist() == [[5, 7]]
    assert 1e-5 < after[5, 7] < 1e-3
    assert here.capabilities.transimpedance[gain - 1] == info["transimpedance"][gain - 1]  # type: ignore[index]


def test_what_a_stranger_computes_is_what_the_package_reads(
    server: ServedBoard, stranger: Stranger
) -> None:
    stranger.hello()
    info = stranger.do("GET_INFO")
    stranger.arm()
    gate = np.zeros(64, "<u2")
    gate[[3, 9, 20]] = int(1.2 / 10 * 65536)
    mask = 1 << 3 | 1 << 9 | 1 << 20
    assert (
        stranger.do(
            "PULSE_ROW", op=1, row=5, kind=0, amp=49152, width=400, cols=mask, gate=gate.tobytes()
        )["mask"]
        == mask
    )
    codes = stranger.read(2, 32768 + 1311, 2)
    amperes = -(codes.astype(float) - 32768) * info["adc_span_mv"] / 1000 / 65536  # type: ignore[operator]
    siemens = amperes / info["transimpedance"][1] / (1311 * 10 / 65536)  # type: ignore[index]
    stranger.send("BYE", b"")
    stranger.close()
    import memlab

    with memlab.open_array(f"{server.url}?passport=none&calibration=none") as array:
        expected = array.read_conductance()
    assert siemens[5, 9] == pytest.approx(expected[5, 9], rel=0.02)
    assert siemens[5, [3, 9, 20]].min() > 10 * abs(siemens[6]).max()


def test_a_stranger_that_went_away_finds_host_lost_and_names_it(server: ServedBoard) -> None:
    host, port = server.url.split("//")[1].split(":")
    first = Stranger((host, int(port)))
    first.hello()
    first.arm()
    first.close()  # without BYE
    second = Stranger((host, int(port)))
    hello = second.hello()
    errors, states = ENUMS["ErrorCode"], ENUMS["State"]
    assert (hello["state"], hello["fault"]) == (states["FAULT"], errors["HOST_LOST"])
    refused = second.ask("CFG_BEGIN")
    assert refused == {"status": errors["FAULT_LATCHED"], "detail": errors["HOST_LOST"]}
    wrong = second.ask("CLEAR_FAULT", fault=errors["ESTOP"])
    assert wrong == {"status": errors["RANGE"], "detail": errors["HOST_LOST"]}
    assert second.do("CLEAR_FAULT", fault=errors["HOST_LOST"])["state"] == states["LINKED"]
    second.arm()
    second.close()


def test_the_checks_come_in_the_order_of_the_page(stranger: Stranger) -> None:
    errors = ENUMS["ErrorCode"]
    order = re.findall(r"^\| (\d) \| (\w+) \| ([A-Z_, ]+) \|", PAGE, re.M)
    assert [name for _, name, _ in order] == [
        "frame",
        "session",
        "sequence",
        "payload",
        "state",
        "arguments",
        "limits",
        "operation",
    ]
    stranger.hello()
    pulse = {"op": 5, "row": 5, "col": 7, "kind": 0, "count": 1} | {
        "amp": 49152,
        "gate": 8000,
        "width": 500,
    }
    # Each request is wrong in two neighbouring ways; the earlier one is the answer.
    assert stranger.ask("PULSE", **(pulse | {"row": 200}))["status"] == errors["RANGE"]
    assert stranger.ask("PULSE", raw=bytes(5))["status"] == errors["LEN"]
    wrong_kind = pulse | {"kind": 5}
    assert stranger.ask("PULSE", **wrong_kind) == {
        "status": errors["WRONG_STATE"],
        "detail": ENUMS["State"]["LINKED"],
    }
    stranger.arm()
    both = wrong_kind | {"width": 1024}
    assert stranger.ask("PULSE", **both)["status"] == errors["RANGE"]
    limit = ENUMS["LimitDetail"]["WIDTH"]
    assert stranger.do("PULSE", **pulse)["fired"] == 1
    assert stranger.ask("PULSE", **(pulse | {"width": 1024})) == {
        "status": errors["LIMIT"],
        "detail": limit,
    }
    assert stranger.ask("PULSE", **pulse)["status"] == errors["OP_REUSED"]
    # A request out of sequence is not looked into.
    stranger.seq += 3
    number, _ = MESSAGES["NAK"]
    stranger.send("PULSE", bytes(5), stranger.seq)
    kind, found, _, payload = stranger.receive()
    (nak,) = tables(SECTIONS["NAK"])
    assert (kind, found) == (KIND["LINK"], number)
    assert unpack(nak, payload)["reason"] == errors["GAP"]
    assert unpack(nak, payload)["expected"] == stranger.seq - 3
