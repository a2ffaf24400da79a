"""Train in situ, layer by layer and ex situ, on chips with more and more stuck cells.

    python scripts/stuck_cells.py                    # what is missing, the table, and the picture
    python scripts/stuck_cells.py --seeds 2 --share 0.1
    python scripts/stuck_cells.py --table            # from what is stored

A network of three dense layers (64, 32, 16, 10 units) is trained in software on 4,000 MNIST digits
of 8 x 8 pixels, its weights held within -1 and 1. Then, on emulated chips `pt-taox-ta` that differ
in their cells that are dead (0 S) or on (1 mS), and judged on 1,000 other digits:

    ex situ          all weights are written by write-and-verify
    layer by layer   one layer is written, those after it are trained in software on what it really
                     computes (5 epochs), and so on; the last layer is written last
    in situ          all weights are written in one shot, then trained on the chip (5 epochs)

Learning rates, R_gw and the rule of the training in situ were chosen on seeds 101 and 102. Trials
are kept in `stuck_cells.json` beside this script. Needs PyTorch and MNIST (`memlab data fetch`).
Nothing here has run on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stored_trials import add, load

import memlab
from memlab.figures.style import BLUE, GREEN, GREY, ORANGE, figure_file
from memlab.mapping import TA_HFO2
from memlab.rules import as_rule

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
STORED = Path(__file__).with_name("stuck_cells.json")
BEGIN, END = "<!-- stuck cells -->", "<!-- /stuck cells -->"
SEEDS = 5
KINDS = {"dead": "non_responsive", "on": "defects.stuck_on"}
SHARES = (0.0, 0.04, 0.08, 0.12, 0.16, 0.2)
WAYS = {
    "in situ": (BLUE, "o-"),
    "layer by layer": (GREEN, "o-"),
    "layer by layer, the last one in software": (GREY, "o:"),
    "ex situ": (ORANGE, "o-"),
}

# A weight moves by what was asked on this chip, of 182 uS/V.
MAPPING = TA_HFO2.model_copy(
    update={
        "volts_per_siemens": 2750.0,
        "gate_initial": 1.3,
        "gate_minimum": 0.6,
        "gate_maximum": 2.0,
    }
)
SIEMENS_PER_WEIGHT, RATE = 4e-4, 0.003
SOFTWARE_RATE, SOFTWARE_EPOCHS, EPOCHS, BATCH = 0.005, 15, 5, 50


def url(kind: str, share: float, seed: int) -> str:
    """Return the chip of a trial."""
    return f"emulator:?chip=pt-taox-ta&seed={seed}&" + (
        f"non_responsive={share}" if kind == "dead" else f"non_responsive=0&{KINDS[kind]}={share}"
    )


def trial(kind: str, shares: Sequence[float], seed: int) -> Iterator[dict[str, Any]]:
    """Train in software once; yield the accuracies of the three ways at each share of cells."""
    import torch

    from memlab.datasets.mnist import load_mnist_8x8
    from memlab.torch import in_situ, initialise, place, write, write_in_turn

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    mnist = load_mnist_8x8()
    images, new = (
        torch.tensor(np.asarray(part)[:count] / mnist.x_train.max(), dtype=torch.float32).flatten(1)
        for part, count in ((mnist.x_train, 4000), (mnist.x_test, 1000))
    )
    digits, new_digits = (
        torch.tensor(np.asarray(part), dtype=torch.int64)[:count]
        for part, count in ((mnist.y_train, 4000), (mnist.y_test, 1000))
    )

    def train(model: Any, epochs: int, rate: float, on_chip: bool = False) -> None:
        own = [one for one in model.parameters() if one.requires_grad]
        optimizer = torch.optim.Adam(own, rate)
        if on_chip:
            in_situ(optimizer, model)
        for _ in range(epochs):
            for batch in torch.randperm(len(images)).split(BATCH):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(model(images[batch]), digits[batch]).backward()
                optimizer.step()
                with torch.no_grad():
                    for one in [] if on_chip else own:
                        one.clamp_(-1.0, 1.0)

    def accuracy(model: Any) -> float:
        with torch.no_grad():
            return (model(new).argmax(dim=1) == new_digits).double().mean().item()

    software = torch.nn.Sequential(
        torch.nn.Linear(64, 32),
        torch.nn.Tanh(),
        torch.nn.Linear(32, 16),
        torch.nn.Tanh(),
        torch.nn.Linear(16, 10),
    )
    train(software, SOFTWARE_EPOCHS, SOFTWARE_RATE)
    for share in shares:
        found = {"kind": kind, "share": share, "seed": seed, "software": accuracy(software)}
        with memlab.open_array(url(kind, share, seed)) as array:
            model = place(software, array)
            write(model)
            found["ex situ"] = accuracy(model)
        with memlab.open_array(url(kind, share, seed)) as array:
            model = place(software, array)
            left = 3
            for _ in write_in_turn(model):
                left -= 1
                if left:
                    train(model, EPOCHS, SOFTWARE_RATE)
                if left == 1:
                    found["layer by layer, the last one in software"] = accuracy(model)
            found["layer by layer"] = accuracy(model)
        with memlab.open_array(url(kind, share, seed)) as array:
            rng = np.random.default_rng(seed)
            model = place(
                software,
                array,
                siemens_per_weight=SIEMENS_PER_WEIGHT,
                make_rule=lambda rng=rng: as_rule("mixed-precision").make(MAPPING, rng),
            )
            initialise(model)
            train(model, EPOCHS, RATE, on_chip=True)
            found["in situ"] = accuracy(model)
        yield found


def collect(kinds: Sequence[str], shares: Sequence[float], seeds: Sequence[int]) -> None:
    """Run what is missing, and store each trial as soon as it is done."""
    for seed in seeds:
        for kind in kinds:
            done = [
                one["share"]
                for one in load(STORED, [])
                if (one["kind"], one["seed"]) == (kind, seed)
            ]
            for found in trial(kind, [one for one in shares if one not in done], seed):
                add(STORED, found)
                print({name: found[name] for name in ("kind", "share", "seed", *WAYS)}, flush=True)


def values(trials: Sequence[dict[str, Any]], kind: str, share: float, way: str) -> list[float]:
    """Return the accuracies (%) of a way over the seeds."""
    return [100 * t[way] for t in trials if (t["kind"], t["share"]) == (kind, share)]


def closed(trials: Sequence[dict[str, Any]], kind: str, share: float) -> float | None:
    """Return which part of the gap between the medians of ex situ and in situ is closed (%)."""
    ways = ("ex situ", "layer by layer", "in situ")
    low, middle, high = (statistics.median(values(trials, kind, share, way)) for way in ways)
    return 100 * (middle - low) / (high - low) if high > low else None


def table(trials: Sequence[dict[str, Any]]) -> str:
    """Return medians and ranges, and which part of the gap is closed."""
    lines = []
    for kind in KINDS:
        shares = [share for share in SHARES if values(trials, kind, share, "in situ")]
        if not shares:
            continue
        counts = {len(values(trials, kind, share, "in situ")) for share in shares}
        heads = " | ".join(f"{share:.0%}" for share in shares)
        seeds = " to ".join(map(str, sorted({min(counts), max(counts)})))
        lines += [f"| cells {kind}; test accuracy (%), {seeds} seeds | {heads} |"]
        lines += ["|---" * (1 + len(shares)) + "|"]
        for way in WAYS:
            found = [values(trials, kind, share, way) for share in shares]
            cells = [f"{statistics.median(v):.1f} ({min(v):.1f} to {max(v):.1f})" for v in found]
            lines += [f"| {way} | {' | '.join(cells)} |"]
        parts = [closed(trials, kind, share) for share in shares]
        cells = ["-" if part is None else f"{part:.0f} %" for part in parts]
        lines += [f"| part of the gap that is closed layer by layer | {' | '.join(cells)} |", ""]
    return "\n".join(lines).rstrip()


def draw(path: Path) -> None:
    """Draw the medians of what is stored, and their ranges."""
    trials = load(STORED, [])
    with figure_file(path, 3.6, "") as figure:
        panels = figure.subplots(1, len(KINDS), sharey=True)
        for axes, kind in zip(panels, KINDS, strict=True):
            shares = [share for share in SHARES if values(trials, kind, share, "in situ")]
            for way, (colour, line) in WAYS.items():
                found = [values(trials, kind, share, way) for share in shares]
                percent = 100 * np.array(shares)
                axes.plot(percent, np.median(found, axis=1), line, color=colour, label=way)
                low, high = np.min(found, axis=1), np.max(found, axis=1)
                axes.fill_between(percent, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.set(xlabel=f"Cells {kind} (%)", ylim=(0, 100))
        panels[0].set_ylabel("Test accuracy (%)")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=2)


def main() -> int:
    """Run what is missing, write the table and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", choices=KINDS, action="append", help="by default both")
    parser.add_argument("--share", type=float, action="append", help="by default all")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from 1")
    parser.add_argument("--out", type=Path, default=Path("stuck-cells.png"), help="picture")
    parser.add_argument("--table", action="store_true", help="run nothing, write the page")
    options = parser.parse_args()
    if not options.table:
        seeds = range(1, options.seeds + 1)
        collect(options.kind or list(KINDS), options.share or SHARES, seeds)
    text = table(load(STORED, []))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    print(text)
    draw(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
