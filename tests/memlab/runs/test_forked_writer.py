"""A forked child of whoever writes a run file: however it ends, the file is its parent's."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from support import forking_watcher
from support.virtual_board import REPOSITORY

from drivers.errors import InUseError
from memlab.runs import RunFile

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

END = "finished"
URL = "emulator:?seed=3"
PATH = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])


def everything(path: Path) -> tuple[str, dict[str, np.ndarray]]:
    """Return how a run ended, and what is in each dataset; each checksum is looked at."""
    found = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(visit)
        return file["entry"].attrs["status"], found


def test_children_of_a_watcher_leave_the_run_file_to_its_parent(tmp_path: Path) -> None:
    alone, out = tmp_path / "alone" / "run.h5", tmp_path / "forked" / "run.h5"
    alone.parent.mkdir()
    out.parent.mkdir()
    forking_watcher.main(URL, alone, iter([]))
    endings = {"exit": 0, "exception": 1, "interrupt": -2, "goes-on": 1}
    done = subprocess.run(
        [sys.executable, "-m", "support.forking_watcher", URL, str(out), *endings],
        env={**os.environ, "PYTHONPATH": PATH},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*(f"{how} {code}" for how, code in endings.items()), END]
    status, found = everything(out)
    assert status == "finished"
    expected = everything(alone)[1]
    assert found.keys() == expected.keys()
    assert len(found) > 5
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    assert os.listdir(out.parent) == ["run.h5"]


def begun(path: Path) -> RunFile:
    run = RunFile(path, "a run", {})
    run.group("map", "NXdata", {"signal": "value"})
    run.scale("map/item", None, "1", "Item")
    run.declare("map/value", "f8", ("map/item",), "1", "Value", chunk=4)
    run.start()
    run.append("map/item", [0])
    run.append("map/value", [0.5])
    return run


@pytest.mark.parametrize("flushed", [False, True])
def test_what_a_child_does_to_a_run_file_does_nothing(tmp_path: Path, flushed: bool) -> None:
    path = tmp_path / "run.h5"
    run = begun(path)
    if flushed:
        run.flush()
    before = path.read_bytes()
    child = os.fork()
    if not child:
        refused = 0
        try:
            for act in (
                run.flush,
                run.pace,
                run.start,
                lambda: run.append("map/item", [9]),
                lambda: run.write("map/item", [9]),
                lambda: run.note({"status": "child"}),
                lambda: run.group("other", "NXdata"),
            ):
                try:
                    act()
                except InUseError:
                    refused += 1
            run.close("failed")
            run._file.flush()
            del run
            gc.collect()
        finally:
            os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert path.read_bytes() == before
    run.append("map/item", [1])
    run.append("map/value", [1.5])
    run.close("finished")
    status, found = everything(path)
    assert status == "finished"
    assert found["entry/map/value"].tolist() == [0.5, 1.5]
