"""A run is followed while it is written; a killed one is told as such, and made whole."""

import json
import os
from contextlib import closing
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from support.run_writer import Writer

from memlab.cli import cli
from memlab.errors import DataError
from memlab.runs import open_run
from memlab.runs.follower import Follower


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
