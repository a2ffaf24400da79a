"""A run file says what it is, and reads back as what was written: kind, settings, numbers."""

import json
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process
from support.old_files import FIXTURES
from support.started import start

import memlab
from memlab.errors import DataError
from memlab.runs import Family

OLD = FIXTURES / "d9f9529"
CHIP = ["--set", "chip=ta-hfo2"]


def run(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    code, out, error = in_process(capsys, *args, "--json")
    assert code == 0, error
    document: dict[str, object] = json.loads(out)
    return document


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, dict[str, object]]:
    out = tmp_path / "run.h5"
    args = ["--epochs", "3", "--seed", "5", "--set", "train.lr=0.003", "--out", str(out)]
    return out, run(capsys, "train", "airline", *args)


def test_a_training_run_reads_back(trained: tuple[Path, dict[str, object]]) -> None:
    path, document = trained
    found = memlab.open_run(path)
    assert (found.kind, found.family) == ("airline", Family.EXPERIMENT)
    assert (found.status, found.seed, found.preset) == ("finished", 5, "memlab")
    assert found.settings["train"]["lr"] == 0.003
    assert found.settings["train"]["epochs"] == 3
    assert found.metrics == document["metrics"]
    assert found.findings.values["test_rmse"].units == "1e3 passengers"
    assert found.findings.values["test_rmse"].n == 47
    assert found.findings.values["train_rmse"].n == 96
    with pytest.raises(TypeError, match="takes a declared Quantity, not 'test_rmse'"):
        found.number("test_rmse")  # type: ignore[arg-type]
    counts = document["counts"]
    assert isinstance(counts, dict)
    assert found.counts == counts
    assert counts["set"] != counts["vmm"]
    assert found.emulated
    assert found.started <= (found.ended or found.started)
    with pytest.raises(DataError, match="no record of a procedure"):
        _ = found.record


def test_a_procedure_reads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "steps.h5"
    region = ["--rows", "2:5", "--columns", "1:9"]
    document = run(
        capsys, "characterize", "staircase", *region, *CHIP, "--set", "steps=4", "--out", str(out)
    )
    found = memlab.open_run(out)
    assert (found.kind, found.family) == ("staircase", Family.PROCEDURE)
    assert found.settings["steps"] == 4
    results = document["results"]
    assert isinstance(results, dict)
    numbers = found.findings.document()
    assert numbers.keys() == results.keys()
    for name, one in results.items():
        assert numbers[name] == one, name
    cells = found.findings.values["cell_slope"]
    assert cells.dims == ("row", "column")
    assert np.shape(cells.value) == (3, 8)
    assert found.record.readings.value.shape == (9, 3, 8)
    assert found.instruments[0]["board.rows"] == 128


@pytest.mark.parametrize(
    ("command", "kind", "family"),
    [
        (["read", "--rows", "0:3"], "read", Family.OPERATION),
        (
            ["calibrate", "--program", "--passes", "1", "--no-store"],
            "calibration",
            Family.CALIBRATION,
        ),
    ],
    ids=["read", "calibrate"],
)
def test_other_kinds_say_what_they_are(
    command: list[str],
    kind: str,
    family: Family,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run.h5"
    url = "emulator:?chip=ta-hfo2&noise=2e-6"
    run(capsys, *command, "--board", url, "--out", str(out))
    found = memlab.open_run(out)
    assert (found.kind, found.family, found.schema_version) == (kind, family, 3)
    assert found.boards == (url,)


KINDS_OF_OLD_FILES = {
    "runs/staircase.h5": ("staircase", Family.PROCEDURE, "finished"),
    "runs/airline-off.h5": ("airline", Family.EXPERIMENT, "finished"),
    "runs/killed-procedure.h5": ("endurance", Family.PROCEDURE, "killed"),
    "imports/arc-two.h5": ("imported", Family.IMPORT, "finished"),
}


@pytest.mark.parametrize("name", KINDS_OF_OLD_FILES)
def test_files_of_before_are_told_by_what_they_hold(name: str) -> None:
    kind, family, status = KINDS_OF_OLD_FILES[name]
    found = memlab.open_run(OLD / name)
    assert (found.kind, found.family, found.status) == (kind, family, status)
    assert found.schema_version == 1


def test_every_file_of_before_has_a_kind() -> None:
    runs = [p for p in OLD.glob("**/*.h5") if not p.name.startswith(("arc-two-log", "table"))]
    assert len(runs) > 20
    for path in runs:
        found = memlab.open_run(path)
        assert found.kind, path


def test_metrics_of_before_are_read_with_their_unit() -> None:
    found = memlab.open_run(OLD / "runs/airline-off.h5")
    with h5py.File(found.path) as file:
        expected = file["entry"].attrs["metrics.test_rmse"]
        assert "result" not in file["entry"]
    assert found.metrics["test_rmse"] == expected
    assert found.findings.values["test_rmse"].units == "1e3"


def test_a_run_that_is_alive_says_so_and_then_that_it_was_killed(tmp_path: Path) -> None:
    out = tmp_path / "long.h5"
    arguments = ["train", "airline", "--epochs", "100000", "--out", str(out), "--quiet"]
    process = start("support.started:command", *arguments)
    try:
        while not out.exists() or _epochs(out) < 1:
            assert process.poll() is None
            time.sleep(0.05)
        assert memlab.open_run(out).status == "running"
    finally:
        process.kill()
        process.communicate()
    assert memlab.open_run(out).status == "killed"


def _epochs(path: Path) -> int:
    try:
        with h5py.File(path, "r", swmr=True) as file:
            return len(file["entry/training/loss"])
    except (OSError, KeyError):
        return 0


def test_what_is_no_run_is_refused_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file.create_group("entry").attrs["status"] = "finished"
    with pytest.raises(DataError, match="no run file of memlab"):
        memlab.open_run(other)


def test_a_file_of_a_later_memlab_is_refused(
    trained: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    later = tmp_path / "later.h5"
    later.write_bytes(trained[0].read_bytes())
    with h5py.File(later, "r+") as file:
        file["entry"].attrs["schema_version"] = 4
    with pytest.raises(DataError, match="schema version 4"):
        memlab.open_run(later)
