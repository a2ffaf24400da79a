"""Grounding a board with nothing but its line: no lock, no owner, no token, no state file.

Whoever wants a board stopped may have none of what a program needs to use it: the ledger is
damaged, the disk full, or another program has the session and hangs. So this opens the port, asks
for a session and grounds; where another program has the session it sends ESTOP, which every board
obeys from anybody; where another program has the serial port it sends ESTOP past that program.
No thread is started and no file is opened.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from drivers.dpe_board import return_to_top
from drivers.errors import DeviceError, InUseError, NoAnswerError, TokenError, TransportError
from drivers.opening import BAUD_RATES, DPE_BAUD_RATE, BoardAddress
from drivers.port_holder import port_holder
from drivers.transport import Transport
from firmware_protocol import messages as m
from firmware_protocol.codec import Message
from firmware_protocol.errors import MemlabError, ProtocolError
from firmware_protocol.framing import Decoder, Frame, encode_frame
from firmware_protocol.host import HostLink
from firmware_protocol.host_events import Connected, HostEvent, LinkDown
from firmware_protocol.messages import ErrorCode, Kind, State
from firmware_protocol.operations import Operation, Request

__all__ = ["Stopped", "ground_line"]

_ESTOP = (b"\0" + encode_frame(Kind.LINK, m.Estop.ID, 0, 0)) * 3
_ANSWER = 1.0
"""Seconds to wait for the answer to one question; every rate is asked for so long."""
_LOOK = 0.02


@dataclass(frozen=True)
class Stopped:
    """What became of a board.

    Parameters
    ----------
    grounded
        True when the board has said so, None when ESTOP was sent and nobody could hear the answer.
    how
        In a few words, for people.
    state, fault
        Of the board; empty where it did not tell.
    """

    grounded: bool | None
    how: str
    state: str = ""
    fault: str = ""


def ground_line(address: BoardAddress, *, clear_fault: bool = False) -> Stopped:
    """Put every line of a board to 0 V, whoever uses it.

    Parameters
    ----------
    address
        From `drivers.opening.parse_address`.
    clear_fault
        Clear a latched fault, too; only where no other program has the board.

    Raises
    ------
    TransportError, ProtocolError
        If the port cannot be opened, or no board answers there.
    DeviceError
        If a board answers and is not grounded.
    """
    if address.dpe:
        return _ground_ascii(address)
    given = int(address.options.get("baudrate", 0))
    rates = (given,) if given else BAUD_RATES if address.transport == "serial" else BAUD_RATES[:1]
    for rate in rates:
        try:
            port = address.open_port(rate)
        except InUseError as error:
            return _stop_beside(address, rates, error)
        with closing(port):
            try:
                return _ground(port, address.url, clear_fault)
            except (InUseError, TokenError) as error:
                return _stop_other(port, address.url, error)
            except NoAnswerError:
                _write(port, _ESTOP)  # a board that hears us and cannot answer stops all the same
                if rate == rates[-1]:
                    raise
    raise AssertionError("unreachable")


def _ground(port: Transport, name: str, clear_fault: bool) -> Stopped:
    """Ask for a session, which grounds; say so once more; leave the board without a session."""
    host = HostLink(lambda: secrets.randbits(64))
    host.connect(time.monotonic())
    for event in _events(port, host, 3 * _ANSWER):
        if isinstance(event, Connected):
            break
        if isinstance(event, LinkDown) and event.code == ErrorCode.BUSY:
            raise InUseError(f"{name}: another program has session {event.detail} with this board")
        if isinstance(event, LinkDown) and event.code == ErrorCode.VERSION:
            _write(port, _ESTOP)
            raise ProtocolError(
                f"{name}: the board speaks version {event.detail} of the wire, this program "
                f"version {m.MAJOR}; ESTOP was sent, which is the same in all. Update the older one"
            )
        if isinstance(event, LinkDown):
            raise _nobody(name)
    else:
        raise _nobody(name)
    _ask(port, host, m.GroundAll())
    state = _ask(port, host, m.GetState())
    if clear_fault and state.state == State.FAULT:
        _ask(port, host, m.ClearFault(fault=state.fault))
        state = _ask(port, host, m.GetState())
    host.close(time.monotonic())
    for _ in _events(port, host, _ANSWER):
        break
    return Stopped(True, "grounded", State(state.state).name, ErrorCode(state.fault).name)


def _stop_other(port: Transport, name: str, reason: MemlabError) -> Stopped:
    """Send ESTOP on a line whose session another program has, and wait for the board to say so."""
    _write(port, _ESTOP)
    decoder = Decoder()
    give_up = time.monotonic() + _ANSWER
    while time.monotonic() < give_up:
        try:
            data = port.read(_LOOK)
        except (InUseError, TokenError):
            continue  # a second HELLO of ours, refused like the first
        for frame in decoder.feed(data):
            if isinstance(frame, Frame) and (frame.kind, frame.msg) == (
                Kind.EVT,
                m.StateEvent.ID,
            ):
                state = State(m.StateEvent.unpack(frame.payload).state)
                if state == State.FAULT:
                    how = "another program has the board: emergency stop, its session is of no use"
                    return Stopped(True, how, state.name, ErrorCode.ESTOP.name)
    raise DeviceError(
        f"{reason}. ESTOP was sent, and no answer came within {_ANSWER:g} s: look at the board, "
        "switch its supply off if in doubt"
    )


def _stop_beside(address: BoardAddress, rates: tuple[int, ...], error: InUseError) -> Stopped:
    """Send ESTOP past the program that has the serial port; what it answers, that program reads."""
    holder = port_holder(address.port) or "another program"
    try:
        for rate in rates[:1]:  # the rate is that program's: opening at another would change it
            with closing(address.open_port(rate, exclusive=False)) as port:
                _write(port, _ESTOP)
                time.sleep(0.1)  # let it leave before the port is closed
    except TransportError as refused:
        raise InUseError(
            f"{address.url}: {holder} has the port and lets nobody else in. End that program: its "
            "end grounds the board; if it does not end, switch the supply off"
        ) from refused
    how = (
        f"{holder} has the port: emergency stop sent past it, and only that program can hear the "
        "answer"
    )
    return Stopped(None, how)


def _ground_ascii(address: BoardAddress) -> Stopped:
    """Send the published board to its top menu, where its lines rest."""
    rate = int(address.options.get("baudrate", DPE_BAUD_RATE))
    try:
        port = address.open_port(rate)
    except InUseError as error:
        holder = port_holder(address.port) or "another program"
        raise InUseError(
            f"{address.url}: {holder} has the port, and this dialect has no stop that could be "
            "sent past it. End that program; if it does not end, switch the supply off"
        ) from error
    with closing(port):
        return_to_top(port, address.url)
    return Stopped(True, "back in its top menu, where all lines rest")


def _nobody(name: str) -> NoAnswerError:
    return NoAnswerError(
        f"{name}: no MLP/1 board answered; ESTOP was sent all the same. Check power, the baud rate "
        "(?baudrate=...) and the port; the published board needs dpe+ before its URL"
    )


def _ask(port: Transport, host: HostLink, message: Message) -> m.GetStateResponse:
    operation: Operation = Request(message)
    operation.start(host, time.monotonic())
    for event in _events(port, host, 3 * _ANSWER, operation):
        operation.handle(event, time.monotonic())
        if operation.finished:
            return operation.result()  # type: ignore[attr-defined,no-any-return]
    raise TransportError(f"no answer to {type(message).__name__} within {3 * _ANSWER:g} s")


def _events(
    port: Transport, host: HostLink, seconds: float, operation: Operation | None = None
) -> Iterator[HostEvent]:
    """Move bytes and time until a deadline; yield what happens."""
    give_up = time.monotonic() + seconds
    while (now := time.monotonic()) < give_up:
        _write(port, host.data_to_send())
        data = port.read(_LOOK)
        yield from host.receive_bytes(data, now)
        yield from host.tick(now)


def _write(port: Transport, data: bytes) -> None:
    give_up = time.monotonic() + _ANSWER
    while data:
        data = data[port.write(data) :]
        if data and time.monotonic() > give_up:
            raise TransportError("the line takes no bytes; is the board switched on?")
        if data:
            time.sleep(0.001)
