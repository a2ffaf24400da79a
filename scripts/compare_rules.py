"""The table of update rules: accuracy, pulses, energy, time on the board and wear, over seeds.

    python scripts/compare_rules.py                             # what is missing, and the page
    python scripts/compare_rules.py --only mnist-cnn --rule one-shot --seeds 2
    python scripts/compare_rules.py --short                     # on fewer samples: minutes
    python scripts/compare_rules.py --table                     # write the page from what is stored

Each trial is a run of `memlab train`; what the table shows is kept beside this script, in
`update_rules.json`, trial by trial, so that after a kill only what is missing is run. The tables
have medians and ranges over all seeds, of rows with at least five; those on fewer samples are shown
while a full one lacks rows. Nothing here has run on silicon: all boards are emulated.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from stored_trials import load, store

import memlab
from drivers.board import PulseBatch
from memlab.experiments import make_plan, run
from memlab.nn import Network
from memlab.rules import rule_names as all_rules
from memlab.training import Observer

PAGE = Path(__file__).parents[1] / "docs" / "update-rules.md"
STORED = Path(__file__).with_name("update_rules.json")
BEGIN, END = "<!-- table -->", "<!-- /table -->"
SEEDS = 5
OTHER_CELLS = ("increments", "tiki-taka")
"""Rules that the chip of these presets refuses, for its cells have gates: `tiki_taka.py`."""


@dataclass(frozen=True)
class Task:
    """What every rule is trained on.

    Parameters
    ----------
    name, preset, settings
        As for `memlab train`.
    variants
        For some rules, what else is set: a row for each.
    """

    name: str
    preset: str
    settings: tuple[str, ...]
    variants: Mapping[str, Sequence[tuple[str, ...]]]

    def rows(self, rules: Sequence[str]) -> list[Row]:
        """Return the rows of some rules."""
        return [Row(self, rule, more) for rule in rules for more in self.variants.get(rule, ((),))]


@dataclass(frozen=True)
class Row:
    """A line of a table: a rule on a task, and what else is set for it."""

    task: Task
    rule: str
    more: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """All that is set."""
        return (*self.task.settings, f"update.rule={self.rule}", *self.more)

    @property
    def command(self) -> str:
        """What a user types; `--seed N` is to be added."""
        settings = " ".join(f"--set {one}" for one in self.settings)
        return f"memlab train {self.task.name} --preset {self.task.preset} {settings}"


def rule_names() -> list[str]:
    """Return the rules of the table."""
    return [name for name in all_rules() if name not in OTHER_CELLS]


VARIANTS = {"forward-only": (("train.lr=0.02",), ("train.lr=0.02", "update.local=false"))}
"""By `forward-only` a weight moves by what was asked, by the other rules by 5.45 times as much."""

SHORT = (
    Task(
        "mnist-cnn",
        "memlab",
        ("data.train=10000", "data.test=2000", "train.epochs=1"),
        VARIANTS,
    ),
    Task("mnist-sequence", "memlab", ("data.train=3000", "train.epochs=1"), VARIANTS),
)
FULL = tuple(Task(one.name, one.preset, (), one.variants) for one in SHORT)
"""As long as published: 1,200 and 240 updates."""


@dataclass(frozen=True)
class Column:
    """A column of the table: its head, what is found in a trial, and how it is written."""

    head: str
    key: str
    form: str
    factor: float = 1.0


COLUMNS = (
    Column("test accuracy (%)", "accuracy", ".1f", 100.0),
    Column("pulses (1000)", "pulses", ".1f", 1e-3),
    Column("energy of pulses (uJ)", "pulse_energy", ".1f", 1e6),
    Column("energy in all (mJ)", "energy", ".1f", 1e3),
    Column("on the board (s)", "seconds", ".0f"),
    Column("pulses of the most used cell", "wear", ".0f"),
)


class _Wear(Observer):
    """Counts the pulses of each cell of the one board of a run; listens from the start on."""

    def __init__(self) -> None:
        self._pulses = np.zeros(0)

    def started(self, network: Network) -> None:
        """Listen to the board."""
        board = network.blocks[0].array.board
        able, pulse = board.capabilities, board.pulse
        self._pulses = np.zeros((able.rows, able.columns), np.int64)

        def heard(batch: PulseBatch, ticket: str = "") -> Any:
            np.add.at(self._pulses, batch.row, batch.columns)
            return pulse(batch, ticket)

        board.pulse = heard  # type: ignore[method-assign]

    def most(self) -> int:
        """Return how often the most used cell was pulsed, its first RESET and SET with it."""
        return int(self._pulses.max()) + 2


def trial(row: Row, seed: int) -> dict[str, Any]:
    """Train once, and return what the table needs of it."""
    wear = _Wear()
    with TemporaryDirectory() as directory:
        plan = make_plan(
            row.task.name,
            preset=row.task.preset,
            seed=seed,
            settings=["log.level=off", *row.settings],
            out=Path(directory) / "run.h5",
        )
        document = run(plan, [wear], figure=False)
    counts, board = document["counts"], document["on_board"]
    return {
        "seed": seed,
        "accuracy": document["metrics"]["test_accuracy"],
        "pulses": counts["set"] + counts["reset"],
        "pulse_energy": board["set_energy"] + board["reset_energy"],
        "energy": board["energy"],
        "seconds": board["seconds"],
        "wear": wear.most(),
    }


def collect(tasks: Sequence[Task], rules: Sequence[str], seeds: Sequence[int]) -> None:
    """Run what is missing, seed by seed, and store each trial as soon as it is done."""
    for seed in seeds:
        for task in tasks:
            for row in task.rows(rules):
                stored = load(STORED, {})
                trials = stored.setdefault(row.command, [])
                if seed in [one["seed"] for one in trials]:
                    continue
                found = trial(row, seed) | {"program": f"memlab {memlab.__version__}"}
                trials.append(found)
                store(STORED, stored)
                print(f"{row.command} --seed {seed}: {found['accuracy']:.4f}", flush=True)


def cell(values: Sequence[float], column: Column) -> str:
    """Return median and range."""
    middle, low, high = (
        format(column.factor * one, column.form)
        for one in (statistics.median(values), min(values), max(values))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def _finished(stored: dict[str, Any], task: Task) -> list[tuple[Row, list[dict[str, Any]]]]:
    """Return the rows of a task that have enough trials, with these."""
    found = [(row, stored.get(row.command, [])) for row in task.rows(rule_names())]
    return [(row, trials) for row, trials in found if len(trials) >= SEEDS]


def _complete(stored: dict[str, Any], task: Task) -> bool:
    return len(_finished(stored, task)) == len(task.rows(rule_names()))


def table(stored: dict[str, Any], tasks: Sequence[Task] = (*FULL, *SHORT)) -> str:
    """Return the tables of all tasks, with the command of each."""
    lines: list[str] = []
    for task in tasks:
        found = _finished(stored, task)
        if not found or (task in SHORT and _complete(stored, FULL[SHORT.index(task)])):
            continue
        lines += [f"`memlab train {task.name} --preset {task.preset}"]
        lines[-1] += "".join(f" --set {one}" for one in task.settings)
        lines[-1] += " --set update.rule=RULE`, emulated chip of the preset:"
        lines += ["", f"| rule | n | {' | '.join(one.head for one in COLUMNS)} |"]
        lines += ["|---" * (2 + len(COLUMNS)) + "|"]
        for row, trials in found:
            cells = [cell([one[column.key] for one in trials], column) for column in COLUMNS]
            more = "".join(f", `{one}`" for one in row.more)
            lines.append(f"| `{row.rule}`{more} | {len(trials)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def write(page: Path, text: str) -> None:
    """Put the table between its marks on the page."""
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description="Compare update rules.")
    parser.add_argument("--only", action="append", help="Experiment; by default all.")
    parser.add_argument("--rule", action="append", help="Update rule; by default all.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="How many, from 1.")
    parser.add_argument("--short", action="store_true", help="On fewer samples, one epoch.")
    parser.add_argument("--table", action="store_true", help="Run nothing, write the page.")
    given = parser.parse_args()
    if not given.table:
        chosen = SHORT if given.short else FULL
        tasks = [task for task in chosen if given.only is None or task.name in given.only]
        collect(tasks, given.rule or rule_names(), range(1, given.seeds + 1))
    text = table(load(STORED, {}))
    write(PAGE, text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
