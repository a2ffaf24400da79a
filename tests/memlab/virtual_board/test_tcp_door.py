"""Who may use a virtual board on TCP: the first, whoever takes over; nobody without the token."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.board_config import CONFIG
from support.virtual_board import VirtualBoard

import memlab
from drivers import tokens
from drivers.board import Selection
from drivers.discovery import find_boards
from drivers.errors import InUseError, TokenError
from drivers.opening import open_wire_board, parse_address
from firmware_protocol import messages as m
from firmware_protocol.framing import Decoder, encode_frame
from firmware_protocol.messages import ErrorCode, Kind, State
from memlab.emulator import EmulatedBoard, load_preset
from memlab.operations.read import read_map
from memlab.testing import ServedBoard
from memlab.virtual_board import OutputsChanged

TOKEN = "correct-horse"


def chip() -> EmulatedBoard:
    return EmulatedBoard(load_preset("ideal"), 0)


@pytest.fixture
def server() -> Iterator[ServedBoard]:
    with ServedBoard(chip()) as running:
        yield running


@pytest.fixture
def guarded() -> Iterator[ServedBoard]:
    with ServedBoard(chip(), token=TOKEN) as running:
        yield running


@pytest.fixture(autouse=True)
def no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_tokens", {})
    monkeypatch.delenv(tokens.TOKEN_VARIABLE, raising=False)


def line_to(server: ServedBoard) -> socket.socket:
    host, port = server.url.split("//")[1].split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def hello(flags: int = 0) -> bytes:
    ask = m.Hello(
        magic="MLB1",
        major=1,
        minor=0,
        flags=flags,
        nonce=time.monotonic_ns(),
        spec_hash=m.SPEC_HASH,
        max_payload=2048,
        host_credit=8192,
    )
    return b"\0" + encode_frame(Kind.LINK, m.Hello.ID, 0, 0, ask.pack())


def wait_for(what: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 5
    while not what() and time.monotonic() < give_up:
        time.sleep(0.002)


ESTOP = b"\0" + encode_frame(Kind.LINK, m.Estop.ID, 0, 0)


@pytest.mark.parametrize("dialect", ["mlp", "dpe"])
def test_a_second_client_hears_that_another_program_has_the_board(dialect: str) -> None:
    with ServedBoard(chip(), dialect=dialect) as server:
        url = server.url if dialect == "mlp" else f"dpe+{server.url}"
        with open_wire_board(url) as first:
            with pytest.raises(InUseError, match="another program has"):
                open_wire_board(url)
            first.configure(CONFIG)  # the first was not disturbed
        with open_wire_board(url):
            pass


def test_takeover_ends_the_session_of_the_client_that_is_there(server: ServedBoard) -> None:
    with open_wire_board(f"{server.url}?reconnect=0") as first:
        first.configure(CONFIG)
        first.link._patience = 0.3  # less than the 2 s after which a silent session counts as over
        with line_to(server) as second:  # of another computer: here, the state has a lock as well
            second.sendall(hello(flags=m.HelloFlag.TAKEOVER))
            (frame,) = Decoder().feed(second.recv(200))
            assert m.HelloResponse.unpack(frame.payload).sess
            with pytest.raises(InUseError):
                first.ground()


def test_a_client_that_waits_gets_the_board_when_the_first_goes(server: ServedBoard) -> None:
    with line_to(server) as silent, line_to(server) as waiting:
        with open_wire_board(server.url):
            assert silent.send(b"\0")
            time.sleep(0.05)
        wait_for(lambda: server.device.idle())
        waiting.sendall(hello())
        assert waiting.recv(100)[:1] == b"\0", "a board's first byte, and not a line of text"


def test_an_emergency_stop_is_heard_from_a_client_that_was_refused(server: ServedBoard) -> None:
    with open_wire_board(server.url) as first:
        first.configure(CONFIG)
        with line_to(server) as other:
            other.sendall(hello())
            assert other.recv(100) == b"MEMLAB busy\n"
            start = time.monotonic()
            other.sendall(ESTOP)
            (frame,) = Decoder().feed(other.recv(100))
            assert time.monotonic() - start < 0.5
            assert (frame.kind, frame.msg, frame.payload[0]) == (
                Kind.EVT,
                m.StateEvent.ID,
                State.FAULT,
            )
        assert first.state().fault == ErrorCode.ESTOP


@pytest.mark.parametrize("cut", [3, 7, 11])
def test_an_emergency_stop_that_comes_in_pieces_needs_no_token(
    guarded: ServedBoard, cut: int
) -> None:
    with line_to(guarded) as stranger:
        stranger.sendall(ESTOP[:cut])
        time.sleep(0.05)
        stranger.sendall(ESTOP[cut:])
        (frame,) = Decoder().feed(stranger.recv(100))
        assert frame.payload[0] == State.FAULT


@pytest.mark.parametrize("dialect", ["mlp", "dpe"])
def test_without_the_token_nobody_gets_in_and_the_error_names_none(dialect: str) -> None:
    with ServedBoard(chip(), dialect=dialect, token=TOKEN) as server:
        url = server.url if dialect == "mlp" else f"dpe+{server.url}"
        for bad in ("", "?token=wrong-horse", f"?token={TOKEN}x"):
            with pytest.raises(TokenError) as error:
                open_wire_board(url + bad)
            assert "token" in str(error.value)
            assert "horse" not in str(error.value)
            tokens._tokens.clear()
        with open_wire_board(f"{url}?token={TOKEN}"):
            pass
        with open_wire_board(url):
            pass  # remembered by this process


def test_a_takeover_needs_the_token_too(guarded: ServedBoard) -> None:
    with open_wire_board(f"{guarded.url}?token={TOKEN}") as first:
        first.configure(CONFIG)
        with line_to(guarded) as stranger:
            stranger.sendall(hello(flags=m.HelloFlag.TAKEOVER))
            assert stranger.recv(100) == b"MEMLAB token\n"
        first.ground()
        assert first.state().state == State.ARMED


def test_a_token_in_pieces_and_bytes_behind_it_reach_the_right_place(
    guarded: ServedBoard,
) -> None:
    wire = f"MEMLAB token={TOKEN}\n".encode() + hello()
    with line_to(guarded) as line:
        for k in range(0, len(wire), 5):
            line.sendall(wire[k : k + 5])
            time.sleep(0.002)
        (frame,) = [f for f in Decoder().feed(line.recv(200)) if f.msg == m.Hello.ID]
        assert m.HelloResponse.unpack(frame.payload).sess


def test_a_token_is_taken_by_a_server_that_needs_none(server: ServedBoard) -> None:
    with open_wire_board(f"{server.url}?token={TOKEN}") as board:
        board.configure(CONFIG)


def test_nine_silent_strangers_do_not_keep_a_client_out(server: ServedBoard) -> None:
    strangers = [line_to(server) for _ in range(9)]
    try:
        with open_wire_board(server.url) as board:
            board.configure(CONFIG)
    finally:
        for stranger in strangers:
            stranger.close()


def test_a_token_is_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    with ServedBoard(chip(), token=TOKEN) as server, caplog.at_level("DEBUG"):
        url = f"{server.url}?token={TOKEN}&timeout=5"
        document = read_map(url, out=tmp_path / "map.h5")
        address = parse_address(url)
        found = find_boards([url])
        with memlab.open_array(url):
            pass
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert server.url.encode() in written, "the board is named"
    assert TOKEN.encode() not in written
    assert TOKEN not in json.dumps(document, default=str)
    assert server.url in f"{found}"
    assert TOKEN not in f"{address} {found} {caplog.text}"


def test_a_token_from_the_environment_opens_what_a_run_file_names(
    guarded: ServedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(tokens.TOKEN_VARIABLE, TOKEN)
    with open_wire_board(guarded.url) as board:
        board.configure(CONFIG)


@pytest.mark.parametrize(
    "url", ["serial:///dev/null?token=abcdefgh", "visa://ASRL3::INSTR?token=x"]
)
def test_only_tcp_has_tokens(url: str) -> None:
    with pytest.raises(ValueError, match="unknown option 'token'"):
        parse_address(url)


def test_serving_to_the_network_warns_and_makes_a_token() -> None:
    with VirtualBoard("--tcp", "0", "--host", "0.0.0.0", "--chip", "ideal") as board:
        address, _, token = board.url.partition("?token=")
        assert len(token) >= 20
        local = address.replace("0.0.0.0", "127.0.0.1")
        with pytest.raises(TokenError):
            open_wire_board(local)
        with open_wire_board(f"{local}?token={token}") as opened:
            opened.configure(CONFIG)
        _, said = board.interrupt()
    assert "warning: 0.0.0.0 is reachable from the network" in said
    assert token not in said


def test_serving_to_this_computer_asks_for_no_token_and_does_not_warn() -> None:
    with VirtualBoard("--tcp", "0", "--chip", "ideal") as board:
        assert "token" not in board.url
        _, said = board.interrupt()
    assert "warning" not in said


WITHOUT_TERMINALS = """
import importlib, pkgutil, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in ("termios", "tty", "pty", "fcntl", "resource", "pwd", "grp"):
            raise ImportError(f"{name} is not on this system")
