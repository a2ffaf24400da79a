"""`memlab board ground`."""

from __future__ import annotations

import rich_click as click

from drivers.grounding import ground_line
from drivers.opening import SCHEMES, parse_address
from drivers.registry import named_schemes
from memlab.cli.command import Command
from memlab.cli.options import board_option, json_option
from memlab.cli.streams import tell
from memlab.errors import SettingError


@click.command(cls=Command)
@board_option
@click.option("--clear-fault", is_flag=True, help="Clear a latched fault, such as an ESTOP, too.")
@json_option
def ground(url: str, clear_fault: bool, as_json: bool) -> None:
    """Put every line of a board to 0 V, whoever uses it.

    Needs nothing but the line: no state file, no lock, no token. A board that another program uses
    gets an emergency stop, which that program notices; it stays latched until --clear-fault.
    """
    document: dict[str, object] = {"board": url, "grounded": True}
    if url.split(":", 1)[0] in SCHEMES:
        document |= _ground(url, clear_fault)
    else:
        from memlab.array.urls import open_board

        with open_board(_without_chip(url)) as board:
            board.ground()
    tell(document, as_json, lambda _: [_in_words(document)])


def _without_chip(url: str) -> str:
    """Return the URL of a board by entry point without its chip, whose lock another may have."""
    address, _, query = url.partition("?")
    if address.partition(":")[0] not in named_schemes():
        return url
    options = [pair for pair in query.split("&") if pair and not pair.startswith("chip=")]
    return address + ("?" + "&".join(options) if options else "")


def _in_words(document: dict[str, object]) -> str:
    grounded = "every line is grounded" if document["grounded"] else "grounding was asked for"
    how = str(document.get("how", ""))
    notes = [how] if how not in ("", "grounded") else []
    notes += [f"{name} {document[name]}" for name in ("state", "fault") if name in document]
    return f"{document['board']}: {'; '.join([grounded, *notes])}"


def _ground(url: str, clear_fault: bool) -> dict[str, object]:
    # What a URL asks of the array above the board (passport, budgets) is nobody's business here.
    address, _, query = url.partition("?")
    options = [pair for pair in query.split("&") if pair and not _for_the_array(pair)]
    try:
        place = parse_address(address + ("?" + "&".join(options) if options else ""))
    except ValueError as error:
        raise SettingError(str(error)) from error
    done = ground_line(place, clear_fault=clear_fault)
    document: dict[str, object] = {"grounded": done.grounded, "how": done.how}
    if done.state:
        document |= {"state": done.state, "fault": done.fault}
    return document


def _for_the_array(pair: str) -> bool:
    key = pair.partition("=")[0]
    return key in ("passport", "rounding", "calibration") or key.startswith("budget.")
