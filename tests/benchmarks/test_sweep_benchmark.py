"""How much of two cores a sweep uses: its time on one process over twice that on two.

    python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_sweep_benchmark.py

Both are measured in one run, with everything that `memlab sweep` does. It is skipped where other
programs use the cores, because then two of them cannot be had.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


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


@pytest.mark.benchmark
@pytest.mark.timeout(900)
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core only")
@pytest.mark.parametrize(
    ("trials", "seeds", "epochs", "limit"), [("short", 24, 20, 0.7), ("long", 8, 400, 0.85)]
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
    speed(f"sweep, {trials}", one / (2 * two), limit=limit)
