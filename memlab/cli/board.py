"""`memlab board`: one subcommand per file, each loaded when it is called."""

from __future__ import annotations

import rich_click as click

from memlab.cli.lazy import LazyGroup

__all__ = ["board"]

COMMANDS = {
    "list": ("memlab.cli.board_list", "List ports, and the boards on them."),
    "info": ("memlab.cli.board_info", "Say what a board is and in which state."),
    "selftest": ("memlab.cli.board_selftest", "Check zero, known voltages, leakage and ADC codes."),
    "ground": ("memlab.cli.board_ground", "Put every line to 0 V."),
    "bench": ("memlab.cli.board_bench", "Measure goodput, VMM per second and latency."),
    "serve": ("memlab.cli.board_serve", "Run a virtual board on a serial or TCP port."),
}


@click.group(cls=LazyGroup, commands_table=COMMANDS)
def board() -> None:
    """Find, check, park, emulate and time a board."""
