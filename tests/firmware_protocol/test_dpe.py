"""The published ASCII dialect, both ends: what it carries, what it refuses, and damaged lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_protocol.dpe import (
    BatchRead,
    Multiply,
    Program,
    ReadColumnBoard,
    ReplyParser,
    Request,
    parse_request,
    reply_lines,
)
from firmware_protocol.dpe_link import DpeDevice, DpeHost, Failed, Replied, RequestAsked
from firmware_protocol.errors import LocalProtocolError, RemoteProtocolError

READ = BatchRead(read_voltage=0.2, gate_voltage=5.0, gain=2, half=1)


def program(reset=False, slow=False, **fields) -> Program:
    drive = np.zeros((64, 64))
    drive[3, 60], drive[63, 0] = 2.5, 1.25
    gate = np.full((64, 64), 1.07)
    values = {"drive_voltage": drive, "gate_voltage": gate, "pulse": 500, "half": 0}
    return Program(reset=reset, slow=slow, **(values | fields))


def multiply(vectors=3, repeat=1, columns=64) -> Multiply:
    voltage = np.round(np.linspace(-0.2, 0.2, vectors * 128), 4).reshape(vectors, 128)
    return Multiply(
        rows=np.ones(128, bool),
        columns=np.arange(64) < columns,
        gate_voltage=np.full(64, 5.0),
        row_voltage=voltage,
        gain=1,
        repeat=repeat,
    )


def test_requests_look_as_the_public_host_code_writes_them() -> None:
    assert READ.lines() == ["10,0.20,5.00,2,1000,900,1010,64,64,1"]
    head, drive, gate = program(reset=True).lines()
    assert head == "11,64,64,500,5,5,0"
    assert drive.split(",")[3 * 64 + 60] == "2.50", "row-major: the transpose of a MATLAB matrix"
    assert drive.count(",") == gate.count(",") == 4095
    assert program().lines()[0] == "12,64,64,500,5,0"
    assert program(slow=True).lines()[0] == "17,64,64,500,5,0"
    assert program(reset=True, slow=True).lines()[0] == "18,64,64,500,0"
    head, *vectors = multiply().lines()
    assert head.startswith("20,0,1,1000,5,128,64,1,3," + "255," * 24 + "5.00,")
    assert len(head.split(",")) == 97
    assert vectors[0].startswith(",-0.2000,-0.1990,")
    assert ReadColumnBoard(8).lines() == ["4,8"]


@pytest.mark.parametrize(
    "request_",
    [
        READ,
        program(),
        program(True),
        program(False, True),
        program(True, True),
        multiply(5, 2, 7),
        ReadColumnBoard(1),
    ],
)
def test_a_request_arrives_as_it_was_sent(request_: Request) -> None:
    device = DpeDevice()
    events = device.receive_bytes(b"1024\r\n" + "\n".join(request_.lines()).encode() + b"\n")
    assert device.data_to_send() == b"go\n"
    assert [type(e) for e in events] == [RequestAsked]
    assert events[0].request.lines() == request_.lines()


@pytest.mark.parametrize(
    "wrong",
    [
        BatchRead(0.205, 5.0, 2, 0),
        BatchRead(0.2, 5.01, 2, 0),
        BatchRead(float("nan"), 5.0, 2, 0),
        BatchRead(0.2, 5.0, 5, 0),
        program(gate_voltage=np.full((64, 64), 1.071)),
        program(drive_voltage=np.full((64, 64), 5.01)),
        program(drive_voltage=np.zeros((64, 63))),
        program(pulse=1024),
        program(column_span=7),
        ReadColumnBoard(9),
    ],
)
def test_what_the_dialect_cannot_carry_is_refused_before_it_is_sent(wrong: Request) -> None:
    with pytest.raises(LocalProtocolError):
        wrong.lines()


def test_vectors_have_four_decimals_and_no_more() -> None:
    request = multiply()
    request.row_voltage[1, 5] = 0.12345
    with pytest.raises(LocalProtocolError, match="4 decimals"):
        request.lines()


@pytest.mark.parametrize(
    "text",
    [
        "10,0.20,5.00,2,1000,900,1010,64,64",  # a field short
        "10,0.20,5.00,2,1000,900,1010,64,64,2",  # no such half
        "10,nan,5.00,2,1000,900,1010,64,64,0",
        "10,0.20,inf,2,1000,900,1010,64,64,0",
        "10,0.20,5.00,2,1000,1100,1010,64,64,0",  # timing out of order
        "10,0.20,5.00,2,1000,900,1010,128,64,0",  # swapped lines
        "10,-0.1,5.00,2,1000,900,1010,64,64,0",
        "99,1",
        "4,9",
        "4,-1",
        "four,1",
        "12,64,64,500,5,0\n1,2,3\n4,5,6",  # short matrices
        "12,64,64,500,5,0\n" + "6.0," * 4095 + "6.0\n" + "1.0," * 4095 + "1.0",  # beyond the span
        "12,64,64,500,5,0\n" + "nan," * 4095 + "1.0\n" + "1.0," * 4095 + "1.0",
        multiply().lines()[0].replace("20,0,1", "20,0,0", 1)
        + "\n"
        + "\n".join(multiply().lines()[1:]),
        multiply().lines()[0].replace(",128,64,", ",127,64,")
        + "\n"
        + "\n".join(multiply().lines()[1:]),
        "\n".join(line.lstrip(",") for line in multiply().lines()),
    ],
)
def test_a_broken_command_is_reported_and_never_carried_out(text: str) -> None:
    device = DpeDevice()
    events = device.receive_bytes(f"1024\n{text}\n".encode())
    assert events
    assert not any(isinstance(e, RequestAsked) for e in events)
    good = device.receive_bytes(f"1024\n{READ.lines()[0]}\n".encode())
    assert isinstance(good[-1], RequestAsked), "1024 always leads back"


def test_nothing_is_carried_out_without_1024_or_before_the_last_line() -> None:
    device = DpeDevice()
    assert not isinstance(device.receive_bytes(b"4,1\n")[0], RequestAsked)
    head, drive, gate = program().lines()
    assert device.receive_bytes(f"1024\n{head}\n{drive}\n{gate}".encode()) == []
    assert device.receive_bytes(b"1024\n") != []  # glued to the unfinished line: broken
    assert not any(
        isinstance(e, RequestAsked) for e in device.receive_bytes(f"1024\n{head}\n1024\n".encode())
    )


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_arbitrary_bytes_neither_crash_nor_depend_on_how_they_are_cut(
    data: bytes, cuts: list[int]
) -> None:
    data = data.replace(b"\xff", b"\n").replace(b"\xfe", b"1024\n4,").replace(b"\xfd", b",12")
    whole, pieces = DpeDevice(), DpeDevice()
    expected = whole.receive_bytes(data)
    found, start = [], 0
    for cut in [*sorted(cuts), len(data)]:
        found += pieces.receive_bytes(data[start:cut])
        start = max(start, cut)
    assert [repr(e) for e in found] == [repr(e) for e in expected]
    assert whole.data_to_send() == pieces.data_to_send()
    host = DpeHost()
    host.ask(READ, 0.0)
    host.receive_bytes(b"go\n" + data, 0.1)
    for second in range(60):
        host.tick(float(second))
    assert not host.busy, "every wait has an end"


@given(st.text(alphabet="0123456789,.-naife+ ", max_size=80))
def test_arbitrary_lines_are_parsed_or_refused(line: str) -> None:
    for head in (f"10,{line}", f"20,{line}", f"12,{line}", line or "0"):
        device = DpeDevice()
        device.receive_bytes(f"1024\n{head}\n,{line}\n{line}\n".encode())
    for request in (READ, multiply(), program(), ReadColumnBoard(1)):
        try:
            ReplyParser(request).feed(line)
        except RemoteProtocolError:
            continue


class Bench:
    """Both ends, joined; every exchange takes 50 ms."""

    def __init__(self) -> None:
        self.host, self.device, self.now = DpeHost(), DpeDevice(), 0.0
        self.fired: list[Request] = []
        self.to_board = self.to_host = lambda data: data

    def run(self, request: Request, seconds: float = 60.0) -> Replied | Failed:
        self.host.ask(request, self.now)
        end = self.now + seconds
        while self.now < end:
            self.now += 0.05
            events = self.host.tick(self.now)
            for event in self.device.receive_bytes(self.to_board(self.host.data_to_send())):
                if isinstance(event, RequestAsked):
                    self.fired.append(event.request)
                    self.device.answer(event.request, self.codes(event.request))
            answer = self.to_host(self.device.data_to_send())
            events += self.host.receive_bytes(answer, self.now)
            if events:
                return events[0]
        raise AssertionError("no end")

    @staticmethod
    def codes(request: Request) -> np.ndarray:
        match request:
            case BatchRead():
                return np.arange(4096).reshape(64, 64)
            case Multiply():
                shape = request.repeat, len(request.row_voltage), int(request.columns.sum())
                return np.arange(np.prod(shape)).reshape(shape)
            case _:
                return np.arange(8)


def test_reads_vectors_and_pulses_pass_from_end_to_end() -> None:
    bench = Bench()
    assert np.array_equal(bench.run(READ).codes, np.arange(4096).reshape(64, 64))
    assert bench.run(multiply(4, 2, 9)).codes.shape == (2, 4, 9)
    assert bench.run(ReadColumnBoard(3)).codes.tolist() == list(range(8))
    for reset in (False, True):
        assert isinstance(bench.run(program(reset)), Replied)
    assert np.array_equal(bench.fired[-1].drive_voltage, program().drive_voltage)


def test_the_swapped_words_are_required() -> None:
    assert reply_lines(program(reset=True))[0].startswith("Set")
    assert reply_lines(program(reset=False))[0].startswith("Reset")
    with pytest.raises(RemoteProtocolError, match="swaps"):
        ReplyParser(program(reset=True)).feed("Reset finished")


def test_a_short_map_is_asked_for_again() -> None:
    bench, spoiled = Bench(), []

    def lose_one_line(data: bytes) -> bytes:
        if len(data) > 1000 and not spoiled:
            spoiled.append(True)
            return b"\n".join(data.split(b"\n")[1:])
        return data

    bench.to_host = lose_one_line
    assert isinstance(bench.run(READ), Replied)
    assert len(bench.fired) == 2


@pytest.mark.parametrize("lost", ["go", "answer"])
def test_a_lost_answer_ends_in_time_and_a_pulse_is_never_sent_twice(lost: str) -> None:
    bench = Bench()
    bench.to_host = lambda data: b"" if lost == "go" or data != b"go\n" else data
    failed = bench.run(program())
    assert isinstance(failed, Failed)
    assert failed.unknown == (lost == "answer")
    assert len(bench.fired) == (lost == "answer")


def test_requests_of_wrong_shape_do_not_parse() -> None:
    with pytest.raises(RemoteProtocolError):
        parse_request("12,64,64,500,5,0", ["1,2", "3"])


@pytest.mark.parametrize("request_", [READ, multiply(), program(), ReadColumnBoard(1)])
@given(
    data=st.lists(
        st.one_of(st.binary(max_size=400), st.just(b"go\n"), st.just(b"1,2\n")), max_size=60
    )
)
def test_whatever_the_board_answers_the_host_ends_in_time(
    request_: Request, data: list[bytes]
) -> None:
    """A hostile board: any bytes, for ever; each wait ends, with codes or with a reason."""
    host = DpeHost(go_timeout=0.1, reply_timeout=0.2, tries=2, line_pause=0.0)
    host.ask(request_, 0.0)
    now, events = 0.0, []
    for step in range(12000):
        now += 0.01
        if data:
            events += host.receive_bytes(data[step % len(data)], now)
        events += host.tick(now)
        host.data_to_send()
        if events:
            break
    assert len(events) == 1
    assert isinstance(events[0], Failed | Replied)
    assert not host.busy


def test_a_line_with_more_codes_than_columns_is_refused_at_once() -> None:
    parser = ReplyParser(READ)
    with pytest.raises(RemoteProtocolError, match="64 codes per line"):
        parser.feed(",".join(["1"] * 65))
