"""Small real runs on the emulator, made once, and pages of them without a browser."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from memlab.cli import cli


def command(*args: str) -> dict[str, object]:
    done = CliRunner().invoke(cli, [*args, "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, object] = json.loads(done.stdout)
    return document


COMMANDS = {
    "train": ["train", "airline", "--quiet", "--epochs", "4", "--seed", "5"],
    "other": ["train", "airline", "--quiet", "--epochs", "3", "--seed", "6", "--tag", "second"],
    "iv": [
        *("characterize", "iv", "--quiet", "--rows", "3:5", "--columns", "7:10"),
        *("--set", "cycles=1", "--set", "steps=4", "--tag", "sweeps"),
    ],
    "yield": ["characterize", "yield", "--quiet", "--rows", "2:11", "--columns", "5:9"],
    "map": ["read", "--rows", "0:3", "--columns", "2:7"],
}


@pytest.fixture(scope="session")
def live_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two trainings, sweeps, a test of yield, and one map."""
    folder = tmp_path_factory.mktemp("live-runs")
    files = {name: folder / f"{name}.h5" for name in COMMANDS}
    for name, args in COMMANDS.items():
        command(*args, "--out", str(files[name]))
    return files


@pytest.fixture
def page_of() -> Callable[..., object]:
    """Return what makes the page of a run file as a browser gets it, after one look."""
    pytest.importorskip("bokeh", reason="the extra live is not installed")
    from support.live_pages import Shown

    return Shown.of_run
