"""Where a client connects: what the server needs of a pseudo-terminal or of a TCP port.

Both take one client at a time and any number one after the other. Nothing here blocks: the server
waits for `readable` and `writable` file descriptors and then calls `read` and `write`.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["CHUNK", "Port"]

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

    def waiting(self) -> bool:
        """Return True when `read` has something to say though no descriptor is ready."""
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
