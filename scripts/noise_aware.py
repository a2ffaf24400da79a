"""Transfer networks to noisy chips, trained in software with exact weights or noise-aware.

    python scripts/noise_aware.py                    # the table of docs/results.md
    python scripts/noise_aware.py --seeds 2

Digits (mnist-sequence, preset memlab) on emulated chips as published for `pt-taox-ta` (11 % of the
cells do not respond; programming noise of 10 uS) and on one with four times the noise; weights are
written by write-and-verify, or blindly, with one SET for each cell. Needs MNIST
(`memlab data fetch`). Nothing here has run on silicon.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from memlab.experiments import make_plan, run

CASES = {
    "as published, verified": (),
    "as published, blind": ("transfer.attempts=1",),
    "noise 40 uS, all respond, blind": (
        "chip.noise=40e-6",
        "chip.non_responsive=0",
        "transfer.attempts=1",
    ),
}
AWARE = (0.0, 1.0)


def trial(case: str, aware: float, seed: int) -> tuple[float, float]:
    """Return test accuracies (%) in software and after transfer."""
    with tempfile.TemporaryDirectory() as directory:
        plan = make_plan(
            "mnist-sequence",
            preset="memlab",
            seed=seed,
            settings=(
                "method=ex-situ",
                "log.level=off",
                f"transfer.noise_aware={aware}",
                *CASES[case],
            ),
            out=Path(directory) / "run.h5",
        )
        metrics = run(plan, figure=False)["metrics"]
    return 100 * metrics["software_test_accuracy"], 100 * metrics["test_accuracy"]


def shown(values: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> int:
    """Run all cases and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1")
    parser.add_argument("--case", choices=CASES, action="append", help="by default all")
    options = parser.parse_args()
    print(
        "| chip | trained | in software (%) | after transfer (%) |\n|---|---|---|---|", flush=True
    )
    for case in options.case or CASES:
        for aware in AWARE:
            found = [trial(case, aware, 1 + k) for k in range(options.seeds)]
            software, after = (list(column) for column in zip(*found, strict=True))
            way = f"noise-aware, {aware:g} x" if aware else "exact"
            print(f"| {case} | {way} | {shown(software)} | {shown(after)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
