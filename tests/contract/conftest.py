"""What the two contract suites share: how closely a board repeats itself."""

import pytest


def is_exact(url: str, config: pytest.Config) -> bool:
    """Whether this board has neither noise nor drift, so that its codes repeat."""
    if url.startswith("ideal:") or "chip=ideal" in url:
        return True
    return url in config.exact_urls or config.getoption("--exact")


@pytest.fixture
def code_tolerance(board_url: str, request: pytest.FixtureRequest) -> int:
    """ADC codes at gain 2 by which an untouched cell may seem to change: 3 uS, or nothing."""
    return 0 if is_exact(board_url, request.config) else 40


@pytest.fixture
def conductance_tolerance(array_url: str, request: pytest.FixtureRequest) -> float:
    """Conductance in S by which an untouched cell may seem to change: 3 uS, or nothing."""
    return 0.0 if is_exact(array_url, request.config) else 3e-6
