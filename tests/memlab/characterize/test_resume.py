"""kill -9 anywhere, `memlab runs resume`: nothing is pulsed again, no measured point is lost."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from support.virtual_board import REPOSITORY, VirtualBoard

from memlab.characterize import plan_procedures, resume, run_procedures
from memlab.cli import cli
from memlab.errors import DataError
from memlab.experiments import make_plan, run
from memlab.regions import Region
from memlab.runs import read_attributes, read_record

SETTINGS = ("steps=3",)
BATCHES = 7  # one RESET of all, and six steps
PULSES = 6 * (1 + 3 + 2 * 3)  # rows times: RESET, three SETs, three RESET-SETs
Start = Callable[..., VirtualBoard]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")


def killed(moment: str, board: str, out: Path, *names: str) -> None:
    program = [sys.executable, "-m", "support.killed_procedure"]
    host = subprocess.run(
        [*program, moment, board, str(out), *names, "--", *SETTINGS],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert host.returncode == -9, host.stderr


def datasets(path: Path) -> dict[str, np.ndarray]:
    """Every dataset of a run file but the times and operation numbers, which depend on the host."""
    found: dict[str, np.ndarray] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and not name.endswith(("time", "last_operation")):
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file["entry"].visititems(collect)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run file of a staircase that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "staircase.h5"
    plans = plan_procedures(["staircase"], board=EMULATOR, settings=SETTINGS, out=out)
    run_procedures(plans, EMULATOR, Region(rows="0:6", columns="2:9"), figure=False)
    return out


EMULATOR = "emulator:?chip=ideal&seed=3"


# Moments: 1 is the file's start; then, for each batch, the entry, the ledger's entry, its
# settlement, the confirmation, and the reading.
@pytest.mark.parametrize(
    "moment",
    [
        *(str(k) for k in (2, 3, 4, 5, 6, 12, 13)),
        "mid-pulse",
        *(pytest.param(str(k), marks=pytest.mark.slow) for k in range(7, 5 * BATCHES)),
    ],
)
def test_a_killed_procedure_on_a_board_goes_on_without_a_second_pulse(
    virtual_board: Start, tmp_path: Path, whole: Path, moment: str
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    out = tmp_path / "staircase.h5"
    killed(moment, board.url, out, "staircase")
    measured = read_record(out).readings.measurements
    result = CliRunner().invoke(cli, ["runs", "resume", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["procedure"] == "staircase"
    assert sum(event["event"] == "pulse" for event in board.events()) == PULSES
    found, expected = datasets(out), datasets(whole)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=values.dtype.kind == "f"), name
    for k, reading in enumerate(measured):
        assert np.array_equal(found["map/conductance"][k], reading.value)
    assert read_attributes(out)["status"] == "finished"


@pytest.mark.parametrize("moment", ["2", "5", "9", "20"])
def test_a_killed_procedure_on_an_emulated_chip_ends_as_if_it_had_not_been(
    tmp_path: Path, whole: Path, moment: str
) -> None:
    out = tmp_path / "staircase.h5"
    killed(moment, EMULATOR, out, "staircase")
    (document,) = resume(out, figure=False)
    assert document["results"]["responding"]["value"] == 1.0
    found, expected = datasets(out), datasets(whole)
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=values.dtype.kind == "f"), name


def test_a_finished_procedure_has_nothing_to_resume(whole: Path) -> None:
    before = whole.read_bytes()
    assert resume(whole, figure=False) == []
    assert whole.read_bytes() == before


def test_another_board_is_refused(whole: Path, virtual_board: Start, tmp_path: Path) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "4")
    out = tmp_path / "other.h5"
    out.write_bytes(whole.read_bytes())
    with h5py.File(out, "r+") as file:
        file["entry"].attrs["board"] = board.url
    with pytest.raises(DataError, match="Connect the board of the run"):
        resume(out)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.h5"
    path.write_text("not HDF5")
    result = CliRunner().invoke(cli, ["runs", "resume", str(path)])
    assert isinstance(result.exception, DataError)


def test_a_training_says_in_one_line_that_it_cannot_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    run(make_plan("airline", epochs=0, out=path), figure=False)
    result = CliRunner().invoke(cli, ["runs", "resume", str(path)])
    assert isinstance(result.exception, DataError)
    assert "a training is started again" in str(result.exception)
