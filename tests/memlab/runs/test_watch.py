"""A run is watched in a terminal of any width, in a pipe, and through what happens to its file."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from support.forked_command import Forked, memlab
from support.run_writer import Writer

from memlab.cli import cli
from memlab.runs import Family, RunFile, schema_attributes

DEADLINE = 60.0


def test_one_look_says_how_far_it_is(writer: Writer, tmp_path: Path) -> None:
    writer.tell("4")
    run = str(tmp_path / "run.h5")
    shown = CliRunner().invoke(cli, ["runs", "watch", run, "--once"])
    assert shown.exit_code == 0, shown.output
    assert "2 of 6 epochs" in shown.stdout
    assert "loss 0.25" in shown.stdout
    assert "dense, 2 x 3: 3e+06 to 3e+06 uS" in shown.stdout
    done = CliRunner().invoke(cli, ["runs", "watch", run, "--once", "--json"])
    document = json.loads(done.stdout)
    assert document["status"] == "running"
    assert (document["done"], document["total"]) == (2, 6)
    assert document["vitals"]["loss"] == {"value": 0.25, "units": "1", "words": "0.25"}


def test_a_finished_run_ends_it_at_once(made_runs: dict[str, Path]) -> None:
    for name, path in made_runs.items():
        done = CliRunner().invoke(cli, ["runs", "watch", str(path), "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["status"] == "finished", name


@pytest.mark.parametrize("columns", [60, 100])
def test_all_numbers_are_readable_at_any_width(made_runs: dict[str, Path], columns: int) -> None:
    shown = CliRunner().invoke(
        cli,
        ["runs", "watch", str(made_runs["train-a"]), "--once"],
        env={"COLUMNS": str(columns)},
    )
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    text = " ".join(shown.stdout.split())
    for word in ("EMULATOR", "3 of 3 epochs", "on the board", "SETs 8 288", "last currents"):
        assert word in text
    assert "…" not in text


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e308])
def test_numbers_that_are_infinite_or_huge_are_no_error(
    value: float, made_runs: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(made_runs["train-a"], path)
    with h5py.File(path, "r+") as file:
        file["entry/training/loss"][:2] = value, -value
        file["entry/lstm/conductance"][-1, 0, :2] = value, -value
    found = CliRunner().invoke(cli, ["runs", "watch", str(path), "--once"])
    assert (found.exit_code, found.stderr) == (0, "")
    assert "loss" in found.stdout


def test_what_a_file_says_of_itself_stays_text(tmp_path: Path) -> None:
    run = tmp_path / "run.h5"
    about = schema_attributes("own", Family.OPERATION)
    file = RunFile(run, "[bold]evil\x1b]0;owned\x07[/bold]", about)
    file.start()
    file.close("finished")
    shown = CliRunner().invoke(cli, ["runs", "watch", str(run), "--once"])
    assert shown.exit_code == 0, shown.output
    assert "[bold]evil" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "\x07" not in shown.stdout


def started(run: Path, *options: str, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "memlab", "runs", "watch", str(run), "--every", "0.1"]
    return subprocess.Popen([*command, *options], text=True, **more)  # type: ignore[call-overload]


@contextmanager
def watching(run: Path, *options: str) -> Iterator[Forked]:
    words = ("runs", "watch", str(run), "--every", "0.1", *options)
    watch = Forked(memlab, list(words), stderr=subprocess.PIPE)
    try:
        yield watch
    finally:
        watch.kill()
        watch.communicate()


def test_without_a_terminal_a_line_tells_what_has_changed_and_ctrl_c_leaves_the_run_alone(
    writer: Writer, tmp_path: Path
) -> None:
    writer.tell("2")
    with watching(tmp_path / "run.h5") as watch:
        assert "running, 0 of 6 epochs, loss 0.5" in watch.stderr.readline()
        writer.tell("2")
        # A look may fall between two datasets that are written one after the other.
        while "2 of 6 epochs, " not in (line := watch.stderr.readline()):
            assert "running" in line
        watch.send_signal(signal.SIGINT)
        said, talk = watch.communicate(timeout=DEADLINE)
    assert watch.returncode == 130
    assert len(talk.splitlines()) <= 1, "a line for each change, none for the signal"
    assert all("running, 2 of 6 epochs" in line for line in talk.splitlines())
    assert "2 of 6 epochs" in said
    assert writer.tell("1") == "written"


def test_somebody_who_stays_sees_the_run_that_takes_the_place_of_a_killed_one(
    writer: Writer, tmp_path: Path
) -> None:
    run, new = tmp_path / "run.h5", tmp_path / "new.h5"
    writer.tell("2")
    with watching(run, "--stay") as watch:
        assert "running" in watch.stderr.readline()
        writer.kill()
        assert "killed" in watch.stderr.readline()
        run.unlink()
        assert "waiting: " in watch.stderr.readline()
        other = Writer(new)
        try:
            other.tell("12")
            os.replace(new, run)
            assert "running, 6 of 6 epochs" in watch.stderr.readline()
        finally:
            other.close()
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=DEADLINE)
        assert watch.returncode == 130


def test_in_a_terminal_of_60_columns_no_line_is_longer_and_it_ends_with_the_run(
    writer: Writer, tmp_path: Path
) -> None:
    writer.tell("4")
    screen, terminal = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "LINES": "20", "TERM": "xterm"}
    with started(
        tmp_path / "run.h5", stdout=terminal, stderr=terminal, stdin=terminal, env=environment
    ) as watch:
        os.close(terminal)
        seen = _read_until(screen, lambda text: "2 of 6 epochs" in text)
        writer.tell("close")
        seen += _read_until(screen, lambda text: False)
        assert watch.wait(DEADLINE) == 0
    os.close(screen)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert "finished" in plain
    assert max(len(one.rstrip("\r")) for one in plain.split("\n")) <= 60


def _read_until(screen: int, seen: Callable[[str], bool]) -> str:
    """Read a terminal until a text is seen, or its program has ended."""
    text, end = "", time.monotonic() + DEADLINE
    while time.monotonic() < end and not seen(text):
        if select.select([screen], [], [], 0.2)[0]:
            try:
                part = os.read(screen, 65536)
            except OSError:  # nobody holds the other end any more
                return text
            if not part:
                return text
            text += part.decode(errors="replace")
    return text
