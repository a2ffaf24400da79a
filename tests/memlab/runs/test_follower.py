"""A run is followed while it is written; a killed one is told as such, and made whole."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from memlab.cli import cli
from memlab.errors import DataError
from memlab.runs import open_run
from memlab.runs.follower import Follower

WRITER = """
import sys
from pathlib import Path
import numpy as np
from memlab.runs import Family, RunFile, schema_attributes
attributes = schema_attributes("airline", Family.EXPERIMENT)
run = RunFile(Path(sys.argv[1]), "a training", {**attributes, "board": "ideal:", "seed": 3})
run.group("config", "NXcollection", {"json": '{"train": {"epochs": 6}}'})
run.group("training", "NXdata", {"signal": "loss"})
run.scale("training/update", None, "1", "Number of the update")
for name, dtype in (("loss", "f8"), ("epoch", "i4")):
    run.declare(f"training/{name}", dtype, ("training/update",), "1", name, 16)
run.group("dense", "NXdata", {"signal": "conductance"})
run.scale("dense/update", None, "1", "Number of the update")
run.scale("dense/row", [4, 6], "1", "Row")
run.scale("dense/column", [1, 2, 5], "1", "Column")
of = ("dense/update", "dense/row", "dense/column")
run.declare("dense/conductance", "f8", of, "S", "Conductance", 1)
run.start()
update = 0
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "close":
        run.close("finished", {"metrics.final_loss": 0.5})
        print("closed", flush=True)
        break
    for _ in range(int(line)):
        run.append("training/loss", [1.0 / (1 + update)])
        run.append("training/epoch", [update // 2])
        run.append("training/update", [update])
        run.append("dense/conductance", update + 1e-6 * np.arange(6.0).reshape(1, 2, 3))
        run.append("dense/update", [update])
        update += 1
    run.flush()
    print("written", flush=True)
"""


class Writer:
    """A process that writes what it is told."""

    def __init__(self, path: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._hear() == "ready"

    def tell(self, what: str) -> str:
        assert self.process.stdin is not None
        print(what, file=self.process.stdin, flush=True)
        return self._hear()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "run.h5")
    yield made
    made.close()


def test_what_was_written_is_seen_at_each_look(writer: Writer, tmp_path: Path) -> None:
    time = iter([0.0, 2.0, 6.0, 7.0])
    with Follower(tmp_path / "run.h5", clock=lambda: next(time)) as follower:
        first = follower.look()
        assert (first.done, first.total, first.what) == (0, 6, "epochs")
        assert first.rate is None
        assert not first.losses.size
        assert first.maps == {}
        assert writer.tell("5") == "written"
        second = follower.look()
        assert second.losses.tolist() == [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
        assert second.done == 2
        assert second.rate == pytest.approx(1.0)
        assert second.left == pytest.approx(4.0)
        cells = second.maps["dense"]
        assert cells.rows.tolist() == [4, 6]
        assert cells.columns.tolist() == [1, 2, 5]
        assert np.allclose(cells.conductance, 4 + 1e-6 * np.arange(6.0).reshape(2, 3))
        assert not second.over
        writer.tell("7")
        assert writer.tell("close") == "closed"
        writer.process.wait()
        last = follower.look()
        assert (last.status, last.done, last.over) == ("finished", 6, True)
        assert last.losses.size == 12
        assert follower.run.metrics["final_loss"] == 0.5


def test_a_killed_run_is_over(writer: Writer, tmp_path: Path) -> None:
    with Follower(tmp_path / "run.h5") as follower:
        writer.tell("3")
        assert follower.look().status == "running"
        writer.kill()
        last = follower.look()
        assert last.status == "killed"
        assert last.losses.size == 3


def test_watch_says_how_far_it_is(writer: Writer, tmp_path: Path) -> None:
    writer.tell("4")
    run = str(tmp_path / "run.h5")
    shown = CliRunner().invoke(cli, ["runs", "watch", run, "--once"])
    assert shown.exit_code == 0, shown.output
    assert "1 of 6 epochs" in shown.stdout
    assert "loss 0.25" in shown.stdout
    assert "dense: 3e+06 to 3e+06 uS" in shown.stdout
    done = CliRunner().invoke(cli, ["runs", "watch", run, "--once", "--json"])
    document = json.loads(done.stdout)
    assert document["status"] == "running"
    assert (document["done"], document["total"]) == (1, 6)


def test_watch_of_a_finished_run_ends_at_once(made_runs: dict[str, Path]) -> None:
    for name, path in made_runs.items():
        done = CliRunner().invoke(cli, ["runs", "watch", str(path), "--json"])
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["status"] == "finished", name


def test_a_killed_run_is_made_whole(writer: Writer, tmp_path: Path) -> None:
    run = tmp_path / "run.h5"
    writer.tell("3")
    alive = CliRunner().invoke(cli, ["runs", "rescue", str(run)])
    assert alive.exit_code == 1
    assert isinstance(alive.exception, DataError)
    assert "alive" in str(alive.exception)
    writer.kill()
    with pytest.raises(OSError, match=r"."):
        h5py.File(run, "r")
    done = CliRunner().invoke(cli, ["runs", "rescue", str(run), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["items"] == {"training": 3, "dense": 3}
    with h5py.File(run, "r") as file:
        assert file["entry/training/loss"].size == 3
    assert open_run(run).losses().size == 3


def test_a_run_that_was_put_in_its_place_is_followed(writer: Writer, tmp_path: Path) -> None:
    """As a resume does it: the file of the same name is another one, whose writer is alive."""
    run, new = tmp_path / "run.h5", tmp_path / "new.h5"
    with Follower(run) as follower:
        writer.tell("3")
        assert follower.look().losses.size == 3
        with closing(Writer(new)) as other:
            other.tell("5")
            os.replace(new, run)  # the first one is still being written, under no name
            assert follower.look().losses.size == 5
            assert other.tell("2") == "written"
            assert follower.look().losses.size == 7
        assert follower.look().status == "killed"
        with closing(Writer(new)) as other:
            other.tell("1")
            os.replace(new, run)
            last = follower.look()
            assert (last.status, last.losses.size) == ("running", 1)


def test_a_file_that_is_half_written_or_gone_is_told_and_followed_when_it_is_whole(
    writer: Writer, tmp_path: Path
) -> None:
    run, kept = tmp_path / "run.h5", tmp_path / "kept.h5"
    with Follower(run) as follower:
        writer.tell("3")
        assert follower.look().losses.size == 3
        os.rename(run, kept)
        with pytest.raises(DataError, match=r"cannot be followed: No such file"):
            follower.look()
        run.write_bytes(kept.read_bytes()[:900])
        with pytest.raises(DataError, match=r"."):
            follower.look()
        run.unlink()
        os.rename(kept, run)
        writer.tell("4")
        progress = follower.look()
        assert (progress.status, progress.losses.size) == ("running", 7)
