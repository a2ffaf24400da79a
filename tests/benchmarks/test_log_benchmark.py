"""What the full log of the five-level CNN costs: bytes and processor time of an image, and memory.

python -m pytest -n 0 -m benchmark -s tests/benchmarks/test_log_benchmark.py
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memlab.experiments import make_plan, run

DATA = Path(os.environ.get("MEMLAB_DATA", Path(__file__).parents[3] / "shared" / "data"))
IMAGES = 12_000

GAP = (
    "of 0.05 ms an image: 0.02 find what is news in the codes and pack it, 0.01 hand it to HDF5, "
    "0.017 are its filters and what it writes at a flush (20 us a chunk of 16 kB), 0.01 the end of "
    "the file, which is copied and sealed; 0.1 s are the beginning, 130 datasets"
)

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not (DATA / "mnist8x8.npz").exists(), reason="no MNIST; set MEMLAB_DATA"),
]


def settings(level: str, images: int) -> list[str]:
    return [f"data.path={DATA}", f"log.level={level}", f"data.train={images}", "data.test=100"]


def train(out: Path, level: str) -> float:
    """Train one epoch, and return its processor time."""
    plan = make_plan(
        "mnist-cnn", preset="paper", epochs=1, settings=settings(level, IMAGES), out=out
    )
    start = time.process_time()
    run(plan, figure=False)
    return time.process_time() - start


def test_an_image_takes_10_kb_and_a_third_of_the_time_at_most(tmp_path: Path, speed) -> None:
    """Compare 12,000 images with the full log and without, in turn, five times.

    28 kB are 9 kB by now. Fewer images would tell of the beginning of a file, which an epoch of
    60,000 has once.
    """
    train(tmp_path / "warm-up.h5", "all")
    found = []
    for number in range(5):
        off = train(tmp_path / f"off{number}.h5", "off")
        out = tmp_path / f"all{number}.h5"
        found.append(train(out, "all") / off)
        size = out.stat().st_size / IMAGES
        out.unlink()
    speed("log size", size / 1e3, limit=10.0)
    speed("log time", statistics.median(found), limit=1.45, gap=GAP)


def test_memory_and_file_of_a_long_log(tmp_path: Path, speed) -> None:
    """Look at the largest resident memory of processes that log 2,000 images and 12,000.

    HDF5 takes more of it at first, less with each update (154 and 239 MB), and so it did before.
    """
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from memlab.experiments import make_plan, run\n"
        "plan = make_plan('mnist-cnn', preset='paper', epochs=1, settings=sys.argv[2:],\n"
        "                 out=Path(sys.argv[1]))\n"
        "run(plan, figure=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peak = {}
    for images in (2000, 12_000):
        words = [str(tmp_path / f"{images}.h5"), *settings("all", images)]
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
        )
        peak[images] = int(done.stdout) / 1e3
    size = (tmp_path / "12000.h5").stat().st_size / 12_000 * 60_000 / 1e9
    print(f"\nat most {peak[2000]:.0f} and {peak[12_000]:.0f} MB")
    assert peak[12_000] < peak[2000] + 150.0
    speed("log memory", peak[12_000], limit=600.0)
    speed("log file", size, limit=0.6)
