"""A virtual board on a real port, reached by clients that share no code with it, and by ours."""

import os
import select
import signal
import socket
import stat
import struct
import sys
import termios
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import pyvisa
from cobs import cobs
from support.blocking_host import BlockingHost
from support.simulated import (
    CONFIG,
    random_pulses,
    read_request,
    row_entries,
    vmm_request,
    wire_configuration,
)
from support.started import start
from support.virtual_board import VirtualBoard

from drivers.board import Selection
from firmware_protocol import messages as m
from firmware_protocol.errors import RefusedError
from firmware_protocol.host_events import Answered
from firmware_protocol.journal import judge
from firmware_protocol.messages import ErrorCode
from firmware_protocol.operations import Job, LinkDownError, Read, Vmm
from memlab.cli import main
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard
from memlab.virtual_board import Fired

ALL = Selection(np.arange(128), np.arange(64))
READ_CODE = 32768 + 1310
SAFE, FAULT = 1, 8
"""States of the board."""
FAULT_LATCHED, HOST_LOST = 35, 49
"""Error codes."""
SLACK = 0.3
"""Seconds that a loaded machine may be late; 20 ms is proved in simulated time."""


# --- a client written from the specification alone


def frame(kind: int, msg: int, seq: int, sess: int, payload: bytes) -> bytes:
    body = struct.pack("<BBHHH", 0x10 | kind, msg, seq, sess, len(payload)) + payload
    return b"\0" + cobs.encode(body + struct.pack("<I", zlib.crc32(body))) + b"\0"


class TooSlowError(Exception):
    """The board has grounded its lines, HOST_LOST: so it must where a machine stalls a client."""


