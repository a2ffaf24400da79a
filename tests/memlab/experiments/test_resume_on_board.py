"""A training on a board goes on only where it is certain that nothing is pulsed twice."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.stopped import StopAfter
from support.virtual_board import VirtualBoard

from drivers.serial_board import SerialBoard
from memlab import open_array
from memlab.cli import cli
from memlab.errors import DataError
from memlab.experiments import make_plan, resume, run
from memlab.runs import open_run, read_attributes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal needs POSIX")
Start = Callable[..., VirtualBoard]
SETTINGS = ("network.units=2", "chip=ideal", "log.level=off")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def pulses(board: VirtualBoard) -> int:
    return sum(event["event"] == "pulse" for event in board.events())


def begun(start: Start, tmp_path: Path, update: int = 1) -> tuple[VirtualBoard, Path, int]:
    """Return a board, the file of a training that ended after the pulses of an update, and theirs.

    The checkpoint is the one before them.
    """
    board = start("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out = tmp_path / "run.h5"
    plan = make_plan(
        "airline-window", board=board.url, seed=3, epochs=6, settings=SETTINGS, out=out
    )
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAfter(updates=update)], figure=False)
    return board, out, pulses(board)


@pytest.mark.parametrize("how", ["deleted", "another computer"])
def test_a_lost_record_is_no_leave_to_fire_again(
    virtual_board: Start,
    tmp_path: Path,
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    board, out, fired = begun(virtual_board, tmp_path)
    if how == "deleted":
        shutil.rmtree(state)
    else:
        monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "other"))
    result = CliRunner().invoke(cli, ["runs", "resume", str(out), "--quiet"])
    assert isinstance(result.exception, DataError)
    assert "does not know what the run has sent" in str(result.exception)
    assert "--record-lost" in str(result.exception)
    assert pulses(board) == fired
    # What was in doubt is not sent, and counted; what comes after it is certain again.
    with pytest.raises(KeyboardInterrupt):
        resume(out, [StopAfter(updates=2)], figure=False, record_lost=True)
    once = pulses(board) - fired
    with pytest.raises(KeyboardInterrupt):
        resume(out, [StopAfter(updates=3)], figure=False)
    assert pulses(board) - fired == 2 * once, "one update each: the second is not repeated"
    found = resume(out, figure=False)
    assert found is not None
    assert found["unknown_pulses"] == once


def test_a_record_that_is_lost_before_the_first_checkpoint_is_missed(
    virtual_board: Start, tmp_path: Path, state: Path
) -> None:
    class StopAtOnce(StopAfter):
        def started(self, network: object) -> None:
            raise KeyboardInterrupt

    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out = tmp_path / "run.h5"
    plan = make_plan(
        "airline-window", board=board.url, seed=3, epochs=1, settings=SETTINGS, out=out
    )
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAtOnce()], figure=False)
    fired = pulses(board)
    assert fired > 0, "initialised"
    shutil.rmtree(state)
    with pytest.raises(DataError, match=r"does not know what the run has sent.*--record-lost"):
        resume(out, figure=False)
    with pytest.raises(KeyboardInterrupt):
        resume(out, [StopAtOnce()], figure=False, record_lost=True)
    assert pulses(board) == fired


def test_pulses_of_others_are_refused_unless_the_user_says_that_no_copy_has_gone_on(
    virtual_board: Start, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, out, fired = begun(virtual_board, tmp_path)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "another computer"))
    with open_array(f"{board.url}?passport=none") as array:
        array.program_row(100, 1.0)
    monkeypatch.setenv("MEMLAB_STATE", str(state))
    with pytest.raises(DataError, match=r"the board got pulses that .*--record-lost"):
        resume(out, figure=False)
    assert pulses(board) == fired + 1
    assert resume(out, figure=False, record_lost=True) is not None
    assert pulses(board) > fired + 1


def test_a_copy_that_another_copy_has_overtaken_fires_nothing(
    virtual_board: Start, tmp_path: Path
) -> None:
    board, out, _ = begun(virtual_board, tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for one in (out, *tmp_path.glob(".*.checkpoint*")):
        shutil.copy(one, copy)
    resume(out, figure=False)
    fired = pulses(board)
    with pytest.raises(DataError, match="another copy of the file has gone on"):
        resume(copy / out.name, figure=False)
    assert pulses(board) == fired


def test_a_board_that_was_restarted_goes_on_only_when_the_user_says_that_the_chip_kept_its_state(
    virtual_board: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3")
    out = tmp_path / "run.h5"
    url = f"{board.url}?passport=none"
    plan = make_plan("airline-window", board=url, seed=3, epochs=2, settings=SETTINGS, out=out)
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAfter(updates=0)], figure=False)
    was = open_run(out)
    monkeypatch.setattr(SerialBoard, "life", "another")
    with pytest.raises(DataError, match="virtual board was started anew since, so its chip is"):
        resume(out, figure=False, board_restarted=True)
    monkeypatch.setattr("memlab.session.same_board.is_virtual", lambda board: False)
    with pytest.raises(DataError, match="--board-restarted"):
        resume(out, figure=False)
    assert open_run(out).status == was.status == "interrupted"
    result = CliRunner().invoke(cli, ["runs", "resume", str(out), "--board-restarted", "--quiet"])
    assert result.exit_code == 0, result.output
    ((before, after, _),) = json.loads(read_attributes(out)["board_restarts"])
    assert (len(before), after) == (8, "another")


def test_a_training_that_ended_while_it_was_initialised_goes_on(
    virtual_board: Start, tmp_path: Path
) -> None:
    class StopAtOnce(StopAfter):
        def started(self, network: object) -> None:
            raise KeyboardInterrupt

    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out = tmp_path / "run.h5"
    plan = make_plan(
        "airline-window", board=board.url, seed=3, epochs=0, settings=SETTINGS, out=out
    )
    with pytest.raises(KeyboardInterrupt):
        run(plan, [StopAtOnce()], figure=False)
    fired = pulses(board)
    found = resume(out, figure=False)
    assert found is not None
    assert "unknown_pulses" not in found
    assert pulses(board) == fired > 0
