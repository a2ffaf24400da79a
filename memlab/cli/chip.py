"""`memlab chip`: one subcommand per file, each loaded when it is called."""

from __future__ import annotations

import rich_click as click

from memlab.cli.lazy import LazyGroup

__all__ = ["chip"]

COMMANDS = {
    "new": ("memlab.cli.chip_new", "Write the file of a chip of your own, to be edited."),
    "show": ("memlab.cli.chip_show", "A preset's parameters, or a summary of a chip's passport."),
    "cell": ("memlab.cli.chip_cell", "The story of one cell over all runs."),
    "budget": ("memlab.cli.chip_budget", "Show or change how often a chip's cells may be pulsed."),
    "settle": ("memlab.cli.chip_settle", "Settle pulses of unknown fate by reading their cells."),
    "fit": ("memlab.cli.chip_fit", "Fit the emulator to measured runs: a twin of the chip."),
    "compare": ("memlab.cli.chip_compare", "Where a twin and measured runs disagree."),
}


@click.group(cls=LazyGroup, commands_table=COMMANDS)
def chip() -> None:
    """Show what a chip is made of, what its cells have been through, and how far a twin holds."""
