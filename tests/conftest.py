"""Which boards the contract suites run on, and virtual boards for whoever needs one.

    python -m pytest tests/contract                                      # emulator, wire, ideal:
    python -m pytest tests/contract --board serial:///dev/ttyACM0        # a board of one's own
    python -m pytest tests/contract --board socket://host:port --exact   # ... that repeats codes

A test that asks for `board_url` runs once for every board, one that asks for `array_url` once for
every board and on `ideal:`. A board written `serve ...` is a virtual one, started with these
arguments in a process of its own.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
BOARDS = [
    "emulator:?chip=ideal",
    "emulator:?chip=ta-hfo2&seed=3",
    "serve --pty --chip ideal",
    "serve --tcp 0 --chip ideal --dialect dpe",
]
ARRAYS = [*BOARDS, "ideal:"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--board",
        action="append",
        metavar="URL",
        help="run the contract suites on this board; may be given several times",
    )
    parser.addoption(
        "--exact",
        action="store_true",
        help="the given boards have a chip without noise: expect the same codes every time",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.exact_urls = set()  # of virtual boards whose chip has no noise


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.getoption("--board")
    if "board_url" in metafunc.fixturenames:
        boards = BOARDS if given is None else [url for url in given if not url.startswith("ideal")]
        metafunc.parametrize("board_url", boards, indirect=True, scope="session")
    if "array_url" in metafunc.fixturenames:
        metafunc.parametrize("array_url", given or ARRAYS, indirect=True, scope="session")


@dataclass
class Served:
    """A virtual board in a process of its own."""

    url: str
    process: subprocess.Popen[str]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, or with SIGSTOP and SIGCONT freeze it."""
        self.process.send_signal(number)
        if number in (signal.SIGTERM, signal.SIGKILL):
            self.process.wait(10)


Serve = Callable[..., Served]


@pytest.fixture(scope="session", autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep ledgers of tests out of the user's directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMLAB_STATE", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Start virtual boards: `serve("--pty", "--chip", "ideal")`; all end with the session."""
    started: list[Served] = []

    def start(*arguments: str) -> Served:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from memlab.cli import main; main()",
                "board",
                "serve",
                "--quiet",
                *arguments,
            ],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            text=True,
        )
        # A server that does not come up must not hang the suite: then the line stays empty.
        guard = threading.Timer(20.0, process.kill)
        guard.start()
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        guard.cancel()
        assert "://" in url, "memlab board serve did not start"
        served = Served(url, process)
        started.append(served)
        return served

    yield start
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
        served.process.wait(10)
        assert served.process.stdout is not None
        served.process.stdout.close()


@pytest.fixture(scope="session")
def _virtual(serve: Serve, request: pytest.FixtureRequest) -> Callable[[str], str]:
    known: dict[str, str] = {}

    def url_of(name: str) -> str:
        if not name.startswith("serve "):
            return name
        if name not in known:
            url = serve(*name.split()[1:]).url
            if url.startswith("dpe+"):  # no real board behind it that needs the pauses
                url += "?line_pause=0&rounding=nearest"
            known[name] = url
            if "--chip ideal" in name:
                request.config.exact_urls.add(url)
        return known[name]

    return url_of


@pytest.fixture(scope="session")
def board_url(request: pytest.FixtureRequest, _virtual: Callable[[str], str]) -> str:
    return _virtual(request.param)


@pytest.fixture(scope="session")
def array_url(request: pytest.FixtureRequest, _virtual: Callable[[str], str]) -> str:
    return _virtual(request.param)
