"""Board URLs: from text to an open driver.

serial:///dev/ttyACM0?baudrate=921600    serial port or pseudo-terminal
serial://COM4                            ... of Windows
socket://host:port                       TCP
rfc2217://host:port                      a serial port behind a network server
visa://ASRL3::INSTR                      through PyVISA
spy:///dev/ttyUSB0                       serial port with pyserial's dump on stderr

`dpe+` before any of them speaks the published board's ASCII dialect instead of MLP/1.

A virtual board on a network asks for a token: socket://host:port?token=... It is remembered by this
process and is not part of the URL any more (`drivers.tokens`).

Options of all: baudrate, timeout. Of MLP/1: takeover, lease, watchdog, reconnect, fsync. Of dpe+:
chip, line_pause, auto_gain. What they mean stands at `SerialBoard` and `DpeBoard`. Options that
begin with `fault.` let things go wrong on purpose (`drivers.faults`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlsplit

from drivers.board import Board
from drivers.errors import NoAnswerError
from drivers.faults.options import Faults, Place, parse_faults, split_faults
from drivers.known_names import did_you_mean
from drivers.tokens import take_token, token_for
from drivers.transport import Transport, open_port

# Most programs read URLs of other boards: what speaks on a wire loads when one is opened.
if TYPE_CHECKING:
    from drivers.dpe_board import DpeBoard
    from drivers.serial_board import SerialBoard

__all__ = [
    "DIALECT",
    "SCHEMES",
    "BoardAddress",
    "open_wire_board",
    "parse_address",
    "parse_options",
]

DIALECT = "dpe+"
TRANSPORTS = ("serial", "socket", "rfc2217", "visa", "spy")
SCHEMES = (*TRANSPORTS, *(DIALECT + name for name in TRANSPORTS))
"""Schemes of URLs that name a board on a wire."""
BAUD_RATES = (921600, 115200, 3_000_000)
"""Tried in this order when the URL names none."""
_FASTEST = 1_000_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
DPE_BAUD_RATE = 115200

_COMMON_OPTIONS = {"baudrate": int, "timeout": float}
_MLP_OPTIONS = {
    "takeover": int,
    "lease": float,
    "watchdog": float,
    "reconnect": float,
    "fsync": int,
}
_DPE_OPTIONS = {"line_pause": float, "auto_gain": int}

_MLP = TypeVar("_MLP", bound="SerialBoard")
_DPE = TypeVar("_DPE", bound="DpeBoard")


@dataclass(frozen=True)
class BoardAddress:
    """Where a board is, and how to speak to it.

    Parameters
    ----------
    url
        As it was written, without a token.
    dpe
        True for the published board's dialect.
    transport
        One of `TRANSPORTS`.
    port
        Device name, host and port, or VISA resource.
    options
        Options by name, of the right type.
    chip
        Name of the chip on a board that has no serial number; else empty.
    faults
        What shall go wrong.
    """

    url: str
    dpe: bool
    transport: str
    port: str
    options: dict[str, float]
    chip: str = ""
    faults: Faults = field(default_factory=Faults)

    def open_port(self, baudrate: int, *, exclusive: bool = True) -> Transport:
        """Open the port alone; not exclusively only to stop a board that another program has."""
        match self.transport:
            case "visa":
                from drivers.visa import open_resource

                return open_resource(self.port, baudrate)
            case "serial":
                return open_port(self.port, baudrate, exclusive=exclusive)
            case "socket":
                return open_port(f"socket://{self.port}", baudrate, token_for(self.port))
            case scheme:
                return open_port(f"{scheme}://{self.port}", baudrate, exclusive=exclusive)


def parse_options(url: str, query: str) -> list[tuple[str, str]]:
    """Return the options of a URL's query in order.

    Raises
    ------
    ValueError
        If one is named twice: neither of the two values would be what was meant. If there is a
        control character: `urlsplit` leaves some out, and no file has a name with a zero byte.
    """
    options = parse_qsl(query, keep_blank_values=True)
    if found := _CONTROL.search("".join((url, *chain.from_iterable(options)))):
        raise ValueError(f"{url!r} has the control character {found[0]!r}; leave it out")
    names = [name for name, _ in options]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{url!r} names {name} twice; write it once")
    return options


def parse_address(url: str, beside: Sequence[str] = ()) -> BoardAddress:
    """Read a URL; opens nothing.

    Parameters
    ----------
    url
        Of a board on a wire.
    beside
        Options that the caller takes out of a URL himself, for whoever misspelt one of them.

    Raises
    ------
    ValueError
        If it is not the URL of a board on a wire, or has a wrong option.
    """
    url = take_token(url)
    scheme = url.split(":", 1)[0]
    if scheme not in SCHEMES or "://" not in url:
        hint = did_you_mean(scheme, SCHEMES)
        raise ValueError(
            f"{url!r} is not the URL of a board; {hint}write for example serial://COM4"
        )
    parts = urlsplit("//" + url.split("://", 1)[1], allow_fragments=False)
    port = parts.netloc + parts.path
    dpe = scheme.startswith(DIALECT)
    transport = scheme.removeprefix(DIALECT)
    if not port:
        raise ValueError(f"{url!r} names no port; write for example serial:///dev/ttyACM0")
    if transport in ("socket", "rfc2217"):
        host, colon, number = port.rpartition(":")
        if not (host and colon and number.isdecimal() and 0 < int(number) < 65536):
            raise ValueError(f"{url!r}: write {scheme}://host:port")
    known = _COMMON_OPTIONS | (_DPE_OPTIONS if dpe else _MLP_OPTIONS)
    options: dict[str, float] = {}
    chip, allowed = "", [*known, *(["chip"] if dpe else [])]
    asked, others = split_faults(parse_options(url, parts.query))
    faults = parse_faults(repr(url), asked, Place.WIRE)
    for key, text in others:
        if dpe and key == "chip":
            chip = _chip_name(url, text)
            continue
        if key not in known:
            hint = did_you_mean(key, (*allowed, *beside))
            raise ValueError(
                f"{url!r}: unknown option {key!r}; {hint}allowed: {', '.join(allowed)}"
            )
        try:
            options[key] = known[key](text)
        except ValueError:
            options[key] = -1
        if not 0 <= options[key] < inf:
            raise ValueError(f"{url!r}: {key}={text} must be a number of at least 0")
        if key == "baudrate" and not 1 <= options[key] <= _FASTEST:
            raise ValueError(f"{url!r}: baudrate={text} must be from 1 to {_FASTEST}")
    return BoardAddress(url, dpe, transport, port, options, chip, faults)


def _chip_name(url: str, text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", text):
        raise ValueError(
            f"{url!r}: chip={text} must be at most 64 letters, digits and any of . _ -, and begin "
            "with a letter or digit; for example chip=die-7"
        )
    return text


def open_wire_board(url: str, beside: Sequence[str] = ()) -> Board:
    """Open the board that a URL names; it answers, and nothing is driven yet.

    `beside` as for `parse_address`.

    Raises
    ------
    ValueError
        If the URL is wrong.
    TransportError, ProtocolError
        If the board cannot be reached, or speaks something else.
    """
    from drivers.dpe_board import DpeBoard
    from drivers.serial_board import SerialBoard

    address = parse_address(url, beside)
    if not address.faults:
        return _open(address, address.open_port, SerialBoard, DpeBoard)
    from drivers.faults.cable import Cable
    from drivers.faults.calls import FaultyDpeBoard, FaultySerialBoard

    cable = Cable(address.faults)

    def open_port(baudrate: int) -> Transport:
        return cable.plug_in(lambda: address.open_port(baudrate))

    board = _open(address, open_port, FaultySerialBoard, FaultyDpeBoard)
    return board.make_faulty(address.faults, cable)


def _open(
    address: BoardAddress, open_port: Callable[[int], Transport], mlp: type[_MLP], dpe: type[_DPE]
) -> _MLP | _DPE:
    options = dict(address.options)
    given = int(options.pop("baudrate", 0))
    timeout = options.pop("timeout", 10.0)
    if address.dpe:
        pause, auto_gain = options.get("line_pause"), int(options.get("auto_gain", 4))
        baudrate = given or DPE_BAUD_RATE
        return dpe(
            lambda: open_port(baudrate),
            address.url,
            timeout=timeout,
            line_pause=pause,
            auto_gain=auto_gain,
            chip=address.chip,
        )
    # A network or VISA address has no rate of its own to search for.
    rates = (given,) if given else BAUD_RATES if address.transport == "serial" else BAUD_RATES[:1]
    settings = {
        "takeover": bool(options.get("takeover", 0)),
        "lease": options.get("lease", 60.0),
        "watchdog": options.get("watchdog", 1.0),
        "reconnect": options.get("reconnect", 3.0),
        "fsync": bool(options.get("fsync", 0)),
    }
    from drivers.link import Link

    for rate in rates:
        try:
            link = Link(partial(open_port, rate), address.url, timeout)
            return mlp(link, **settings)  # type: ignore[arg-type]
        except NoAnswerError:
            if rate == rates[-1]:
                raise
    raise AssertionError("unreachable")
