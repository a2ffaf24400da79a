"""What costs accuracy in forward-only and sign-threshold training: errors, pulses or their noise.

    python scripts/rule_ablation.py            # what is missing, and the table
    python scripts/rule_ablation.py --table    # from what is stored

Small dense networks on MNIST digits of 8 x 8 pixels, trained in situ on emulated chips `ta-hfo2`
for three epochs. Errors and pulses are exchanged one by one, and the noise of pulses is switched
off. Learning rates and steps were chosen on seeds 101 and 102. Needs MNIST (`memlab data fetch`).
Nothing here has run on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from stored_trials import add, load

import memlab
from memlab.datasets.mnist import load_mnist_8x8
from memlab.mapping import TA_HFO2
from memlab.nn import SGD, Adam, Credit, Optimizer, layers
from memlab.rules import RuleSettings
from memlab.rules.forward_only import ForwardOnly
from memlab.rules.local_losses import LocalLosses
from memlab.rules.one_shot import OneShot
from memlab.rules.sign_threshold import SignThreshold

PAGE = Path(__file__).parents[1] / "docs" / "update-rules.md"
STORED = Path(__file__).with_name("rule_ablation.json")
BEGIN, END = "<!-- ablation -->", "<!-- /ablation -->"
SEEDS, EPOCHS, BATCH, TEST = 5, 3, 20, 1000
MAPPING = TA_HFO2.model_copy(update={"siemens_per_weight": 1e-4})
SPREAD = 0.07
"""Of first gate voltages, in V: as far as 4 uS of noise spread first weights. Without either all
units of a layer would stay alike."""


class LocalOneShot(OneShot):
    """The two pulses of `one-shot`, with the losses of `forward-only`."""

    def credit(self, rng: np.random.Generator) -> Credit | None:
        """Return the losses of the layers' own."""
        return LocalLosses(rng)


@dataclass(frozen=True)
class Task:
    """Digits below `classes`, and the units of hidden layers."""

    title: str
    classes: int
    units: tuple[int, ...]
    train: int


TASKS = (
    Task("four digits, 64-24-4", 4, (24,), 2000),
    Task("ten digits, 64-32-16-10", 10, (32, 16), 4000),
)


@dataclass(frozen=True)
class Row:
    """A rule in words, its settings, the learning rate on each task, and the noise of pulses (S).

    Sign-threshold only looks at the sizes of changes relative to each other: plain gradients, and
    a rate that does not matter.
    """

    title: str
    rule: RuleSettings
    rates: tuple[float, float]
    noise: float = 4e-6

    def optimizer(self, task: Task) -> Optimizer:
        """Return a new one."""
        kind = SGD if isinstance(self.rule, SignThreshold) else Adam
        return kind(self.rates[TASKS.index(task)])


SIGN = SignThreshold(step=0.02)
ROWS = (
    Row("back-propagated errors, two pulses (`one-shot`)", OneShot(), (0.01, 0.005)),
    Row(
        "back-propagated errors, graded RESETs (`update.local=false`)",
        ForwardOnly(local=False),
        (0.03, 0.01),
    ),
    Row("errors of the layers' own, two pulses", LocalOneShot(), (0.01, 0.01)),
    Row("errors of the layers' own, graded RESETs (`forward-only`)", ForwardOnly(), (0.05, 0.02)),
    Row("`sign-threshold`, `update.step=0.02`", SIGN, (0.1, 0.1)),
    Row("the same, pulses without noise", SIGN, (0.1, 0.1), 0.0),
    Row("`one-shot`, pulses without noise", OneShot(), (0.01, 0.005), 0.0),
)


def trial(task: Task, row: Row, seed: int) -> dict[str, Any]:
    """Train once."""
    mnist = load_mnist_8x8()
    parts: list[Any] = []
    for images, digits, count in (
        (mnist.x_train, mnist.y_train, task.train),
        (mnist.x_test, mnist.y_test, TEST),
    ):
        kept = np.flatnonzero(digits < task.classes)[:count]
        flat = np.asarray(images)[kept].reshape(kept.size, -1) / mnist.x_train.max()
        parts += [flat, digits[kept].astype(int)]
    x, y, x_test, y_test = parts
    description = [*(layers.Dense(u, "tanh") for u in task.units), layers.Dense(task.classes)]
    url = f"emulator:?chip=ta-hfo2&seed={seed}&noise={row.noise}"
    with memlab.open_array(url) as array, TemporaryDirectory() as directory:
        mapping = MAPPING.model_copy(update={"gate_spread": 0.0 if row.noise else SPREAD})
        model = memlab.Model(description, array, 64, update=row.rule, seed=seed, mapping=mapping)
        run = model.fit(
            x,
            y,
            epochs=EPOCHS,
            batch=BATCH,
            optimizer=row.optimizer(task),
            test=(x_test, y_test),
            out=Path(directory) / "run.h5",
            log="off",
            figure=False,
        )
        pulses = array.counts.set + array.counts.reset
        accuracy = run.metrics["test_accuracy"]
    return {"task": task.title, "row": row.title, "seed": seed} | {
        "accuracy": accuracy,
        "pulses": pulses,
    }


def collect(tasks: Sequence[Task], seeds: Sequence[int]) -> None:
    """Run what is missing, and store each trial as soon as it is done."""
    done = {(one["task"], one["row"], one["seed"]) for one in load(STORED, [])}
    for seed in seeds:
        for task in tasks:
            for row in ROWS:
                if (task.title, row.title, seed) not in done:
                    found = trial(task, row, seed)
                    add(STORED, found)
                    print(found, flush=True)


def table(trials: Sequence[dict[str, Any]]) -> str:
    """Return medians and ranges of the accuracy, and medians of the pulses."""
    heads = " | ".join(f"{task.title} (%) | n | pulses (1000)" for task in TASKS)
    lines = [f"| errors and pulses | {heads} |", "|---" * (1 + 3 * len(TASKS)) + "|"]
    for row in ROWS:
        cells: list[str] = []
        for task in TASKS:
            of = [t for t in trials if (t["task"], t["row"]) == (task.title, row.title)]
            v = [100 * one["accuracy"] for one in of]
            cells.append(f"{statistics.median(v):.1f} ({min(v):.1f} to {max(v):.1f})")
            cells.append(str(len(of)))
            cells.append(f"{statistics.median(one['pulses'] for one in of) / 1000:.0f}")
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 1")
    parser.add_argument("--task", type=int, choices=range(len(TASKS)), help="by default all")
    parser.add_argument("--table", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    if not options.table:
        tasks = TASKS if options.task is None else TASKS[options.task :][:1]
        collect(tasks, range(1, options.seeds + 1))
    text = table(load(STORED, []))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