class StockClient:
    """Frames over any two functions that move bytes."""

    def __init__(self, send: Callable[[bytes], object], receive: Callable[[], bytes]) -> None:
        self.send, self.receive = send, receive
        self.buffer = b""
        self.hello()

    def hello(self) -> None:
        """Open a session, and acknowledge what the one before has left."""
        self.seq = 0
        hello = struct.pack("<4sBBHQQHH", b"MLB1", 1, 0, 1, time.monotonic_ns(), 0, 2048, 65535)
        self.send(frame(5, 0x01, 0, 0, hello))
        answer = self.answer(0x01)
        assert answer[:4] == b"MLB1"
        (self.sess,) = struct.unpack_from("<H", answer, 6)
        if answer[60] == FAULT:
            assert answer[61] == HOST_LOST
            self.ask(0x12, answer[61:62])

    def next_frame(self) -> tuple[int, int, bytes]:
        while True:
            piece, zero, rest = self.buffer.partition(b"\0")
            if not zero:
                self.buffer += self.receive()
                continue
            self.buffer = rest
            if piece:
                body = cobs.decode(piece)
                assert zlib.crc32(body[:-4]) == struct.unpack("<I", body[-4:])[0]
                return body[0] & 15, body[1], body[8:-4]

    def answer(self, wanted: int) -> bytes:
        while True:
            kind, msg, payload = self.next_frame()
            if kind == 1 and msg == wanted:
                return payload

    def ask(self, msg: int, payload: bytes = b"") -> bytes:
        self.send(frame(0, msg, self.seq, self.sess, payload))
        self.seq += 1
        answer = self.answer(msg)
        if answer[0] == FAULT_LATCHED:
            raise TooSlowError
        assert answer[:2] == b"\0\0", f"{msg:#x}: status {struct.unpack('<HH', answer[:4])}"
        return answer[4:]

    def conductance_codes(self) -> np.ndarray:
        """Arm, read and leave; once more where the machine was too slow for the watchdog."""
        while True:
            try:
                self.arm()
                return self.read()
            except TooSlowError:
                self.hello()

    def arm(self, watchdog: int = 5000) -> None:
        limits = [31458, 34078, 32768, 32768, 32768, 52428]  # rows: read, SET, RESET
        limits += [32768, 32768, 32768, 52428, 32768, 32768]  # columns
        limits += [0, 32768] * 3  # gates
        spans = [2, 2, 1]
        timing = struct.pack("<7H", 900, 1000, 1010, 1020, 10, 0, 1022)
        levels = struct.pack("<2H", 32768, 32768)
        self.ask(0x20)
        for line, span in enumerate(spans):
            self.ask(0x21, bytes([line, span]))
        for k in range(9):
            self.ask(0x22, struct.pack("<BBHH", k // 3, k % 3, *limits[2 * k : 2 * k + 2]))
        self.ask(0x23, timing)
        self.ask(0x25, levels)
        crc = zlib.crc32(struct.pack("<3B18H", *spans, *limits) + timing + levels)
        self.ask(0x24, struct.pack("<I", crc))
        self.ask(0x28, struct.pack("<IIH", crc, 600_000, watchdog))

    def read(self) -> np.ndarray:
        read = struct.pack("<I16sQHHHHBB", 1, b"\xff" * 16, 2**64 - 1, 34078, 32768, 32768, 1, 1, 0)
        self.ask(0x40, read)
        items = b""
        while True:
            kind, msg, payload = self.next_frame()
            if (kind, msg) == (3, 0x41):
                _, _, first = struct.unpack_from("<HHI", payload)
                if first == len(items) // 128:
                    items += payload[8:]
            if (kind, msg) == (4, 0x7A) and payload[0] == FAULT:
                raise TooSlowError
            if (kind, msg) == (4, 0x42) and len(items) == 128 * 128:
                assert struct.unpack("<IHHII", payload)[4] == zlib.crc32(items)
                self.send(frame(5, 0x02, 0, self.sess, b""))
                state = self.answer(0x02)[4]
                if state == FAULT:
                    raise TooSlowError
                assert state == SAFE, "nothing is latched, the next may come"
                return np.frombuffer(items, "<u2").reshape(128, 64)


def codes_in_process(chip: str = "ta-hfo2", seed: int = 5) -> np.ndarray:
    board = EmulatedBoard(load_preset(chip), seed)
    board.configure(CONFIG)
    return board.read(ALL, 34078, 2).code


@pytest.fixture(scope="module")
def on_tcp() -> Iterator[VirtualBoard]:
    with VirtualBoard("--tcp", "0", "--seed", "5") as board:
        yield board


@pytest.fixture(scope="module")
def on_pty() -> Iterator[VirtualBoard]:
    with VirtualBoard("--pty", "--seed", "5") as board:
        yield board


def test_a_raw_socket_completes_a_hello_and_a_conductance_read(on_tcp: VirtualBoard) -> None:
    with socket.create_connection(on_tcp.address, timeout=60) as line:
        code = StockClient(line.sendall, lambda: line.recv(4096)).conductance_codes()
    assert np.array_equal(code, codes_in_process())


def test_a_stock_client_that_the_watchdog_has_caught_clears_the_fault_and_reads(
    on_tcp: VirtualBoard,
) -> None:
    with socket.create_connection(on_tcp.address, timeout=60) as line:
        client = StockClient(line.sendall, lambda: line.recv(4096))
        client.arm(watchdog=200)
        time.sleep(0.5)
        with pytest.raises(TooSlowError):
            client.read()
        client.hello()
        assert np.array_equal(client.conductance_codes(), codes_in_process())


def test_a_plain_file_completes_a_conductance_read(on_pty: VirtualBoard) -> None:
    line = os.open(on_pty.path, os.O_RDWR | os.O_NOCTTY)
    try:
        client = StockClient(lambda data: os.write(line, data), lambda: os.read(line, 4096))
        code = client.conductance_codes()
    finally:
        os.close(line)
    assert np.array_equal(code, codes_in_process())


def test_a_stock_visa_client_reads_over_tcp_and_over_a_serial_port(
    on_tcp: VirtualBoard, on_pty: VirtualBoard
) -> None:
    host, port = on_tcp.address
    manager = pyvisa.ResourceManager("@py")
    try:
        for name in (f"TCPIP::{host}::{port}::SOCKET", f"ASRL{on_pty.path}::INSTR"):
            line = manager.open_resource(name, timeout=60000)
            line.read_termination = "\0"
            try:
                code = StockClient(line.write_raw, line.read_raw).conductance_codes()
            finally:
                line.close()
            assert np.array_equal(code, codes_in_process())
    finally:
        manager.close()


# --- our host link over real ports


@pytest.mark.parametrize("where", ["pty", "tcp"])
def test_codes_are_those_of_the_board_in_process(where: str) -> None:
    here, there = (EmulatedBoard(load_preset("ta-hfo2"), 3) for _ in range(2))
    here.configure(CONFIG)
    rng = np.random.default_rng(8)
    with ServedBoard(there, where) as server, BlockingHost(server.url) as host:
        host.connect()
        host.arm(wire_configuration())
        for op in (1, 4, 7):
            pulses = random_pulses(rng, 64)
            here.pulse(pulses)
            host.run(Job(op, row_entries(pulses)))
            code, gain = host.run(Read(read_request(ALL, READ_CODE, 0, op + 1)))
            expected = here.read(ALL, READ_CODE, 0)
            assert np.array_equal(code, expected.code)
            assert np.array_equal(gain, expected.gain)
            vectors = rng.integers(31458, 34079, (700, 128)).astype(np.uint16)
            code, gain = host.run(Vmm(vmm_request(ALL, 700, 0, op + 2), vectors))
            expected = here.vmm(ALL, vectors, 0)
            assert np.array_equal(code, expected.code)
    assert [e.op for e in server.events if isinstance(e, Fired)] == [1] * 64 + [4] * 64 + [7] * 64


@pytest.mark.parametrize("where", ["pty", "tcp"])
def test_a_client_that_goes_grounds_the_lines_and_the_next_one_may_come(where: str) -> None:
    board = EmulatedBoard(load_preset("ideal"), 0)
    with ServedBoard(board, where) as server:
        sessions = []
        for op in (1, 2, 3):
            with BlockingHost(server.url) as host:
                sessions.append(host.connect().hello.sess)
                if op > 1:
                    host.request(m.ClearFault(fault=ErrorCode.HOST_LOST))
                host.arm(wire_configuration())
                host.run(Job(op, row_entries(random_pulses(np.random.default_rng(op), 3))))
                assert isinstance(server.events[-1], Fired)
            gone = time.monotonic()
            while not (grounded := getattr(server.events[-1], "grounded", False)):
                assert time.monotonic() < gone + SLACK
                time.sleep(0.002)
            assert grounded
        assert len(set(sessions)) == 3


def test_a_second_client_is_refused_while_the_first_is_alive_and_replaces_it_when_silent() -> None:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0)) as server:
        with BlockingHost(server.url) as first:
            first.connect()  # before that, a second client may take its place
            with (
                BlockingHost(server.url) as second,
                pytest.raises((ConnectionError, LinkDownError)),
            ):
                second.connect()
            assert first.request(m.GetState()).state
        with connected_within(5.0, server.url):
            # The first stays open and silent; the second gets in once that has lasted 2 s.
            start = time.monotonic()
            with connected_within(10.0, server.url):
                assert time.monotonic() - start > 1.0


