"""What a sweep costs: of two cores how much it uses, and of a Monte Carlo a seed and epoch.

    python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_sweep_benchmark.py

How much of two cores it uses is its time on one process over twice that on two, with everything
that `memlab sweep` does. It is skipped where other programs use the cores, because then two of them
cannot be had.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]


def idle_fraction(seconds: float) -> float:
    """Return how much of all cores was idle for a while; 1.0 where nothing tells."""

    def ticks() -> tuple[int, int]:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        numbers = [int(word) for word in words]
        return numbers[3] + numbers[4], sum(numbers)

    if not Path("/proc/stat").exists():
        return 1.0
    first = ticks()
    time.sleep(seconds)
    last = ticks()
    return (last[0] - first[0]) / max(last[1] - first[1], 1)


def seconds_of_sweep(workers: int, out: Path, seeds: int, epochs: int) -> float:
    """Return what `memlab sweep` says it took on so many processes."""
    command = f"sweep airline --preset memlab --json --quiet --seeds {seeds} --epochs {epochs}"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "memlab"),
            *(*command.split(), "--workers", str(workers), "--out", str(out)),
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    assert document["ran"] == seeds
    return float(document["seconds"])


def test_a_seed_and_epoch_of_a_monte_carlo(tmp_path: Path, speed) -> None:
    """Compare what an epoch more of 50 seeds takes on one process with numpy's product, twice.

    Processor time of all processes, of 35 epochs less that of 5: imports and files are in both.
    """
    vector, cells, out = np.ones(128), np.ones((128, 64)), np.empty(64)
    few, many, seeds = 5, 35, 50
    found = []
    for number in range(2):
        took = {}
        for epochs in (few, many):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds_of_sweep(1, tmp_path / f"{number}-{epochs}", seeds, epochs)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took[epochs] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        start = time.thread_time()
        for _ in range(20_000):
            np.matmul(vector, cells, out=out)
        product = (time.thread_time() - start) / 20_000
        found.append((took[many] - took[few]) / ((many - few) * seeds) / product)
    gap = (
        "each seed is a run of its own, with the profile of an airline epoch above; 50 in step "
        "took a seventh of it, and 474 lines more (docs/decisions.md, 21)"
    )
    speed("Monte Carlo", min(found), limit=7300.0, gap=gap)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core only")
@pytest.mark.parametrize(
    ("trials", "seeds", "epochs", "limit"), [("short", 24, 20, 0.75), ("long", 8, 400, 0.85)]
)
def test_how_much_of_two_cores_a_sweep_uses(
    trials: str, seeds: int, epochs: int, limit: float, tmp_path: Path, speed
) -> None:
    idle = idle_fraction(3.0)
    if idle < 0.9:
        pytest.skip(f"the cores are only {idle:.0%} idle: run this on a quiet machine")
    one = seconds_of_sweep(1, tmp_path / "one", seeds, epochs)
    two = seconds_of_sweep(2, tmp_path / "two", seeds, epochs)
    print(f"\n{seeds} trials: {one:.1f} s on one process, {two:.1f} s on two")
    gap = "one process makes the table (4 %) and the picture (14 % of 24 trials) at the end"
    speed(f"sweep, {trials}", one / (2 * two), limit=limit, gap=gap)
