"""Grounding needs the line and nothing else: `memlab board ground` and the emergency stop."""

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.board_config import CONFIG
from support.command import in_process
from support.started import start

from drivers.board import Selection
from drivers.errors import DeviceError, InUseError, NoAnswerError
from drivers.grounding import ground_line
from drivers.opening import open_wire_board, parse_address
from drivers.port_holder import port_holder
from drivers.serial_board import SerialBoard
from firmware_protocol.messages import ErrorCode, State
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard
from memlab.virtual_board import OutputsChanged

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals need POSIX")
ALL = Selection(np.arange(128), np.arange(64))


@pytest.fixture(params=["tcp", "pty"])
def server(request: pytest.FixtureRequest) -> Iterator[ServedBoard]:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0), request.param) as running:
        yield running


def ground(capsys: pytest.CaptureFixture[str], url: str, *more: str) -> tuple[int, dict, str]:
    code, out, err = in_process(capsys, "board", "ground", "--board", url, "--json", *more)
    return code, json.loads(out) if out else {}, err


def driven(board: SerialBoard) -> None:
    """Configure a board and leave its lines driven."""
    board.configure(CONFIG)
    board.read(ALL, 32800)


def is_grounded(server: ServedBoard) -> bool:
    outputs = [event.grounded for event in server.events if isinstance(event, OutputsChanged)]
    return not outputs or outputs[-1]


def damage(state: Path, how: str) -> None:
    match how:
        case "garbage":
            state.mkdir(exist_ok=True)
            for path in state.iterdir():
                if path.is_file():
                    path.write_bytes(b"{ this is no ledger\n" * 9)
        case "a file in its place":
            shutil.rmtree(state)
            state.write_text("no directory")
        case "unwritable":
            state.chmod(0o500)


@pytest.mark.parametrize("how", ["garbage", "a file in its place", "unwritable"])
def test_a_state_directory_that_is_of_no_use_does_not_matter(
    server: ServedBoard,
    how: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("MEMLAB_STATE", str(state))
    with open_wire_board(server.url) as board:
        board.configure(CONFIG)
    damage(state, how)
    before = sorted(p.name for p in tmp_path.rglob("*"))
    try:
        code, document, err = ground(capsys, f"{server.url}?passport=/nowhere/x.sqlite")
        assert (code, document["grounded"]) == (0, True), err
        assert document["state"] in ("LINKED", "FAULT")
        assert sorted(p.name for p in tmp_path.rglob("*")) == before, "it made no file"
    finally:
        if state.is_dir():
            state.chmod(0o700)


def test_the_board_is_free_again_afterwards_and_a_fault_is_cleared_on_request(
    server: ServedBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_wire_board(server.url) as board:
        board.configure(CONFIG)
        board.estop()
    code, document, _ = ground(capsys, server.url)
    assert (code, document["state"], document["fault"]) == (0, "FAULT", "ESTOP")
    code, document, _ = ground(capsys, server.url, "--clear-fault")
    assert (code, document["state"], document["fault"]) == (0, "LINKED", "OK")
    with open_wire_board(server.url) as board:
        board.configure(CONFIG)


def test_a_board_that_another_program_uses_is_stopped_all_the_same(
    server: ServedBoard, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_wire_board(server.url) as board:
        driven(board)
        assert not is_grounded(server)
        start = time.monotonic()
        code, document, err = ground(capsys, server.url)
        assert time.monotonic() - start < 5
        assert code == 0, err
        assert is_grounded(server)
        assert "another program has" in document["how"] or "has the port" in document["how"]
        # On TCP the server answers; past the program that has a serial port nobody can hear.
        assert document["grounded"] is (True if server.url.startswith("socket") else None)
        with pytest.raises(DeviceError, match="ESTOP"):
            board.configure(CONFIG)


def test_without_the_token_of_a_board_it_can_be_stopped_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0), token="correct-horse") as server:
        with open_wire_board(f"{server.url}?token=correct-horse") as board:
            driven(board)
            from drivers import tokens

            tokens._tokens.clear()
            code, document, err = ground(capsys, server.url)
            assert (code, document["grounded"], document["fault"]) == (0, True, "ESTOP"), err
            assert is_grounded(server)


@pytest.mark.parametrize("where", ["tcp", "pty"])
def test_the_published_board_needs_no_state_either(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("no directory")
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    board = EmulatedBoard(load_preset("ideal"), 0)
    with ServedBoard(board, where, dialect="dpe") as server:
        url = server.url if server.url.startswith("dpe+") else f"dpe+{server.url}"
        code, document, err = ground(capsys, url)
        assert (code, document["grounded"]) == (0, True), err


def test_the_published_board_in_use_is_one_line_that_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = EmulatedBoard(load_preset("ideal"), 0)
    with ServedBoard(board, "pty", dialect="dpe") as server:
        with open_wire_board(f"dpe+{server.url}"):
            code, _, err = ground(capsys, f"dpe+{server.url}")
    assert code == 3
    assert "End that program" in err
    assert len(err.splitlines()) == 1


def test_nobody_there_is_one_line_and_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    master, slave = os.openpty()
    try:
        code, _, err = ground(capsys, f"serial://{os.ttyname(slave)}?baudrate=115200")
        assert code == 3
        assert "no MLP/1 board answered; ESTOP was sent" in err
        os.set_blocking(master, False)
        written = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                written += os.read(master, 4096)
        assert written.count(bytes.fromhex("00 03 15 0f")) == 3
    finally:
        os.close(master)
        os.close(slave)


HOLDER = """
import sys, time
from drivers.transport import open_port
port = open_port(sys.argv[1], 115200)
print("open", flush=True)
time.sleep(60)
"""


def test_the_process_that_holds_a_serial_port_is_named() -> None:
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    holder = start("support.started:execute", HOLDER, name)
    try:
        assert holder.stdout.readline() == "open\n"
        assert port_holder(name).startswith(f"process {holder.pid} (")
        with pytest.raises(InUseError, match=f"process {holder.pid} "):
            open_wire_board(f"serial://{name}?baudrate=115200")
        stopped = ground_line(parse_address(f"serial://{name}?baudrate=115200"))
        assert stopped.grounded is None
        assert str(holder.pid) in stopped.how
        assert os.read(master, 4096).count(bytes.fromhex("00 03 15 0f")) == 3
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        os.close(master)


def test_a_suspended_program_does_not_keep_anybody_from_stopping_its_board() -> None:
    """The holder's own thread is what hangs here: nothing answers pings for it."""
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0)) as server:
        with open_wire_board(f"{server.url}?watchdog=5") as board:
            driven(board)
            with board.link._changed:  # as if its process were suspended
                done = ground_line(parse_address(server.url))
                assert (done.grounded, done.fault) == (True, ErrorCode.ESTOP.name)
                assert server.device.state == State.FAULT


def test_grounding_a_board_that_never_answers_names_every_attempt() -> None:
    class Deaf:
        url, dpe, transport, port = "serial://deaf", False, "serial", "deaf"
        written = b""

        def __init__(self) -> None:
            self.options = {"baudrate": 9600.0}

        def open_port(self, baudrate: int, *, exclusive: bool = True) -> "Deaf":
            return self

        byte_rate = None

        def read(self, timeout: float) -> bytes:
            time.sleep(timeout)
            return b""

        def write(self, data: bytes) -> int:
            self.written += data
            return len(data)

        def close(self) -> None: ...

    deaf = Deaf()
    with pytest.raises(NoAnswerError):
        ground_line(deaf)  # type: ignore[arg-type]
    assert deaf.written.count(bytes.fromhex("00 03 15 0f")) == 3
