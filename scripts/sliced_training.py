"""Train a small network on one to three slices, with three ways to share updates among them.

    python scripts/sliced_training.py                    # the table of docs/slices.md
    python scripts/sliced_training.py --seeds 2 --chip ta-hfo2

A regression (6 inputs, 16 and 3 units, tanh; 300 samples, 25 epochs of Adam at 0.03), judged on
100 other samples, on emulated chips. Each: every slice is asked for what those before it left.
Finest: the finest alone is trained, the others stay. Carried: what all hold is brought to them
anew every 25 updates. Nothing here has run on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

import memlab
from memlab.array.cost import board_cost
from memlab.mapping import TA_HFO2
from memlab.nn import Adam, layers
from memlab.settings import LinkConfig

CHIPS = ("ta-hfo2", "ta-hfo2-full")
WAYS: dict[str, dict[str, int | None]] = {
    "each": {},
    "finest": {"carry_every": 0},
    "finest, carried": {"carry_every": 25},
}
SLICES = (1, 2, 3)


def trial(chip: str, seed: int, slices: int, way: str) -> tuple[float, int, float]:
    """Return the test loss, the pulses, and seconds on the board as simulated."""
    rng = np.random.default_rng(3)
    x, plane = rng.normal(size=(400, 6)), rng.normal(size=(6, 3)) / 2
    y = np.tanh(x) @ plane
    own = {"slices": slices, **WAYS[way]}
    if way != "each":
        own["trained_slice"] = slices - 1
    with (
        memlab.open_array(f"emulator:?chip={chip}&seed={seed}") as array,
        tempfile.TemporaryDirectory() as directory,
    ):
        model = memlab.Model(
            [layers.Dense(16, "tanh"), layers.Dense(3)],
            array,
            6,
            mapping=TA_HFO2.model_copy(update=own),
            seed=seed,
        )
        run = model.fit(
            x[:300],
            y[:300],
            epochs=25,
            optimizer=Adam(0.03),
            test=(x[300:], y[300:]),
            out=Path(directory) / "run.h5",
            log="off",
            figure=False,
        )
        cost = board_cost(array, LinkConfig())
        pulses = array.counts.set + array.counts.reset
    return run.metrics["test_loss"], pulses, cost.seconds if cost else float("nan")


def main() -> int:
    """Train on all chips and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1")
    parser.add_argument("--chip", choices=CHIPS, action="append", help="by default both")
    options = parser.parse_args()
    print("| chip | slices | updates go to | test loss | pulses | time on the board |")
    print("|---|---|---|---|---|---|", flush=True)
    for chip in options.chip or CHIPS:
        for slices in SLICES:
            for way in WAYS if slices > 1 else ["each"]:
                found = [trial(chip, 1 + k, slices, way) for k in range(options.seeds)]
                losses, pulses, seconds = zip(*found, strict=True)
                print(
                    f"| `{chip}` | {slices} | {way if slices > 1 else 'it'} "
                    f"| {statistics.median(losses):.3f} ({min(losses):.3f} to {max(losses):.3f}) "
                    f"| {statistics.median(pulses):,} | {statistics.median(seconds):.1f} s |",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
