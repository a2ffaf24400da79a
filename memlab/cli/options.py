"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

import rich_click as click

__all__ = ["board_option", "json_option", "open_board_array"]

from memlab.board_array import BoardArray
from memlab.devices import open_array
from memlab.errors import SettingError

board_option = click.option(
    "--board",
    "url",
    default="emulator:",
    show_default=True,
    metavar="URL",
    help="Board: serial:///dev/ttyACM0, socket://host:port, dpe+serial://COM4, emulator:.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
)


def open_board_array(url: str) -> BoardArray:
    """Open an array that has a board below it; the caller closes it."""
    array = open_array(url)
    if not isinstance(array, BoardArray):
        raise SettingError(f"{url} has no board; use serial://, socket:// or emulator:")
    return array
