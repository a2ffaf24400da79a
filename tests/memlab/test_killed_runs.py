"""Runs of all kinds that go on, killed at random moments while somebody follows them.

    python -m pytest -n 2 -m slow tests/memlab/test_killed_runs.py    # 300 kills

Every file opens, every row that a follower saw is there, and a run on an emulator in process ends
bit-identical to one that nobody killed, its passport too. On a served board the truth is the
board's own log: it has fired what it would have, each pulse once. A failure names case and seed.
"""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.stopped import assert_same

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
if os.name == "posix":
    from support.killed_run import SIGNALS, KilledRun, run
    from support.virtual_board import VirtualBoard

SMALL = ("--set", "network.units=2", "--seed", "3", "--quiet")
TRAIN = ("train", "airline-window", *SMALL)
CASES: dict[str, tuple[str, ...]] = {
    "train": (*TRAIN, "--epochs", "12"),
    "train, all effects": (*TRAIN, "--epochs", "6", "--set", "chip=worst-case"),
    "train, passport": (*TRAIN, "--epochs", "12", "--board", "PASSPORT"),
    "program": ("program", "TARGET", "--quiet", "--board", "PASSPORT", "--set", "tolerance=2e-6"),
    "transfer": ("transfer", *TRAIN[1:], "--epochs", "6", "--set", "transfer.law=measured"),
}
PASSPORT_TABLES = {
    "batches": "id, run, ticket, pulses, gates",
    "outcomes": "*",
    "totals": "*",
    "maps": "run, conductance",
}


def in_process(directory: Path, words: tuple[str, ...], name: str) -> tuple[list[str], Path]:
    """Return a command with a file, and a passport, of its own, and the file."""
    out = directory / f"{name}.h5"
    board = f"emulator:?chip=ta-hfo2&passport={directory / name}.sqlite"
    target = directory / "target.npy"
    wanted = np.full((128, 64), np.nan)
    wanted[3:9, 5:9] = np.random.default_rng(0).uniform(2e-4, 3e-4, (6, 4))
    np.save(target, wanted)
    given = {"PASSPORT": board, "TARGET": str(target)}
    return [*(given.get(word, word) for word in words), "--out", str(out)], out


def passport(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(path) as connection:
        return {
            table: connection.execute(f"SELECT {columns} FROM {table}").fetchall()
            for table, columns in PASSPORT_TABLES.items()
        }


def kill_and_resume(directory: Path, case: str, seed: int, kills: int) -> None:
    rng = np.random.default_rng(seed)
    words, whole = in_process(directory, CASES[case], "whole")
    began = time.monotonic()
    code, said = run(words)
    assert code == 0, said
    lasts = time.monotonic() - began
    words, broken = in_process(directory, CASES[case], "broken")
    for _ in range(kills):
        current = KilledRun(words, broken)
        if not current.wait_until_begun() or not current.follow(rng.uniform(0.0, 0.5 * lasts)):
            assert current.finish()[0] == 0
            break
        number = SIGNALS[rng.integers(len(SIGNALS))]
        code, said = current.end(number)
        if number == signal.SIGKILL:
            assert code == -signal.SIGKILL
        elif code == 130 and "measured" in said:  # else before there was a run, or after
            assert said.rstrip().endswith(f"go on with: memlab runs resume {broken}")
        words = ["runs", "resume", str(broken), "--quiet"]
    code, said = run(["runs", "resume", str(broken), "--quiet"])
    assert code == 0, said
    assert_same(broken, whole)
    assert list(directory.glob(".*")) == []
    if whole.with_suffix(".sqlite").exists():
        assert passport(broken.with_suffix(".sqlite")) == passport(whole.with_suffix(".sqlite"))


@pytest.mark.parametrize("case", ["train, passport", "program"])
def test_a_few_kills(case: str, tmp_path: Path) -> None:
    kill_and_resume(tmp_path, case, 1, 2)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(60))
def test_300_kills(seed: int, tmp_path: Path) -> None:
    kill_and_resume(tmp_path, list(CASES)[seed % len(CASES)], seed, 5)


def pulses(board: "VirtualBoard") -> list[tuple[object, ...]]:
    fired = [e for e in board.events() if e["event"] == "pulse"]
    return [(e["kind"], e["row"], e["columns"]) for e in fired]


def test_a_served_board_fires_what_it_would_have_and_nothing_twice(
    virtual_board: Callable[..., "VirtualBoard"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    rng = np.random.default_rng(0)
    case = ("train", "airline-window", *SMALL, "--epochs", "4", "--set", "chip=ideal")
    fired = []
    for name, kills in (("whole", 0), ("broken", 2)):
        log = tmp_path / f"{name}.jsonl"
        board = virtual_board("--pty", "--chip", "ideal", "--serial", name, log=log)
        out = tmp_path / f"{name}.h5"
        words = [*case, "--board", board.url, "--out", str(out)]
        for k in range(kills):
            moment = (k + rng.uniform(0.2, 0.8)) * len(fired[0]) / kills
            current = KilledRun(words, out)
            while len(pulses(board)) < moment and current.follow(0.005):
                pass
            assert current.end(signal.SIGKILL)[0] == -signal.SIGKILL
            words = ["runs", "resume", str(out), "--quiet"]
        code, said = run(words)
        assert code == 0, said
        fired.append(pulses(board))
    assert len(fired[0]) > 60
    assert fired[1] == fired[0]
