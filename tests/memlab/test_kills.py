"""kill -9 in every way in which pulses were fired twice once: none is, and nothing is misreported.

    python -m pytest -n 2 -m slow tests/memlab/test_kills.py       # 500 kills, at most 45 minutes

The truth is the virtual board's own log of what it fired. A failure names its case and seed.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.command import in_process

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
if os.name == "posix":
    from support.kill_cases import CASES
    from support.kill_scene import Scene
else:
    CASES = {}

SHORT = [(case, 1 + (case in ("killed", "restarted", "renamed"))) for case in CASES]
LONG = 6
"""Kills of one scene of the long version."""
SCENES = 500 // LONG + 1


@pytest.fixture
def scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Scene]:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    made = Scene(tmp_path, lambda *words: in_process(capsys, *words), np.random.default_rng(0))
    yield made
    made.close()


def play(scene: Scene, case: str, seed: int, kills: int) -> None:
    scene.rng = np.random.default_rng(seed)
    CASES[case](scene, kills)
    assert scene.kills >= kills
    assert scene.mistakes == []


@pytest.mark.parametrize(("case", "kills"), SHORT)
def test_a_few_kills(scene: Scene, case: str, kills: int) -> None:
    play(scene, case, 0, kills)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(1, SCENES + 1))
def test_500_kills(scene: Scene, seed: int) -> None:
    play(scene, list(CASES)[seed % len(CASES)], seed, LONG)
