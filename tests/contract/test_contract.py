"""The contract suites on emulators of several sizes, on the wire, in both dialects, on `ideal:`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from drivers.board import Board
from memlab.array import Array
from memlab.array.board_array import BoardArray
from memlab.array.urls import open_array, open_board
from memlab.testing import ArrayContract, BoardArrayContract, BoardContract


def is_exact(url: str, config: pytest.Config) -> bool:
    """Whether this board has neither noise nor drift, so that its codes repeat."""
    if url.startswith("ideal:") or "chip=ideal" in url:
        return True
    return url in config.exact_urls or config.getoption("memlab_board_exact")


class TestBoard(BoardContract):
    @pytest.fixture
    def open_board(self, board_url: str) -> Callable[[], Board]:
        return partial(open_board, board_url)

    @pytest.fixture
    def exact(self, board_url: str, request: pytest.FixtureRequest) -> bool:
        return is_exact(board_url, request.config)


class TestArrayOnABoard(BoardArrayContract):
    @pytest.fixture
    def open_array(self, board_url: str) -> Callable[..., Array]:
        return partial(open_array, board_url)

    @pytest.fixture
    def exact(self, board_url: str, request: pytest.FixtureRequest) -> bool:
        return is_exact(board_url, request.config)

    def test_it_has_a_board_below(self, array: Array) -> None:
        assert isinstance(array, BoardArray)


SMALL = "emulator:?chip=ideal&shape=5x7"
USUAL = (
    SMALL,
    "emulator:?chip=ideal&shape=200x130&limits.row_current=0.012",
    "serve --pty --chip ideal --shape 5x7",
)
SIZE_URLS = (
    *USUAL,
    "emulator:?chip=ideal&shape=64x64",
    "emulator:?chip=ideal&shape=32x32",
    "serve --tcp 0 --chip ideal --shape 64x64",
)
"""What is not 128 x 64; the cells of the suites need 5 x 7."""


@pytest.fixture(
    params=[url if url in USUAL else pytest.param(url, marks=pytest.mark.slow) for url in SIZE_URLS]
)
def sized_url(request: pytest.FixtureRequest, _url_of: Callable[[str], str]) -> str:
    return _url_of(request.param)


class TestBoardOfAnotherSize(BoardContract):
    @pytest.fixture
    def open_board(self, sized_url: str) -> Callable[[], Board]:
        return partial(open_board, sized_url)

    @pytest.fixture
    def exact(self) -> bool:
        return True


class TestArrayOfAnotherSize(BoardArrayContract):
    # By default large boards, and small ones behind a wire, are those above: an array asks a board.
    @pytest.fixture(
        params=[
            url if url == SMALL else pytest.param(url, marks=pytest.mark.slow) for url in SIZE_URLS
        ]
    )
    def open_array(
        self, request: pytest.FixtureRequest, _url_of: Callable[[str], str]
    ) -> Callable[..., Array]:
        return partial(open_array, _url_of(request.param))

    @pytest.fixture
    def exact(self) -> bool:
        return True


class TestBoardInAFile(BoardContract):
    """A chip that is kept, opened again and again."""

    @pytest.fixture
    def open_board(self, tmp_path: Path) -> Callable[[], Board]:
        return partial(open_board, f"emulator:?chip=ideal&shape=5x7&state={tmp_path / 'my.h5'}")

    @pytest.fixture
    def exact(self) -> bool:
        return True

    def test_it_keeps_the_history_of_its_chip(self, board: Board) -> None:
        assert board.history() is not None


PASSIVE = "emulator:?chip=passive-tiox&noise=0&spread.threshold=0&non_responsive=0&{}"
"""Cells without transistors; its SETs end where the suite's strong gate does."""
PASSIVE_URLS = [
    PASSIVE.format("shape=5x7&set_offset=280e-6&wires.resistance=0"),
    PASSIVE.format("shape=9x8&set_offset=280e-6&wires.resistance=0&passive.scheme=V/3"),
]


class TestPassiveBoard(BoardContract):
    @pytest.fixture(params=PASSIVE_URLS)
    def open_board(self, request: pytest.FixtureRequest) -> Callable[[], Board]:
        return partial(open_board, request.param)

    @pytest.fixture
    def exact(self) -> bool:
        return True


class TestPassiveArray(BoardArrayContract):
    # By default the other scheme is that of the boards, above: codes are what differs.
    @pytest.fixture(params=[PASSIVE_URLS[0], pytest.param(PASSIVE_URLS[1], marks=pytest.mark.slow)])
    def open_array(self, request: pytest.FixtureRequest) -> Callable[..., Array]:
        return partial(open_array, request.param)

    @pytest.fixture
    def exact(self) -> bool:
        return True


class TestIdeal(ArrayContract):
    @pytest.fixture(params=["ideal:", "ideal:?shape=200x109", "ideal:?shape=5x7"])
    def open_array(self, request: pytest.FixtureRequest) -> Callable[..., Array]:
        return partial(open_array, request.param)

    @pytest.fixture
    def exact(self) -> bool:
        return True
