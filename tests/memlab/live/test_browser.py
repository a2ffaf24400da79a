"""The pages in a browser: what is seen, how soon, by keyboard alone, and what it asks for.

    python -m pytest -n 0 -m browser -s tests/memlab/live

Pictures are kept in the directory MEMLAB_ARTEFACTS, else where pytest keeps what tests make.
"""

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.browser import Browser, axe_source, hosts, missing
from support.live_served import Served
from support.run_writer import Writer

import memlab.notebook
from memlab.cli import cli
from memlab.errors import DataError

pytest.importorskip("bokeh", reason="the extra live is not installed")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is a browser"),
]
WITHIN = 2.0
"""Seconds from the flush of a loss to its place on the page."""

EVIL = "<script>window.hit=1<script><img src=x onerror=window.hit=2>.h5"


@pytest.fixture(scope="module")
def folder(live_runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    for path in live_runs.values():
        shutil.copy(path, place)
    shutil.copy(live_runs["map"], place / EVIL)
    return place


@pytest.fixture(scope="module")
def passport(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("chip")
    board = f"emulator:?seed=3&chip=ta-hfo2-full&passport={place / 'chip.sqlite'}"
    words = ["characterize", "yield", "--rows", "0:40", "--out", str(place / "yield.h5")]
    done = CliRunner().invoke(cli, [*words, "--board", board, "--json"])
    assert done.exit_code == 0, done.output
    return place / "chip.sqlite"


@pytest.fixture(scope="module")
def urls(folder: Path, passport: Path) -> Iterator[dict[str, str]]:
    """Addresses of the pages: each what is to be read on it before anything is looked at."""
    served = {
        "training": Served(str(folder / "train.h5")),
        "sweeps": Served(str(folder / "iv.h5")),
        "directory": Served(str(folder)),
        "chip": Served(str(passport)),
    }
    yield {name: one.url for name, one in served.items()}
    for one in served.values():
        one.end(signal.SIGKILL)


READY = {
    "training": "Settings that differ",
    "sweeps": "I-V curves",
    "directory": "6 runs, 6 in the table",
    "chip": "Fault classes",
}


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = os.environ.get("MEMLAB_ARTEFACTS")
    path = Path(place) if place else tmp_path_factory.mktemp("pictures")
    path.mkdir(parents=True, exist_ok=True)
    return path


def set_up(browser: Browser, name: str) -> None:
    """Choose something where something can be chosen."""
    if name == "directory":
        browser.keys("\t", "\t", "\t", "\t", "5, 4", "\n")
        browser.until(lambda: "Loss of each run" in browser.text)
    elif name == "chip":
        browser.keys("\t", "3", "\t", "7", "\n")
        browser.until(lambda: "Run by run" in browser.text)


def test_the_last_loss_is_there_two_seconds_after_its_flush(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "run.h5")
    served = None
    try:
        writer.tell("1")
        served = Served(str(tmp_path / "run.h5"))
        took = []
        with Browser() as browser:
            browser.open(served.url, "loss 1")
            for update in range(2, 10):
                browser.watch_head(f"loss {1 / update:.5g}")
                assert writer.tell("1") == "written"
                flushed = time.time()
                took.append(max(0.0, browser.head_seen() - flushed))
        print("\nfrom flush to page (s):", ", ".join(f"{one:.2f}" for one in took))
        assert max(took) < WITHIN
    finally:
        writer.close()
        if served is not None:
            served.end(signal.SIGKILL)


def test_a_kill_a_replacement_and_the_end_of_the_program_are_seen(tmp_path: Path) -> None:
    first, served = Writer(tmp_path / "run.h5"), None
    second = None
    try:
        first.tell("3")
        served = Served(str(tmp_path / "run.h5"))
        with Browser() as browser:
            browser.open(served.url, "running")
            first.kill()
            browser.until(lambda: "killed" in browser.text)
            second = Writer(tmp_path / "next.h5")
            second.tell("2")
            os.replace(tmp_path / "next.h5", tmp_path / "run.h5")
            browser.until(lambda: "running" in browser.text and "loss 0.5" in browser.text)
            second.kill()
            browser.until(lambda: "killed" in browser.text)
            kept = (tmp_path / "run.h5").read_bytes()
            (tmp_path / "run.h5").write_bytes(kept[: len(kept) // 2])
            browser.until(lambda: "Not readable now" in browser.text)
            assert "loss 0.5" in browser.text, "what was seen stays"
            (tmp_path / "run.h5").write_bytes(kept)
            browser.until(lambda: "Not readable now" not in browser.text)
            assert served.end()[0] == 130
            browser.until(lambda: "what is shown is old" in browser.text)
    finally:
        first.close()
        if second is not None:
            second.close()
        if served is not None:
            served.end(signal.SIGKILL)


def test_a_notebook_has_the_page_in_a_frame_until_it_ends(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.h5"):
        memlab.notebook.live(tmp_path / "nothing.h5")
    page = memlab.notebook.live(folder / "train.h5")
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    (tmp_path / "notebook.html").write_text(f"<!DOCTYPE html><p>cell</p>{page._repr_html_()}")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as notebook, Browser() as browser:
        threading.Thread(target=notebook.serve_forever, daemon=True).start()
        try:
            browser.driver.get(f"http://localhost:{notebook.server_port}/notebook.html")
            browser.driver.switch_to.frame(0)
            browser.until(lambda: READY["training"] in browser.text)
            page.stop()
            browser.until(lambda: "what is shown is old" in browser.text)
        finally:
            notebook.shutdown()
            page.stop()
    assert "ended" in repr(page)


@pytest.mark.parametrize("name", READY)
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_in_its_place(
    urls: dict[str, str], artefacts: Path, name: str, width: int, scheme: str
) -> None:
    with Browser(width, scheme) as browser:
        browser.open(urls[name], READY[name])
        set_up(browser, name)
        size = browser.picture(artefacts / f"{name}-{width}-{scheme}.png")
        assert size[0] <= width
        assert browser.misplaced() == []
        assert name in ("chip", "directory") or "EMULATOR" in browser.text
        assert browser.complaints() == []
        host = urls[name].split("/")[2]
        assert hosts(browser.requests()) == {host}


def test_names_out_of_files_stay_text(urls: dict[str, str]) -> None:
    with Browser() as browser:
        browser.open(urls["directory"], READY["directory"])
        assert EVIL in browser.text
        number = browser.keys("\t", "window.hit")[1]
        assert number.startswith("Filter")
        browser.keys("\n", "\t", "\t", "\t", "1, 2, 3, 4, 5, 6", "\n")
        browser.until(lambda: "Page of" in browser.text)
        assert browser.run("return window.hit === undefined")
        assert browser.complaints() == []


def test_a_keyboard_is_enough(urls: dict[str, str]) -> None:
    with Browser() as browser:
        browser.open(urls["directory"], READY["directory"])
        walk = [browser.keys("\t") for _ in range(4)]
        assert [words.split(",")[0].split(":")[0] for _, words in walk] == [
            *("Filter", "Tag", "Sort by", "Compare"),
        ]
        browser.keys("5, 4", "\n")
        browser.until(lambda: "Loss of each run" in browser.text)
        for _ in range(12):
            tag, words = browser.keys("\t")
            if tag == "A":
                break
        assert words.startswith("Page of 5")
        browser.keys("\n")
        browser.until(lambda: "All runs of the directory" in browser.text)
    with Browser() as browser:
        browser.open(urls["chip"], READY["chip"])
        set_up(browser, "chip")
        assert "Cell [3, 7]" in browser.text


def test_axe_finds_nothing_serious(
    urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    axe = axe_source(tmp_path_factory.mktemp("axe"))
    found = []
    for scheme in ("light", "dark"):
        with Browser(scheme=scheme) as browser:
            for name, url in urls.items():
                browser.open(url, READY[name])
                set_up(browser, name)
                browser.run(axe)
                script = "axe.run(document).then((r) => arguments[0](r.violations))"
                browser.driver.set_script_timeout(120)
                for one in browser.driver.execute_async_script(script):
                    places = [str(node["target"]) for node in one["nodes"]]
                    said = f"{one['impact']} {one['id']} on {name}, {scheme}: {places[:3]}"
                    print(said)
                    if one["impact"] in ("serious", "critical"):
                        found.append(said)
    assert found == []
