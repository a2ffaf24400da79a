"""A kill in the last moment of a run: its file is finished, and what lay beside it is still there.

A resume finds nothing to run, removes what nobody needs any more, and draws the picture.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.any_run import type_in
from support.command import in_process
from support.forked_command import Forked
from support.stopped import StopAfter

from memlab.characterize.session import session_identity
from memlab.errors import StorageError
from memlab.experiments import make_plan, resume, run
from memlab.runs import RunLock, open_run, read_attributes, run_file
from memlab.runs.new_run import best_path
from memlab.session import session as session_module
from memlab.storage import write_over

CHIP = "emulator:?chip=ideal&seed=3"
TINY = ("--set", "network.units=2", "--set", "log.level=off", "--seed", "3", "--quiet")
REGION = ("--rows", "0:3", "--columns", "1:3", "--quiet")
SMALL = ("airline-window", "--epochs", "1", *TINY, "--board", CHIP)
Words = Callable[[Path], list[str]]

CASES: dict[str, Words] = {
    "train": lambda out: ["train", *SMALL, "--out", str(out / "run.h5")],
    "transfer": lambda out: ["transfer", *SMALL, "--out", str(out / "run.h5")],
    "program": lambda out: [
        *("program", str(target(out)), "--board", CHIP, "--quiet", "--out", str(out / "run.h5")),
    ],
    "characterize": lambda out: [
        *("characterize", "staircase", "--board", CHIP, *REGION, "--set", "steps=2"),
        *("--out", str(out / "run.h5")),
    ],
}
SESSION = ("characterize", "staircase", "variation", "--board", CHIP, *REGION)


def target(directory: Path) -> Path:
    wanted = np.full((128, 64), np.nan)
    wanted[3:5, 5:8] = 2.5e-4
    path = directory.with_name("target.npy")
    np.save(path, wanted)
    return path


def left_beside(out: Path) -> list[Path]:
    """Leave, beside a finished run, all that a kill may have left there at some moment."""
    identity = open_run(out).run_id
    hidden = (
        *(".lock", ".checkpoint", ".checkpoint-before"),
        *(".checkpoint.part", ".checkpoint-before.part"),
    )
    left = [out.with_name(f".{identity}{suffix}") for suffix in hidden]
    left += [out.with_name(f"{out.name}{suffix}") for suffix in (".new", ".resumed")]
    for path in left:
        path.write_bytes(b"of before")
    for path in (out.with_suffix(".png"), best_path(out)):
        left.append(half_written(path))
    return left


def half_written(path: Path) -> Path:
    """Begin to write a file, as one does who is killed before it is moved to its place."""
    before = set(path.parent.iterdir())
    child = Forked(_killed_while_writing, path)
    child.communicate()
    assert child.returncode == -signal.SIGKILL
    (left,) = set(path.parent.iterdir()) - before
    return left


def _killed_while_writing(path: Path) -> None:
    write_over(path, lambda file: os.kill(os.getpid(), signal.SIGKILL))


@pytest.fixture(params=CASES)
def finished(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A finished run of each sort that goes on, with the picture that a test sees."""
    directory = tmp_path / "runs"
    directory.mkdir()
    type_in(*CASES[request.param](directory))
    return directory / "run.h5"


pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")


