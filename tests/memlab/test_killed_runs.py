"""Runs of all kinds that go on, killed at random moments while somebody follows them.

    python -m pytest -n 2 -m slow tests/memlab/test_killed_runs.py    # 300 kills

Every file opens, every row that a follower saw is there, and a run on an emulator in process ends
bit-identical to one that nobody killed, its passport too. On a served board the truth is the
board's own log: it has fired what it would have, each pulse once. A failure names case and seed.
Nearly half of the kills are on served boards.
Counted are runs that were alive and had a file; MEMLAB_KILLS names a file to which they are noted.
MEMLAB_KILLS_SEED=3 begins with another seed than 1.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from memlab.kinds import Family, kind_names, load_kind

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
if os.name == "posix":
    from support.killed_cases import CASES, SETTINGS, Killer, Wholes
    from support.virtual_board import VirtualBoard
else:
    CASES = SETTINGS = {}

KILLED = ("hits", "misses", "ended", "refused", "attempts")
KILLS = 4
"""Of one test of the long version."""
ROUNDS = max(1, round(300 / (KILLS * max(len(CASES), 1))))
FIRST = int(os.environ.get("MEMLAB_KILLS_SEED", "1"))


def serve(*words: str, log: Path) -> "VirtualBoard":
    return VirtualBoard(*words, log=log, forked=True)


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Wholes"]:
    """Each case once, without a kill."""
    made = Wholes(tmp_path_factory.mktemp("whole"), serve)
    yield made
    made.close()


@pytest.fixture
def kill(
    wholes: "Wholes", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, int, int], None]:
    """Kill the runs of a case so often, with a seed."""
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("memlab.runs.opening._probe", lambda path, *, swmr: None)  # see `often`

    def play(case: str, seed: int, kills: int) -> None:
        directory = tmp_path / "runs"
        directory.mkdir()
        rng = np.random.default_rng([seed, list(CASES).index(case)])
        killer = Killer(case, directory, wholes, serve, rng)
        killer.play(kills)
        if notes := os.environ.get("MEMLAB_KILLS"):
            counted = {name: getattr(killer, name) for name in KILLED}
            with open(notes, "a") as file:
                file.write(json.dumps({"case": case, "seed": seed, **counted}) + "\n")

    return play


@pytest.mark.parametrize("case", ["train", "program, law measured", "set", "served: train"])
def test_a_few_kills(kill: Callable[[str, int, int], None], case: str) -> None:
    kill(case, 0, 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
@pytest.mark.parametrize("case", CASES)
def test_300_kills(kill: Callable[[str, int, int], None], case: str, seed: int) -> None:
    kill(case, seed, KILLS)


def test_no_procedure_is_missing_here() -> None:
    kinds = {name: load_kind(name) for name in kind_names()}
    procedures = {
        name
        for name, kind in kinds.items()
        if kind.family is Family.PROCEDURE and kind.__module__.startswith("memlab.")
    }
    assert procedures == set(SETTINGS)
