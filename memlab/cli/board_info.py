"""`memlab board info`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import rich_click as click

from drivers.serial_board import SerialBoard
from firmware_protocol.messages import ErrorCode, State
from memlab.cli.command import Command
from memlab.cli.options import board_option, json_option
from memlab.cli.streams import show_document
from memlab.devices import open_board
from memlab.passport.location import default_path


@click.command(cls=Command)
@board_option
@json_option
def info(url: str, as_json: bool) -> None:
    """Say what a board is, what it can do, and in which state it is.

    Opening a session grounds the lines of a board that nobody uses; nothing else is done to it.
    """
    with open_board(url) as board:
        document: dict[str, Any] = {"board": url, **asdict(board.capabilities)}
        if isinstance(board, SerialBoard):
            document |= _session(board)
        passport = default_path(board.capabilities.serial)
        document["passport"] = str(passport) if passport.is_file() else None
    if as_json:
        show_document(document)
        return
    for key, value in document.items():
        click.echo(f"{key:<20} {value}", err=True)


def _session(board: SerialBoard) -> dict[str, Any]:
    hello, state, counters = board.session, board.state(), board.counters()
    return {
        "uid": hello.uid.hex(),
        "boot_id": hello.boot_id,
        "state": State(state.state).name,
        "fault": ErrorCode(state.fault).name,
        "highest_operation": state.op_hw,
        "max_payload": hello.max_payload,
        "damaged_frames": counters.crc + counters.cobs + counters.length + counters.overlong,
        "settled_now": [
            {
                "operation": r.sent.op,
                "pulses": r.verdict.total,
                "done": r.verdict.done,
                "unknown": list(r.verdict.unknown),
            }
            for r in board.recovered
        ],
    }
