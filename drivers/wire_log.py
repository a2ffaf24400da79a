"""A log of the wire for people: every frame by name, or every line, with its bytes in hex.

Switched on like any log, and free while it is off:

    logging.getLogger("memlab.wire").setLevel(logging.DEBUG)
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

# The messages take longer to load than most of memlab, and whoever has no board on a wire only
# wants the logger.
if TYPE_CHECKING:
    from firmware_protocol.framing import BadFrame, Decoder, Frame

__all__ = ["LOGGER", "WireLog"]

LOGGER = logging.getLogger("memlab.wire")
_SHOWN = 64


class WireLog:
    """The log of one port.

    Parameters
    ----------
    name
        Stands before every line.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoders: dict[str, Decoder] = {}

    def frames(self, direction: str, data: bytes) -> None:
        """Log MLP/1 bytes; `direction` is `->` to the board or `<-` from it."""
        if not LOGGER.isEnabledFor(logging.DEBUG):
            return
        from firmware_protocol.framing import Decoder

        for found in self._decoders.setdefault(direction, Decoder()).feed(data):
            LOGGER.debug("%s %s %s", self._name, direction, _describe(found))

    def text(self, direction: str, data: bytes) -> None:
        """Log the lines of the ASCII dialect."""
        if LOGGER.isEnabledFor(logging.DEBUG):
            for line in data.decode("ascii", "backslashreplace").splitlines():
                shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}... ({len(line)} chars)"
                LOGGER.debug("%s %s %s", self._name, direction, shown)


def _describe(found: Frame | BadFrame) -> str:
    from firmware_protocol.framing import BadFrame
    from firmware_protocol.messages import MESSAGES, RESPONSES, Kind

    if isinstance(found, BadFrame):
        return f"damaged frame ({found.counter})"
    if found.kind == Kind.RSP:
        response = RESPONSES.get(found.msg)
        name = response.__name__ if response is not None else f"response {found.msg:#04x}"
    else:
        message = MESSAGES.get((found.kind, found.msg))
        name = message.__name__ if message is not None else f"message {found.msg:#04x}"
    more = "..." if len(found.payload) > _SHOWN else ""
    return (
        f"{name} seq {found.seq} sess {found.sess:#06x} {len(found.payload)} B "
        f"{found.payload[:_SHOWN].hex()}{more}"
    )
