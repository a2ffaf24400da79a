"""A checkpoint that is damaged, or another run's, is told in one line; the one before it serves."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.stopped import StopAfter, assert_same

from memlab.errors import DataError
from memlab.experiments import make_plan, resume, run
from memlab.runs import run_file
from memlab.session import find_checkpoint
from memlab.storage import write_state

SETTINGS = ("network.units=2", "log.level=off")


def begun(out: Path, seed: int = 3, updates: int = 4) -> Path:
    """Make a run that was interrupted, with two generations of checkpoints; return the newest."""
    plan = make_plan("airline-window", seed=seed, epochs=6, settings=SETTINGS, out=out)
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAfter(updates=updates)], figure=False)
    return out.with_name(f".{plan.run_id}.checkpoint")


@pytest.fixture(autouse=True)
def checkpoint_after_each_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "FLUSH_SECONDS", 0.0)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.write_text("not a checkpoint")


def other_archive(path: Path) -> None:
    write_state(path, {"something": "else"})


def other_format(path: Path) -> None:
    write_state(path, {"format": 99})


def half_of_it(path: Path) -> None:
    write_state(path, {"format": 1, "run_id": path.suffixes and path.name.split(".")[1]})


def removed(path: Path) -> None:
    path.unlink()


def flipped(part: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(part * (len(content) - 1))] ^= 0x10
        path.write_bytes(content)

    return flip


DAMAGE = {
    one.__name__: one
    for one in (cut_off, empty, foreign, other_archive, other_format, half_of_it, removed)
} | {f"bit at {part}": flipped(part) for part in (0.0, 0.02, 0.3, 0.5, 0.77, 0.97)}


@pytest.mark.parametrize("how", DAMAGE)
def test_the_generation_before_serves_where_the_newest_is_damaged(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newest = begun(tmp_path / "run.h5")
    before = Path(f"{newest}-before")
    assert before.exists()
    DAMAGE[how](newest)
    whole = find_checkpoint(tmp_path / "run.h5")
    assert whole.kind["training"]["position"]["index"] == 4
    assert (f"this run goes on from {before}" in caplog.text) == (how != "removed")
    DAMAGE[how](before)
    with pytest.raises(DataError) as refused:
        resume(tmp_path / "run.h5")
    text = str(refused.value)
    assert text.startswith(f"{tmp_path / 'run.h5'} cannot be resumed: ")
    assert text.endswith("Start the run again, with another --out")
    assert "\n" not in text


def test_a_run_that_goes_on_from_the_generation_before_ends_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    plan = make_plan(
        "airline-window", seed=3, epochs=6, settings=SETTINGS, out=tmp_path / "whole.h5"
    )
    run(plan, figure=False)
    cut_off(begun(tmp_path / "run.h5"))
    assert resume(tmp_path / "run.h5", figure=False) is not None
    assert_same(tmp_path / "run.h5", tmp_path / "whole.h5")


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    newest, other = begun(tmp_path / "run.h5"), begun(tmp_path / "other.h5", seed=4)
    Path(f"{newest}-before").unlink()
    shutil.copy(other, newest)
    with pytest.raises(DataError, match="is the checkpoint of another run"):
        resume(tmp_path / "run.h5")


def test_a_checkpoint_that_is_ahead_of_its_file_is_refused(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    begun(tmp_path / "run.h5", updates=1)
    shutil.copy(tmp_path / "run.h5", first)
    with pytest.raises(KeyboardInterrupt):
        resume(tmp_path / "run.h5", [StopAfter(epochs=4)], figure=False)
    shutil.copy(first / "run.h5", tmp_path)
    with pytest.raises(DataError, match="ahead of the run file, which has lost its end"):
        resume(tmp_path / "run.h5")
