"""How fast the link is: ECHO, as many at a time as the board takes."""

from __future__ import annotations

from firmware_protocol.errors import RemoteProtocolError
from firmware_protocol.host_events import Answered, HostEvent
from firmware_protocol.messages import REQUEST_WINDOW, Echo, EchoResponse
from firmware_protocol.operations import Operation

__all__ = ["Echoes"]


class Echoes(Operation):
    """A number of full ECHO frames; the result is the payload bytes that went each way.

    Parameters
    ----------
    count
        How many.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left, self._open = count, 0
        self._bytes = 0

    def result(self) -> int:
        """Return payload bytes of one direction, or raise what went wrong."""
        if self.error is not None:
            raise self.error
        return self._bytes

    def _begin(self, now: float) -> None:
        size = self._link.payload_limit - 4
        self._echo = Echo(data=bytes(k % 251 for k in range(size)))
        self._send(now)

    def _send(self, now: float) -> None:
        while self._left and self._open < REQUEST_WINDOW:
            self._left -= 1
            self._open += 1
            self._request(self._echo, now)

    def _on_answer(self, answer: Answered, now: float) -> None:
        if self._refused(answer):
            return
        response = answer.response
        assert isinstance(response, EchoResponse)
        if response.data != self._echo.data:
            self._fail(RemoteProtocolError("ECHO came back with other bytes than were sent"))
            return
        self._open -= 1
        self._bytes += len(response.data)
        self._send(now)
        self.finished = not self._open

    def _on_event(self, event: HostEvent, now: float) -> None:
        return
