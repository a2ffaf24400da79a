"""The shortest blocking host: `HostLink` on a file descriptor and a real clock."""

import contextlib
import os
import secrets
import select
import socket
import time
import tty
from typing import Any, Self

from firmware_protocol.codec import Message
from firmware_protocol.configuration import Configuration
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import Connected, HostEvent, LinkDown
from firmware_protocol.messages import Arm
from firmware_protocol.operations import LinkDownError, Operation, Request


class BlockingHost:
    """Moves bytes between a `HostLink` and a port until an operation is over.

    Parameters
    ----------
    url
        `serial:///dev/pts/N` or `socket://host:port`.
    link_options
        Passed to `HostLink`.
    """

    def __init__(self, url: str, **link_options: Any) -> None:
        scheme, place = url.split("://", 1)
        self._socket: socket.socket | None = None
        if scheme == "socket":
            host, port = place.rsplit(":", 1)
            self._socket = socket.create_connection((host, int(port)), timeout=10)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.fd = self._socket.fileno()
        else:
            self.fd = os.open(place, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.fd)
        os.set_blocking(self.fd, False)
        self.link = HostLink(lambda: secrets.randbits(64), **link_options)
        self._out = bytearray()
        self._closed = False

    def exchange(self, longest: float = 0.5) -> list[HostEvent]:
        """Move what can be moved, wait for more at most `longest` seconds."""
        self._out += self.link.data_to_send()
        if self._out:
            with contextlib.suppress(BlockingIOError):
                del self._out[: os.write(self.fd, self._out)]
        due = self.link.next_timeout()
        now = time.monotonic()
        timeout = longest if due is None else min(longest, max(0.0, due - now))
        select.select([self.fd], [self.fd] if self._out else [], [], timeout)
        try:
            data = os.read(self.fd, 65536)
            if not data:
                raise ConnectionError("the board has closed the connection")
        except BlockingIOError:
            data = b""
        now = time.monotonic()
        return [*self.link.receive_bytes(data, now), *self.link.tick(now)]

    def connect(self, takeover: bool = False) -> Connected:
        """Open a session."""
        self.link.connect(time.monotonic(), takeover)
        while True:
            for event in self.exchange():
                if isinstance(event, LinkDown):
                    raise LinkDownError(event)
                if isinstance(event, Connected):
                    return event

    def run(self, operation: Operation, timeout: float = 30.0) -> Any:
        """Carry out an operation and return its result."""
        operation.start(self.link, time.monotonic())
        deadline = time.monotonic() + timeout
        while not operation.finished:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{type(operation).__name__} took more than {timeout} s")
            for event in self.exchange(0.05):
                operation.handle(event, time.monotonic())
            operation.tick(time.monotonic())
        return operation.result()  # type: ignore[attr-defined]

    def request(self, message: Message) -> Any:
        """Send one request and return its response."""
        return self.run(Request(message))

    def arm(self, configuration: Configuration, watchdog: float = 1.0, lease: float = 60.0) -> None:
        """Configure and arm the board."""
        for message in configuration.messages():
            self.request(message)
        self.request(
            Arm(
                config_crc=configuration.crc,
                lease_ms=round(lease * 1000),
                watchdog_ms=round(watchdog * 1000),
            )
        )

    def close(self) -> None:
        """Close the port without a word, as a process that dies does."""
        if not self._closed:
            self._closed = True
            if self._socket is not None:
                self._socket.close()
            else:
                os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
