"""A run is known by what its file holds, not by its name; and a run that is alive is left alone."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from support.started import start
from support.virtual_board import REPOSITORY, VirtualBoard

from memlab.characterize import plan_procedures, resume, run_procedures
from memlab.cli import cli
from memlab.errors import DataError
from memlab.regions import Region
from memlab.runs import RunFile, open_run, read_attributes, read_record, rescue

EMULATOR = "emulator:?chip=ideal&seed=3"
REGION = Region(rows="0:4", columns="2:5")
NAMES = ("staircase", "variation")
Start = Callable[..., VirtualBoard]


def session(out: Path, stop: tuple[str, int] | None = None, board: str = EMULATOR) -> None:
    """Run two procedures, and perhaps stop at a reading of one of them."""

    def watch(name: str, readings: int) -> None:
        if (name, readings) == stop:
            raise KeyboardInterrupt

    plans = plan_procedures(NAMES, board=board, settings=("steps=3", "cycles=2"), out=out)
    run_procedures(plans, board, REGION, watch=watch, figure=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "runs"
    session(out)
    return out


def files(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def test_a_session_on_a_kept_chip_goes_on_as_often_as_it_is_stopped(
    finished: Path, tmp_path: Path
) -> None:
    # Its chip of before is kept beside the first of its files, also when that one has finished.
    out, board = tmp_path / "runs", f"{EMULATOR}&state={tmp_path / 'my.h5'}"
    with pytest.raises(KeyboardInterrupt):
        session(out, (NAMES[1], 2), board)
    assert open_run(out / "staircase.h5").finished

    def stop(name: str, readings: int) -> None:
        raise KeyboardInterrupt

    for _ in range(2):  # each at its first new reading
        with pytest.raises(KeyboardInterrupt):
            resume(out / "staircase.h5", watch=stop, figure=False)
    assert len(resume(out / "staircase.h5", figure=False)) == 1
    for name in NAMES:
        found, wanted = (read_record(place / f"{name}.h5") for place in (out, finished))
        np.testing.assert_array_equal(found.conductance, wanted.conductance)
    assert files(out) == files(finished)


@pytest.mark.parametrize("name", NAMES)
def test_a_finished_session_is_finished_under_every_name(
    finished: Path, tmp_path: Path, name: str
) -> None:
    for k, one in enumerate(NAMES):
        (tmp_path / f"die7_{k}.h5").write_bytes((finished / f"{one}.h5").read_bytes())
    asked = tmp_path / f"die7_{NAMES.index(name)}.h5"
    with h5py.File(asked, "r+") as file:
        file["entry"].attrs["board"] = "serial:///dev/unplugged"  # nothing is opened for it
    result = CliRunner().invoke(cli, ["runs", "resume", str(asked)])
    assert result.exit_code == 0, result.output
    assert "nothing was left to run" in result.stdout
    assert files(tmp_path) == ["die7_0.h5", "die7_0.png", "die7_1.h5", "die7_1.png"]


def test_the_last_file_of_a_finished_session_needs_no_others(
    finished: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.h5"
    copy.write_bytes((finished / "variation.h5").read_bytes())
    assert resume(copy, figure=False) == []
    assert files(tmp_path) == ["copy.h5"]


def test_a_run_that_began_and_whose_file_is_elsewhere_is_not_started_again(
    finished: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.h5"
    copy.write_bytes((finished / "staircase.h5").read_bytes())
    with pytest.raises(DataError, match=r"variation \(variation.h5\), began") as refused:
        resume(copy)
    assert "\n" not in str(refused.value)
    assert files(tmp_path) == ["copy.h5"]


def test_a_session_that_was_stopped_goes_on_under_other_names(
    finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        session(out, ("variation", 3))
    (out / "staircase.h5").rename(out / "monday.h5")
    (out / "variation.h5").rename(out / "tuesday.h5")
    (document,) = resume(out / "monday.h5", figure=False)
    assert document["run"] == str(out / "tuesday.h5")
    assert files(out) == ["monday.h5", "tuesday.h5"]
    expected = read_record(finished / "variation.h5").conductance
    np.testing.assert_array_equal(read_record(out / "tuesday.h5").conductance, expected)


def test_a_chip_that_must_be_made_again_needs_the_runs_before(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        session(out, ("variation", 3))
    (out / "staircase.h5").rename(tmp_path / "staircase.h5")
    with pytest.raises(DataError, match="only be made again from the first one on"):
        resume(out / "variation.h5", figure=False)


def test_what_has_not_begun_is_begun_by_a_resume(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        session(out, ("staircase", 3))
    (out / "staircase.h5").rename(out / "monday.h5")
    documents = resume(out / "monday.h5", figure=False)
    assert [one["procedure"] for one in documents] == list(NAMES)
    assert files(out) == ["monday.h5", "variation.h5"]
    assert resume(out / "variation.h5") == []


def test_another_run_in_the_place_of_one_to_come_is_not_overwritten(
    finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        session(out, ("staircase", 3))
    shutil.copy(finished / "variation.h5", out)
    with pytest.raises(DataError, match="in the way of variation"):
        resume(out / "staircase.h5", figure=False)


def killed_before_it_begins(words: list[str]) -> int:
    process = start("support.killed_before:second_run", *words)
    process.communicate(timeout=60)
    return int(process.returncode)


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_that_was_killed_before_it_began_is_begun_anew(
    kept: bool, finished: Path, tmp_path: Path
) -> None:
    out, board = tmp_path / "runs", EMULATOR
    if kept:
        board += f"&state={tmp_path / 'my.h5'}"
    words = ["characterize", *NAMES, "--board", board, "--out", str(out)]
    words += ["--rows", "0:4", "--columns", "2:5", "--set", "steps=3", "--set", "cycles=2"]
    assert killed_before_it_begins(words) == 9
    with pytest.raises(DataError, match="left open by a program that ended before"):
        read_attributes(out / "variation.h5")
    if kept:
        (out / "variation.h5").write_bytes(b"")
    (document,) = resume(out / "staircase.h5", figure=False)
    assert document["procedure"] == "variation"
    assert [one for one in files(out) if one.endswith(".h5")] == ["staircase.h5", "variation.h5"]
    wanted, found = (
        read_record(one / "variation.h5").readings.measurements for one in (finished, out)
    )
    assert len(wanted) == len(found) > 0
    assert all(np.array_equal(a.value, b.value) for a, b in zip(wanted, found, strict=True))


def test_two_copies_of_a_run_beside_each_other_are_not_chosen_from(tmp_path: Path) -> None:
    out = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        session(out, ("variation", 3))
    (out / "variation.h5").rename(out / "a.h5")
    shutil.copy(out / "a.h5", out / "b.h5")
    with pytest.raises(DataError, match=r"a.h5 and b.h5 are copies of one run"):
        resume(out / "staircase.h5", figure=False)
    (document,) = resume(out / "b.h5", figure=False)  # but this one was chosen
    assert document["run"] == str(out / "b.h5")


def pulses(board: VirtualBoard) -> int:
    return sum(event["event"] == "pulse" for event in board.events())


def test_a_finished_session_on_a_board_is_not_pulsed_again_wherever_its_file_goes(
    virtual_board: Start, tmp_path: Path
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out = tmp_path / "s.h5"
    plans = plan_procedures(["staircase"], board=board.url, settings=("steps=3",), out=out)
    run_procedures(plans, board.url, REGION, figure=False)
    fired = pulses(board)
    (tmp_path / "copy").mkdir()
    out.rename(tmp_path / "die7.h5")
    shutil.copy(tmp_path / "die7.h5", tmp_path / "copy")
    for name in ("die7.h5", "copy/die7.h5"):
        assert resume(tmp_path / name) == []
    assert pulses(board) == fired
    assert not out.exists()


class TestAlive:
    def run_and(self, out: Path, at_third_reading: Callable[[], object]) -> None:
        def watch(name: str, readings: int) -> None:
            if readings == 3:
                at_third_reading()

        plans = plan_procedures(["staircase"], board=EMULATOR, settings=("steps=3",), out=out)
        run_procedures(plans, EMULATOR, REGION, watch=watch, figure=False)

    @pytest.mark.parametrize("how", ["here", "copied elsewhere", "by another program"])
    def test_a_run_that_is_alive_is_not_resumed_and_ends_as_if_nobody_had_asked(
        self, tmp_path: Path, how: str
    ) -> None:
        out, asked = tmp_path / "run.h5", tmp_path / "run.h5"
        if how == "copied elsewhere":
            (tmp_path / "copy").mkdir()
            asked = tmp_path / "copy" / "run.h5"
        said: list[str] = []

        def ask() -> None:
            if asked != out:
                shutil.copy(out, asked)
            if how == "by another program":
                other = start("support.started:command", "runs", "resume", str(asked))
                _, text = other.communicate(timeout=60)
                assert other.returncode == 1
                said.append(text.strip())
            else:
                with pytest.raises(DataError) as refused:
                    resume(asked, figure=False)
                said.append(str(refused.value))

        self.run_and(out, ask)
        (text,) = said
        assert "is alive" in text
        assert "\n" not in text
        assert read_attributes(out)["status"] == "finished"
        assert len(read_record(out).readings) == 7
        assert files(out.parent) in (["run.h5"], ["copy", "run.h5"])

    def test_it_is_not_rescued_either(self, tmp_path: Path) -> None:
        out = tmp_path / "run.h5"
        run = RunFile(out, "a run", {})
        run.start()
        with pytest.raises(DataError, match="is alive"):
            rescue(out)
        run.close("finished")
        rescue(out)
        assert files(tmp_path) == ["run.h5"]

    @pytest.mark.skipif(os.name != "posix", reason="kill -9 and fork need POSIX")
    def test_the_lock_of_a_program_that_was_killed_is_gone_and_a_child_of_it_keeps_none(
        self, tmp_path: Path
    ) -> None:
        program = """
import os, signal, sys, time
from pathlib import Path
from memlab.runs import RunFile
run = RunFile(Path(sys.argv[1]), "a run", {})
run.start()
child = os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""
        out = tmp_path / "run.h5"
        host = subprocess.Popen(
            [sys.executable, "-c", program, str(out)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert host.stdin is not None
        assert host.stdout is not None
        child = int(host.stdout.readline())
        try:
            with pytest.raises(DataError, match="is alive"):
                rescue(out)
            host.stdin.write("\n")
            host.stdin.flush()
            host.wait(20)
            rescue(out)
            assert files(tmp_path) == ["run.h5"]
        finally:
            os.kill(child, 9)
            host.kill()
            host.wait()
            host.stdin.close()
            host.stdout.close()
