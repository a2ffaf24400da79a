"""The results table of docs/results.md: run every row that is missing, and write the table.

    python scripts/results_table.py                        # everything, resumes where it ended
    python scripts/results_table.py --only mnist-cnn-wires # one row
    python scripts/results_table.py --check                # the page is what the results give

Each row is a sweep over seeds, with one run file per seed (`memlab sweep`), so that after a kill
only what is missing is run. What the table shows is kept in `results.json` beside this script:
`--check` needs no run file. Nothing here has run on silicon: all boards are emulated.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import h5py
from scipy.stats import t as student

import memlab
from memlab.experiments import EXPERIMENTS
from memlab.sweep import Sweep, plan_sweep, run_sweep

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
STORED = Path(__file__).with_name("results.json")
BEGIN, END = "<!-- results -->", "<!-- /results -->"
MANY = 20
"""Seeds from which on a mean and its interval say more than a range."""
SOFTWARE = "ideal:"
"""The same network and recipe in float64: weights are written, not pulsed, and exactly."""
NONE = "-"

NETWORKS = {
    "airline": "LSTM 15, 34 x 60 + 32 x 1 cells",
    "airline-window": "LSTM 4 on three months, 12 x 16 + 10 x 1 cells",
    "gait": "LSTM 14 on silhouettes of **a stand-in**, 128 x 56 + 28 x 8 cells",
    "mnist-cnn": "five-level CNN, 1,015 weights on 4,060 cells",
    "mnist-sequence": "ConvLSTM on three digits, 850 weights on 3,400 cells",
    "wafer": "LSTM 4 on 152 values in one step, folded, 5,044 cells",
    "series-ecg": "LSTM 8 on a heartbeat, ECG200, 34 x 32 + 18 x 2 cells",
    "series-vowels": "LSTM 12 on utterances, JapaneseVowels, 50 x 48 + 26 x 9 cells",
    "series-spoken-digits": "LSTM 16 on spoken digits, 66 x 64 + 34 x 10 cells",
}
"""By experiment, or by the row where an experiment has several."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    name
        As for `--only`.
    experiment, preset, settings
        As for `memlab train`; the settings say which chip it is.
    chip
        That chip in a few words.
    seeds
        How many, from 1.
    metric
        `test_rmse` in thousands of passengers, or an accuracy.
    published
        The number of the paper, and what it was measured on.
    at_most, at_least
        Bound of the median that the project has promised.
    """

    name: str
    experiment: str
    preset: str
    chip: str
    seeds: int
    metric: str
    published: str
    settings: tuple[str, ...] = ()
    at_most: float = float("inf")
    at_least: float = float("-inf")

    @property
    def command(self) -> str:
        """What a user types; `--seed N` is to be added."""
        settings = "".join(f" --set {setting}" for setting in self.settings)
        return f"memlab train {self.experiment} --preset {self.preset}{settings}"

    @property
    def effective_rate(self) -> tuple[str, ...]:
        """The settings with which software weights move as far as those of the preset's chip.

        Both cells of a pair make the whole change, of R_vg times the slope of the chip.
        """
        config = EXPERIMENTS[self.experiment].presets[self.preset]()
        step = 2 * config.chip.set_slope * config.mapping.volts_per_siemens
        rates = {"train.lr": config.train.lr, "train.lr_final": config.train.lr_final}
        return tuple(f"{key}={rate * step!r}" for key, rate in rates.items() if rate is not None)

    def sweeps(self, directory: Path) -> tuple[Sweep, Sweep]:
        """Return the sweep over seeds on the emulated chip, and that in software."""
        chip = plan_sweep(
            self.experiment,
            preset=self.preset,
            seeds=self.seeds,
            settings=self.settings,
            out=directory / self.name,
        )
        software = plan_sweep(
            self.experiment,
            preset=self.preset,
            board=SOFTWARE,
            seeds=self.seeds,
            settings=self.effective_rate,
            out=directory / f"{self.experiment}-{self.preset}-software",
        )
        return chip, software


ROWS = (
    Row(
        name="airline-paper",
        experiment="airline",
        preset="paper",
        chip="`ta-hfo2`",
        seeds=30,
        metric="test_rmse",
        published="published code: 64.1 (54.8 to 70.0)",
    ),
    Row(
        name="airline",
        experiment="airline",
        preset="memlab",
        chip="`ta-hfo2`",
        seeds=10,
        metric="test_rmse",
        published=NONE,
        at_most=0.75 * 48.5,
    ),
    Row(
        name="airline-window-paper",
        experiment="airline-window",
        preset="paper",
        chip="`ta-hfo2`",
        seeds=5,
        metric="test_rmse",
        published="52 in software; circuits 57 and 245",
    ),
    Row(
        name="airline-window",
        experiment="airline-window",
        preset="memlab",
        chip="`ta-hfo2`",
        seeds=5,
        metric="test_rmse",
        published=NONE,
    ),
    Row(
        name="gait-stand-in",
        experiment="gait",
        preset="memlab",
        chip="`ta-hfo2`, 5.6 uS",
        seeds=5,
        metric="test_accuracy",
        published="none on these people",
        at_least=0.849,
    ),
    Row(
        name="mnist-cnn-paper",
        experiment="mnist-cnn",
        preset="paper",
        chip="`pt-taox-ta`",
        seeds=5,
        metric="test_accuracy",
        published="92.1 % on the chip",
    ),
    Row(
        name="mnist-cnn-wires",
        experiment="mnist-cnn",
        preset="memlab",
        chip="`pt-taox-ta`, wires of 0.3 ohm",
        seeds=5,
        metric="test_accuracy",
        published="92.1 % on the chip",
        settings=("chip.wires.resistance=0.3",),
        at_least=0.921,
    ),
    Row(
        name="mnist-cnn-ideal",
        experiment="mnist-cnn",
        preset="memlab",
        chip="`ideal`",
        seeds=5,
        metric="test_accuracy",
        published="about 96 %, simulated without noise",
        settings=("chip=ideal",),
        at_least=0.955,
    ),
    Row(
        name="mnist-sequence-paper",
        experiment="mnist-sequence",
        preset="paper",
        chip="`pt-taox-ta`",
        seeds=5,
        metric="test_accuracy",
        published="96.4 % on the chip",
    ),
    Row(
        name="mnist-sequence",
        experiment="mnist-sequence",
        preset="memlab",
        chip="`pt-taox-ta`",
        seeds=5,
        metric="test_accuracy",
        published="96.4 % on the chip",
        at_least=0.964,
    ),
    Row(
        name="wafer",
        experiment="wafer",
        preset="paper",
        chip="`ta-hfo2`",
        seeds=5,
        metric="test_balanced_accuracy",
        published="above 95 % (not balanced), simulated",
        at_least=0.95,
    ),
    Row(
        name="series-ecg",
        experiment="series",
        preset="ecg",
        chip="`ta-hfo2`",
        seeds=5,
        metric="test_accuracy",
        published=NONE,
    ),
    Row(
        name="series-vowels",
        experiment="series",
        preset="vowels",
        chip="`ta-hfo2`",
        seeds=5,
        metric="test_accuracy",
        published=NONE,
    ),
    Row(
        name="series-spoken-digits",
        experiment="series",
        preset="spoken-digits",
        chip="`ta-hfo2`",
        seeds=5,
        metric="test_accuracy",
        published=NONE,
    ),
)


@dataclass(frozen=True)
class Result:
    """What the runs of a row gave, one number for each seed from 1.

    Parameters
    ----------
    command, program
        What was run, and by which version.
    chip, software
        The metric of the row.
    persistence
        RMSE of "as last month" on the same months; None where that means nothing.
    majority
        Accuracy of the class that is most frequent in training; None where it was not asked for.
    """

    command: str
    program: str
    chip: list[float] = field(default_factory=list)
    software: list[float] = field(default_factory=list)
    persistence: float | None = None
    majority: float | None = None


def main() -> int:
    """Run what is missing and rewrite the table, or check it; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, compare only")
    parser.add_argument(
        "--only", action="append", choices=[row.name for row in ROWS], help="this row; repeatable"
    )
    parser.add_argument("--workers", type=int, help="processes; one for each core by default")
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path("memlab-runs") / "results",
        help="directory of the run files, %(default)s by default",
    )
    arguments = parser.parse_args()
    try:
        rows = [row for row in ROWS if arguments.only is None or row.name in arguments.only]
        if not arguments.check:
            for row in rows:
                store(row.name, run_row(row, arguments.runs, arguments.workers))
            PAGE.write_text(with_table(PAGE.read_text("utf-8"), render(load())), "utf-8")
        complaints = check(PAGE.read_text("utf-8"), load(), rows)
    except (memlab.MemlabError, OSError) as error:
        complaints = [str(error)]
    except KeyboardInterrupt:
        print("results_table: interrupted; running it again goes on from here", file=sys.stderr)
        return 130
    for complaint in complaints:
        print(f"results_table: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def run_row(row: Row, directory: Path, workers: int | None) -> Result:
    """Run the seeds of a row that have no run file yet, and gather all."""
    sweeps = row.sweeps(directory)
    for sweep in sweeps:
        result = run_sweep(sweep, workers=workers, progress=progress_of(row.name, sweep.board))
        if result.failed:
            trial, reason = result.failed[0]
            raise memlab.MemlabError(f"{row.name}, seed {trial.seed} on {sweep.board}: {reason}")
    chip, software = sweeps
    persistence = majority = None
    if row.metric == "test_rmse":
        persistence = metric_of(chip, "persistence_test_rmse")[0]
    elif row.metric == "test_accuracy":
        majority = metric_of(chip, "majority_test_accuracy")[0]
    return Result(
        row.command,
        f"memlab {memlab.__version__}",
        metric_of(chip, row.metric),
        metric_of(software, row.metric),
        persistence,
        majority,
    )


def progress_of(name: str, board: str) -> Callable[[int, int], None]:
    """Return what tells how far a sweep is, on stderr."""
    return lambda done, total: print(f"{name} on {board} {done}/{total}", file=sys.stderr)


def metric_of(sweep: Sweep, metric: str) -> list[float]:
    """Return a metric of every seed of a sweep, from the run files."""
    values = []
    for trial in sweep.trials:
        with h5py.File(sweep.file(trial), "r") as file:
            values.append(float(file["entry"].attrs[f"metrics.{metric}"]))
    return values


def load() -> dict[str, Result]:
    """Return the stored results by row; empty before the first run."""
    if not STORED.exists():
        return {}
    return {name: Result(**value) for name, value in json.loads(STORED.read_text()).items()}


def store(name: str, result: Result) -> None:
    """Replace the stored result of one row."""
    results = {**load(), name: result}
    ordered = {row.name: asdict(results[row.name]) for row in ROWS if row.name in results}
    STORED.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")


def render(results: dict[str, Result]) -> str:
    """Return the table as Markdown, one line for each row that has results."""
    lines = [
        "| `memlab train` | network | emulated chip | test result | published | software |",
        "|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        if row.name not in results:
            continue
        result = results[row.name]
        test = f"{spread(result.chip, row.metric)}, {len(result.chip)} seeds"
        if result.persistence is not None:
            test += f"; persistence {result.persistence:.1f}"
        if result.majority is not None:
            test += f"; the majority's class {100 * result.majority:.1f} %"
        cells = (
            f"`{row.command.removeprefix('memlab train ')}`",
            NETWORKS.get(row.name) or NETWORKS[row.experiment],
            row.chip,
            test,
            row.published,
            spread(result.software, row.metric),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: Sequence[float], metric: str) -> str:
    """Return median and range of a metric in its unit; of many seeds mean, spread and interval."""
    numbers = statistics.median(values), min(values), max(values)
    if metric == "test_rmse" and len(values) >= MANY:
        mean, deviation = statistics.mean(values), statistics.stdev(values)
        half = float(student.ppf(0.975, len(values) - 1)) * deviation / len(values) ** 0.5
        return (
            f"RMSE mean {mean:.1f} (95 % interval {mean - half:.1f} to {mean + half:.1f}), "
            f"standard deviation {deviation:.1f}, range {min(values):.1f} to {max(values):.1f}"
        )
    if metric == "test_rmse":
        return "RMSE {:.1f} ({:.1f} to {:.1f})".format(*numbers)
    what = "balanced " if "balanced" in metric else ""
    return what + "{:.1f} % ({:.1f} to {:.1f})".format(*(100 * number for number in numbers))


def with_table(readme: str, table: str) -> str:
    """Return the page with the text between the markers replaced by a table."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise memlab.MemlabError(f"{PAGE} has no lines {BEGIN} and {END} to write between")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def check(readme: str, results: dict[str, Result], rows: Sequence[Row] = ROWS) -> list[str]:
    """Return what is wrong: rows not run, medians out of bounds, another table in the page."""
    complaints = []
    for row in rows:
        result = results.get(row.name)
        if result is None:
            complaints.append(f"{row.name} has not been run: --only {row.name}")
        elif result.command != row.command or len(result.chip) != row.seeds:
            complaints.append(f"{row.name} was run with other settings: --only {row.name}")
        elif not row.at_least <= statistics.median(result.chip) <= row.at_most:
            complaints.append(
                f"{row.name}: the median {statistics.median(result.chip):g} is not within "
                f"{row.at_least:g} to {row.at_most:g}"
            )
    if with_table(readme, render(results)) != readme:
        complaints.append(f"the table in {PAGE.name} is not what {STORED.name} gives")
    return complaints


if __name__ == "__main__":
    sys.exit(main())
