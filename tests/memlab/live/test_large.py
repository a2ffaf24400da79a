"""A file of two gigabytes, and a directory of ten thousand runs.

python -m pytest -n 0 -m slow -s tests/memlab/live/test_large.py
"""

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from support.live_pages import Looked
from support.live_served import Served
from support.training_file import append_updates, begin_training

from memlab.live.folder import FolderSource

pytest.importorskip("bokeh", reason="the extra live is not installed")
from bokeh.document import Document

from memlab.live.folder_page import FolderPage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),  # ten thousand files are read, each in some 20 ms
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc"),
]
MOST_MEMORY = 300e6
RUNS = 10_000


def resident(process: int, name: str = "VmHWM") -> float:
    """Return the most memory (bytes) that a process has had at once."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024.0 * int(one.split()[1]) for one in lines if one.startswith(f"{name}:"))


def write_large(path: Path, size: float) -> None:
    """Write a training whose maps take this many bytes."""
    run = begin_training(path, range(128), range(64), chunk=1024)
    maps = np.random.default_rng(1).random((64, 128, 64)) * 1e-4
    for first in range(0, int(size / 65536), 64):
        updates = np.arange(first, first + 64)
        append_updates(run, updates, updates, maps)
        run.flush()
    run.close("finished")


def test_two_gigabytes_take_less_than_three_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.h5"
    if shutil.disk_usage(tmp_path).free < 5e9:
        pytest.skip("there are no 5 GB free here")
    write_large(path, 2.0e9)
    assert path.stat().st_size > 2.0e9
    served = Served(str(path))
    try:
        deadline = time.monotonic() + 120
        while b"<title>large.h5, finished" not in (page := served.ask("/")).body:
            assert time.monotonic() < deadline, page.status
            time.sleep(0.5)
        memory = resident(served.process.pid)
        print(f"\n{path.stat().st_size / 1e9:.2f} GB: {memory / 1e6:.0f} MB at most")
        assert memory < MOST_MEMORY
    finally:
        served.end(signal.SIGKILL)
        path.unlink()


def test_ten_thousand_runs_answer_within_a_second(
    live_runs: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(RUNS):
        name = ("map", "iv")[number % 2]
        os.link(live_runs[name], tmp_path / f"run-{number:05d}.h5")
    source = FolderSource(tmp_path)
    begun = time.monotonic()
    seen = source.look()
    assert seen is not None
    while seen.left:
        seen = source.look() or seen
    first = time.monotonic() - begun
    assert len(seen.entries) == RUNS
    took = {"a look": _seconds(source.look)}
    document = Document()
    page: list[FolderPage] = []

    def make() -> None:
        page.append(FolderPage(document, Looked(seen), lambda name: None))
        document.to_json()

    took["the page"] = _seconds(make)
    table = page[0]._table
    took["a filter"] = _seconds(lambda: setattr(table.filter, "value", "kind:iv run-00"))
    assert table.count == 500
    took["a filter away"] = _seconds(lambda: setattr(table.filter, "value", ""))
    took["a sort"] = _seconds(lambda: setattr(table.sort, "value", "found"))
    words = ", ".join(f"{name} {one:.2f} s" for name, one in took.items())
    print(f"\n{RUNS:,} runs, first scan {first:.0f} s; then {words}")
    assert max(took.values()) < 1.0


def _seconds(call) -> float:  # type: ignore[no-untyped-def]
    begun = time.process_time()
    call()
    return time.process_time() - begun