sys.meta_path.insert(0, Blocked())
for name in ("termios", "tty", "pty", "fcntl", "resource", "pwd", "grp"):
    sys.modules.pop(name, None)
import os
os.name = "nt-like"  # pyserial's own POSIX part needs fcntl: it is not what is tested here
sys.modules["serial"] = type(sys)("serial")
sys.modules["serial"].SerialException = type("SerialException", (OSError,), {})
sys.modules["serial.tools"] = type(sys)("serial.tools")
sys.modules["serial.tools"].list_ports = type(sys)("serial.tools.list_ports")
os.name = "posix"
failed = []
for package in sys.argv[1:]:
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, package + "."):
        if found.name in ("memlab.virtual_board.pty_port", "memlab.torch") or (
            found.name.startswith("memlab.torch.") or found.name.endswith("__main__")
        ):
            continue
        try:
            importlib.import_module(found.name)
        except Exception as error:
            failed.append(f"{found.name}: {type(error).__name__}: {error}")
print("\\n".join(failed))
from memlab.emulator import EmulatedBoard, load_preset
from memlab.virtual_board import TcpPort, mlp_board
device = mlp_board(EmulatedBoard(load_preset("ideal"), 0))
port = TcpPort("127.0.0.1", 0, device)
port.close()
sys.exit(bool(failed))
"""


@pytest.mark.parametrize(
    "packages",
    [
        ["firmware_protocol", "drivers", "memlab.emulator"],
        pytest.param(["firmware_protocol", "drivers", "memlab"], marks=pytest.mark.slow),
    ],
    ids=["serving", "everything"],
)
def test_all_but_the_pseudo_terminal_imports_where_there_are_no_terminals(
    packages: list[str],
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TERMINALS, *packages],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=Path(memlab.__file__).parents[1],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_the_outputs_are_grounded_when_a_client_takes_over(server: ServedBoard) -> None:
    with open_wire_board(f"{server.url}?reconnect=0") as first:
        first.configure(CONFIG)
        first.read(Selection(np.arange(128), np.arange(64)), 32800)
        changes = [e.grounded for e in server.events if isinstance(e, OutputsChanged)]
        assert changes[-1] is False
        with line_to(server) as second:
            second.sendall(hello(flags=m.HelloFlag.TAKEOVER))
            assert second.recv(200)
            changes = [e.grounded for e in server.events if isinstance(e, OutputsChanged)]
            assert changes[-1] is True
