"""Which boards the contract suites run on.

    python -m pytest tests/contract                                      # the emulator, and ideal:
    python -m pytest tests/contract --board serial:///dev/ttyACM0        # a board of one's own
    python -m pytest tests/contract --board socket://host:port --exact   # ... that repeats codes

A test that asks for `board_url` runs once for every board, one that asks for `array_url` once for
every board and on `ideal:`.

`virtual_board` starts `memlab board serve` for one test.
"""

from collections.abc import Callable, Iterator

import pytest
from support.virtual_board import VirtualBoard

BOARDS = ["emulator:?chip=ideal", "emulator:?chip=ta-hfo2&seed=3"]
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    given = metafunc.config.getoption("--board")
    if "board_url" in metafunc.fixturenames:
        boards = BOARDS if given is None else [url for url in given if not url.startswith("ideal")]
        metafunc.parametrize("board_url", boards)
    if "array_url" in metafunc.fixturenames:
        metafunc.parametrize("array_url", given or ARRAYS)


@pytest.fixture
def virtual_board() -> Iterator[Callable[..., VirtualBoard]]:
    """Start `memlab board serve` with these arguments; ended with the test."""
    running: list[VirtualBoard] = []

    def start(*arguments: str, **options: object) -> VirtualBoard:
        running.append(VirtualBoard(*arguments, **options))  # type: ignore[arg-type]
        return running[-1]

    yield start
    for board in running:
        board.__exit__(None, None, None)
