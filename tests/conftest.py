"""Fixtures for all tests, and which boards the contract suites run on.

    python -m pytest tests/contract                                      # emulator, wire, ideal:
    python -m pytest tests/contract --board serial:///dev/ttyACM0        # a board of one's own
    python -m pytest tests/contract --board URL --board-exact            # ... that repeats codes

The options are those of the plug-in, `memlab.testing.plugin`. A test that asks for `board_url` runs
once for every board. A board written `serve ...` is a virtual one, started with these arguments in
a process of its own.
"""

import compileall
import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.virtual_board import REPOSITORY, VirtualBoard

BOARDS = [
    "emulator:?chip=ideal",
    "emulator:?chip=ta-hfo2&seed=3",
    "serve --pty --chip ideal",
    "serve --tcp 0 --chip ideal --dialect dpe",
]

FORKED = os.name == "posix"
"""Hundreds of boards are started, and few tests are of how an interpreter starts."""


def pytest_configure(config: pytest.Config) -> None:
    config.exact_urls = set()  # of virtual boards whose chip has no noise
    # Two workers on two cores: the threads of one would wait for those of the other. No test module
    # has loaded numpy yet; the tests of threads ask for as many as they need.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # pytest compiles again what it rewrites: two thirds of the time that it takes to collect.
    written, sys.dont_write_bytecode = not sys.dont_write_bytecode, False
    # Many tests start programs of their own. Where those may write no byte code, each would compile
    # all of ours again; it is made here, once, and before a test fills a disk.
    if not written and not hasattr(config, "workerinput"):
        for package in ("firmware_protocol", "drivers", "memlab"):
            compileall.compile_dir(REPOSITORY / package, quiet=2)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.getoption("memlab_board", None)
    if "board_url" in metafunc.fixturenames:
        boards = BOARDS if given is None else [url for url in given if not url.startswith("ideal")]
        metafunc.parametrize("board_url", boards, indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()  # what is collected stays: a fifth of the time that it takes
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    gc.freeze()  # a collection of garbage would look at thousands of tests each time


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Count what happened in a test that goes by chance; all of its cases are told together."""
    found: dict[str, int] = {}
    request.node.user_properties.append(("counts", found))

    def count(what: str) -> None:
        found[what] = found.get(what, 0) + 1

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what tests have counted, by the name of the test."""
    totals: dict[str, Counter[str]] = {}
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, found in report.user_properties if report.when == "call" else ():
            if name == "counts":
                totals.setdefault(report.nodeid.partition("[")[0], Counter()).update(found)
    for name, total in totals.items():
        terminalreporter.write_line(f"{name}: {sum(total.values())} counted")
        for what, number in sorted(total.items()):
            terminalreporter.write_line(f"  {number:5}  {what}")


@pytest.fixture(scope="session", autouse=True)
def _state_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep ledgers of tests out of the user's directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMLAB_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _forked_probe() -> Iterator[Callable[..., list[str]]]:
    """Fork the processes that look through files, and return what starts an interpreter for one."""
    from memlab.runs import opening

    ask = opening._ask
    with pytest.MonkeyPatch.context() as patch:
        if FORKED:

            def forked(path: Path, *, swmr: bool) -> list[str]:
                from support.forked_probe import ask  # needs POSIX

                return ask(path, swmr=swmr)

            patch.setattr(opening, "_ask", forked)
        yield ask


@pytest.fixture
def started_probe(monkeypatch: pytest.MonkeyPatch, _forked_probe: Callable[..., list[str]]) -> None:
    """Start the program that looks through a file, as in use."""
    monkeypatch.setattr("memlab.runs.opening._ask", _forked_probe)


RENDERED = {"figures", "report"}
"""Directories whose tests look at pictures; elsewhere they ask for the fixture `rendered`."""


@pytest.fixture(scope="session", autouse=True)
def _render() -> Iterator[Callable[..., None]]:
    """Let runs draw their pictures without rendering them, and return what renders."""
    from support.blank_pictures import write_beginning

    from memlab.figures import style

    render = style.save_figure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "save_figure", write_beginning)
        yield render


DRAWN = {*RENDERED, "kinds"}
"""Directories whose runs and reports draw their pictures; elsewhere they leave blank ones, but in
tests that ask for the fixture `drawn`: to draw takes longer than most runs of tests."""
Draw = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="session", autouse=True)
def _leave_blank() -> Iterator[Draw]:
    """Let runs and reports leave blank pictures, and return what lets them draw again."""
    from support.blank_pictures import blank_bytes, leave_blank

    from memlab.report import pictures
    from memlab.session import session

    of_a_run, of_a_report = session._draw, pictures._draw

    def draw(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(session, "_draw", of_a_run)
        patch.setattr(pictures, "_draw", of_a_report)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_draw", leave_blank)
        patch.setattr(pictures, "_draw", blank_bytes)
        yield draw


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, _leave_blank: Draw) -> None:
    """Let what runs in this test draw its pictures."""
    _leave_blank(monkeypatch)


@pytest.fixture(scope="module", autouse=True)
def _pictures_are_rendered_where_they_are_looked_at(
    request: pytest.FixtureRequest,
    _render: Callable[..., None],
    _leave_blank: Draw,
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if request.node.path.parent.name in DRAWN:
            _leave_blank(patch)
        if request.node.path.parent.name in RENDERED:
            patch.setattr("memlab.figures.style.save_figure", _render)
        yield


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch, _render: Callable[..., None], drawn: None) -> None:
    """Render the pictures of this test."""
    monkeypatch.setattr("memlab.figures.style.save_figure", _render)


@pytest.fixture
def virtual_board() -> Iterator[Callable[..., VirtualBoard]]:
    """Start `memlab board serve` with these arguments, forked if it can be; ended with the test."""
    running: list[VirtualBoard] = []

    def start(*arguments: str, **options: object) -> VirtualBoard:
        options = {"forked": FORKED, **options}
        running.append(VirtualBoard(*arguments, **options))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for board in running:
        board.__exit__(None, None, None)


@pytest.fixture(scope="session")
def _url_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    running: dict[str, VirtualBoard] = {}

    def url_of(name: str) -> str:
        if not name.startswith("serve "):
            return name
        if name not in running:
            running[name] = VirtualBoard(*name.split()[1:], forked=FORKED)
        url = running[name].url
        if url.startswith("dpe+"):  # there is no real board behind it that needs the pauses
            url += "&line_pause=0&rounding=nearest"
        if "--chip ideal" in name:
            request.config.exact_urls.add(url)
        return url

    yield url_of
    for board in running.values():
        board.__exit__(None, None, None)


@pytest.fixture(scope="session")
def board_url(request: pytest.FixtureRequest, _url_of: Callable[[str], str]) -> str:
    return _url_of(request.param)


@pytest.fixture
def one_torch_thread() -> Iterator[None]:
    """Networks this small only wait for threads, and for ever where other tests use the cores."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(5)
    yield
    torch.set_num_threads(threads)
