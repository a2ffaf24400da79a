"""A passport goes back with the chip: what was entered since is as if it had never been."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from memlab.array.board_array import BoardArray
from memlab.array.urls import open_array
from memlab.errors import DataError

TABLES = ("batches", "outcomes", "before", "loads", "totals", "maps", "decisions")
WITHOUT_TIMES = {"batches": "id, run, ticket, pulses, gates", "maps": "run, conductance"}


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(path) as connection:
        return {
            table: connection.execute(
                f"SELECT {WITHOUT_TIMES.get(table, '*')} FROM {table}"
            ).fetchall()
            for table in TABLES
        }


def opened(path: Path) -> BoardArray:
    array = open_array(f"emulator:?seed=5&chip=worst-case&passport={path}")
    assert isinstance(array, BoardArray)
    return array


def use(array: BoardArray, rng: np.random.Generator, times: int = 3) -> None:
    for _ in range(times):
        part = array[rng.choice(128, 3, replace=False), rng.choice(64, 2, replace=False)]
        part.read_conductance()
        part.program(rng.uniform(0.8, 1.5, part.shape), reset=rng.random(part.shape) < 0.5)


def test_what_was_entered_since_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.sqlite", tmp_path / "broken.sqlite"
    with opened(whole) as array:
        array.passport.begin_run("run.h5", "a" * 32)
        use(array, np.random.default_rng(1))
        use(array, np.random.default_rng(2))
    with opened(broken) as array:
        array.passport.begin_run("run.h5", "a" * 32)
        use(array, np.random.default_rng(1))
        states = array.state(), array.passport.state()
        use(array, np.random.default_rng(99), 5)
    with opened(broken) as array:
        array.passport.begin_run("run.h5", "a" * 32)
        array.restore(states[0])
        array.passport.restore(states[1])
        use(array, np.random.default_rng(2))
    assert content(broken) == content(whole)


def test_pulses_of_another_run_are_not_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "chip.sqlite"
    with opened(path) as array:
        array.passport.begin_run("run.h5", "a" * 32)
        use(array, np.random.default_rng(1))
        state = array.passport.state()
        array.passport.begin_run("other.h5", "b" * 32)
        use(array, np.random.default_rng(2), 1)
        array.passport.begin_run("run.h5", "a" * 32)
        array.passport.ledger.save_totals()
        before = content(path)
        with pytest.raises(DataError, match="has pulses of another run since"):
            array.passport.restore(state)
        assert content(path) == before
