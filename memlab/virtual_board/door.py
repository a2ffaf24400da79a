"""What a second client wants, told from its first bytes.

Who connects while another client is there is not heard by the firmware: it may ask for the board
(HELLO), end the other's session (HELLO with TAKEOVER), or stop the board. A stop is always heard.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from firmware_protocol.errors import RemoteProtocolError
from firmware_protocol.framing import Decoder, Frame
from firmware_protocol.messages import Estop, Hello, HelloFlag, Kind

__all__ = ["Door", "Plea", "mlp_plea", "text_plea"]


class Plea(Enum):
    """What the first bytes of a client ask for."""

    UNCLEAR = auto()
    USE = auto()
    TAKE_OVER = auto()
    STOP = auto()


class Door(Protocol):
    """What a port asks the firmware about a client that waits."""

    def plea(self, data: bytes) -> Plea:
        """Return what these first bytes ask for."""
        ...

    def idle(self) -> bool:
        """Return True when the client that is there may be replaced: its session is over."""
        ...

    def stop_now(self) -> bytes:
        """Ground everything and latch it; return what is said to the client that asked."""
        ...


def mlp_plea(data: bytes) -> Plea:
    """Return what a client of MLP/1 asks for."""
    plea = Plea.UNCLEAR
    for frame in Decoder().feed(data):
        if not isinstance(frame, Frame) or frame.kind != Kind.LINK:
            plea = plea if plea is not Plea.UNCLEAR else Plea.USE
        elif frame.msg == Estop.ID:
            return Plea.STOP
        elif frame.msg == Hello.ID and _takes_over(frame.payload):
            plea = Plea.TAKE_OVER
        elif plea is Plea.UNCLEAR:
            plea = Plea.USE
    return plea


def text_plea(data: bytes) -> Plea:
    """Return what a client of the ASCII dialect asks for: it has no word for stop or takeover."""
    return Plea.USE if b"\n" in data else Plea.UNCLEAR


def _takes_over(payload: bytes) -> bool:
    try:
        return bool(Hello.unpack(payload).flags & HelloFlag.TAKEOVER)
    except RemoteProtocolError:
        return False
