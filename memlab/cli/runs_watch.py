"""`memlab runs watch`."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import rich_click as click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from drivers import stopping
from memlab.cli.command import Command
from memlab.cli.options import FiniteRange, json_option, run_argument
from memlab.cli.streams import show_document
from memlab.runs.follower import Follower, Progress
from memlab.runs.reader import ConductanceMap, Run

_STEPS = " ▁▂▃▄▅▆▇█"
_WIDE, _HIGH = 60, 8


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
@json_option
def watch(file: Path, every: float, once: bool, as_json: bool) -> None:
    """Follow a run that is being written: how far it is, its loss, time left, a small map.

    RUN is a run file of any command. It ends with the run; Ctrl-C ends it and leaves the run alone.
    With --json, one document of the last look.
    """
    with Follower(file) as follower:
        progress = follower.look()
        if not once and not progress.over:
            progress = _follow(follower, every, quiet=as_json)
        if as_json:
            show_document(_document(follower.run, progress))
        elif once or progress.over:
            Console().print(_shown(follower.run, progress))


def _follow(follower: Follower, every: float, *, quiet: bool) -> Progress:
    console = Console(stderr=True, quiet=quiet)
    progress = follower.look()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not progress.over:
            live.update(_shown(follower.run, progress), refresh=True)
            stopping.check()
            time.sleep(every)
            progress = follower.look()
    return progress


def _document(run: Run, progress: Progress) -> dict[str, object]:
    return {
        "run": str(run.path),
        "kind": run.kind,
        "status": progress.status,
        "done": progress.done,
        "total": progress.total,
        "what": progress.what,
        "seconds_left": progress.left,
    }


def _shown(run: Run, progress: Progress) -> RenderableType:
    lines: list[RenderableType] = [
        Text(f"{run.path.name}: {run.title}, {progress.status}", style="bold"),
        Text(_so_far(progress)),
    ]
    if progress.losses.size:
        lines.append(Text(f"loss {progress.losses[-1]:.5g}  {_sparkline(progress.losses)}"))
    lines += [Text(line) for name, one in progress.maps.items() for line in _map_lines(name, one)]
    return Group(*lines)


def _so_far(progress: Progress) -> str:
    total = "" if progress.total is None else f" of {progress.total}"
    text = f"{progress.done}{total} {progress.what}"
    if progress.rate is not None and not progress.over:
        text += f", {progress.rate:.3g} a second"
    if progress.left is not None and not progress.over:
        text += f", {progress.left:.0f} s left"
    return text


def _sparkline(values: np.ndarray) -> str:
    """Return a curve in one line: the mean of each part, between the least and the largest."""
    parts = [part.mean() for part in np.array_split(values, min(_WIDE, values.size))]
    return "".join(_levels(np.array(parts)))


def _map_lines(name: str, one: ConductanceMap) -> list[str]:
    """Return a map in a few lines of blocks, and its range."""
    values = 1e6 * one.conductance
    rows = np.array_split(values, min(_HIGH, values.shape[0]))
    small = np.array(
        [
            [np.nanmean(part) if np.isfinite(part).any() else np.nan for part in parts]
            for parts in (np.array_split(r, min(_WIDE, values.shape[1]), axis=1) for r in rows)
        ]
    )
    known = values[np.isfinite(values)]
    if not known.size:
        return [f"{name}: no cell has a value"]
    span = f"{name}: {known.min():.4g} to {known.max():.4g} uS"
    text = _levels(small.ravel())
    width = small.shape[1]
    return [span, *("".join(text[k * width : (k + 1) * width]) for k in range(len(small)))]


def _levels(values: np.ndarray) -> list[str]:
    known = values[np.isfinite(values)]
    if not known.size:
        return [" "] * values.size
    low, high = float(known.min()), float(known.max())
    share = (values - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    steps = 1 + np.nan_to_num(share * (len(_STEPS) - 2), nan=-1.0).round().astype(int)
    return [_STEPS[k] for k in steps]
