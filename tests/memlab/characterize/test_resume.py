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
from memlab.devices import open_array
from memlab.errors import DataError
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


def test_what_another_program_pulsed_in_between_does_not_pass_for_the_killed_one_s(
    virtual_board: Start, tmp_path: Path
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    out = tmp_path / "staircase.h5"
    killed("mid-pulse", board.url, out, "staircase")
    with open_array(board.url) as array:
        array.program(1.0)
    before = sum(event["event"] == "pulse" for event in board.events())
    resume(out, figure=False)
    programs = read_record(out).programs
    (doubtful,) = (one for one in programs if one.unknown)
    # Whatever the journal said about it: the whole batch is in doubt, and none of it is repeated.
    assert (doubtful.fired, doubtful.unknown) == (0, doubtful.pulses)
    after = programs[programs.index(doubtful) + 1 :]
    assert sum(event["event"] == "pulse" for event in board.events()) - before == sum(
        one.pulses for one in after
    )


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


def test_a_finished_procedure_has_nothing_to_resume(whole: Path, tmp_path: Path) -> None:
    before = whole.read_bytes()
    assert resume(whole, figure=False) == []
    assert whole.read_bytes() == before
    unplugged = tmp_path / "staircase.h5"
    unplugged.write_bytes(before)
    with h5py.File(unplugged, "r+") as file:
        file["entry"].attrs["board"] = "serial:///dev/unplugged"  # nothing is opened for it
    result = CliRunner().invoke(cli, ["runs", "resume", str(unplugged)])
    assert result.exit_code == 0, result.output
    assert "nothing was done" in result.stderr


def test_another_board_is_refused(whole: Path, virtual_board: Start, tmp_path: Path) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "4")
    out = tmp_path / "other.h5"
    out.write_bytes(whole.read_bytes())
    with h5py.File(out, "r+") as file:
        file["entry"].attrs.update({"board": board.url, "status": "interrupted"})
    with pytest.raises(DataError, match="Connect the board of the run"):
        resume(out)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.h5"
    path.write_text("not HDF5")
    result = CliRunner().invoke(cli, ["runs", "resume", str(path)])
    assert isinstance(result.exception, DataError)
