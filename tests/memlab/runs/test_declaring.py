"""A run file by itself: what a declaration makes, what is queued, how it ends, how it goes on."""

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from memlab.errors import DataError, SettingError, StorageError
from memlab.runs import RunFile, run_file
from memlab.runs.growing import Growing
from memlab.runs.hdf5 import Room
from memlab.runs.living import RunLock

ROWS = np.array([4, 9, 2])


def declare(run: RunFile, rows: np.ndarray = ROWS, columns: int = 2) -> None:
    run.group("map", "NXdata", {"signal": "value", "target": "G", "limits": {"set": 1.5}})
    run.scale("map/reading", None, "1", "Reading")
    run.scale("map/row", rows, "1", "Row")
    run.scale("map/column", np.arange(columns) + 7, "1", "Column")
    run.scale("map/name", ["a", "bc"], "1", "Name")
    run.declare("map/value", "f8", ("map/reading", "map/row", "map/column"), "S", "Value", 3)
    run.declare("map/code", "u2", ("map/reading", "map/column"), "1", "Code", 5)


def new_run(path: Path, clock: Callable[[], float] = lambda: 5.0) -> RunFile:
    run = RunFile(path, "a run", {"seed": 7}, run_id="a" * 32, clock=clock)
    declare(run)
    return run


def measure(run: RunFile, k: int) -> None:
    run.append("map/reading", [k])
    run.append("map/value", np.arange(6.0).reshape(1, 3, 2) + k)
    run.append("map/code", [[k, 10 * k]])


def interrupted(path: Path) -> Path:
    """Return the file of a run with three readings."""
    run = new_run(path)
    run.start()
    for k in range(3):
        measure(run, k)
    run.close("interrupted")
    return path


