"""A trial that was interrupted in the middle goes on from its checkpoint, not from its start."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.stopped import StopAfter, assert_same

from memlab.errors import DataError
from memlab.experiments import Plan, runner
from memlab.runs import RunLock, open_run, run_file
from memlab.sweep import Outcome, Trial, plan_sweep, run_sweep, run_trial
from memlab.sweep import runner as sweep_runner
from memlab.sweep import trial as trial_module

TRIAL = Trial.make("airline-window", "memlab", "emulator:", 3, 6, ("network.units=2",), (0,))


@pytest.fixture(autouse=True)
def checkpoint_after_each_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_file, "FLUSH_SECONDS", 0.0)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Begin the trial in a directory, and interrupt it after its third update."""

    def stop(directory: Path) -> None:
        def run(plan: Plan, *, figure: bool) -> None:
            runner.run(plan, [StopAfter(updates=2)], figure=figure)

        with monkeypatch.context() as patch:
            patch.setattr(trial_module, "run", run)
            with pytest.raises(KeyboardInterrupt):
                run_trial(TRIAL, directory)

    return stop


def test_it_goes_on_from_its_checkpoint_and_leaves_nothing(
    stopped: Callable[[Path], None], tmp_path: Path
) -> None:
    unfinished, whole, found = (tmp_path / name for name in ("unfinished", "whole", "found"))
    unfinished.mkdir()
    stopped(unfinished)
    assert open_run(unfinished / f"{TRIAL.name}.h5").status == "interrupted"
    for path, place in ((found, unfinished), (whole, None)):
        outcome = run_trial(TRIAL, place)
        assert outcome.content is not None, outcome.error
        path.write_bytes(outcome.content)
    assert_same(found, whole)
    assert len(json.loads(open_run(found).attributes["resumptions"])) == 1
    assert "resumptions" not in open_run(whole).attributes
    assert list(unfinished.iterdir()) == []


@pytest.mark.parametrize("left", ["no checkpoint", "half a file", "nothing"])
def test_where_there_is_nothing_to_go_on_from_it_begins_again(
    left: str, stopped: Callable[[Path], None], tmp_path: Path
) -> None:
    if left != "nothing":
        stopped(tmp_path)
    for one in tmp_path.glob(".*.checkpoint*"):
        one.unlink()
    if left == "half a file":
        file = tmp_path / f"{TRIAL.name}.h5"
        file.write_bytes(file.read_bytes()[:900])
    outcome = run_trial(TRIAL, tmp_path)
    assert outcome.content is not None, outcome.error
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_finds_its_unfinished_trials_and_two_do_not_work_in_one_directory(
    stopped: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(trials: list[Trial], workers: int, unfinished: Path) -> Iterator[Outcome]:
        with pytest.raises(DataError, match=r"another program is writing it") as refused:
            run_sweep(planned)
        assert "\n" not in str(refused.value)
        yield from (run_trial(one, unfinished) for one in trials)

    planned = plan_sweep("airline-window", settings=["network.units=2"], epochs=3, out=tmp_path)
    monkeypatch.setattr(sweep_runner, "run_on_processes", here)
    run_sweep(planned)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.nc", "table.png", "trials"]
    RunLock(tmp_path / ".lock", "the directory").release()
