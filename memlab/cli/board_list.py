"""`memlab board list`."""

from __future__ import annotations

from dataclasses import asdict

import rich_click as click

from drivers.discovery import find_boards
from drivers.opening import parse_address
from drivers.transport import list_ports
from memlab.cli.command import Command
from memlab.cli.options import json_option
from memlab.cli.streams import show_document
from memlab.errors import SettingError


@click.command("list", cls=Command)
@click.option("--board", "urls", multiple=True, metavar="URL", help="Ask here as well; repeatable.")
@click.option("--dpe", is_flag=True, help="Also send 1024, the published board's first word.")
@click.option("--no-probe", is_flag=True, help="List ports only, and open none of them.")
@json_option
def list(  # noqa: A001 - the name of the command
    urls: tuple[str, ...], dpe: bool, no_probe: bool, as_json: bool
) -> None:
    """List the serial ports of this computer, and the boards on them.

    Every port is opened and asked HELLO. Boards that a program is using are not disturbed; others
    ground their lines. TCP servers are asked where --board names them.
    """
    for url in urls:
        try:
            parse_address(url)
        except ValueError as error:
            raise SettingError(str(error)) from error
    if no_probe:
        found = [
            {"url": f"serial://{p.device}", "status": "not asked", "description": p.description}
            for p in list_ports()
        ]
    else:
        found = [asdict(entry) for entry in find_boards([*urls], dpe=dpe)]
    if as_json:
        show_document({"ports": found})
        return
    if not found:
        click.echo("no serial ports; `memlab board serve --pty` makes one to try with", err=True)
    for entry in found:
        who = " ".join(entry.get(key, "") for key in ("name", "serial", "state")).strip()
        click.echo(
            f"{entry['url']:<40} {entry['status']:<9} {who or entry['description']}", err=True
        )
