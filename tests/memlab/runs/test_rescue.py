"""A file whose writer was killed becomes a whole one that can be appended to."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from support import started

from memlab.errors import DataError, StorageError
from memlab.runs import RunFile, rescue
from memlab.runs.opening import open_for_reading
from memlab.runs.rescue import edit

WRITER = """
import os, sys
from pathlib import Path
import numpy as np
from memlab.runs import RunFile

run = RunFile(Path(sys.argv[1]), "a run", {"seed": 7})
run.group("map", "NXdata", {"signal": "conductance"})
run.scale("map/reading", None, "1", "Reading")
run.scale("map/row", np.arange(5) + 10, "1", "Row")
run.scale("map/name", np.array(["a", "b"]), "1", "Name")
run.declare("map/conductance", "f8", ("map/reading", "map/row"), "S", "Conductance", 1)
run.declare("map/code", "u2", ("map/reading", "map/row"), "1", "Code", 3)
run.declare("map/fixed", "f8", ("map/row", "map/name"), "V", "Fixed")
run.start()
for k in range(7):
    run.append("map/reading", [k])
    run.append("map/conductance", [np.arange(5) + k])
    run.append("map/code", [np.full(5, k)])
    run.flush()
run.append("map/reading", [7])
run.append("map/conductance", [np.full(5, 99)])
run.flush()
os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory in which a writer was killed."""
    directory = tmp_path_factory.mktemp("killed")
    assert started.run(WRITER, str(directory / "run.h5"))[0] == -9
    return directory


@pytest.fixture
def killed(left: Path, tmp_path: Path) -> Path:
    """A file with seven complete readings and one that lacks its codes."""
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run.h5"


def test_a_rescued_file_holds_everything_and_opens_in_any_reader(killed: Path) -> None:
    with pytest.raises(OSError, match="already open for"):
        h5py.File(killed, "r")
    rescue(killed)
    with h5py.File(killed, "r") as file:
        entry = file["entry"]
        assert entry.attrs["seed"] == 7
        assert np.array_equal(entry["map/conductance"][:7], np.add.outer(range(7), range(5)))
        assert entry["map/code"].shape == (7, 5)
        assert entry["map/code"].dtype == np.uint16
        assert entry["map/conductance"].attrs["units"] == "S"
        assert entry["map/conductance"].dims[1][0] == entry["map/row"]
        assert entry["map/name"].asstr()[()].tolist() == ["a", "b"]
        assert np.isnan(entry["map/fixed"][()]).all()
    assert [path.name for path in killed.parent.iterdir()] == ["run.h5"]


def test_a_resumed_file_goes_on_where_it_was_complete(killed: Path) -> None:
    run = RunFile.resume(killed, {"map": 7})
    run.start()
    run.append("map/reading", [7])
    run.append("map/conductance", [np.full(5, 70)])
    run.append("map/code", [np.full(5, 70)])
    run.close("finished")
    with h5py.File(killed, "r") as file:
        assert file["entry/map/reading"][()].tolist() == list(range(8))
        assert file["entry/map/conductance"][7].tolist() == [70] * 5
        assert file["entry/map/code"][:, 0].tolist() == [*range(7), 70]
        assert file["entry"].attrs["status"] == "finished"


def test_a_resume_that_is_killed_before_it_goes_on_loses_nothing(killed: Path) -> None:
    resumed = """
import os, sys
from pathlib import Path
from memlab.runs import RunFile

run = RunFile.resume(Path(sys.argv[1]), {"map": 7})
run.note({"ledger": ""})
os.kill(os.getpid(), 9)
"""
    assert started.run(resumed, str(killed))[0] == -9
    with open_for_reading(killed) as file:
        assert len(file["entry/map/reading"]) >= 7
    RunFile.resume(killed, {"map": 7}).start()
    with open_for_reading(killed) as file:
        assert file["entry/map/reading"][()].tolist() == list(range(7))


def test_a_resume_that_fails_before_it_goes_on_keeps_the_file(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFile.resume(killed, {"map": 7})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run._room, "check", full)
    with pytest.raises(StorageError, match="No space"):
        run.start()
    with open_for_reading(killed) as file:
        assert len(file["entry/map/reading"]) >= 7


def test_what_is_no_run_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.h5"
    path.write_text("not HDF5")
    with pytest.raises(DataError, match="no run file"):
        rescue(path)
    assert path.read_text() == "not HDF5"
    with pytest.raises(DataError, match="there is no file"):
        rescue(tmp_path / "missing.h5")


def test_an_edit_that_fails_leaves_the_file_as_it_was(killed: Path) -> None:
    rescue(killed)
    before = killed.read_bytes()

    def half_done() -> None:
        with edit(killed) as file:
            file["entry"].attrs["status"] = "half"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    assert killed.read_bytes() == before
