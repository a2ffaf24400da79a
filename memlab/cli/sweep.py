"""`memlab sweep`: many runs of one experiment."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli import options
from memlab.cli.experiment_options import data_setting
from memlab.cli.kind_names import KindCommand, KindName
from memlab.cli.setting_options import setting_options
from memlab.cli.streams import tell
from memlab.errors import MemlabError
from memlab.kinds import Family
from memlab.sweep import Sweep, SweepResult, plan_sweep, run_sweep

__all__ = ["sweep"]

SWEPT = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUES",
    help="chip.noise=0:20e-6:11 varies a setting, 11 values with both ends; first:last:count:log "
    "in equal ratios; a,b,c a list; key=value changes all trials. Repeatable.",
)


@click.command(cls=KindCommand, families=(Family.EXPERIMENT,))
@click.argument("name", metavar="NAME", type=KindName(Family.EXPERIMENT))
@setting_options(SWEPT)
@click.option(
    "--seeds", type=click.IntRange(min=1), default=10, show_default=True, help="How many seeds."
)
@click.option(
    "--first-seed", type=options.SEED, default=1, show_default=True, help="Where to start."
)
@options.data_option
@click.option("--board", default="emulator:", show_default=True, metavar="URL", help="Board.")
@options.preset_option
@options.epochs_option
@options.out_option(
    "Directory of run files, table and figure.  [default: memlab-runs/sweep-NAME-PRESET]",
    click.Path(path_type=Path),
    "DIR",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one per core]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler to use instead, tcp://host:8786."
)
@click.option("--metric", help="What the figure shows.  [default: what it is judged by]")
@options.json_option
@options.quiet_option
def sweep(
    name: str,
    settings: tuple[str, ...],
    data: Path | None,
    workers: int | None,
    scheduler: str | None,
    metric: str | None,
    as_json: bool,
    quiet: bool,
    **wanted: Any,
) -> None:
    """Run an experiment for every combination of settings and seeds.

    One run file for each trial, named by a hash of its configuration and seed: after a kill, or
    with more seeds, the same command does only what is missing. Results: table.nc, which xarray
    reads, and table.png. Nothing is logged of a trial but its results, unless --set log.level.
    """
    if data is not None:
        # A worker may stand in another directory.
        settings = (data_setting(name, data.absolute()), *settings)
    planned = plan_sweep(name, settings=settings, **wanted)
    start = time.perf_counter()
    result = run_sweep(
        planned,
        workers=workers,
        scheduler=scheduler,
        metric=metric,
        progress=_Progress(quiet=quiet),
    )
    tell(_document(planned, result, time.perf_counter() - start), as_json, _words)
    if result.failed:
        trial, reason = result.failed[0]
        raise MemlabError(
            f"{len(result.failed)} of {result.trials} trials failed, the rest is in the table; "
            f"the first, {' '.join(trial.settings)} seed={trial.seed}: {reason}"
        )


def _words(document: dict[str, Any]) -> list[str]:
    return [
        f"{document['ran']} trials run, {document['reused']} found",
        f"table   {document['table']}",
        f"picture {document['figure']}",
    ]


class _Progress:
    """Says how many trials are done, at most once a second, on stderr."""

    def __init__(self, *, quiet: bool):
        self._quiet = quiet
        self._start: float | None = None
        self._first = 0
        self._last = float("-inf")

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._start is None:
            self._start, self._first = now, done
        if self._quiet or (now - self._last < 1.0 and done < total):
            return
        self._last = now
        ran = done - self._first
        left = (now - self._start) / ran * (total - done) if ran else float("nan")
        ending = f"  {left:.0f} s left" if ran and done < total else ""
        print(f"trial {done}/{total}{ending}", file=sys.stderr, flush=True)


def _document(planned: Sweep, result: SweepResult, seconds: float) -> dict[str, object]:
    return {
        "experiment": planned.experiment,
        "preset": planned.preset,
        "board": planned.board,
        "directory": str(planned.directory),
        "table": str(result.table),
        "figure": str(result.figure),
        "metric": result.metric,
        "trials": result.trials,
        "ran": result.ran,
        "reused": result.reused,
        "failed": [{"trial": trial.name, "reason": reason} for trial, reason in result.failed],
        "seconds": seconds,
    }
