"""What it costs a writer that its run is looked at, block by block of one run.

    python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_live_benchmark.py

One process writes maps and losses and flushes; of each two blocks that follow each other one is
looked at as a page does, which of them changes from pair to pair. The median of the ratios counts,
of the processor time of the writer, and, where other programs leave it alone, of the clock.
"""

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from memlab.live.run_source import RunSource
from memlab.live.watch import Watch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]
PAIRS = 40
MOST = 0.02
SHARE = 0.9
"""Of the clock that a writer has to itself, at least, for the clock to count."""

WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from support.training_file import append_updates, begin_training
run = begin_training(Path(sys.argv[1]), range(128), range(64), chunk=1024)
maps = np.random.default_rng(1).random((1, 128, 64)) * 1e-4
work = np.random.default_rng(2).random((200, 200))
update = 0
print("ready", flush=True)
for line in sys.stdin:
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(250):
        for _ in range(4):
            work = work @ work / 100.0 % 1.0  # as an update of a training does
        append_updates(run, np.array([update]), np.array([update]), maps)
        update += 1
        if update % 50 == 0:
            run.flush()
    print(time.process_time() - processor, time.perf_counter() - clock, flush=True)
run.close("finished")
"""


class Blocks:
    """A writer that writes a block when it is told to."""

    def __init__(self, path: Path):
        self.path, self.looks = path, 0
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **one_thread, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._hear() == "ready"

    def write(self, *, watched: bool) -> tuple[float, float]:
        """Return the processor time of the writer for a block, and the time of the clock."""
        watch = Watch(RunSource(self.path), file=self.path)
        if watched:
            watch.subscribe(self._count)
        print("go", file=self.process.stdin, flush=True)
        processor, clock = map(float, self._hear().split())
        watch.end(60.0)
        return processor, clock

    def close(self) -> None:
        self.process.communicate()

    def _count(self, seen: object, error: str) -> None:
        assert not error, error
        self.looks += 1

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def test_a_writer_that_is_looked_at_takes_no_more_than_two_percent_more(tmp_path: Path) -> None:
    writer = Blocks(tmp_path / "run.h5")
    ratios, shares = [], []
    try:
        writer.write(watched=True)  # both are warm
        for number in range(PAIRS):
            order = (False, True) if number % 2 else (True, False)
            took = {watched: writer.write(watched=watched) for watched in order}
            ratios.append([took[True][k] / took[False][k] - 1.0 for k in range(2)])
            shares.append(took[False][0] / took[False][1])
    finally:
        writer.close()
    alone = statistics.median(shares)
    middles = {}
    for name, of in zip(("processor", "clock"), zip(*ratios, strict=True), strict=True):
        low, middles[name], high = statistics.quantiles(of, n=4)
        print(f"\n{name}: {middles[name]:+.2%} (median of {PAIRS} pairs; half of them "
              f"{low:+.2%} to {high:+.2%})", end="")  # fmt: skip
    print(f"; {writer.looks} looks; the writer had {alone:.0%} of a processor without")
    assert writer.looks > PAIRS
    assert middles["processor"] < MOST
    assert middles["clock"] < MOST or alone < SHARE
