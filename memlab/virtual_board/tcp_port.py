"""A listening TCP port: one client has the board, the others are told why they have not.

Text lines of the server itself, which no board of either dialect begins with, go before the board's
own bytes (`drivers.tcp_server_lines` is the client's side):

    client: MEMLAB token=...      first of all, where the server was given a token
    server: MEMLAB token          a token is missing or wrong
    server: MEMLAB busy           another client has the board

Whoever asks for an emergency stop is heard, first come or last, with a token or without.
"""

from __future__ import annotations

import contextlib
import hmac
import socket
from dataclasses import dataclass, field

from drivers.tcp_server_lines import BUSY, LONGEST_LINE, TOKEN_WANTED, WORD, read_token
from memlab.errors import SettingError
from memlab.virtual_board.door import Door, Plea
from memlab.virtual_board.ports import CHUNK

__all__ = ["TcpPort"]

_QUEUE = 8
"""Clients that may wait; the longest waiting one makes room for another."""
_EARLY = 4096
"""Bytes of a waiting client that are kept; a HELLO has 44."""


@dataclass(eq=False)
class _Newcomer:
    """A client that has connected and does not have the board."""

    socket: socket.socket
    trusted: bool
    said: bytearray = field(default_factory=bytearray)
    refused: bool = False

    @property
    def speaks_to_board(self) -> bool:
        """True when bytes for the board have come, and not only the start of a token's line."""
        return bool(self.said) and not self.said.startswith(WORD[: len(self.said)])

    def say(self, line: bytes) -> None:
        with contextlib.suppress(OSError):
            self.socket.send(line)


class TcpPort:
    """A listening TCP port.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    door
        Asked about clients that wait while another has the board.
    token
        What a client must say first; empty to let anybody in who can connect.
    """

    def __init__(self, host: str, port: int, door: Door, token: str = "") -> None:
        try:
            self._listener = socket.create_server((host, port), backlog=_QUEUE)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SettingError(
                f"cannot listen on {host}:{port}: {reason}; choose another port, or 0 for any"
            ) from error
        self._listener.setblocking(False)
        self._host, self._number = self._listener.getsockname()[:2]
        self._door, self._token = door, token
        self._client: socket.socket | None = None
        self._early = bytearray()
        self._newcomers: list[_Newcomer] = []

    @property
    def url(self) -> str:
        """`socket://host:port`, without the token."""
        return f"socket://{self._host}:{self._number}"

    def readable(self) -> list[int]:
        """Return the listener, the client and those that wait."""
        client = [self._client.fileno()] if self._client is not None else []
        waiting = [newcomer.socket.fileno() for newcomer in self._newcomers]
        return [self._listener.fileno(), *client, *waiting]

    def writable(self) -> list[int]:
        """Return the client."""
        return [self._client.fileno()] if self._client is not None else []

    def waiting(self) -> bool:
        """Return True when a client's first bytes, or somebody's turn, wait in here."""
        if self._client is None:
            return self._next() is not None
        return bool(self._early) or any(self._asks(newcomer) for newcomer in self._newcomers)

    def read(self, limit: int) -> bytes | None:
        """Return what has arrived, or let a client in; None when one has gone."""
        self._welcome()
        if self._client is None and (newcomer := self._next()) is not None:
            self._seat(newcomer)
        if self._client is None:
            return b""
        if self._early:
            data = bytes(self._early[:limit])
            del self._early[:limit]
            return data
        try:
            data = self._client.recv(min(limit, CHUNK))
        except BlockingIOError:
            # Only now: a client that closed and came back must not meet its old self.
            return None if self._replaced() else b""
        except OSError:
            data = b""  # reset, or its host is unreachable: gone as well
        if data:
            return data
        self._drop_client()
        return None

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
        """Close client, those that wait, and the listener."""
        self._drop_client()
        for newcomer in [*self._newcomers]:
            self._dismiss(newcomer)
        self._listener.close()

    # --- clients that wait

    def _welcome(self) -> None:
        """Let clients connect, and hear what those that wait have to say."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setblocking(False)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if len(self._newcomers) == _QUEUE:
                    self._dismiss(self._newcomers[0])
                self._newcomers.append(_Newcomer(client, trusted=not self._token))
        for newcomer in [*self._newcomers]:
            self._listen(newcomer)

    def _listen(self, newcomer: _Newcomer) -> None:
        try:
            data = newcomer.socket.recv(_EARLY)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._dismiss(newcomer)
            return
        newcomer.said += data
        if self._door.plea(bytes(newcomer.said)) is Plea.STOP:
            newcomer.say(self._door.stop_now())
            newcomer.said.clear()
            return
        self._hear_token(newcomer)
        if newcomer.refused or len(newcomer.said) > _EARLY:
            del newcomer.said[:-64]  # enough to see an emergency stop that comes in pieces

    def _hear_token(self, newcomer: _Newcomer) -> None:
        found = read_token(bytes(newcomer.said))
        if found is not None:
            token, length = found
            del newcomer.said[:length]
            newcomer.trusted |= hmac.compare_digest(token.encode(), self._token.encode())
        # The rest of the line may be under way, and so may the rest of an emergency stop.
        unclear = found is None and (
            not newcomer.speaks_to_board or self._door.plea(bytes(newcomer.said)) is Plea.UNCLEAR
        )
        patient = unclear and len(newcomer.said) < LONGEST_LINE
        if not (newcomer.trusted or newcomer.refused or patient):
            self._refuse(newcomer, TOKEN_WANTED)

    def _next(self) -> _Newcomer | None:
        """Return the first that may have the board when it is free, and has begun to speak."""
        return next(
            (n for n in self._newcomers if n.trusted and not n.refused and n.speaks_to_board), None
        )

    def _asks(self, newcomer: _Newcomer) -> Plea | None:
        """Return what a client asks for that has not been answered yet."""
        if newcomer.refused or not newcomer.trusted or not newcomer.speaks_to_board:
            return None
        plea = self._door.plea(bytes(newcomer.said))
        return None if plea is Plea.UNCLEAR else plea

    def _replaced(self) -> bool:
        """Give the board to somebody who may take it, and refuse the others; return whether."""
        for newcomer in [*self._newcomers]:
            plea = self._asks(newcomer)
            if plea is None:
                continue
            if plea is Plea.TAKE_OVER or self._door.idle():
                self._drop_client()
                self._seat(newcomer)
                return True
            self._refuse(newcomer, BUSY)
        return False

    def _seat(self, newcomer: _Newcomer) -> None:
        self._newcomers.remove(newcomer)
        self._client, self._early = newcomer.socket, newcomer.said

    def _refuse(self, newcomer: _Newcomer, line: bytes) -> None:
        """Say why; it may stay, for an emergency stop may follow."""
        newcomer.refused = True
        newcomer.say(line)

    def _dismiss(self, newcomer: _Newcomer) -> None:
        self._newcomers.remove(newcomer)
        newcomer.socket.close()

    def _drop_client(self) -> None:
        self._early.clear()
        if self._client is not None:
            self._client.close()
            self._client = None
