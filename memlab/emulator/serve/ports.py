"""Where a client connects: a pseudo-terminal that looks like a serial port, or a TCP port.

Both take one client at a time and any number one after the other. Nothing here blocks: the server
waits for `readable` and `writable` file descriptors and then calls `read` and `write`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from memlab.errors import SettingError

__all__ = ["Port", "PtyPort", "TcpPort"]

CHUNK = 65536


class Port(Protocol):
    """A place for one client."""

    @property
    def url(self) -> str:
        """What a client opens."""
        ...

    def readable(self) -> list[int]:
        """Return the file descriptors on which something may arrive."""
        ...

    def writable(self) -> list[int]:
        """Return the file descriptor that takes bytes for the client, if there is one."""
        ...

    def read(self, limit: int) -> bytes | None:
        """Return what has arrived, b"" for nothing, None when the client has gone."""
        ...

    def write(self, data: bytes | memoryview) -> int:
        """Pass on what fits now; return how much. Bytes for a client that has gone are dropped."""
        ...

    def close(self) -> None:
        """Let go of everything; calling it again does nothing."""
        ...


class PtyPort:
    """The board's side of a pseudo-terminal.

    The terminal is raw before its name is known to anyone: a cooked one would echo and eat control
    bytes. Linux reports EIO on this side when the last client has closed the other, and would go on
    doing so without a pause; so this side holds the other one open itself from then until the next
    client has sent its first byte.

    Parameters
    ----------
    link
        Symbolic link to make to the terminal, so that its name stays the same over restarts.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._master, own_end = os.openpty()
        self._own_end: int | None = own_end
        self._name = os.ttyname(own_end)
        tty.setraw(own_end)
        os.set_blocking(self._master, False)
        self._link = link.absolute() if link is not None else None
        if self._link is not None:
            try:
                _replace_link(self._link, self._name)
            except BaseException:
                self._link = None
                self.close()
                raise

    @property
    def url(self) -> str:
        """`serial://` and the path of the terminal, or of the link to it."""
        return f"serial://{self._link or self._name}"

    def readable(self) -> list[int]:
        """Return this side of the terminal."""
        return [self._master]

    def writable(self) -> list[int]:
        """Return this side of the terminal."""
        return [self._master]

    def read(self, limit: int) -> bytes | None:
        """Return what has arrived; None when the last client has closed the terminal."""
        try:
            data = os.read(self._master, min(limit, CHUNK))
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._hold()
            return None
        if self._own_end is not None:  # from now on, only clients hold it open
            os.close(self._own_end)
            self._own_end = None
        return data

    def write(self, data: bytes | memoryview) -> int:
        """Pass on what the terminal takes now."""
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)

    def close(self) -> None:
        """Close the terminal and remove the link."""
        for end in (self._own_end, self._master):
            if end is not None and end >= 0:
                os.close(end)
        self._own_end, self._master = None, -1
        if self._link is not None:
            with contextlib.suppress(OSError):
                if os.readlink(self._link) == self._name:
                    self._link.unlink()
            self._link = None

    def _hold(self) -> None:
        self._own_end = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._own_end)
        termios.tcflush(self._own_end, termios.TCIOFLUSH)  # what the dead client left


class TcpPort:
    """A listening TCP port.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    may_replace
        Asked when a second client comes: True lets it take the place of the first.
    """

    def __init__(
        self, host: str, port: int, may_replace: Callable[[], bool] = lambda: False
    ) -> None:
        try:
            self._listener = socket.create_server((host, port), backlog=4)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SettingError(
                f"cannot listen on {host}:{port}: {reason}; choose another port, or 0 for any"
            ) from error
        self._listener.setblocking(False)
        self._host, self._number = self._listener.getsockname()[:2]
        self._may_replace = may_replace
        self._client: socket.socket | None = None

    @property
    def url(self) -> str:
        """`socket://host:port`."""
        return f"socket://{self._host}:{self._number}"

    def readable(self) -> list[int]:
        """Return the listener and the client."""
        client = [self._client.fileno()] if self._client is not None else []
        return [self._listener.fileno(), *client]

    def writable(self) -> list[int]:
        """Return the client."""
        return [self._client.fileno()] if self._client is not None else []

    def read(self, limit: int) -> bytes | None:
        """Return what has arrived, or let a client in; None when one has gone."""
        if self._client is not None:
            try:
                data = self._client.recv(min(limit, CHUNK))
            except BlockingIOError:
                # Only now: a client that closed and came back must not meet its old self.
                return None if self._accept() else b""
            except OSError:
                data = b""  # reset, or its host is unreachable: gone as well
            if data:
                return data
            self._drop_client()
            return None
        self._accept()
        return b""

    def write(self, data: bytes | memoryview) -> int:
        """Pass on what the socket takes now."""
        if self._client is None:
            return len(data)
        try:
            return self._client.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # `read` finds out that it has gone

    def close(self) -> None:
        """Close client and listener."""
        self._drop_client()
        self._listener.close()

    def _accept(self) -> bool:
        """Take a waiting client, or refuse it; return True when it replaced another."""
        try:
            client, _ = self._listener.accept()
        except OSError:
            return False
        if self._client is not None and not self._may_replace():
            client.close()
            return False
        replaced = self._client is not None
        self._drop_client()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        return replaced

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _replace_link(link: Path, target: str) -> None:
    """Point a symbolic link at the terminal; one left by a server that was killed is replaced."""
    if link.exists() and not link.is_symlink():
        raise SettingError(f"{link} exists and is not a symbolic link; choose another --link")
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        temporary.symlink_to(target)
        temporary.replace(link)
    except OSError as error:
        raise SettingError(f"cannot make the link {link}: {error.strerror}") from error
