"""What a host link reports: the events that `HostLink` returns."""

from __future__ import annotations

from dataclasses import dataclass, field

from firmware_protocol.codec import Message
from firmware_protocol.messages import ErrorCode, HelloResponse


@dataclass(frozen=True, slots=True)
class Connected:
    """A session is open. Unless `spec_matches`, fetch GET_DICT and call `accept_dictionary`."""

    hello: HelloResponse
    spec_matches: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a request; its `status` is an `ErrorCode`."""

    ticket: int
    request: Message
    response: Message
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Further whole items of the stream that is being received."""

    first: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Notified:
    """An event of the board (PROGRESS, END, LOG, FAULT, STATE), or the answer to a PING."""

    message: Message


@dataclass(frozen=True, slots=True)
class Closed:
    """The board has answered BYE."""


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The session is over; every ticket in `unanswered` has an unknown fate.

    Parameters
    ----------
    code
        SESSION when the board no longer knows the session (reset, takeover), BUSY when another
        host has it, VERSION for another wire major, HOST_LOST when nothing answers, ABORTED when
        the host itself opened another session.
    detail
        The NAK's detail: board's major, or the other session.
    unanswered
        Requests that were sent, in that order, by ticket.
    unsent
        Requests that never left; they had no effect.
    """

    code: ErrorCode
    detail: int = 0
    unanswered: dict[int, Message] = field(default_factory=dict)
    unsent: dict[int, Message] = field(default_factory=dict)


HostEvent = Connected | Answered | DataReceived | Notified | Closed | LinkDown
