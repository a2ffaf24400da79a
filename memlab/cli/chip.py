"""`memlab chip`: one subcommand per file, each loaded when it is called."""

from __future__ import annotations

import rich_click as click

from memlab.cli.lazy import LazyGroup

__all__ = ["chip"]

COMMANDS = {
    "show": ("memlab.cli.chip_show", "Every parameter of a chip preset, with unit and source."),
    "fit": ("memlab.cli.chip_fit", "Fit the emulator to measured runs: a twin of the chip."),
    "compare": ("memlab.cli.chip_compare", "Where a twin and measured runs disagree."),
}


@click.group(cls=LazyGroup, commands_table=COMMANDS)
def chip() -> None:
    """Show what a chip is made of, fit a twin to it, and see how far the twin holds."""
