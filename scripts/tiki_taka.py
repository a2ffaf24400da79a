"""Plain descent by single pulses against Tiki-Taka, on cells that step up and down unevenly.

    python scripts/tiki_taka.py            # what is missing, and the table
    python scripts/tiki_taka.py --table    # from what is stored

A linear layer of three inputs and two outputs learns, on an emulated chip `passive-tiox`, what a
teacher with weights of +1 and -1 makes of random inputs, with noise on the targets. The table has
the rms miss of the weights, read back after every update, over the last third of the training.
The defaults of Tiki-Taka were chosen on cells of the same law without spread that ask for larger
changes, and the other `update.transfer` on seeds 101 and 102 of the first chip. Nothing here has
run on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from stored_trials import add, load

import memlab
from memlab.mapping import TA_HFO2
from memlab.nn import SGD, Network, layers
from memlab.rules import RuleSettings
from memlab.rules.increments import Increments
from memlab.rules.tiki_taka import TikiTaka
from memlab.training import Observer, UpdateResult

PAGE = Path(__file__).parents[1] / "docs" / "update-rules.md"
STORED = Path(__file__).with_name("tiki_taka.json")
BEGIN, END = "<!-- tiki-taka -->", "<!-- /tiki-taka -->"
SEEDS, UPDATES, BATCH, INPUTS, OUTPUTS, NOISE = 5, 210, 8, 3, 2, 2.0
MAPPING = TA_HFO2.model_copy(update={"siemens_per_weight": 4e-5})
CHIP = "passive-tiox&shape=12x4"

CHIPS = {
    "thresholds spread by 5 %": f"{CHIP}&spread.threshold=0.05",
    "by 26 %, as published": CHIP,
}
RULES: dict[str, RuleSettings] = {
    "`increments`": Increments(),
    "`tiki-taka`": TikiTaka(),
    "`tiki-taka`, `update.transfer=0.06`": TikiTaka(transfer=0.06),
}


class _Missed(Observer):
    """Hears how far the weights are from the teacher's after each update."""

    def __init__(self, teacher: np.ndarray[Any, Any]):
        self._teacher = teacher
        self.squares: list[float] = []

    def updated(self, result: UpdateResult, network: Network) -> None:
        """Look at the weights that were read back."""
        missed = network.matrices[0].weight - self._teacher
        self.squares.append(float(np.mean(missed**2)))


def trial(chip: str, rule: str, seed: int) -> dict[str, Any]:
    """Train once."""
    rng = np.random.default_rng([seed, 77])
    teacher = rng.choice([-1.0, 1.0], (INPUTS, OUTPUTS))
    x = rng.standard_normal((UPDATES * BATCH, INPUTS))
    y = x @ teacher + NOISE * rng.standard_normal((len(x), OUTPUTS))
    watch = _Missed(teacher)
    url = f"emulator:?seed={seed}&chip={CHIPS[chip]}"
    with memlab.open_array(url) as array, TemporaryDirectory() as directory:
        description = [layers.Dense(OUTPUTS, bias=None)]
        model = memlab.Model(
            description, array, INPUTS, update=RULES[rule], seed=seed, mapping=MAPPING
        )
        model.fit(
            x,
            y,
            epochs=1,
            batch=BATCH,
            optimizer=SGD(0.04),
            observers=[watch],
            out=Path(directory) / "run.h5",
            log="off",
            figure=False,
        )
        pulses = array.counts.set + array.counts.reset
    missed = float(np.mean(watch.squares[-UPDATES // 3 :]) ** 0.5)
    return {"chip": chip, "rule": rule, "seed": seed, "missed": missed, "pulses": pulses}


def collect(seeds: Sequence[int]) -> None:
    """Run what is missing, and store each trial as soon as it is done."""
    done = {(one["chip"], one["rule"], one["seed"]) for one in load(STORED, [])}
    for seed in seeds:
        for chip in CHIPS:
            for rule in RULES:
                if (chip, rule, seed) not in done:
                    found = trial(chip, rule, seed)
                    add(STORED, found)
                    print(found, flush=True)


def table(trials: Sequence[dict[str, Any]]) -> str:
    """Return medians and ranges of the miss, and medians of the pulses."""
    heads = " | ".join(f"{chip}: rms miss of a weight | n | pulses (1000)" for chip in CHIPS)
    lines = [f"| rule | {heads} |", "|---" * (1 + 3 * len(CHIPS)) + "|"]
    for rule in RULES:
        cells: list[str] = []
        for chip in CHIPS:
            of = [one for one in trials if (one["chip"], one["rule"]) == (chip, rule)]
            missed = [one["missed"] for one in of]
            cells.append(
                f"{statistics.median(missed):.2f} ({min(missed):.2f} to {max(missed):.2f})"
            )
            cells.append(str(len(of)))
            cells.append(f"{statistics.median(one['pulses'] for one in of) / 1000:.1f}")
        lines.append(f"| {rule} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Run what is missing and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 1")
    parser.add_argument("--table", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    if not options.table:
        collect(range(1, options.seeds + 1))
    text = table(load(STORED, []))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
