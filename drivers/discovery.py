"""Which boards are connected: every serial port of this computer is asked who is there.

Asking means HELLO of MLP/1. It disturbs no board that another program is using, and a board that
nobody uses only grounds its lines. The published board's dialect has nothing as harmless, so its
`1024` is sent only on request.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType

from drivers.dpe_board import DpeBoard
from drivers.errors import InUseError, NoAnswerError, TransportError
from drivers.link import Link
from drivers.opening import BAUD_RATES, DPE_BAUD_RATE, BoardAddress, parse_address
from drivers.tokens import take_token
from drivers.transport import list_ports
from firmware_protocol import messages as m
from firmware_protocol.answers import check_info
from firmware_protocol.errors import ProtocolError

__all__ = ["Found", "find_boards", "identify"]


@dataclass(frozen=True)
class Found:
    """A port and who is on it.

    Parameters
    ----------
    url
        What `--board` takes.
    status
        `board`, `in use`, `no answer`, `error`, or `not asked`.
    description
        The port, as the operating system describes it, or why it could not be asked.
    name, serial, firmware, state
        Of the board; empty when none answered.
    """

    url: str
    status: str
    description: str = ""
    name: str = ""
    serial: str = ""
    firmware: str = ""
    state: str = ""


def find_boards(
    urls: list[str] | None = None,
    *,
    dpe: bool = False,
    known: Mapping[str, str] = MappingProxyType({}),
) -> list[Found]:
    """Ask every serial port of this computer, and these URLs, who is there.

    Parameters
    ----------
    urls
        Further places, for example TCP servers, which cannot be found by looking.
    dpe
        Also send `1024` to serial ports that do not answer HELLO.
    known
        Places of which something is known, and what: described so.
    """
    places = {f"serial://{port.device}": port.description for port in list_ports()}
    places |= known
    for url in map(take_token, urls or []):
        # The same place with other options is asked once, as it was named.
        told = {one: text for one, text in places.items() if _place(one) == _place(url)}
        places = {one: text for one, text in places.items() if one not in told}
        places[url] = next(iter(told.values()), "")
    if not places:
        return []
    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(lambda place: identify(*place, dpe=dpe), places.items()))


def _place(url: str) -> str:
    return url.partition("?")[0].removeprefix("dpe+")


def identify(url: str, description: str = "", *, dpe: bool = False) -> Found:
    """Ask who is at a URL; never raises for what it finds there."""
    address = parse_address(url)
    url = address.url
    try:
        if address.dpe:
            return _identify_dpe(address, url, description)
        return _identify_mlp(address, url, description)
    except InUseError:
        return Found(url, "in use", description)
    except NoAnswerError:
        if dpe and not address.dpe and address.transport == "serial":
            return identify(f"dpe+{url}", description)
        return Found(url, "no answer", description)
    except (TransportError, ProtocolError) as error:
        return Found(url, "error", str(error))


def _identify_mlp(address: BoardAddress, url: str, description: str) -> Found:
    given = int(address.options.get("baudrate", 0))
    rates = [given] if given else list(BAUD_RATES)
    if address.transport != "serial":
        rates = rates[:1]
    for rate in rates:
        link = Link(lambda rate=rate: address.open_port(rate), url, patience=0.0)  # type: ignore[misc]
        try:
            hello = link.connect()
            info = link.request(m.GetInfo())
            check_info(info)
        except NoAnswerError:
            if rate == rates[-1]:
                raise
            continue
        finally:
            link.close()
        state = m.State(hello.state).name
        if hello.fault:
            state += f" ({m.ErrorCode(hello.fault).name})"
        asked = f"{url}?baudrate={rate}" if rate != rates[0] and "?" not in url else url
        return Found(asked, "board", description, info.name, info.serial, info.firmware, state)
    raise AssertionError("unreachable")


def _identify_dpe(address: BoardAddress, url: str, description: str) -> Found:
    rate = int(address.options.get("baudrate", DPE_BAUD_RATE))
    with DpeBoard(lambda: address.open_port(rate), url) as board:
        able = board.capabilities
        return Found(url, "board", description, able.name, able.serial, able.firmware)
