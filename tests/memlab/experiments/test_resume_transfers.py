"""`program` and `transfer` on a served board go on where they ended, law and cells, and fire once.

The truth is the board's own log. The chip is ideal, so that what is read is what was written.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.stopped import StopAtKeep
from support.virtual_board import VirtualBoard

from memlab import open_array
from memlab.cli import cli
from memlab.errors import DataError
from memlab.experiments import make_plan, resume, run
from memlab.operations import ProgramConfig, program_target, resume_program
from memlab.runs import open_run
from memlab.settings import apply_settings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal needs POSIX")
Start = Callable[..., VirtualBoard]
Pulses = list[tuple[object, ...]]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


class Scene:
    """A board, a run on it, and how both commands are given."""

    def __init__(self, start: Start, directory: Path, what: str, name: str) -> None:
        self.what, self.out = what, directory / f"{name}.h5"
        log = directory / f"{name}.jsonl"
        self.board = start("--pty", "--chip", "ideal", "--seed", "3", "--serial", name, log=log)
        self.target = directory / "target.npy"
        wanted = np.full((128, 64), np.nan)
        wanted[3:6, 5:9] = np.random.default_rng(0).uniform(2e-4, 3e-4, (3, 4))
        np.save(self.target, wanted)

    def begin(self) -> None:
        if self.what == "program":
            settings = ["law=measured", "chip=ideal", "tolerance=1e-6"]
            config = apply_settings(ProgramConfig(), settings)
            program_target(self.target, self.board.url, config, out=self.out, figure=False)
            return
        settings = ["network.units=2", "chip=ideal", "method=ex-situ", "transfer.law=measured"]
        if self.what == "given weights":
            np.savez(self.target.with_suffix(".npz"), **weights())
            settings[2] = f'weights="{self.target.with_suffix(".npz")}"'
        plan = make_plan(
            "airline-window",
            board=self.board.url,
            seed=3,
            epochs=1,
            settings=settings,
            out=self.out,
        )
        run(plan, figure=False)

    def go_on(self, *, record_lost: bool = False) -> dict[str, object] | None:
        one = resume_program if self.what == "program" else resume
        return one(self.out, figure=False, record_lost=record_lost)

    def fired(self) -> Pulses:
        events = [one for one in self.board.events() if one["event"] == "pulse"]
        return [(one["kind"], one["row"], one["columns"]) for one in events]


def weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    plan = make_plan("airline-window", settings=["network.units=2"], seed=3)
    with open_array("ideal:") as array:
        experiment = plan.kind.make(plan.config, [array])
        return {one.name: rng.uniform(-0.5, 0.5, one.shape) for one in experiment.network.matrices}


@pytest.mark.parametrize("what", ["program", "transfer", "given weights"])
def test_it_ends_with_the_law_the_cells_and_the_pulses_of_one_that_nobody_stopped(
    what: str, virtual_board: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Scene(virtual_board, tmp_path, what, "whole")
    with monkeypatch.context() as patched:
        stop = StopAtKeep(patched, -1)
        whole.begin()
    assert stop.kept >= 7, "one at the start, and the law has six"
    broken = Scene(virtual_board, tmp_path, what, "broken")
    begun = False
    # In the middle of the law, after its last reading, and in what comes after it.
    for number in (3, 4, 4, 3):
        with monkeypatch.context() as patched:
            stop = StopAtKeep(patched, number)
            try:
                broken.go_on() if begun else broken.begin()
            except KeyboardInterrupt:
                begun = True
                assert open_run(broken.out).status == "interrupted"
            else:
                break
    broken.go_on()
    assert broken.fired() == whole.fired()
    found, wanted = (open_run(one.out) for one in (broken, whole))
    assert "unknown_pulses" not in found.attributes
    for name in wanted.attributes:
        if name.startswith(("law.", "transfer.window", "given.")):
            assert found.attributes[name] == wanted.attributes[name], name


@pytest.mark.parametrize("lost", ["deleted", "another computer's", "an older copy"])
@pytest.mark.parametrize("what", ["program", "transfer"])
def test_without_the_record_it_is_refused_and_with_record_lost_nothing_in_doubt_is_sent(
    what: str,
    lost: str,
    virtual_board: Start,
    tmp_path: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(virtual_board, tmp_path, what, "board")
    if lost == "an older copy":
        with open_array(scene.board.url) as array:  # there is a record of other pulses
            array.program_row(100, 1.0)
        shutil.copytree(state, tmp_path / "copy")
    with monkeypatch.context() as patched:
        StopAtKeep(patched, 4 if what == "program" else 6)
        with pytest.raises(KeyboardInterrupt):
            scene.begin()
    fired = scene.fired()
    if lost == "another computer's":
        monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "other"))
    else:
        shutil.rmtree(state)
    if lost == "an older copy":
        shutil.copytree(tmp_path / "copy", state)
    result = CliRunner().invoke(cli, ["runs", "resume", str(scene.out), "--quiet"])
    assert isinstance(result.exception, DataError)
    assert "--record-lost" in str(result.exception)
    assert "\n" not in str(result.exception)
    assert scene.fired() == fired
    with monkeypatch.context() as patched:
        StopAtKeep(patched, 3)  # the batch in doubt, and one after it
        with pytest.raises(KeyboardInterrupt):
            scene.go_on(record_lost=True)
    again = scene.fired()[len(fired) :]
    document = scene.go_on()
    assert document is not None
    unknown = document["unknown_pulses"]
    assert isinstance(unknown, int)
    assert unknown > 0
    assert 0 < len(again) <= 2 * unknown, "one batch; the one in doubt is not sent"
    assert open_run(scene.out).attributes["unknown_pulses"] == unknown
