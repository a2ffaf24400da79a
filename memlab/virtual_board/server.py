"""Moves bytes between a port and the firmware, and lets it work in between.

One thread, one loop, and every wait ends at the earliest of: bytes, room for bytes, the firmware's
own deadline, the end of a paced byte, a look for signals. While there is work the loop looks at the
line every millisecond, so that an emergency stop is not kept waiting by a batch.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol

from drivers import stopping
from memlab.virtual_board.keeping import Keeper
from memlab.virtual_board.pacing import Pacer
from memlab.virtual_board.ports import CHUNK, Port

__all__ = ["Device", "Server"]

_WORK_SLICE = 0.001
_OUTPUT_LIMIT = 1 << 20
"""Unread bytes after which a client counts as gone: it asks and asks and never reads."""


class Device(Protocol):
    """What the wire says: bytes in, bytes out, and deadlines."""

    def receive_bytes(self, data: bytes, now: float) -> object:
        """Take bytes from the line and act on them."""
        ...

    def tick(self, now: float) -> bool:
        """Check the clocks and do one step of work; return True while there is more."""
        ...

    def data_to_send(self) -> bytes:
        """Return and forget the bytes for the line."""
        ...

    def next_timeout(self) -> float | None:
        """Return when `tick` must be called at the latest; None for never."""
        ...

    def set_byte_rate(self, byte_rate: float) -> None:
        """Take note of the bytes per second that the line carries; not called where unlimited."""
        ...

    def host_gone(self) -> None:
        """Ground everything: nobody is listening."""
        ...


class Server:
    """A virtual board at a port.

    Parameters
    ----------
    device
        The firmware.
    port
        Where its client is.
    baud
        Line rate to imitate, both directions; None for as fast as possible.
    clock
        Returns seconds; the same that the device's executor uses.
    notify
        Told in words what happens at the port.
    keeper
        Saves the chip, where it is kept in a file; by the same clock.
    """

    def __init__(
        self,
        device: Device,
        port: Port,
        *,
        baud: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        notify: Callable[[str], None] = lambda text: None,
        keeper: Keeper | None = None,
    ) -> None:
        self._keeper = keeper
        self._device, self._port, self._clock, self._notify = device, port, clock, notify
        self._receiving, self._sending = Pacer(baud), Pacer(baud)
        if baud is not None:
            device.set_byte_rate(baud / 10)
        self._out = bytearray()
        self._late = b""
        """What has crossed the line and the port did not take yet."""
        self._busy = self._heard = self._stopped = False
        # Sockets, because Windows waits for nothing else.
        self._stop_in, self._stop_out = socket.socketpair()

    @stopping.stopped_in_order()  # what is raised within NumPy may be dropped
    def run(self) -> None:
        """Serve until `stop`, a signal or an exception; the board is grounded then, and closed."""
        try:
            while not self._stopped:
                self._turn()
        finally:
            self._device.host_gone()
            self._port.close()
            self._stop_in.close()
            self._stop_out.close()

    def stop(self) -> None:
        """End `run`, from any thread, once; `run` may have ended already."""
        # The end of the pair is the whole message. A flag beside it could end `run`, and with it
        # the reading end, before a byte was written.
        self._stop_out.close()

    def _turn(self) -> None:
        self._wait()
        now = self._clock()
        limit = min(self._receiving.budget(now), CHUNK)
        if limit:
            self._receive(self._port.read(limit), now)
        if data := self._receiving.arrived(now):
            self._device.receive_bytes(data, now)
        work_until = now + _WORK_SLICE
        self._busy = self._device.tick(now)
        while self._busy and (now := self._clock()) < work_until:
            self._busy = self._device.tick(now)
        if self._keeper is not None and not self._busy:
            self._keeper.look(now)
        self._out += self._device.data_to_send()
        self._send()

    def _wait(self) -> None:
        now = self._clock()
        listen, speak = self._receiving.budget(now) > 0, self._sending.budget(now) > 0
        deadlines = [self._device.next_timeout()]
        if self._keeper is not None:
            deadlines.append(self._keeper.due())
        if not listen:
            deadlines.append(self._receiving.free_at())
        if not speak:
            deadlines.append(self._sending.free_at())
        soonest = min((d for d in deadlines if d is not None), default=None)
        at_once = self._busy or (listen and self._port.waiting())
        left = stopping.LOOK_EVERY if soonest is None else min(soonest - now, stopping.LOOK_EVERY)
        timeout = 0.0 if at_once else max(0.0, left)
        readers: list[Any] = [self._stop_in, *(self._port.readable() if listen else [])]
        waiting = self._late or (self._out and speak)
        writers = self._port.writable() if waiting else []
        ready, _, _ = select.select(readers, writers, [], timeout)
        self._stopped = self._stop_in in ready
        stopping.check()

    def _receive(self, data: bytes | None, now: float) -> None:
        if data is None:
            self._lose_client("the client has gone; every line is grounded")
        elif data:
            if not self._heard:
                self._heard = True
                self._notify("a client speaks")
            self._receiving.carry(data, now)

    def _send(self) -> None:
        now = self._clock()
        limit = min(len(self._out), self._sending.budget(now))
        if limit and not self._late:
            self._sending.carry(bytes(self._out[:limit]), now)
            del self._out[:limit]
        self._late += self._sending.arrived(now)
        if self._late:
            sent = self._port.write(self._late)
            self._late = self._late[sent:]
        if len(self._out) + len(self._late) > _OUTPUT_LIMIT:
            self._lose_client("the client does not read; every line is grounded")

    def _lose_client(self, text: str) -> None:
        self._device.host_gone()
        if self._keeper is not None:
            self._keeper.save()
        self._device.data_to_send()
        self._out.clear()
        self._late = b""
        self._receiving.clear()
        self._sending.clear()
        self._heard = False
        self._notify(text)
