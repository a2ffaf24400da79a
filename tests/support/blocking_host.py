"""The shortest blocking host: `HostLink` on a file descriptor and a real clock."""

import contextlib
import os
import secrets
import select
import socket
import time
import tty
from typing import Any, Self

from support.wire_host import WireHost

from firmware_protocol.host import HostLink
from firmware_protocol.host_events import HostEvent


class BlockingHost(WireHost):
    """Moves bytes between a `HostLink` and a port until an operation is over.

    Parameters
    ----------
    url
        `serial:///dev/pts/N` or `socket://host:port`.
    link_options
        Passed to `HostLink`.
    """

    patience = 30.0

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

    def time(self) -> float:
        """Return the time of a clock that runs."""
        return time.monotonic()

    def exchange(self, longest: float = 0.05) -> list[HostEvent]:
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