@pytest.mark.usefixtures("drawn")
def test_what_a_kill_has_left_beside_a_finished_run_goes_and_its_picture_is_drawn(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there, content = set(finished.parent.iterdir()), finished.read_bytes()
    left = left_beside(finished)
    finished.with_suffix(".png").unlink()
    code, said, talk = in_process(capsys, "runs", "resume", str(finished))
    assert code == 0
    assert "finished" in said
    assert not [path.name for path in left if path.exists()]
    assert set(finished.parent.iterdir()) == there
    assert finished.read_bytes() == content
    assert str(finished.with_suffix(".png")) in talk, "that a picture was drawn is said"
    picture = finished.with_suffix(".png").stat()
    code, _, talk = in_process(capsys, "runs", "resume", str(finished))
    assert (code, talk) == (0, "")
    assert finished.with_suffix(".png").stat().st_mtime_ns == picture.st_mtime_ns


def test_nothing_is_taken_from_a_run_that_is_alive(finished: Path) -> None:
    left = left_beside(finished)
    finished.with_suffix(".png").unlink()
    with RunLock.beside(finished, open_run(finished).run_id):
        type_in("runs", "resume", str(finished))
        assert all(path.exists() for path in left)
        assert not finished.with_suffix(".png").exists()


def test_a_directory_that_nobody_may_write_in_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run.h5"
    type_in(*CASES["train"](tmp_path))
    out.with_suffix(".png").unlink()
    real = os.open

    def refuse(path: object, flags: int, *more: object, **named: object) -> int:
        if str(path).endswith(".lock"):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    assert resume(out) is None
    assert not out.with_suffix(".png").exists()


def test_a_resume_without_pictures_draws_none(tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    type_in(*CASES["train"](tmp_path))
    out.with_suffix(".png").unlink()
    assert resume(out, figure=False) is None
    assert not out.with_suffix(".png").exists()


def test_a_copy_finds_the_lock_where_its_run_was_begun(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "run.h5", tmp_path / "elsewhere" / "other.h5"
    elsewhere.parent.mkdir()
    type_in(*CASES["train"](tmp_path))
    lock = tmp_path / f".{open_run(out).run_id}.lock"
    lock.write_bytes(b"")
    shutil.move(out, elsewhere)
    assert resume(elsewhere, figure=False) is None
    assert not lock.exists()


# -- procedures of one command --------------------------------------------------------------


@pytest.mark.parametrize("asked", ["staircase", "variation"])
def test_of_a_session_the_leftovers_of_all_its_runs_go(tmp_path: Path, asked: str) -> None:
    out = tmp_path / "session"
    type_in(*SESSION, "--set", "steps=2", "--set", "cycles=2", "--out", str(out))
    there = set(out.iterdir())
    runs = [out / "staircase.h5", out / "variation.h5"]
    left = [path for one in runs for path in left_beside(one)]
    for one in runs:
        one.with_suffix(".png").unlink()
    session = session_identity(str(read_attributes(runs[0])["session"]))
    left.append(out / f".{session}.lock")
    left[-1].write_bytes(b"")
    type_in("runs", "resume", str(out / f"{asked}.h5"))
    assert not [path.name for path in left if path.exists()]
    assert set(out.iterdir()) == there


def test_a_kill_between_two_runs_of_a_session_leaves_nothing_when_it_has_gone_on(
    tmp_path: Path,
) -> None:
    out = tmp_path / "session"
    words = [*SESSION, "--set", "steps=2", "--set", "cycles=2", "--out", str(out)]
    killed_at(1, words)
    assert open_run(out / "staircase.h5").finished
    assert not (out / "variation.h5").exists()
    assert list(out.glob(".*.lock")), "the kill came in the last moment"
    type_in("runs", "resume", str(out / "staircase.h5"))
    names = sorted(path.name for path in out.iterdir())
    assert names == ["staircase.h5", "staircase.png", "variation.h5", "variation.png"]


def killed_at(release: int, words: list[str]) -> None:
    child = Forked(_killed_at, release, words)
    child.communicate()
    assert child.returncode == -signal.SIGKILL


def _killed_at(release: int, words: list[str]) -> None:
    """Run a command that is killed when it lets go of the lock of a run for the so manieth time."""
    from support.forked_command import memlab

    real, count = RunLock.release, 0

    def release_and_die(self: RunLock) -> None:
        nonlocal count
        count += 1
        if count == release:
            os.kill(os.getpid(), signal.SIGKILL)
        real(self)

    RunLock.release = release_and_die  # type: ignore[method-assign]
    memlab(words)


@pytest.mark.parametrize("release", [3, 4, 5])
def test_a_kill_of_a_session_after_its_last_run_leaves_nothing(
    tmp_path: Path, release: int
) -> None:
    """When the last file is closed, when its picture is drawn, and when the session ends."""
    out = tmp_path / "session"
    words = [*SESSION, "--set", "steps=2", "--set", "cycles=2", "--out", str(out)]
    killed_at(release, words)
    assert open_run(out / "variation.h5").finished
    assert list(out.glob(".*.lock"))
    type_in("runs", "resume", str(out / "variation.h5"))
    assert not list(out.glob(".*"))


# -- a run that goes on ---------------------------------------------------------------------


def test_weights_that_were_half_written_go_when_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_file, "FLUSH_SECONDS", 0.0)
    out = tmp_path / "run.h5"
    settings = ("network.units=2", "train.patience=3")
    plan = make_plan("airline-window", seed=3, epochs=4, settings=settings, out=out)
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAfter(epochs=2)], figure=False)
    left = half_written(best_path(out))
    assert resume(out, figure=False) is not None
    assert not left.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.best.npz", "run.h5"]


def test_a_picture_that_cannot_be_drawn_is_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run.h5"
    type_in(*CASES["train"](tmp_path))
    out.with_suffix(".png").unlink()

    def full(run: Path, picture: Path) -> None:
        raise StorageError(f"cannot write {picture}: No space left on device")

    monkeypatch.setattr(session_module, "_draw", full)
    with pytest.raises(StorageError, match="No space left") as refused:
        resume(out)
    assert refused.value.saved == (out,)
    assert not list(tmp_path.glob(".*"))


# -- sweeps ---------------------------------------------------------------------------------


def test_a_sweep_leaves_nothing_of_trials_and_tables_that_were_killed(tmp_path: Path) -> None:
    words = ["sweep", "airline-window", "--set", "network.units=2", "--epochs", "1", "--seeds", "1"]
    out = tmp_path / "sweep"
    type_in(*words, "--out", str(out), "--quiet")
    there = sorted(out.rglob("*"))
    (trial,) = (out / "trials").iterdir()
    identity = open_run(trial).run_id
    unfinished = out / "unfinished"
    unfinished.mkdir()
    shutil.copy(trial, unfinished / trial.name)
    left_beside(unfinished / trial.name)
    # One that was killed before its file could be read, and one that never came to its place.
    (unfinished / ".0123abc.lock").write_bytes(b"")
    (unfinished / f".{identity}.lock").write_bytes(b"")
    half_written(trial)
    half_written(out / "table.png")
    (out / ".table.nc.part").write_bytes(b"half")
    trial.unlink()
    type_in(*words, "--out", str(out), "--quiet")
    assert sorted(out.rglob("*")) == there
    assert json.loads(type_in(*words, "--out", str(out), "--quiet", "--json"))["reused"] == 1
