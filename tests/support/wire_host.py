"""A host that does one thing after the other: what the hosts of tests share, however bytes move."""

from abc import ABC, abstractmethod
from typing import Any

from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.configuration import Configuration
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import Connected, HostEvent, LinkDown
from firmware_protocol.operations import LinkDownError, Operation, Request


def open_configuration() -> Configuration:
    """Return a configuration that allows every code."""
    return Configuration(
        spans=(2, 2, 0),
        limits={(line, mode): (0, 65535) for line in m.Line for mode in m.LimitMode},
        timing=m.CfgTiming(
            sample_hold_ticks=900,
            row_ticks=1000,
            convst_ticks=1010,
            column_ticks=1020,
            settle_us=10,
            minimum_width_ticks=0,
            maximum_width_ticks=1023,
        ),
        levels=m.CfgLevels(read_gate_code=65535, idle_row_code=32768),
    )


class WireHost(ABC):
    """A `HostLink`, and what carries operations out on it.

    Attributes
    ----------
    takes_over, lease, patience
        Whether a session is opened over another one's, how long it lasts, and how long an
        operation may take, both in s.
    """

    link: HostLink
    takes_over = False
    lease = 60.0
    patience = 60.0

    @abstractmethod
    def time(self) -> float:
        """Return the time in s."""

    @abstractmethod
    def exchange(self) -> list[HostEvent]:
        """Move what can be moved, let some time pass, return what the host sees."""

    def connect(self, takeover: bool | None = None) -> Connected:
        """Open a session."""
        self.link.connect(self.time(), self.takes_over if takeover is None else takeover)
        while True:
            for event in self.exchange():
                if isinstance(event, LinkDown):
                    raise LinkDownError(event)
                if isinstance(event, Connected):
                    return event

    def run(self, operation: Operation, timeout: float | None = None) -> Any:
        """Carry out an operation and return its result."""
        operation.start(self.link, self.time())
        seconds = self.patience if timeout is None else timeout
        deadline = self.time() + seconds
        while not operation.finished:
            if self.time() >= deadline:
                raise TimeoutError(f"{type(operation).__name__} took more than {seconds} s")
            for event in self.exchange():
                operation.handle(event, self.time())
            operation.tick(self.time())
        return operation.result()  # type: ignore[attr-defined]

    def request(self, message: Message) -> Any:
        """Send one request and return its response."""
        return self.run(Request(message))

    def arm(self, configuration: Configuration | None = None, watchdog: float = 1.0) -> None:
        """Configure and arm the board."""
        configuration = configuration or open_configuration()
        for message in configuration.messages():
            self.request(message)
        lease, ticks = round(self.lease * 1000), round(watchdog * 1000)
        self.request(m.Arm(config_crc=configuration.crc, lease_ms=lease, watchdog_ms=ticks))
