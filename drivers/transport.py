"""How bytes travel: one small protocol over serial ports, sockets and RFC 2217 servers.

The only module that imports pyserial. Two things about pyserial 3.5 shape it. After an unplug
`read` and `write` raise SerialException, but `in_waiting` raises OSError: both end here as
`TransportError`. On a `socket://` port `in_waiting` is 0 or 1, so that reading what waits would go
byte by byte: file descriptors and sockets are therefore read directly, and pyserial is left with
opening, locking and configuring them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import serial
from serial.tools import list_ports as _list_ports

from drivers.errors import InUseError, TokenError, TransportError
from drivers.owner import abandon_in_child, make_immortal
from drivers.port_holder import port_holder
from drivers.tcp_server_lines import BUSY, LONGEST_LINE, TOKEN_WANTED, WORD, token_line
from drivers.tokens import TOKEN_VARIABLE

__all__ = ["Opener", "Port", "Transport", "list_ports", "open_port"]

_CHUNK = 1 << 16
_LINES_WITHOUT_BAUD = ("/dev/pts/", "/dev/ttyACM", "/dev/cu.usbmodem", "/dev/tty.usbmodem")
"""Pseudo-terminals and USB CDC ports take any baud rate and ignore it."""


class Transport(Protocol):
    """A byte stream that one process owns. No call waits longer than it is told to."""

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second of the line; None where it is as fast as the machine."""
        ...

    def read(self, timeout: float) -> bytes:
        """Return what has arrived; wait up to `timeout` seconds for it, else return nothing."""
        ...

    def write(self, data: bytes) -> int:
        """Hand over as many bytes as the line takes now; return how many, which may be none."""
        ...

    def discard_output(self) -> None:
        """Forget bytes that were handed over and have not left, so that an ESTOP is not behind."""
        ...

    def close(self) -> None:
        """Let go of the port; calling it again does nothing."""
        ...


Opener = Callable[[], Transport]
"""Opens the same port again, after the line was lost."""


@dataclass(frozen=True)
class Port:
    """A port of this computer, as the operating system describes it."""

    device: str
    description: str
    hardware: str


def list_ports() -> list[Port]:
    """Return the serial ports of this computer, by name; opens none of them."""
    found = [Port(p.device, p.description or "", p.hwid or "") for p in _list_ports.comports()]
    return sorted(found, key=lambda port: port.device)


def open_port(url: str, baudrate: int, token: str = "", *, exclusive: bool = True) -> Transport:
    """Open a device name or a pyserial URL (`socket://`, `rfc2217://`, `spy://`), exclusively.

    Parameters
    ----------
    url, baudrate
        What to open.
    token
        What a virtual board's TCP server asks for (`socket://` only).
    exclusive
        False to share a serial port with the program that has it: only to stop a board.

    Raises
    ------
    TransportError
        If there is no such port, it is in use, or nobody listens there.
    """
    scheme = urlsplit(url).scheme if "://" in url else ""
    lock = None if scheme in ("socket", "rfc2217") or not exclusive else True
    try:
        port = serial.serial_for_url(
            url, baudrate=baudrate, timeout=1.0, write_timeout=1.0, exclusive=lock
        )
    except (serial.SerialException, OSError, ValueError) as error:
        raise _cannot_open(url, baudrate, error) from error
    if scheme == "socket":
        return _SocketTransport(port, url, token)
    rate = None if os.path.realpath(url).startswith(_LINES_WITHOUT_BAUD) else baudrate / 10
    if scheme == "" and os.name == "posix":
        return _DescriptorTransport(port, url, rate)
    return _PortTransport(port, url, rate)


_IN_USE = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}
"""Another program holds the port: opened with TIOCEXCL, or locked."""
_WINDOWS_DENIED = "PermissionError(13,"
"""How pyserial on Windows begins the reason, in which alone it keeps the cause."""


def _cannot_open(url: str, baudrate: int, error: Exception) -> TransportError:
    text = f"cannot open {url} at {baudrate} baud: {error}. "
    cause = _cause(url, error)
    if cause in _IN_USE:
        holder = port_holder(url)
        who = f"It is {holder}; end that" if holder else "Another program has it open; close that"
        return InUseError(f"{text}{who} one, or wait for it")
    if cause in (errno.EACCES, errno.EPERM):
        text += "You may not use this port, or another program has it; "
        return TransportError(text + "on Linux, join the group dialout and log in again")
    if url.startswith(("socket:", "rfc2217:")):
        return TransportError(text + "Check host and port, and that the server is running")
    near = ", ".join(port.device for port in list_ports()) or "none"
    return TransportError(text + f"Check cable and name; ports of this computer: {near}")


