"""The shipped contract suites on the emulator, on the wire, in both dialects, and on `ideal:`."""

from collections.abc import Callable
from functools import partial

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


class TestIdeal(ArrayContract):
    @pytest.fixture
    def open_array(self) -> Callable[..., Array]:
        return partial(open_array, "ideal:")

    @pytest.fixture
    def exact(self) -> bool:
        return True