@contextmanager
def connected_within(seconds: float, url: str) -> Iterator[BlockingHost]:
    """Try to connect until the board lets us in; a refused client must open the port again."""
    deadline = time.monotonic() + seconds
    while True:
        with BlockingHost(url) as host:
            try:
                host.connect()
            except (ConnectionError, LinkDownError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
                continue
            yield host
            return


def test_bytes_move_no_faster_than_the_line_that_is_imitated() -> None:
    board = EmulatedBoard(load_preset("ideal"), 0)
    with ServedBoard(board, "pty", baud=230400) as server, BlockingHost(server.url) as host:
        host.connect()
        data = bytes(range(250)) * 8
        start = time.monotonic()
        for _ in range(3):
            assert host.request(m.Echo(data=data)).data == data
        seconds = time.monotonic() - start
    line = 6 * (len(data) + 30) * 10 / 230400
    assert 0.85 * line < seconds < line + SLACK + 0.2


def test_a_terminal_is_raw_before_the_first_byte() -> None:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0), "pty") as server:
        line = os.open(server.url.split("//", 1)[1], os.O_RDWR | os.O_NOCTTY)
        try:
            iflag, oflag, _, lflag = termios.tcgetattr(line)[:4]
        finally:
            os.close(line)
    assert not iflag & (termios.ICRNL | termios.IXON | termios.ISTRIP)
    assert not oflag & termios.OPOST
    assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)


