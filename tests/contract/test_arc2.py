"""The contract suites on the ArC TWO driver, over a stand-in for pyarc2; no ArC TWO was touched."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from support.arc2 import plug_in

from drivers.board import Board
from memlab.array import Array
from memlab.array.urls import open_array, open_board
from memlab.testing import BoardArrayContract, BoardContract

EMULATED_CODE = 15.26e-9
"""A; what the emulated amplifiers behind the stand-in tell apart."""


@pytest.fixture(params=["selectors", "none"])
def arc2_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    return plug_in(monkeypatch, tmp_path, request.param)[1]


class TestBoard(BoardContract):
    @pytest.fixture
    def open_board(self, arc2_url: str) -> Callable[[], Board]:
        return partial(open_board, arc2_url)

    @pytest.fixture
    def exact(self) -> bool:
        return True

    @pytest.fixture
    def resolution(self) -> float:
        return EMULATED_CODE


class TestArray(BoardArrayContract):
    @pytest.fixture
    def open_array(self, arc2_url: str) -> Callable[..., Array]:
        return partial(open_array, f"{arc2_url}&passport=none")

    @pytest.fixture
    def exact(self) -> bool:
        return True

    @pytest.fixture
    def resolution(self) -> float:
        return EMULATED_CODE * (1 + 1e-4)