class TestDeclaring:
    @pytest.mark.parametrize(
        ("dtype", "expected"),
        [("f8", np.nan), ("f4", np.nan), ("u1", 0), ("i8", 0), ("?", False), ("S3", b"")],
    )
    def test_what_nobody_has_filled_is_nan_where_numbers_can_be(
        self, dtype: str, expected: object, tmp_path: Path
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        run.declare("map/fixed", dtype, ("map/row",), "1", "Fixed")
        run.close("finished")
        with h5py.File(tmp_path / "run.h5") as file:
            found = file["entry/map/fixed"]
            assert found.dtype == np.dtype(dtype)
            np.testing.assert_array_equal(found[()], np.full(3, expected, dtype))

    def test_axes_are_those_of_the_signal_and_words_of_nexus_are_left_alone(
        self, tmp_path: Path
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        run.declare("map/late", "f8", ("map/column",), "V", "Late")
        run.write("map/late", [0.5, 1.5])
        run.close("finished", {"found": {"best": 2}})
        with h5py.File(tmp_path / "run.h5") as file:
            group = file["entry/map"]
            assert group.attrs["axes"].tolist() == ["reading", "row", "column"]
            assert (group.attrs["NX_class"], group.attrs["signal"]) == ("NXdata", "value")
            assert (group.attrs["target_value"], group.attrs["limits.set"]) == ("G", 1.5)
            assert "target" not in group.attrs
            scales = [dimension[0].name for dimension in group["value"].dims]
            assert scales == [f"/entry/map/{name}" for name in ("reading", "row", "column")]
            assert group["late"][()].tolist() == [0.5, 1.5]
            assert all(group[name].fletcher32 for name in ("value", "code", "reading", "row"))
            assert (group["value"].chunks, group["code"].chunks) == ((3, 3, 2), (5, 2))
            assert group["name"].asstr()[()].tolist() == ["a", "bc"]
            assert [group[name].attrs.get("units") for name in ("name", "row", "late")] == [
                None,
                "1",
                "V",
            ]
            assert (file["entry"].attrs["status"], file["entry"].attrs["found.best"]) == (
                "finished",
                2,
            )

    def test_there_must_be_room_for_what_is_declared_and_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        asked: list[int] = []
        monkeypatch.setattr(Room, "check", lambda room, size: asked.append(size))
        run.declare("map/fixed", "f4", ("map/row", "map/column"), "1", "Fixed")
        run.scale("map/other", np.arange(5, dtype="i4"), "1", "Other")
        run.write("map/fixed", np.zeros((3, 2), "f4"))
        assert asked == [3 * 2 * 4, 5 * 4, 3 * 2 * 4]
        run.start()
        measure(run, 1)
        run.flush()
        # What was written before, and the first chunk of each: numbers, maps, and codes.
        assert asked[3:] == [0, 24 + 1024 * 8 + 3 * 48 + 5 * 4]
        run.close("finished")

    def test_nothing_is_declared_twice(self, tmp_path: Path) -> None:
        run = new_run(tmp_path / "run.h5")
        with pytest.raises(ValueError, match="already exists"):
            declare(run)
        run.close("failed")


class TestQueue:
    def test_it_is_flushed_when_it_holds_24_megabytes_and_not_one_byte_before(
        self, tmp_path: Path
    ) -> None:
        now = 3.0
        run = RunFile(tmp_path / "run.h5", "a run", {}, clock=lambda: now)
        run.group("data", "NXdata")
        run.scale("data/step", None, "1", "Step")
        run.declare("data/byte", "u1", ("data/step",), "1", "Byte", 2**16)
        run.start()
        run.append("data/byte", np.ones(24 * 2**20 - 1, np.uint8))
        run.pace()
        assert run.flushes == 0
        run.append("data/byte", np.ones(1, np.uint8))
        run.pace()
        assert run.flushes == 1
        run.append("data/byte", np.ones(1, np.uint8))
        now = 3.9375
        run.pace()
        assert run.flushes == 1
        now = 4.0
        run.pace()
        assert run.flushes == 2
        run.close("finished")

    @pytest.mark.parametrize("shape", [(1, 2, 2), (1, 4, 2), (1, 3, 1), (1, 3, 3), (3, 2), (6,)])
    def test_items_of_another_shape_are_refused_and_nothing_of_them_is_queued(
        self, shape: tuple[int, ...], tmp_path: Path
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        run.start()
        with pytest.raises(ValueError, match=r"map/value takes items of shape \(3, 2\), got"):
            run.append("map/value", np.zeros(shape))
        assert run.lengths()["map/value"] == 0
        assert run.flushes == 0
        run.close("finished")

    def test_who_asks_for_lengths_has_what_waits_written_and_nothing_else(
        self, tmp_path: Path
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        run.start()
        assert run.lengths() == {"map/reading": 0, "map/value": 0, "map/code": 0}
        assert run.flushes == 0
        measure(run, 1)
        run.append("map/reading", [2])
        assert run.lengths() == {"map/reading": 2, "map/value": 1, "map/code": 1}
        assert run.flushes == 1
        run.lengths()
        assert run.flushes == 1
        assert run.grows("map/code")
        assert not run.grows("map/row")
        run.close("finished")

    @pytest.mark.parametrize("started", [False, True])
    def test_scales_are_written_last_and_everything_also_before_the_start(
        self, started: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        assert run.started is False
        run.start() if started else None
        assert run.started is started
        assert run.is_here is True
        measure(run, 6)
        written: list[str] = []
        write = Growing.write

        def noted(growing: Growing) -> None:
            written.append(growing.dataset.name.rpartition("/")[2])
            write(growing)

        monkeypatch.setattr(Growing, "write", noted)
        run.flush()
        assert sorted(written) == ["code", "reading", "value"]
        assert (written[-1] == "reading") is started
        run.close("finished")
        with h5py.File(tmp_path / "run.h5") as file:
            assert file["entry/map/reading"][()].tolist() == [6]
            assert file["entry/map/code"][()].tolist() == [[6, 60]]


class TestEnd:
    def test_a_run_begins_once_and_ends_once(self, tmp_path: Path) -> None:
        run = new_run(tmp_path / "run.h5")
        run.start()
        run.start()
        measure(run, 4)
        run.close("finished")
        run.close("failed")
        with h5py.File(tmp_path / "run.h5") as file:
            assert file["entry"].attrs["status"] == "finished"
            assert file["entry/map/code"][()].tolist() == [[4, 40]]
        assert [one.name for one in tmp_path.iterdir()] == ["run.h5"]

    # HDF5 tells a failed write as one or the other.
    @pytest.mark.parametrize("kind", [OSError, RuntimeError])
    @pytest.mark.parametrize("where", ["flush", "results"])
    def test_a_failure_of_the_file_costs_nothing_that_was_measured(
        self, kind: type[Exception], where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = new_run(tmp_path / "run.h5")
        run.start()
        measure(run, 3)
        errors = [kind("it does not work")]

        def fail(*_: object) -> None:
            if errors:
                raise errors.pop()

        if where == "flush":
            with monkeypatch.context() as patch:
                patch.setattr(h5py.File, "flush", fail)
                with pytest.raises(StorageError, match="it does not work") as caught:
                    run.flush()
        else:
            with pytest.raises(StorageError, match="it does not work") as caught:
                run.close("finished", complete=fail)
        with h5py.File(caught.value.saved[-1]) as file:
            assert file["entry/map/reading"][()].tolist() == [3]
            assert file["entry/map/code"][()].tolist() == [[3, 30]]

    @pytest.mark.parametrize("kind", [OSError, RuntimeError])
    def test_a_file_that_cannot_be_made_is_refused_and_leaves_no_lock(
        self, kind: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise kind("no such disk")

        with monkeypatch.context() as patch:
            patch.setattr(run_file.h5py, "File", fail)
            with pytest.raises(SettingError, match="no such disk"):
                new_run(tmp_path / "run.h5")
        assert not list(tmp_path.iterdir())
        new_run(tmp_path / "run.h5").close("finished")

    @pytest.mark.parametrize("resumed", [False, True])
    def test_one_that_fails_before_its_start_leaves_what_was_there(
        self, resumed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "run.h5"
        before = interrupted(path).read_bytes() if resumed else None
        run = RunFile.resume(path, {"map": 2}) if resumed else new_run(path)

        def fail(*_: object) -> None:
            raise OSError("it does not work")

        with monkeypatch.context() as patch:
            patch.setattr(h5py.File, "flush", fail)
            with pytest.raises(StorageError, match="it does not work") as caught:
                run.start()
        assert caught.value.saved == ()
        assert [one.name for one in tmp_path.iterdir()] == ["run.h5"] * resumed
        if before is not None:
            assert path.read_bytes() == before


class TestGoingOn:
    @pytest.mark.skipif(os.name == "nt", reason="an open file cannot take another name there")
    def test_until_it_starts_the_file_is_as_it_was(self, tmp_path: Path) -> None:
        path = interrupted(tmp_path / "run.h5")
        before = path.read_bytes()
        run = RunFile.resume(path, {"map": 2})
        declare(run)
        assert path.read_bytes() == before
        assert path.with_name("run.h5.resumed").exists()
        run.start()
        assert path.read_bytes() != before
        run.close("finished")

    def test_it_has_what_was_valid_and_appends_to_it(self, tmp_path: Path) -> None:
        path = interrupted(tmp_path / "run.h5")
        run = RunFile.resume(path, {"map": 2}, clock=lambda: 5.0)
        assert run.lengths() == {"map/reading": 2, "map/value": 2, "map/code": 2}
        declare(run)
        run.start()
        assert not path.with_name("run.h5.resumed").exists()
        with h5py.File(path, "r", swmr=True) as file:
            assert dict(file["entry"].attrs).keys() >= {"status", "run_id", "lock"}
            assert "end_time" not in file["entry"].attrs
            assert file["entry"].attrs["status"] == "running"
        run.start()
        measure(run, 8)
        run.close("finished")
        with h5py.File(path) as file:
            entry = file["entry"]
            assert (entry.attrs["status"], entry.attrs["run_id"]) == ("finished", "a" * 32)
            assert entry["map/reading"][()].tolist() == [0, 1, 8]
            assert entry["map/code"][()].tolist() == [[0, 0], [1, 10], [8, 80]]
            assert entry["map/value"][2].tolist() == [[8, 9], [10, 11], [12, 13]]
            assert entry["map/row"][()].tolist() == ROWS.tolist()

    def test_what_it_had_not_is_declared_anew(self, tmp_path: Path) -> None:
        run = RunFile.resume(interrupted(tmp_path / "run.h5"), {"map": 3})
        run.group("more", "NXdata", {"signal": "value"})
        run.scale("more/step", None, "1", "Step")
        run.declare("more/value", "f8", ("more/step",), "1", "Value", 4)
        run.start()
        run.append("more/step", [0, 1])
        run.append("more/value", [2.5, 3.5])
        run.close("finished")
        with h5py.File(tmp_path / "run.h5") as file:
            assert file["entry/more/value"][()].tolist() == [2.5, 3.5]
            assert file["entry/map/reading"][()].tolist() == [0, 1, 2]

    @pytest.mark.parametrize(
        ("rows", "columns", "name"), [(np.array([4, 9, 3]), 2, "map/row"), (ROWS, 3, "map/column")]
    )
    def test_other_lines_than_it_began_with_are_refused(
        self, rows: np.ndarray, columns: int, name: str, tmp_path: Path
    ) -> None:
        run = RunFile.resume(interrupted(tmp_path / "run.h5"), {"map": 3})
        with pytest.raises(DataError, match=f"{name} is not what the run began with"):
            declare(run, rows, columns)

    def test_a_dataset_of_other_lines_is_refused(self, tmp_path: Path) -> None:
        run = RunFile.resume(interrupted(tmp_path / "run.h5"), {"map": 3})
        with pytest.raises(DataError, match="map/code is not what the run began with"):
            run.declare("map/code", "u2", ("map/reading", "map/row"), "1", "Code", 5)

    def test_where_it_cannot_go_on_nothing_is_left_beside_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = interrupted(tmp_path / "run.h5")
        before = path.read_bytes()

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(RunFile, "note", fail)
            with pytest.raises(KeyboardInterrupt):
                RunFile.resume(path, {"map": 3})
        assert [one.name for one in tmp_path.iterdir()] == ["run.h5"]
        assert path.read_bytes() == before
        RunLock.beside(path, "a" * 32).release()
