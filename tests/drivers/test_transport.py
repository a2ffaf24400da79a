"""Ports: exclusive, deadlined, and clear about what went wrong."""

import contextlib
import os
import socket
import sys
import time
import tty
from collections.abc import Iterator

import numpy as np
import pytest

from drivers.errors import InUseError, TransportError
from drivers.opening import open_wire_board, parse_address
from drivers.transport import open_port
from drivers.visa import open_resource
from memlab import open_array
from memlab.emulator import EmulatedBoard, load_preset
from memlab.testing import ServedBoard

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals need POSIX")


@pytest.fixture
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for end in (master, slave):
        with contextlib.suppress(OSError):
            os.close(end)


def test_bytes_pass_in_both_directions_and_no_wait_is_longer_than_told(
    pty: tuple[int, str],
) -> None:
    master, name = pty
    port = open_port(name, 115200)
    try:
        assert port.byte_rate is None, "a pseudo-terminal has no rate"
        start = time.monotonic()
        assert port.read(0.05) == b""
        assert 0.04 < time.monotonic() - start < 1.0
        os.write(master, b"\x00\x11\x13\x03 all bytes pass")
        assert port.read(1.0) == b"\x00\x11\x13\x03 all bytes pass"
        assert port.write(b"abc") == 3
        assert os.read(master, 10) == b"abc"
    finally:
        port.close()
        port.close()
    with pytest.raises(TransportError, match="closed"):
        port.read(0.0)


def test_a_full_line_takes_no_more_and_does_not_block(pty: tuple[int, str]) -> None:
    port = open_port(pty[1], 115200)
    try:
        start, taken = time.monotonic(), 0
        while count := port.write(bytes(4096)):
            taken += count
        assert 4096 <= taken < 1 << 20
        assert time.monotonic() - start < 2.0
    finally:
        port.close()


def test_a_port_has_one_owner(pty: tuple[int, str]) -> None:
    port = open_port(pty[1], 115200)
    try:
        with pytest.raises(InUseError, match="Another program has it open"):
            open_port(pty[1], 115200)
    finally:
        port.close()
    open_port(pty[1], 115200).close()


def test_an_unplugged_port_says_so(pty: tuple[int, str]) -> None:
    master, name = pty
    port = open_port(name, 115200)
    try:
        os.close(master)
        with pytest.raises(TransportError, match=r"line died while reading .* Check cable"):
            port.read(1.0)
        with pytest.raises(TransportError, match="line died while writing"):
            port.write(b"x")
    finally:
        port.close()


def test_a_socket_that_is_closed_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = open_port(f"socket://127.0.0.1:{listener.getsockname()[1]}", 115200)
        try:
            client, _ = listener.accept()
            client.sendall(b"x" * 5000)
            got = b""
            while len(got) < 5000:
                got += port.read(1.0)
            client.close()
            with pytest.raises(TransportError, match="other end closed"):
                port.read(1.0)
        finally:
            port.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("serial:///dev/nonsense", "ports of this computer"),
        ("socket://127.0.0.1:1", "server is running"),
        ("rfc2217://127.0.0.1:1", "server is running"),
        ("dpe+socket://127.0.0.1:1", "server is running"),
    ],
)
def test_a_port_that_is_not_there_is_a_transport_error(url: str, reason: str) -> None:
    with pytest.raises(TransportError, match=reason):
        open_wire_board(url)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["serial://{}", "visa://ASRL{}::INSTR", "spy://{}"])
def test_one_board_gives_one_map_through_every_kind_of_port(form: str) -> None:
    with ServedBoard(EmulatedBoard(load_preset("ideal"), 0), "pty") as server:
        url = form.format(server.url.removeprefix("serial://"))
        with open_array(url) as array:
            array[3:5].program(1.0)
            conductance = array.read_conductance(gain=2)
    assert np.count_nonzero(conductance) == 128
    # 1 V makes 218 uS on this chip; a code is 76 nS.
    assert np.abs(conductance[3:5] - 218e-6).max() < 1e-7


@pytest.mark.filterwarnings("ignore")
def test_a_visa_resource_that_is_not_there_is_a_transport_error() -> None:
    with pytest.raises(TransportError, match="cannot open VISA resource"):
        open_resource("ASRL/dev/nonsense::INSTR", 115200, "@py")


def test_visa_is_for_serial_resources() -> None:
    with pytest.raises(TransportError, match="socket://host:port"):
        open_resource("TCPIP::127.0.0.1::5025::SOCKET", 115200)


def test_visa_is_imported_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvisa", None)
    with pytest.raises(TransportError, match="needs PyVISA"):
        open_resource("ASRL1::INSTR", 115200)


@pytest.mark.parametrize(
    ("url", "transport", "port", "dpe"),
    [
        ("serial:///dev/ttyACM0?baudrate=921600", "serial", "/dev/ttyACM0", False),
        ("serial://COM4", "serial", "COM4", False),
        ("socket://host:7", "socket", "host:7", False),
        ("rfc2217://host:7", "rfc2217", "host:7", False),
        ("visa://ASRL3::INSTR", "visa", "ASRL3::INSTR", False),
        ("spy:///dev/ttyUSB0", "spy", "/dev/ttyUSB0", False),
        ("dpe+serial://COM4?line_pause=0.05", "serial", "COM4", True),
        ("dpe+socket://::1:7", "socket", "::1:7", True),
    ],
)
def test_urls_name_transport_port_and_dialect(
    url: str, transport: str, port: str, dpe: bool
) -> None:
    address = parse_address(url)
    assert (address.transport, address.port, address.dpe) == (transport, port, dpe)


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("serial:", "serial://COM4"),
        ("serial://", "names no port"),
        ("socket://host", "host:port"),
        ("socket://host:x", "host:port"),
        ("socket://host:99999", "host:port"),
        ("serial://COM4?baud=5", "baudrate"),
        ("serial://COM4?lease=-1", "lease=-1"),
        ("serial://COM4?lease=nan", "lease=nan"),
        ("dpe+serial://COM4?lease=3", "line_pause"),
    ],
)
def test_wrong_urls_get_a_hint(url: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        parse_address(url)
