"""How much of the cores a sweep uses: the time of the trials alone, over cores times wall time.

Run it on an idle machine: `python -m pytest -m benchmark -s tests/benchmarks`.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memlab.sweep import plan_sweep, run_trial

REPOSITORY = Path(__file__).parents[2]
WORKERS, SEEDS, EPOCHS = 2, 12, 150


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_two_processes_are_used_at_85_percent(tmp_path: Path) -> None:
    planned = plan_sweep("airline", preset="memlab", seeds=SEEDS, epochs=EPOCHS, out=tmp_path)
    run_trial(planned.trials[0])  # what the first one loads
    start = time.perf_counter()
    run_trial(planned.trials[1])
    one = time.perf_counter() - start
    command = "sweep airline --preset memlab --json --quiet --seeds"
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from memlab.cli import main; main()"),
            *command.split(),
            *(str(SEEDS), "--epochs", str(EPOCHS), "--workers", str(WORKERS)),
            *("--out", str(tmp_path)),
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    wall = json.loads(done.stdout)["seconds"]
    efficiency = SEEDS * one / (WORKERS * wall)
    print(f"\none trial {one:.2f} s, {SEEDS} trials on {WORKERS} processes {wall:.1f} s")
    print(f"efficiency {efficiency:.0%} (cores: {os.cpu_count()}, load: {os.getloadavg()[0]:.1f})")
    # Wide of the 85 % that an idle machine reaches: a busy one must not fail here.
    assert efficiency > 0.3
