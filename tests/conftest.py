"""Fixtures for all tests."""

from collections.abc import Callable, Iterator

import pytest
from support.virtual_board import VirtualBoard


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
