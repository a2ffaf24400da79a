"""`memlab runs watch`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rich_click as click
from click.exceptions import Exit
from rich.console import Console
from rich.live import Live

from drivers import stopping
from memlab.cli.command import Command
from memlab.cli.failures import INTERRUPTED
from memlab.cli.options import FiniteRange, json_option, run_argument
from memlab.cli.run_view import RunView, line
from memlab.cli.streams import show_document
from memlab.errors import DataError
from memlab.runs.follower import Follower, Progress
from memlab.runs.reader import Run

_PATIENCE = 5
"""Looks at a file that cannot be read, as one that is being made anew, before it is an error."""


@click.command(cls=Command)
@run_argument
@click.option(
    "--every",
    type=FiniteRange(min=0.1),
    default=1.0,
    show_default=True,
    metavar="S",
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option(
    "--stay",
    is_flag=True,
    help="Go on when it ends: a run that is resumed, or another in its place, is followed.",
)
@json_option
def watch(file: Path, every: float, once: bool, stay: bool, as_json: bool) -> None:
    """Follow a run that is being written: how far it is, what it learns and costs, a small map.

    RUN is a run file of any command. It ends with the run; Ctrl-C ends it and leaves the run alone.
    Where there is no terminal, it prints a line whenever something has changed. With --json, one
    document of the last look. memlab live shows the same, and more, as a page.
    """
    if once and stay:
        raise click.UsageError("--once looks once and --stay goes on: choose one of them")
    with Follower(file) as follower:
        progress, stopped = follower.look(), False
        if not once and (stay or not progress.over):
            progress, stopped = _follow(follower, progress, every, stay=stay, quiet=as_json)
        if as_json:
            show_document(_document(follower.run, progress))
        else:
            Console().print(RunView(follower.run, progress))
    if stopped:
        raise Exit(INTERRUPTED)


def _follow(
    follower: Follower, progress: Progress, every: float, *, stay: bool, quiet: bool
) -> tuple[Progress, bool]:
    """Show every look until the run is over, or for as long as somebody stays.

    Returns the last look, and whether it was Ctrl-C that made it the last.
    """
    console = Console(stderr=True, quiet=quiet)
    run, failed, trouble = follower.run, 0, ""
    said: object = None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        try:
            while stay or not progress.over:
                if console.is_terminal:
                    live.update(RunView(run, progress, trouble), refresh=True)
                elif (now := trouble or _reached(progress)) != said:  # a pace alone is no news
                    said = now
                    text = trouble or line(run, progress)
                    console.print(text, markup=False, highlight=False, soft_wrap=True)
                stopping.sleep(every)
                try:
                    progress = follower.look()
                    run, failed, trouble = follower.run, 0, ""
                except DataError as error:
                    failed, trouble = failed + 1, f"waiting: {error}"
                    if failed > _PATIENCE and not stay:
                        raise
        except KeyboardInterrupt as stop:
            if stop.args not in ((), ("SIGINT",)):
                raise
            return progress, True  # the run is another program's, and goes on
    return progress, False


def _reached(progress: Progress) -> tuple[object, ...]:
    return progress.status, progress.done, progress.losses.size


def _known(value: float | tuple[float, float]) -> float | tuple[float, float] | None:
    """Return a value as JSON has it, which has no NaN: the words beside it say what it is."""
    return value if np.isfinite(value).all() else None


def _document(run: Run, progress: Progress) -> dict[str, object]:
    return {
        "run": str(run.path),
        "kind": run.kind,
        "status": progress.status,
        "done": progress.done,
        "total": progress.total,
        "what": progress.what,
        "seconds_left": progress.left,
        "emulated": run.emulated,
        "vitals": {
            name: {"value": _known(one.value), "units": one.units, "words": one.words}
            for name, one in progress.vitals.items()
        },
    }
