"""A bad cable between this program and a board: bytes that suffer, and the end of the line."""

from __future__ import annotations

import threading
import time

from drivers.errors import TransportError
from drivers.faults.line import FaultyLine
from drivers.faults.options import Faults
from drivers.transport import Opener, Transport

__all__ = ["Cable"]

_PIECE = 0.02
"""Seconds that a read waits at most while bytes of ours may be held up."""


class Cable:
    """What all connections of one board share: a port that is opened again has the same cable.

    Parameters
    ----------
    faults
        What is wrong with it: `drop_time`, `rate`, `kinds`, `seed`.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._up = FaultyLine(2 * faults.seed, faults.rate, faults.kinds)
        self._down = FaultyLine(2 * faults.seed + 1, faults.rate, faults.kinds)
        self._back_at = float("-inf")
        self._pulled = False
        self.silent = False
        """True when nothing comes through any more, and no port notices."""

    def plug_in(self, opener: Opener) -> Transport:
        """Open a port at the near end of this cable.

        Raises
        ------
        TransportError
            While the cable is out.
        """
        if time.monotonic() < self._back_at:
            raise self.dead("connecting")
        return _NearEnd(opener(), self, self._up.reopen(), self._down.reopen())

    def pull(self) -> None:
        """Pull it out behind the next bytes that are sent."""
        self._pulled = True

    def sent(self) -> bool:
        """Note that bytes have left; return True when they were the last ones."""
        if self._pulled:
            self._pulled = False
            self._back_at = time.monotonic() + self._faults.drop_time
            return True
        return False

    def dead(self, doing: str) -> TransportError:
        """Return what a port says whose cable was pulled."""
        return TransportError(
            f"the line died while {doing} (on purpose: {self._faults}). Check cable and power of "
            "the board; the next call tries to connect again"
        )


class _NearEnd:
    """A port on a bad cable (a `drivers.transport.Transport`)."""

    def __init__(
        self, transport: Transport, cable: Cable, up: FaultyLine, down: FaultyLine
    ) -> None:
        self._transport, self._cable = transport, cable
        self._up, self._down = up, down
        self._late = b""
        """What has come through the cable and the port did not take yet."""
        self._dead = False
        self._lock = threading.Lock()  # one thread reads while another writes

    @property
    def byte_rate(self) -> float | None:
        """Bytes per second of the line; None where it is as fast as the machine."""
        return self._transport.byte_rate

    def read(self, timeout: float) -> bytes:
        """Return what has come through; wait up to `timeout` seconds for it."""
        give_up = time.monotonic() + timeout
        while True:
            self._pass_on()
            left = max(0.0, give_up - time.monotonic())
            data = self._transport.read(min(left, _PIECE))
            self._check("reading")
            if self._cable.silent:
                data = b""
            now = time.monotonic()
            self._down.feed(data, now)
            if (come := self._down.take(now)) or left == 0.0:
                return come

    def write(self, data: bytes) -> int:
        """Put bytes on the cable, which takes all of them."""
        self._check("writing")
        with self._lock:
            if not self._cable.silent:
                self._up.feed(data, time.monotonic())
        self._pass_on()
        if self._cable.sent():
            self._dead = True
        return len(data)

    def discard_output(self) -> None:
        """Forget bytes that were handed over and have not left."""
        with self._lock:
            self._late = b""
        self._transport.discard_output()

    def close(self) -> None:
        """Let go of the port."""
        self._transport.close()

    def _pass_on(self) -> None:
        with self._lock:
            self._late += self._up.take(time.monotonic())
            if self._late:
                count = self._transport.write(self._late)
                self._late = self._late[count:]

    def _check(self, doing: str) -> None:
        if self._dead:
            raise self._cable.dead(doing)
