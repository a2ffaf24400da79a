"""`memlab runs rescue`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import json_option, run_argument
from memlab.cli.streams import tell
from memlab.runs.rescue import rescue as rescue_run
from memlab.runs.rescue import whole_lengths


@click.command(cls=Command)
@run_argument
@json_option
def rescue(file: Path, as_json: bool) -> None:
    """Make a whole file of one whose writer was killed, so that any program opens it.

    What is complete is kept; of an item of which only a part was written nothing is. A run that is
    alive is left alone. `memlab runs resume` does this by itself.
    """
    kept = whole_lengths(file)
    rescue_run(file, kept)
    words = f"{file}: whole; " + ", ".join(f"{k} {n}" for k, n in kept.items())
    tell({"run": str(file), "items": kept}, as_json, lambda _: [words])
