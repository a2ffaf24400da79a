"""The contract suites on two source-meter channels and a matrix, both simulated."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support.bench import LIMITS, POINT, set_up

from drivers.board import Board
from memlab.array import Array
from memlab.array.urls import open_array, open_board
from memlab.chip.limit_changes import LimitChanges
from memlab.testing import BoardArrayContract, BoardContract

EMULATED = 15.26e-9 + 2 * 76.3e-6 * 277e-6
"""A; a code of the emulated amplifiers behind the simulation, and what their DACs round."""


@pytest.fixture
def bench_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return set_up(monkeypatch, tmp_path)[1]


class TestBoard(BoardContract):
    @pytest.fixture
    def open_board(self, bench_url: str) -> Callable[[], Board]:
        return partial(open_board, bench_url)

    @pytest.fixture
    def exact(self) -> bool:
        return True

    @pytest.fixture
    def resolution(self) -> float:
        return EMULATED


class TestArray(BoardArrayContract):
    @pytest.fixture
    def open_array(self, bench_url: str) -> Callable[..., Array]:
        def opened(limits: LimitChanges | None = None) -> Array:
            allowed = (limits or LimitChanges()).over(LIMITS)
            return open_array(f"{bench_url}&passport=none", limits=allowed, point=POINT)

        return opened

    @pytest.fixture
    def exact(self) -> bool:
        return True

    @pytest.fixture
    def resolution(self) -> float:
        return 3 * EMULATED  # of a sum over three rows
