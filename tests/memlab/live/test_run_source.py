"""A run file is looked at through its end, a kill, a replacement, and while it cannot be read."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.run_writer import Writer

from memlab.errors import DataError
from memlab.live.run_source import RunSource


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "run.h5")
    yield made
    made.process.kill()
    made.process.communicate()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[RunSource]:
    made = RunSource(tmp_path / "run.h5")
    yield made
    made.close()


def look(source: RunSource) -> object:
    view = source.look()
    assert view is not None
    return view


def test_what_was_flushed_is_seen_and_the_map_before_it(writer: Writer, source: RunSource) -> None:
    view = look(source)
    assert (view.progress.status, view.curves, view.maps) == ("running", {}, [])
    writer.tell("1")
    view = look(source)
    assert view.curves["loss"].count == 1
    assert view.maps[0].before is None
    writer.tell("4")
    view = look(source)
    assert view.curves["loss"].last == pytest.approx(1 / 5)
    (cells,) = view.maps
    assert np.allclose(cells.conductance - cells.before, 1.0)
    assert cells.columns.tolist() == [1, 2, 5]
    assert writer.tell("close") == "closed"
    writer.process.wait()
    assert look(source).progress.status == "finished"
    assert source.look() is None, "a file that is over and the same is not read again"


def test_a_killed_run_and_the_one_that_takes_its_place(
    writer: Writer, source: RunSource, tmp_path: Path
) -> None:
    writer.tell("3")
    assert look(source).curves["loss"].count == 3
    writer.kill()
    view = look(source)
    assert (view.progress.status, view.curves["loss"].count) == ("killed", 3)
    other = Writer(tmp_path / "next.h5")
    try:
        other.tell("2")
        os.replace(tmp_path / "next.h5", tmp_path / "run.h5")
        view = look(source)
        assert (view.progress.status, view.curves["loss"].count) == ("running", 2)
        assert view.curves["loss"].most == 1.0, "nothing of the run before is left"
    finally:
        other.process.kill()
        other.process.communicate()


def test_what_cannot_be_read_is_said_and_tried_again(
    live_runs: dict[str, Path], source: RunSource
) -> None:
    whole = live_runs["train"].read_bytes()
    for content in (None, b"", whole[: len(whole) // 2], b"nonsense"):
        if content is None:
            source.path.unlink(missing_ok=True)
        else:
            source.path.write_bytes(content)
        with pytest.raises(DataError, match=r"run\.h5"):
            source.look()
    source.path.write_bytes(whole)
    assert look(source).curves["loss"].count == 4
