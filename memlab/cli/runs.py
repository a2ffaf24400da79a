"""`memlab runs`: one subcommand per file, each loaded when it is called."""

from __future__ import annotations

import rich_click as click

from memlab.cli.lazy import LazyGroup

__all__ = ["runs"]

COMMANDS = {
    "list": ("memlab.cli.runs_list", "List runs, chosen by kind, chip, seed, tag, status, date."),
    "show": ("memlab.cli.runs_show", "What a run file says of itself, and what was found."),
    "watch": ("memlab.cli.runs_watch", "Follow a run: progress, loss, time left, a small map."),
    "rescue": ("memlab.cli.runs_rescue", "Make a whole file of one whose writer was killed."),
    "diff": ("memlab.cli.runs_diff", "Every difference between two runs, and a picture of both."),
    "export": ("memlab.cli.runs_export", "CSV tables, NPZ or netCDF of a run."),
    "validate": ("memlab.cli.runs_validate", "Check that run files are whole."),
    "plot": ("memlab.cli.runs_plot", "Draw a run as PDF, PNG or SVG."),
    "import": ("memlab.cli.runs_import", "A run file from a log of ArC ONE or ArC TWO."),
    "resume": ("memlab.cli.runs_resume", "Finish a procedure that was killed or interrupted."),
}


@click.group(cls=LazyGroup, commands_table=COMMANDS)
def runs() -> None:
    """Finish and look at runs."""