def _cause(url: str, error: BaseException | None) -> int | None:
    """Return the errno of what went wrong; the text is no help, for it holds the port's name."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        reason = str(error).removeprefix(f"could not open port {url!r}: ")
        if isinstance(error, serial.SerialException) and reason.startswith(_WINDOWS_DENIED):
            return errno.EACCES
        error = error.__cause__ or error.__context__
    return None


class _Base:
    """What all kinds share: the pyserial port, its name in errors, and closing."""

    def __init__(self, port: Any, name: str, byte_rate: float | None) -> None:
        self._port = port
        self._name = name
        self._byte_rate = byte_rate
        self._open = True
        abandon_in_child(self)

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second of the line; None where it is as fast as the machine."""
        return self._byte_rate

    def discard_output(self) -> None:
        """Forget bytes that were handed over and have not left."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.reset_output_buffer()

    def close(self) -> None:
        """Let go of the port; calling it again does nothing."""
        self._open = False
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.close()

    def abandon(self) -> None:
        """In a forked child: let go of the port without a sign of it on the line."""
        self._open = False
        make_immortal(self._port)

    def _check_open(self) -> None:
        if not self._open:
            raise TransportError(f"{self._name} is closed")

    def _lost(self, doing: str, error: Exception | str) -> TransportError:
        return TransportError(
            f"{self._name}: the line died while {doing} ({error}). Check cable and power of the "
            "board; the next call tries to connect again"
        )


class _WaitingTransport(_Base, ABC):
    """A line that `select` can wait for; `_line` is what it waits for, or its descriptor."""

    _line: socket.socket | int
    _ended: str
    """What it means when the line is ready and holds nothing."""

    @abstractmethod
    def _take(self) -> bytes:
        """Return what has arrived, without waiting."""

    @abstractmethod
    def _give(self, data: bytes) -> int:
        """Hand over as many bytes as the line takes now."""

    def read(self, timeout: float) -> bytes:
        """Return what has arrived; wait up to `timeout` seconds for it."""
        self._check_open()
        try:
            if not select.select([self._line], [], [], timeout)[0]:
                return b""
            data = self._take()
        except BlockingIOError:
            return b""
        except (OSError, ValueError) as error:
            raise self._lost("reading", error) from error
        if not data:
            raise self._lost("reading", self._ended)
        return data

    def write(self, data: bytes) -> int:
        """Hand over as many bytes as the line takes now."""
        self._check_open()
        try:
            return self._give(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost("writing", error) from error


class _DescriptorTransport(_WaitingTransport):
    """A POSIX serial port or pseudo-terminal, read and written by its file descriptor."""

    _ended = "it is ready and holds nothing: unplugged"

    def __init__(self, port: Any, name: str, byte_rate: float | None) -> None:
        super().__init__(port, name, byte_rate)
        self._line: int = port.fileno()

    def _take(self) -> bytes:
        return os.read(self._line, _CHUNK)

    def _give(self, data: bytes) -> int:
        return os.write(self._line, data)

    def abandon(self) -> None:
        """In a forked child: close its own descriptor, so that the port ends with the parent."""
        super().abandon()
        self._port.close()


class _SocketTransport(_WaitingTransport):
    """A TCP connection that pyserial has opened."""

    _ended = "the other end closed the connection"

    def __init__(self, port: Any, name: str, token: str) -> None:
        super().__init__(port, name, None)
        # Adopted, because closing pyserial's own takes 0.3 s.
        self._line: socket.socket = port._socket
        port._socket, port.is_open = None, False
        # Requests are small and answered at once: without this each would wait for an ACK.
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._begun: bytes | None = b""
        """What the other end said so far, while that may be a line of a server; then None."""
        if token:
            try:
                self._line.sendall(token_line(token))
            except OSError as error:
                self.close()
                raise self._lost("opening", error) from error

    def read(self, timeout: float) -> bytes:
        """Return what has arrived; wait up to `timeout` seconds for it."""
        data = super().read(timeout)
        return self._hear_server(self._begun + data) if data and self._begun is not None else data

    def _take(self) -> bytes:
        return self._line.recv(_CHUNK)

    def _give(self, data: bytes) -> int:
        return self._line.send(data)

    def _hear_server(self, begun: bytes) -> bytes:
        """Return what is the board's; raise what the server in front of it says."""
        if len(begun) < LONGEST_LINE and b"\n" not in begun and WORD.startswith(begun[: len(WORD)]):
            self._begun = begun
            return b""
        for line in (BUSY, TOKEN_WANTED):
            if begun.startswith(line):
                self._begun = begun.removeprefix(line)
                raise self._refused(line)
        self._begun = None
        return begun

    def _refused(self, line: bytes) -> TransportError:
        if line == BUSY:
            return InUseError(
                f"{self._name}: another program has the board; close that one, or wait for it "
                "(with MLP/1, takeover=1 in the URL ends its session)"
            )
        return TokenError(
            f"{self._name}: this board asks for a token, and none or a wrong one was given; add "
            f"?token=... as `memlab board serve` printed it, or set {TOKEN_VARIABLE}"
        )

    def abandon(self) -> None:
        """In a forked child: close its own descriptor, so that the line ends with the parent."""
        super().abandon()
        os.close(self._line.detach())  # no shutdown: that would end the parent's connection

    def close(self) -> None:
        """Let go of the connection; calling it again does nothing."""
        if self._open:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
            self._line.close()
        super().close()


class _PortTransport(_Base):
    """Anything else that pyserial opens, by its own read and write: Windows, rfc2217, spy."""

    def read(self, timeout: float) -> bytes:
        """Return what has arrived; wait up to `timeout` seconds for it."""
        self._check_open()
        try:
            waiting = self._port.in_waiting
            if not waiting:
                self._port.timeout = timeout
            return bytes(self._port.read(max(1, waiting)))
        except (serial.SerialException, OSError, TypeError) as error:
            raise self._lost("reading", error) from error

    def write(self, data: bytes) -> int:
        """Hand over the bytes; waits up to a second for a slow line."""
        self._check_open()
        try:
            return int(self._port.write(data) or 0)
        except (serial.SerialException, OSError, TypeError) as error:
            raise self._lost("writing", error) from error
