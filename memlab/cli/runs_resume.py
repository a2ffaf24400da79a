"""`memlab runs resume`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import rich_click as click

from memlab.characterize import resume as resume_session
from memlab.cli.command import Command
from memlab.cli.options import json_option, quiet_option, run_argument
from memlab.cli.procedures import report, watch_readings
from memlab.cli.program import resume_and_report as resume_program
from memlab.cli.summary import resume_and_report as resume_training
from memlab.errors import MemlabError
from memlab.runs import Family, open_run
from memlab.session import check_resumable, named_in_errors


@click.command(cls=Command)
@run_argument
@click.option(
    "--board-restarted",
    is_flag=True,
    help="The board was restarted since, and the chip has kept its state.",
)
@click.option(
    "--record-lost",
    is_flag=True,
    help="Go on although this computer's pulse record does not know the run, or others have pulsed "
    "the board since; no copy has gone on.",
)
@json_option
@quiet_option
def resume(file: Path, as_json: bool, quiet: bool, **vouched: bool) -> None:
    """Finish a run that was killed or interrupted: training, transfer, program, procedure.

    RUN is its run file, under whatever name it is now; of a procedure those that were to follow it
    are run, too. On a board nothing is pulsed again and no measured point is lost; pulses whose
    fate nobody knows are not repeated, and the run file says how many there were. A run that is
    alive is left alone. An emulated chip in process goes back to the last checkpoint of a training,
    with its passport and the run file, or, for a procedure, is made again from its seed: all ends
    as if nothing had happened.
    """
    with _named_when_interrupted(file):
        found = open_run(file)
        check_resumable(found)
        if found.family is Family.EXPERIMENT or found.kind == "program":
            resume_one = resume_program if found.kind == "program" else resume_training
            resume_one(file, as_json=as_json, quiet=quiet, **vouched)
            return
        with watch_readings(quiet) as watch:
            documents = resume_session(file, watch=watch, **vouched)
        if not documents:
            text = f"{file}: finished, and so is all of its session; nothing was left to run"
            click.echo(text, err=as_json)
        report(documents, as_json)


@contextmanager
def _named_when_interrupted(run: Path) -> Iterator[None]:
    """Name the run file, and the command to go on with, whenever a signal comes.

    Also before the run has begun to go on, when it has just ended, and while its picture is drawn.
    """
    try:
        with named_in_errors(run):
            yield
    except KeyboardInterrupt as error:
        with suppress(MemlabError):
            if not open_run(run).finished:
                error.resumable = run  # type: ignore[attr-defined]
        raise