def test_a_client_that_asks_and_never_reads_is_dropped_and_the_board_lives() -> None:
    board = EmulatedBoard(load_preset("ideal"), 0)
    with ServedBoard(board, "tcp") as server:
        with BlockingHost(server.url) as host:
            host.connect()
            flood = host.link._hello_wire * 1000  # the same nonce again: the same answer again
            deadline = time.monotonic() + 20
            while not any("does not read" in text for text in server.said):
                assert time.monotonic() < deadline
                _, ready, _ = select.select([], [host.fd], [], 0.2)
                if ready:
                    os.write(host.fd, flood)
        with BlockingHost(server.url) as host:
            assert host.connect()


def test_an_idle_board_does_not_keep_a_processor_busy(on_pty: VirtualBoard) -> None:
    before = on_pty.processor_time()
    time.sleep(0.5)  # earlier clients have gone: EIO on the terminal
    with BlockingHost(on_pty.url) as host:
        host.connect()
        time.sleep(0.5)
    time.sleep(0.5)
    assert on_pty.processor_time() - before < 0.15


# --- the ASCII dialect


def test_the_published_dialect_answers_a_read_of_one_half() -> None:
    board, twin = (EmulatedBoard(load_preset("ta-hfo2"), 4) for _ in range(2))
    with (
        ServedBoard(board, "tcp", dialect="dpe") as server,
        socket.create_connection(server.port._listener.getsockname(), timeout=10) as line,
        line.makefile("rw", newline="\n") as text,
    ):

        def ask(*lines: str) -> list[str]:
            text.write("1024\n")
            text.flush()
            assert text.readline() == "go\n"
            text.write("".join(f"{entry}\n" for entry in lines))
            text.flush()
            answer = [text.readline().strip()]
            while answer[-1][0].isdigit():
                answer.append(text.readline().strip())
            return answer

        drive, gate = np.zeros((64, 64)), np.zeros((64, 64))
        drive[5, 7], gate[5, 7] = 2.5, 1.6
        matrices = [",".join(f"{v:.2f}" for v in matrix.ravel()) for matrix in (drive, gate)]
        assert ask("12,64,64,202,5,1", *matrices)[0].startswith("Reset")
        *rows, end = ask("10,0.20,5.00,2,1000,900,1010,64,64,1")
        code = np.array([row.split(",") for row in rows], int)
        vectors = "," + ",".join("0.1500" if k == 69 else "0.0000" for k in range(128))
        head = "20,0,1,1000,5,128,64,2,1," + "255," * 24 + ",".join(["5.00"] * 64)
        product = np.array(ask(head, vectors)[0].split(","), int)
    assert end.startswith("Batch")
    assert code.shape == (64, 64)
    assert np.flatnonzero(code != 32768).tolist() == [5 * 64 + 7]
    conductance = board.chip.conductance[69, 7]
    assert twin.chip.conductance[69, 7] == 0
    assert code[5, 7] == pytest.approx(32768 - conductance * 0.2 * 1e4 * 6553.6, abs=1)
    assert product[7] == pytest.approx(32768 - conductance * 0.15 * 1e4 * 6553.6, abs=1)
    fired = [e for e in server.events if isinstance(e, Fired)]
    assert [(e.row, e.columns, e.kind) for e in fired] == [(69, 1 << 7, 0)]


