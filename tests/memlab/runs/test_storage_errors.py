"""A disk that is full, and a directory that goes: one error that says where everything is."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support import started
from support.full_disk import largest_file

from memlab.errors import StorageError
from memlab.runs import RunFile, rescue
from memlab.runs.hdf5 import Room
from memlab.runs.rescue import edit

pytestmark = pytest.mark.usefixtures("rendered")

ITEMS = 100


def new_run(path: Path) -> RunFile:
    run = RunFile(path, "a run", {"seed": 7})
    run.group("map", "NXdata", {"signal": "conductance"})
    run.scale("map/reading", None, "1", "Reading")
    run.scale("map/row", np.arange(ITEMS) + 10, "1", "Row")
    run.declare("map/conductance", "f8", ("map/reading", "map/row"), "S", "Conductance", 1)
    run.declare("map/code", "u2", ("map/reading", "map/row"), "1", "Code", 64)
    run.declare("map/fixed", "f8", ("map/row",), "V", "Fixed")
    run.start()
    return run


def measure(run: RunFile, k: int) -> None:
    run.append("map/reading", [k])
    run.append("map/conductance", [np.arange(ITEMS) + k])
    run.append("map/code", [np.full(ITEMS, k)])


def measure_until_it_fails(run: RunFile) -> tuple[int, StorageError]:
    """Return how many readings were made, of which the last was not flushed, and the error."""
    for k in range(10_000):
        measure(run, k)
        try:
            run.flush()
        except StorageError as error:
            return k + 1, error
    raise AssertionError("it never failed")


def readings(path: Path) -> list[int]:
    """Return the numbers of the readings in a file that anything can read, and check them."""
    with h5py.File(path, "r") as file:
        group = file["entry/map"]
        found: list[int] = group["reading"][()].tolist()
        first = np.array(found)[:, np.newaxis]
        np.testing.assert_array_equal(group["conductance"][()], np.arange(ITEMS) + first)
        np.testing.assert_array_equal(group["code"][()], np.zeros(ITEMS, int) + first)
        assert group["row"][0] == 10
    return found


def refuse_room(monkeypatch: pytest.MonkeyPatch, path: Path, after: int) -> None:
    """Let the file system have no room for one file from the given size on."""
    free = Room._free

    def full(self: Room, descriptor: int) -> int:
        left = after - os.fstat(descriptor).st_size
        return max(left, 0) if self._path == path else free(self, descriptor)

    monkeypatch.setattr(Room, "_free", full)


def test_a_full_disk_leaves_a_readable_file_and_everything_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.h5"
    refuse_room(monkeypatch, path, 200_000)
    run = new_run(path)
    count, error = measure_until_it_fails(run)
    assert "\n" not in str(error)
    assert f"cannot write {path}: No space left on device" in str(error)
    kept, saved = error.saved
    assert kept == path
    assert str(saved) in str(error)
    flushed = readings(path)
    assert count > len(flushed) > 50
    assert flushed == list(range(len(flushed)))
    assert readings(saved) == list(range(count))
    for one in (path, saved):
        with h5py.File(one, "r") as file:
            assert file["entry"].attrs["status"] == "failed"
            assert file["entry"].attrs["seed"] == 7
    assert [one.name for one in tmp_path.iterdir()] == ["run.h5"]
    # From now on it is closed.
    with pytest.raises(StorageError, match="No space left"):
        run.flush()
    run.close("failed")
    assert readings(path) == flushed


def test_where_all_of_it_has_no_room_the_rest_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with largest_file(300_000):
        count, error = measure_until_it_fails(new_run(path))
    kept, rest = error.saved
    assert "File too large" in str(error)
    assert rest.name == "run-rest.h5"
    assert readings(kept) + readings(rest) == list(range(count))
    with h5py.File(rest, "r") as file:
        assert file["entry"].attrs["rest_of"] == str(path.resolve())


def test_a_removed_directory_is_noticed_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "run.h5"
    path.parent.mkdir()
    run = new_run(path)
    for k in range(5):
        measure(run, k)
        run.flush()
    shutil.rmtree(path.parent)
    measure(run, 5)
    with pytest.raises(StorageError, match="the file was removed; it is gone, but all") as caught:
        run.flush()
    (saved,) = caught.value.saved
    assert readings(saved) == list(range(6))
    assert not path.parent.exists()


def test_a_directory_removed_before_the_end_costs_no_result(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "run.h5"
    path.parent.mkdir()
    run = new_run(path)
    measure(run, 0)
    run.flush()
    shutil.rmtree(path.parent)

    def complete(entry: h5py.Group) -> None:
        entry["found"] = 42.0

    with pytest.raises(StorageError) as caught:
        run.close("finished", {"metrics": {"loss": 0.5}}, complete)
    (saved,) = caught.value.saved
    assert readings(saved) == [0]
    with h5py.File(saved, "r") as file:
        assert file["entry"].attrs["status"] == "finished"
        assert file["entry"].attrs["metrics.loss"] == 0.5
        assert file["entry/found"][()] == 42.0


def test_a_disk_that_is_full_at_the_end_costs_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.h5"
    run = new_run(path)
    for k in range(3):
        measure(run, k)
    copyfile = shutil.copyfile

    def full(source: Path, target: Path) -> Path:
        if Path(target).parent == tmp_path:
            Path(target).write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return Path(copyfile(source, target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        run.close("finished", {"metrics": {"loss": 0.5}})
    kept, saved = caught.value.saved
    assert readings(kept) == readings(saved) == [0, 1, 2]
    with h5py.File(saved, "r") as file:
        assert file["entry"].attrs["status"] == "finished"
        assert file["entry"].attrs["metrics.loss"] == 0.5
    assert [one.name for one in tmp_path.iterdir()] == ["run.h5"]


def test_an_edit_and_a_rescue_on_a_full_disk_leave_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    run = new_run(path)
    for k in range(200):
        measure(run, k)
    run.close("interrupted")
    before = path.read_bytes()
    with largest_file(len(before) // 2):
        with pytest.raises(OSError, match="File too large"), edit(path) as file:
            file["entry"].attrs["status"] = "finished"
        with pytest.raises(StorageError, match=r"File too large; it is as it was") as caught:
            rescue(path)
        with pytest.raises(StorageError, match=r"File too large; it is as it was"):
            RunFile.resume(path, {})
    with largest_file(len(before) + 4096):
        with pytest.raises((OSError, RuntimeError)), edit(path) as file:
            file["entry/more"] = np.random.default_rng(1).random(10_000)
    assert caught.value.saved == (path,)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["run.h5"]


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path: Path) -> None:
    with largest_file(2000), pytest.raises(StorageError, match="File too large"):
        new_run(tmp_path / "run.h5")
    assert list(tmp_path.iterdir()) == []


ON_A_BROKEN_DISK = """
import resource, sys
from pathlib import Path
from memlab.errors import StorageError
from memlab.runs.hdf5 import Room
from memlab.runs.test_storage_errors import measure_until_it_fails, new_run
Room.check = lambda self, size: None  # there was room a moment ago
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
count, error = measure_until_it_fails(new_run(Path(sys.argv[1])))
print(count)
print(error)
print(*error.saved, sep="\\n")
"""


def test_a_write_that_fails_within_hdf5_ends_in_the_same_error_not_in_a_signal(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.h5"
    code = ON_A_BROKEN_DISK.replace("memlab.runs.test_storage_errors", "test_storage_errors")
    here = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    ended, out, said = started.run(here + code, str(path))
    assert (ended, said) == (0, "")
    count, error, *saved = out.splitlines()
    assert "File too large" in error
    kept, rest = map(Path, saved)
    # What HDF5 had said was flushed is there; what it could not write is in the rest.
    assert readings(kept) + readings(rest) == list(range(int(count)))


def test_training_on_a_full_disk_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600 * 1024, 600 * 1024))\n"
        "from memlab.runs import run_file\n"
        "run_file.FLUSH_SECONDS = 0.0\n"  # else the first write would be all at once, and fail
        "sys.argv = 'memlab train airline --epochs 30 --out full.h5 --quiet'.split()\n"
        "from memlab.cli import main\n"
        "main()\n"
    )
    ended, _, said = started.run(code)
    assert ended == 1, said
    assert "Traceback" not in said
    assert "cannot write full.h5: File too large" in said
    with h5py.File(tmp_path / "full.h5", "r") as file:
        entry: Any = file["entry"]
        assert len(entry["training/loss"]) == len(entry["lstm/conductance"]) > 0
        assert entry.attrs["status"] == "failed"
