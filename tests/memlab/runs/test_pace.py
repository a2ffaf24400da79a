"""How much a killed run loses: a second or a few megabytes, whatever an epoch takes."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.experiments import make_plan
from memlab.experiments.in_situ import InSitu
from memlab.experiments.runner import EXPERIMENTS, open_for
from memlab.nn import Network
from memlab.runs import RunFile
from memlab.runs.run_file import FLUSH_BYTES
from memlab.session import Session, create_run_file
from memlab.training import Observer, UpdateResult


class Clock:
    """A clock that somebody else moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def new_run(path: Path, clock: Clock) -> RunFile:
    run = RunFile(path, "pace", {}, clock=clock)
    run.group("data", "NXdata")
    run.scale("data/step", None, "1", "Step")
    run.scale("data/row", np.arange(1000), "1", "Row")
    run.declare("data/value", "f8", ("data/step", "data/row"), "V", "Value", 1)
    run.start()
    return run


def lengths(path: Path) -> tuple[int, int]:
    """Return what a reader sees while the file is written, as after a kill."""
    with h5py.File(path, "r", swmr=True) as file:
        return len(file["entry/data/step"]), len(file["entry/data/value"])


def test_what_waits_is_flushed_after_a_second_or_some_megabytes(tmp_path: Path) -> None:
    clock = Clock()
    run = new_run(tmp_path / "run.h5", clock)

    def write() -> None:
        run.append("data/step", [0])
        run.append("data/value", np.zeros((1, 1000)))
        run.pace()

    def step() -> tuple[int, int]:
        write()
        return lengths(tmp_path / "run.h5")

    assert step() == (0, 0)
    clock.now += 0.9
    assert step() == (0, 0)
    clock.now += 0.2
    assert step() == (3, 3)
    assert step() == (3, 3)
    fill = FLUSH_BYTES // 8008
    for _ in range(fill - 2):
        write()
    assert step() == (3, 3)
    write()
    assert step() == (3 + fill + 1, 3 + fill + 1)
    run.close("finished")


@pytest.mark.parametrize("seconds", [0.0, 2.0])
def test_updates_within_an_epoch_reach_the_file(tmp_path: Path, seconds: float) -> None:
    clock = Clock()
    path = tmp_path / "run.h5"
    settings = ["log.level=all", "data.source=synthetic"]
    plan = make_plan("gait", epochs=1, out=path, settings=settings)
    seen: list[int] = []

    class Watch(Observer):
        def updated(self, result: UpdateResult, network: Network) -> None:
            clock.now += seconds
            with h5py.File(path, "r", swmr=True) as file:
                seen.append(len(file["entry/training/loss"]))
            if result.index == 3:
                raise KeyboardInterrupt

    with open_for(plan, plan.boards) as arrays:
        run_file = create_run_file(plan.request(), arrays)
        run_file._clock = clock
        method = InSitu(EXPERIMENTS["gait"].make, plan.config, arrays)
        with pytest.raises(KeyboardInterrupt):
            method.run(Session(plan.request(), arrays, run_file), [Watch()])
        run_file.close("interrupted")
    assert seen == ([0, 0, 0, 0] if seconds == 0.0 else [0, 2, 3, 4])
