"""Read a network months after it was written, with and without scaling of what it reads.

    python scripts/read_scaling.py                    # the table of docs/results.md
    python scripts/read_scaling.py --seeds 2

An LSTM of 20 units reads MNIST digits of 8 x 8 pixels row by row; trained in software on 4,000 of
them, its weights are written to emulated chips by write-and-verify and judged on 1,000 others, at
once and after some simulated time, on products as they are and on products scaled by what known
vectors have lost (Joshi et al., Nature Communications 11, 2473 (2020)). On one chip all cells fade
(time constant 1e6 s, stretched by 0.5: the numbers of the preset worst-case, which are assumed),
on the other each cell relaxes on its own. Needs MNIST (`memlab data fetch`). Nothing here has run
on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

import memlab
from memlab.datasets.mnist import load_mnist_8x8
from memlab.mapping import ReadScale, write_weights
from memlab.nn import Adam, build, layers

CHIPS = {
    "`ta-hfo2` that fades": "chip=ta-hfo2&drift.retention=1e6",
    "`ta-hfo2-full`, relaxation": "chip=ta-hfo2-full",
}
AGES = (0.0, 1e4, 1e5, 1e6, 3e6)
LAYERS = [layers.LSTM(20), layers.LastStep(), layers.Dense(10)]


def trial(seed: int) -> dict[str, tuple[list[float], list[float]]]:
    """Return accuracies (%) at each age by chip: as they are, and scaled."""
    mnist = load_mnist_8x8()
    images = np.asarray(mnist.x_train[:4000], float) / 255.0
    new = np.asarray(mnist.x_test[:1000], float) / 255.0
    digits, new_digits = mnist.y_train[:4000], mnist.y_test[:1000]
    with memlab.open_array("ideal:") as array, tempfile.TemporaryDirectory() as directory:
        model = memlab.Model(LAYERS, array, 8, seed=seed)
        model.fit(
            images,
            digits,
            epochs=8,
            batch=50,
            optimizer=Adam(0.01),
            log="off",
            out=Path(directory) / "run.h5",
            figure=False,
        )
        weights = [matrix.weight.copy() for matrix in model.network.matrices]
    found = {}
    for name, chip in CHIPS.items():
        with memlab.open_array(f"emulator:?{chip}&seed={seed}") as array:
            network = build(LAYERS, 8, array)
            write_weights(network.matrices, weights, [array])
            network.read_back()
            scale, past = ReadScale(network.matrices), 0.0
            plain, scaled = [], []
            for age in AGES:
                array.simulation.advance(age - past)
                past = age
                scale.forget()
                for accuracies in (plain, scaled):
                    made = network.forward(new.swapaxes(0, 1))[-1].argmax(axis=-1)
                    accuracies.append(100 * float(np.mean(made == new_digits)))
                    scale.measure()
            found[name] = plain, scaled
    return found


def shown(values: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> int:
    """Run all seeds and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1")
    options = parser.parse_args()
    trials = [trial(1 + k) for k in range(options.seeds)]
    heads = " | ".join(f"{age:g} s" for age in AGES)
    print(f"| chip; accuracy (%), {options.seeds} seeds | products | {heads} |")
    print("|---|---" + "|---" * len(AGES) + "|")
    for name in CHIPS:
        for k, way in enumerate(("as they are", "scaled")):
            ages = zip(*(one[name][k] for one in trials), strict=True)
            print(f"| {name} | {way} | {' | '.join(shown(list(one)) for one in ages)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
