"""`memlab board list`."""

from __future__ import annotations

from dataclasses import asdict

import rich_click as click

from drivers.discovery import Found, find_boards
from drivers.opening import parse_address
from drivers.transport import list_ports
from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.streams import tell
from memlab.errors import SettingError
from memlab.virtual_board.running import running_boards


@click.command("list", cls=Command)
@click.option("--board", "urls", multiple=True, metavar="URL", help="Ask here as well; repeatable.")
@click.option("--dpe", is_flag=True, help="Also send 1024, the published board's first word.")
@click.option("--no-probe", is_flag=True, help="List ports only, and open none of them.")
@json_option
def list(  # noqa: A001 - the name of the command
    urls: tuple[str, ...], dpe: bool, no_probe: bool, as_json: bool
) -> None:
    """List the serial ports and virtual boards of this computer, and who is there.

    Every port is opened and asked HELLO, and so is every board that `memlab board serve` of the
    same user runs. Boards that a program is using are not disturbed; others ground their lines.
    Other TCP servers are asked where --board names them.
    """
    for url in urls:
        try:
            parse_address(url)
        except ValueError as error:
            raise SettingError(str(error)) from error
    virtual = {board.url: str(board) for board in running_boards()}
    if no_probe:
        places = {f"serial://{port.device}": port.description for port in list_ports()} | virtual
        found = [Found(url, "not asked", text) for url, text in places.items()]
    else:
        found = find_boards([*urls], dpe=dpe, known=virtual)
    lines = []
    if not found:
        lines.append(
            "no serial ports or virtual boards; `memlab board serve --pty` makes one to try with"
        )
    for entry in found:
        who = " ".join(filter(None, (entry.name, entry.serial, entry.state)))
        told = "; ".join(filter(None, (who, entry.description)))
        lines.append(f"{entry.url:<40} {entry.status:<9} {told}")
    tell({"ports": [asdict(entry) for entry in found]}, as_json, lambda _: lines)
