"""`memlab board ground`."""

from __future__ import annotations

import rich_click as click

from drivers.serial_board import SerialBoard
from firmware_protocol.messages import ErrorCode, State
from memlab.cli.command import Command
from memlab.cli.options import board_option, json_option
from memlab.cli.streams import show_document
from memlab.devices import open_board


@click.command(cls=Command)
@board_option
@click.option("--clear-fault", is_flag=True, help="Clear a latched fault, such as an ESTOP, too.")
@json_option
def ground(url: str, clear_fault: bool, as_json: bool) -> None:
    """Put every line of a board to 0 V.

    A board that another program uses is not touched; add takeover=1 to its URL to end that
    program's session.
    """
    document = {"board": url, "grounded": True}
    with open_board(url) as board:
        board.ground()
        if isinstance(board, SerialBoard):
            if clear_fault:
                board.clear_fault()
            state = board.state()
            document |= {"state": State(state.state).name, "fault": ErrorCode(state.fault).name}
    if as_json:
        show_document(document)
    else:
        click.echo(", ".join(f"{key} {value}" for key, value in document.items()), err=True)
