"""What it costs a writer that its run is looked at, in pairs within one run.

    python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_live_benchmark.py

Processor time of a process that writes maps and losses and flushes, alone and with a page's looks
beside it; the median of the ratios counts.
"""

import os
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from memlab.errors import DataError
from memlab.live.run_source import RunSource

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]
PAIRS = 11
MOST = 0.02

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from support.training_file import append_updates, begin_training
run = begin_training(Path(sys.argv[1]), range(128), range(64), chunk=1024)
maps = np.random.default_rng(1).random((1, 128, 64)) * 1e-4
work = np.random.default_rng(2).random((200, 200))
print("ready", flush=True)
begun = time.process_time()
for update in range(1500):
    for _ in range(4):
        work = work @ work / 100.0 % 1.0  # as an update of a training does
    append_updates(run, np.array([update]), np.array([update]), maps)
    if update % 50 == 49:
        run.flush()
print(time.process_time() - begun, flush=True)
run.close("finished")
"""


def seconds(path: Path, *, watched: bool) -> tuple[float, int]:
    """Return the processor time of a writer, and how often it was looked at."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "ready"
    over, looks = threading.Event(), 0

    def look() -> None:
        nonlocal looks
        source = RunSource(path)
        while not over.wait(0.25):  # as often as a page does
            try:
                source.look()
                looks += 1
            except DataError:
                continue
        source.close()

    thread = threading.Thread(target=look)
    if watched:
        thread.start()
    took = float(writer.stdout.readline())
    over.set()
    writer.wait()
    if watched:
        thread.join()
    path.unlink()
    return took, looks


def test_a_writer_that_is_looked_at_takes_no_more_than_two_percent_more(tmp_path: Path) -> None:
    ratios, looks = [], 0
    for number in range(PAIRS):
        path = tmp_path / f"{number}.h5"
        order = (False, True) if number % 2 else (True, False)
        took = {}
        for watched in order:
            took[watched], seen = seconds(path, watched=watched)
            looks += seen
        ratios.append(took[True] / took[False] - 1.0)
    middle = statistics.median(ratios)
    print(f"\nlooked at {looks} times: {middle:+.2%} (median of {PAIRS} pairs, "
          f"{min(ratios):+.1%} to {max(ratios):+.1%})")  # fmt: skip
    assert looks > PAIRS
    assert middle < MOST
