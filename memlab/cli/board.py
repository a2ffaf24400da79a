"""`memlab board`: one subcommand per file, each loaded when it is called."""

from __future__ import annotations

import rich_click as click

from memlab.cli.lazy import LazyGroup

__all__ = ["board"]

COMMANDS = {
    "serve": ("memlab.cli.board_serve", "Run a virtual board on a serial or TCP port."),
}


@click.group(cls=LazyGroup, commands_table=COMMANDS)
def board() -> None:
    """Find, check, park, emulate and time a board."""
