"""A file of two gigabytes, and a directory of ten thousand runs.

python -m pytest -n 0 -m slow -s tests/memlab/live/test_large.py
"""

import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.browser import Browser, missing
from support.live_pages import Looked
from support.live_served import Served
from support.training_file import append_updates, begin_training

from memlab.live.folder import FolderSource
from memlab.runs import RunFile
from memlab.storage import seal

pytest.importorskip("bokeh", reason="the extra live is not installed")
from bokeh.document import Document

from memlab.live.folder_page import FolderPage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),  # ten thousand files are read, each in some 3 ms
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc"),
]
MOST_MEMORY = 300e6
RUNS = 10_000
EVERY = 8.0
"""Seconds from page to page."""


def resident(process: int, name: str = "VmHWM") -> float:
    """Return the most memory (bytes) that a process has had at once."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024.0 * int(one.split()[1]) for one in lines if one.startswith(f"{name}:"))


def append(run: RunFile, first: int, count: int) -> None:
    """Append blocks of 64 updates, whose maps take 4 MB each."""
    maps = np.random.default_rng(1).random((64, 128, 64)) * 1e-4
    for block in range(first, first + count):
        updates = np.arange(64 * block, 64 * block + 64)
        append_updates(run, updates, updates, maps)
        run.flush()


BLOCKS = 500


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, RunFile]]:
    """A training that goes on, whose maps take 2.1 GB."""
    path = tmp_path_factory.mktemp("large") / "large.h5"
    if shutil.disk_usage(path.parent).free < 5e9:
        pytest.skip("there are no 5 GB free here")
    run = begin_training(path, range(128), range(64), chunk=1024)
    append(run, 0, BLOCKS)
    assert path.stat().st_size > 2.0e9
    yield path, run
    path.unlink()


def test_two_gigabytes_take_less_than_three_hundred_megabytes(
    large: tuple[Path, RunFile],
) -> None:
    served = Served(str(large[0]))
    try:
        deadline = time.monotonic() + 120
        while b"<title>large.h5, running" not in (page := served.ask("/")).body:
            assert time.monotonic() < deadline, page.status
            time.sleep(0.5)
        memory = resident(served.process.pid)
        print(f"\n2 GB, a page: {memory / 1e6:.0f} MB at most")
        assert memory < MOST_MEMORY
    finally:
        served.end(signal.SIGKILL)


@pytest.mark.browser
@pytest.mark.skipif(bool(missing()), reason=missing() or "there is a browser")
def test_so_do_two_gigabytes_that_grow_under_the_eyes_of_a_browser(
    large: tuple[Path, RunFile],
) -> None:
    path, run = large
    served = Served(str(path))
    try:
        with Browser() as first, Browser(390, "dark") as second:
            for browser in (first, second):
                browser.open(served.url, "loss 3.1")
            for block in range(BLOCKS, BLOCKS + 20):
                append(run, block, 1)
                words = f"loss {1 / (64 * (block + 1)):.5g}"
                for browser in (first, second):
                    browser.until(lambda b=browser, w=words: w in b.text)
            run.close("finished")
            for browser in (first, second):
                browser.until(lambda b=browser: "finished" in b.text)
        memory = resident(served.process.pid)
        print(f"\n2 GB, growing, in two browsers: {memory / 1e6:.0f} MB at most")
        assert memory < MOST_MEMORY
    finally:
        served.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def ten_thousand(live_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of their own with identities of their own, each sealed as a run that has ended."""
    folder = tmp_path_factory.mktemp("ten-thousand")
    for number in range(RUNS):
        path = folder / f"run-{number:05d}.h5"
        shutil.copyfile(live_runs[("map", "iv")[number % 2]], path)
        with h5py.File(path, "r+") as file:
            file["entry"].attrs["run_id"] = f"{number:032x}"
        seal(path)
    return folder


def test_ten_thousand_runs_answer_within_a_second(ten_thousand: Path) -> None:
    source = FolderSource(ten_thousand)
    scan = time.process_time()
    seen = source.look()
    assert seen is not None
    while seen.left:
        seen = source.look() or seen
    scan = time.process_time() - scan
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
    print(
        f"\n{RUNS:,} runs, first scan {scan:.1f} s, {1e3 * scan / RUNS:.1f} ms each; then {words}"
    )
    assert max(took.values()) < 1.0


def test_a_page_answers_while_ten_thousand_files_are_read(ten_thousand: Path) -> None:
    served = Served(str(ten_thousand))
    try:
        counts, waits = [0], []
        begun = asked = time.monotonic() - EVERY
        while counts[-1] < RUNS:
            now = time.monotonic()
            if now - asked >= EVERY:  # each page is one more that is kept up to date
                asked = now
                page = served.ask("/").body.decode()
                # Before the first look the page has the name of the program alone.
                found = re.search(r"<title>ten-thousand\d*, ([\d,]+) runs", page)
                counts.append(int(found[1].replace(",", "")) if found else 0)
            else:
                assert served.ask("/live/live.js").status == 200
            waits.append(time.monotonic() - now)
            time.sleep(0.5)
        print(
            f"\nwhole after {asked - begun:.0f} s; until then {len(waits)} answers, the slowest "
            f"after {max(waits):.2f} s; runs on the pages: {counts[1:]}"
        )
        assert sorted(counts) == counts, "what is read by then is shown"
        assert len(waits) > 3
    finally:
        served.end(signal.SIGKILL)


def _seconds(call) -> float:  # type: ignore[no-untyped-def]
    begun = time.process_time()
    call()
    return time.process_time() - begun
