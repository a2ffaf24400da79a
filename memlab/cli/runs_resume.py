"""`memlab runs resume`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.characterize import resume as resume_session
from memlab.cli.command import Command
from memlab.cli.options import json_option, quiet_option
from memlab.cli.procedures import report, watch_readings


@click.command(cls=Command)
@click.argument("run", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@quiet_option
def resume(run: Path, as_json: bool, quiet: bool) -> None:
    """Finish a procedure that was killed or interrupted, and those that were to follow it.

    RUN is its run file. On a board nothing is pulsed again and no measured point is lost; pulses
    whose fate nobody knows are not repeated, and the run file says how many there were. An
    emulated chip in process is made again from its seed.
    """
    with watch_readings(quiet) as watch:
        documents = resume_session(run, watch=watch)
    if not documents:
        click.echo(f"{run}: finished, and so is all of its session; nothing was done", err=True)
    report(documents, as_json)
