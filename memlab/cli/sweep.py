"""`memlab sweep`: many runs of one experiment."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rich_click as click

from memlab.cli.experiment_options import data_setting
from memlab.cli.kind_names import KindCommand, KindName
from memlab.cli.options import SEED, json_option, quiet_option
from memlab.cli.setting_options import setting_options
from memlab.cli.streams import show_document
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
@click.option("--first-seed", type=SEED, default=1, show_default=True, help="Where to start.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Data file or directory.  [default: $MEMLAB_DATA, else ~/.local/share/memlab]",
)
@click.option("--board", default="emulator:", show_default=True, metavar="URL", help="Board.")
@click.option(
    "--preset",
    help="Recipe: paper, the published one, or memlab, ours.  [default: memlab, where it is]",
)
@click.option("--epochs", type=click.IntRange(min=0), help="Passes over the training data.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory of run files, table and figure.  [default: memlab-runs/sweep-NAME-PRESET]",
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes.  [default: one per core]")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Dask scheduler to use instead, tcp://host:8786."
)
@click.option("--metric", help="What the figure shows.  [default: what it is judged by]")
@json_option
@quiet_option
def sweep(
    name: str,
    settings: tuple[str, ...],
    seeds: int,
    first_seed: int,
    data: Path | None,
    board: str,
    preset: str | None,
    epochs: int | None,
    out: Path | None,
    workers: int | None,
    scheduler: str | None,
    metric: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run an experiment for every combination of settings and seeds.

    One run file for each trial, named by a hash of its configuration and seed: after a kill, or
    with more seeds, the same command does only what is missing. Results: table.nc, which xarray
    reads, and table.png. Nothing is logged of a trial but its results, unless --set log.level.
    """
    if data is not None:
        # A worker may stand in another directory.
        settings = (data_setting(name, data.absolute()), *settings)
    planned = plan_sweep(
        name,
        preset=preset,
        board=board,
        seeds=seeds,
        first_seed=first_seed,
        epochs=epochs,
        settings=settings,
        out=out,
    )
    start = time.perf_counter()
    result = run_sweep(
        planned,
        workers=workers,
        scheduler=scheduler,
        metric=metric,
        progress=_Progress(quiet=quiet),
    )
    if as_json:
        show_document(_document(planned, result, time.perf_counter() - start))
    else:
        click.echo(f"{result.ran} trials run, {result.reused} found")
        click.echo(f"table   {result.table}\npicture {result.figure}")
    if result.failed:
        trial, reason = result.failed[0]
        raise MemlabError(
            f"{len(result.failed)} of {result.trials} trials failed, the rest is in the table; "
            f"the first, {' '.join(trial.settings)} seed={trial.seed}: {reason}"
        )


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
