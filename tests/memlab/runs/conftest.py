"""Run files that several tests look at, made once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.run_writer import Writer

from memlab.cli import cli


def command(*args: str) -> dict[str, object]:
    done = CliRunner().invoke(cli, [*args, "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, object] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two staircases and two trainings that differ in seed, settings and region; one map."""
    folder = tmp_path_factory.mktemp("made-runs")
    steps = ["characterize", "staircase", "--set", "chip=ta-hfo2", "--set", "steps=4"]
    train = ["train", "airline", "--quiet"]
    commands = {
        "steps-a": [*steps, "--rows", "2:5", "--columns", "1:9"],
        "steps-b": [*steps, "--rows", "3:7", "--columns", "4:11", "--seed", "9"],
        "train-a": [*train, "--epochs", "3", "--seed", "5"],
        "train-b": [*train, "--epochs", "4", "--seed", "5", "--set", "train.lr=0.003"],
        "map": ["read", "--rows", "0:3", "--columns", "2:7"],
    }
    files = {name: folder / f"{name}.h5" for name in commands}
    for name, args in commands.items():
        command(*args, "--out", str(files[name]))
    return files


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A process that writes `run.h5` as it is told to."""
    made = Writer(tmp_path / "run.h5")
    yield made
    made.close()