def test_the_published_dialect_does_not_carry_out_what_breaks_a_limit() -> None:
    board = EmulatedBoard(load_preset("ideal"), 0)
    with (
        ServedBoard(board, "tcp", dialect="dpe") as server,
        socket.create_connection(server.port._listener.getsockname(), timeout=10) as line,
    ):
        line.sendall(b"1024\n10,1.20,5.00,2,1000,900,1010,64,64,1\n")
        assert line.recv(100) == b"go\n"
        line.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.recv(100)
        line.sendall(b"1024\n4,1\n")
        line.settimeout(5)
        assert line.recv(100).startswith(b"go\n")
        assert "outside" in server.device.broken


# --- the command


def test_ctrl_c_ends_with_130_grounded_and_without_a_link(tmp_path: Path) -> None:
    link, log = tmp_path / "board", tmp_path / "log"
    with VirtualBoard("--pty", "--link", str(link), log=log) as board:
        assert board.url == f"serial://{link}"
        assert stat.S_ISCHR(link.stat().st_mode)
        with BlockingHost(board.url) as host:
            host.connect()
            host.arm(wire_configuration())
            host.run(Read(read_request(ALL, READ_CODE, 0, 1)))
            code, said = board.interrupt()
        assert code == 130
        assert "grounded" in said
        assert [e["grounded"] for e in board.events()] == [False, True]
        assert not link.is_symlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tcp", "PORT"], "already in use"),
        ([], "choose one of"),
        (["--pty", "--tcp", "0"], "choose one of"),
        (["--tcp", "0", "--link", "x"], "--link needs --pty"),
        (["--pty", "--link", "FILE"], "not a symbolic link"),
        (["--pty", "--chip", "none"], "unknown chip"),
        (["--pty", "--log", "FILE/x"], "cannot write"),
    ],
)
def test_usage_errors_are_one_line_and_exit_code_2(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        real = {"PORT": str(taken.getsockname()[1]), "FILE": str(file), "FILE/x": str(file / "x")}
        given = [real.get(word, word) for word in arguments]
        monkeypatch.setattr(sys, "argv", ["memlab", "board", "serve", *given])
        with pytest.raises(SystemExit) as end:
            main()
    out, err = capsys.readouterr()
    assert end.value.code == 2
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


# --- sudden death

HOST_THAT_HANGS_IN_A_JOB = """
import sys, time
import numpy as np
from support.blocking_host import BlockingHost
from support.simulated import random_pulses, row_entries, wire_configuration
from firmware_protocol.operations import Job
host = BlockingHost(sys.argv[1])
host.connect()
host.arm(wire_configuration(), watchdog=0.4)
job = Job(7, row_entries(random_pulses(np.random.default_rng(0), 400)), pause=0.01)
job.start(host.link, time.monotonic())
while True:
    for event in host.exchange(0.02):
        job.handle(event, time.monotonic())
    job.tick(time.monotonic())
    if job.done and not host.link.repeats:
        print("firing", flush=True)
"""


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_host_that_dies_in_mid_job_leaves_grounded_lines_and_a_true_verdict(
    how: str, virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    # Killed, its port closes; stopped, only the watchdog can tell.
    board = virtual_board(
        "--tcp" if how == "killed" else "--pty",
        *["0"] * (how == "killed"),
        "--chip",
        "ideal",
        log=tmp_path / "log",
    )
    host = start("support.started:execute", HOST_THAT_HANGS_IN_A_JOB, board.url)
    try:
        assert host.stdout.readline() == "firing\n"
        died = time.monotonic()
        host.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        latest = died + (0.0 if how == "killed" else 0.4) + SLACK
        assert board.wait_grounded(5) < latest
    finally:
        host.kill()
        host.communicate()
    fired = [(e["op"], e["index"]) for e in board.events() if e["event"] == "pulse"]
    assert 0 < len(fired) < 400
    assert fired == [(7, k) for k in range(len(fired))]
    with BlockingHost(board.url) as after:
        hello = after.connect(takeover=True).hello
        assert hello.fault == ErrorCode.HOST_LOST
        answer = after.request(m.ReadJournal(from_op=7))
    sess = int(answer.records[0]["sess"])
    verdict = judge(7, 400, sess, hello.boot_id, hello.boot_id, answer.lost_op, answer.records)
    assert (verdict.done, verdict.started) == (len(fired), len(fired))
    assert [e["event"] for e in board.events()][-1] == "outputs"


def test_a_board_that_is_killed_comes_back_at_its_name_and_admits_what_it_lost(
    virtual_board: Callable[..., VirtualBoard], tmp_path: Path
) -> None:
    link = tmp_path / "board"
    arguments = ["--pty", "--link", str(link), "--chip", "ideal"]
    board = virtual_board(*arguments)
    with BlockingHost(board.url) as host:
        before = host.connect().hello
        host.arm(wire_configuration())
        host.run(Job(7, row_entries(random_pulses(np.random.default_rng(0), 5))))
        board.kill()
        with pytest.raises((LinkDownError, OSError, RefusedError)):
            host.request(m.GetState())
    assert link.is_symlink(), "nobody could clean up"
    again = virtual_board(*arguments)
    assert again.url == board.url
    with BlockingHost(again.url) as host:
        after = host.connect().hello
        answer = host.request(m.ReadJournal(from_op=7))
    verdict = judge(7, 5, before.sess, before.boot_id, after.boot_id, 0, answer.records)
    assert list(verdict.unknown) == [0, 1, 2, 3, 4]


@pytest.mark.benchmark
@pytest.mark.parametrize("where", ["--pty", "--tcp"])
def test_throughput(where: str, virtual_board: Callable[..., VirtualBoard]) -> None:
    # Rates per second of processor time of the busier side, so that the machine's other work does
    # not count: each side has a processor of its own where this matters.
    board = virtual_board(where, *["0"] * (where == "--tcp"), "--chip", "ideal")
    rng = np.random.default_rng(0)

    def seconds(work: Callable[[], None]) -> tuple[float, float]:
        start = time.perf_counter(), time.process_time(), board.processor_time()
        work()
        host, board_ = time.process_time() - start[1], board.processor_time() - start[2]
        return max(host, board_), time.perf_counter() - start[0]

    def source() -> None:
        answered = asked = 0
        while answered < 10000:
            while asked - answered < 16 and asked < 10000:
                host.link.request(m.Source(n=2044), time.monotonic())
                asked += 1
            answered += sum(isinstance(event, Answered) for event in host.exchange())

    with BlockingHost(board.url) as host:
        host.connect()
        host.arm(wire_configuration())
        vectors = rng.integers(31458, 34079, (20000, 128)).astype(np.uint16)
        vmm, vmm_wall = seconds(lambda: host.run(Vmm(vmm_request(ALL, 20000, 2, 1), vectors)))
        data, data_wall = seconds(source)
    megabytes = 10000 * 2044 / 1e6
    print(
        f"{where}: {20000 / vmm:.0f} VMM/s, {megabytes / data:.1f} MB/s to the host "
        f"(by the clock: {20000 / vmm_wall:.0f} VMM/s, {megabytes / data_wall:.1f} MB/s)"
    )
    assert 20000 / vmm > 20_000
    assert megabytes / data > 15
