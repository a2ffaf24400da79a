"""Plans a sweep, runs what is missing, and merges the results.

Everything lies in one directory: `trials/HASH.h5`, one run file for each trial, `table.nc`,
`table.png`. A run file appears when its trial is finished, all at once; those that local processes
have begun lie in `unfinished` until then. So whatever is killed, running the same command again
goes on where it ended, in the middle of a trial too, and a larger sweep uses what a smaller one
has done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

from drivers import stopping
from drivers.known_names import unknown
from drivers.tokens import take_token
from memlab._version import __version__
from memlab.emulator import preset_rows
from memlab.errors import MemlabError, SettingError
from memlab.experiments.kind import load_experiment
from memlab.experiments.runner import BEFORE
from memlab.kinds import Kind
from memlab.runs import RunLock
from memlab.runs.trained import recorded_preset
from memlab.settings import setting_unit
from memlab.storage import DEFAULT_DIRECTORY, write_over
from memlab.sweep.grid import Grid, parse_settings
from memlab.sweep.processes import run_on_processes
from memlab.sweep.table import read_results, write_table
from memlab.sweep.trial import Outcome, Trial, remove_hidden

__all__ = ["Sweep", "SweepResult", "plan_sweep", "run_sweep"]


LARGEST = 100_000
"""Trials of a sweep: each is checked before the first one runs, and has a file of its own."""


@dataclass(frozen=True)
class Sweep:
    """A checked sweep: running it needs nothing more."""

    experiment: str
    preset: str
    board: str
    grid: Grid
    seeds: range
    trials: tuple[Trial, ...]
    directory: Path

    def file(self, trial: Trial) -> Path:
        """Return where the run file of a trial lies, or will lie."""
        return self.directory / "trials" / f"{trial.name}.h5"


@dataclass(frozen=True)
class SweepResult:
    """What a sweep left: files, how much was done now and before, and what failed."""

    table: Path
    figure: Path
    metric: str
    trials: int
    ran: int
    reused: int
    failed: tuple[tuple[Trial, str], ...]


def plan_sweep(
    experiment: str,
    *,
    preset: str | None = None,
    board: str = "emulator:",
    seeds: int = 10,
    first_seed: int = 1,
    epochs: int | None = None,
    settings: Sequence[str] = (),
    out: Path | None = None,
) -> Sweep:
    """Check every trial of a sweep before the first one runs; touches nothing.

    Parameters
    ----------
    experiment, preset, board, epochs
        As for `memlab train`; without a preset, it is that of the sweep that the directory holds
        already, else the experiment's default. A sweep runs trials side by side, so only boards
        that exist in any number can be swept: `emulator:` and `ideal:`.
    seeds, first_seed
        How many seeds, counted from which.
    settings
        See `parse_settings`; `log.level` is `off` unless it is given.
    out
        Directory; `memlab-runs/sweep-EXPERIMENT-PRESET` if None.

    Raises
    ------
    SettingError
        If anything in the request is wrong.
    """
    if seeds < 1:
        raise SettingError(f"--seeds {seeds}: a sweep needs at least one seed")
    board = take_token(board)
    if board.partition(":")[0] not in ("emulator", "ideal") or "state=" in board:
        raise SettingError(f"{board!r} is one board; a sweep runs side by side on emulator: only")
    kind = load_experiment(experiment)
    if preset is None:
        preset = _begun(experiment, out) or kind.default_preset()
    config = kind.make_config(preset)
    grid = parse_settings(settings, lambda key: setting_unit(config, key))
    quiet = () if any(s.startswith("log.level=") for s in settings) else ("log.level=off",)
    if len(grid) * seeds > LARGEST:
        raise SettingError(
            f"{len(grid)} settings x {seeds} seeds are too many trials; allowed: {LARGEST} in all"
        )
    numbers = range(first_seed, first_seed + seeds)
    trials = tuple(
        Trial.make(experiment, preset, board, seed, epochs, (*quiet, *chosen), (*index, k))
        for index, chosen in grid
        for k, seed in enumerate(numbers)
    )
    directory = out or _directory(experiment, preset)
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise SettingError(f"--out {directory} is a file; a sweep needs a directory")
    return Sweep(experiment, preset, board, grid, numbers, trials, directory)


def _begun(experiment: str, out: Path | None) -> str | None:
    """Return the preset of the sweep that goes on when none is named, or None for a new one."""
    default = load_experiment(experiment).default_preset()
    names = dict.fromkeys((default, BEFORE))
    for directory in [out] if out else [_directory(experiment, name) for name in names]:
        for trial in sorted(directory.glob("trials/*.h5")):
            try:
                return recorded_preset(trial) or BEFORE
            except SettingError:  # another trial may be readable; this one will run again
                continue
    return None


def _directory(experiment: str, preset: str) -> Path:
    return DEFAULT_DIRECTORY / f"sweep-{experiment}-{preset}"


@stopping.stopped_in_order()
def run_sweep(
    sweep: Sweep,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    metric: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SweepResult:
    """Run the trials that have no run file yet, then write table and figure of all.

    Parameters
    ----------
    sweep
        From `plan_sweep`.
    workers
        Local processes; one for each core if None.
    scheduler
        Address of a Dask scheduler to use instead.
    metric
        What the figure shows; what the experiment declares first if None.
    progress
        Told after every trial how many of all are done.

    Raises
    ------
    SettingError
        If no trial will have the metric; none has run.
    DataError
        If another program sweeps in its directory.
    """
    kind = load_experiment(sweep.experiment)
    if metric is not None and not metric.startswith("count_") and kind.quantities:
        known = [one.name for one in kind.all_quantities() if not one.dims]
        if metric not in known:
            raise SettingError(f"--metric: {unknown('metric', metric, known)}")
    trials = sweep.directory / "trials"
    try:
        trials.mkdir(parents=True, exist_ok=True)
        (sweep.directory / "unfinished").mkdir(exist_ok=True)
    except OSError as error:
        raise SettingError(f"cannot create {sweep.directory}: {error.strerror}") from error
    with RunLock(sweep.directory / ".lock", str(sweep.directory)):
        for half_written in (*trials.glob(".*.part"), *sweep.directory.glob(".*.part")):
            half_written.unlink()
        return _run_sweep(sweep, workers, scheduler, metric, progress)


def _run_sweep(
    sweep: Sweep,
    workers: int | None,
    scheduler: str | None,
    metric: str | None,
    progress: Callable[[int, int], None],
) -> SweepResult:
    """Do what `run_sweep` does; the directory is there, and nobody else's."""
    unfinished = sweep.directory / "unfinished"
    missing = [trial for trial in sweep.trials if read_results(sweep.file(trial)) is None]
    total, done = len(sweep.trials), len(sweep.trials) - len(missing)
    progress(done, total)
    failed: list[tuple[Trial, str]] = []
    # Closed at once when interrupted: it ends the processes, or cancels what a cluster has.
    with closing(_outcomes(missing, workers, scheduler, unfinished)) as outcomes:
        for outcome in outcomes:
            if outcome.content is None:
                failed.append((outcome.trial, outcome.error or "unknown"))
            else:
                _keep(sweep.file(outcome.trial), outcome.content)
            done += 1
            progress(done, total)
    remove_hidden(unfinished)
    with suppress(OSError):  # what failed is in it
        unfinished.rmdir()
    files = {trial.name: sweep.file(trial) for trial in sweep.trials}
    table = sweep.directory / "table.nc"
    columns, units = write_table(
        table,
        sweep.trials,
        files,
        sweep.grid.axes,
        sweep.seeds,
        {
            "title": f"sweep of {sweep.experiment}, preset {sweep.preset}",
            "experiment": sweep.experiment,
            "preset": sweep.preset,
            "board": sweep.board,
            "settings": list(sweep.grid.fixed),
            "program": f"memlab {__version__}",
        },
    )
    if not columns:
        trial, reason = failed[0]
        raise MemlabError(f"every trial failed; the first, seed {trial.seed}: {reason}")
    # Loaded here: the processes that run trials draw nothing.
    from memlab.figures.heading import heading_of, utc
    from memlab.figures.sweep import plot_sweep

    shown = _metric(columns, metric, load_experiment(sweep.experiment))
    figure = sweep.directory / "table.png"
    axes = [(_label(axis.key), axis.values) for axis in sweep.grid.axes]
    fixed = fill(", ".join(s for s in sweep.grid.fixed if not s.startswith("data.path=")), 64)
    title = f"{sweep.experiment}, preset {sweep.preset}" + (f"\n{fixed}" if fixed else "")
    heading = heading_of(title, sweep.board, f"{sweep.directory.name}/{table.name}", utc())
    plot_sweep(figure, columns[shown], axes, shown, heading, units[shown])
    ran = len(missing) - len(failed)
    return SweepResult(table, figure, shown, total, ran, total - len(missing), tuple(failed))


def _outcomes(
    trials: Sequence[Trial], workers: int | None, scheduler: str | None, unfinished: Path
) -> Generator[Outcome, None, None]:
    if not trials:
        return
    if scheduler is not None:
        from memlab.sweep.cluster import run_on_cluster

        yield from run_on_cluster(trials, scheduler)
    else:
        yield from run_on_processes(trials, workers or _cores(), unfinished)


def _cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _keep(path: Path, content: bytes) -> None:
    """Write a run file so that a kill leaves all of it or none."""
    write_over(path, lambda file: file.write(content))


def _label(key: str) -> str:
    """Return a setting with its unit, where it is a parameter of the chip."""
    units = {f"chip.{row.name}": row.unit for row in preset_rows("ideal") if row.unit}
    return f"{key} ({units[key]})" if key in units else key


def _metric(columns: Mapping[str, object], asked: str | None, kind: type[Kind]) -> str:
    if asked is not None:
        if asked not in columns:
            raise SettingError(f"--metric: {unknown('metric', asked, sorted(columns))}")
        return asked
    declared = [one.name for one in kind.quantities]
    return next(name for name in (*declared, *columns) if name in columns)
