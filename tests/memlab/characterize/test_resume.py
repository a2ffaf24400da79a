"""kill -9 anywhere, `memlab runs resume`: nothing is pulsed again, no measured point is lost."""

import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from support.killed_procedure import killed as run_until_killed
from support.virtual_board import VirtualBoard

from drivers.serial_board import SerialBoard
from memlab import open_array
from memlab.characterize import plan_procedures, resume, run_procedures
from memlab.cli import cli
from memlab.errors import DataError, LimitError
from memlab.operations.read import read_map
from memlab.passport import Passport
from memlab.passport.budgets import Budgets
from memlab.regions import Region
from memlab.runs import open_run, read_attributes, read_record

SETTINGS = ("steps=3",)
BATCHES = 7  # one RESET of all, and six steps
BUDGET = 1 + 3  # RESETs of a cell
PULSES = 6 * (1 + 3 + 2 * 3)  # rows times: RESET, three SETs, three RESET-SETs
Start = Callable[..., VirtualBoard]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")


def killed(moment: str, board: str, out: Path, *names: str) -> None:
    run_until_killed(moment, board, out, [*names], SETTINGS)


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


# Moments, for each batch: its ticket, its entry in the run file, its operation in the record of the
# board, the settlement there, the confirmation in the run file, and the reading.
SHORT = ("15", "22")
"""In the board's record and about to leave; fired, and not confirmed in the run file."""


@pytest.mark.parametrize(
    "moment",
    [
        *SHORT,
        "mid-pulse",
        *(
            pytest.param(str(k), marks=pytest.mark.slow)
            for k in range(1, 6 * BATCHES)
            if str(k) not in SHORT
        ),
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
    for name in ("seconds", "analogue_seconds", "energy"):
        del expected[f"spent/{name}"]  # of an emulated chip in process, and of no other
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values, equal_nan=values.dtype.kind == "f"), name
    for k, reading in enumerate(measured):
        assert np.array_equal(found["map/conductance"][k], reading.value)
    assert read_attributes(out)["status"] == "finished"
    assert open_run(out).counts == open_run(whole).counts, "of all of its processes"


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["mid-pulse", "16"])
def test_of_rows_pulsed_in_groups_each_cell_is_pulsed_once_through_a_kill(
    virtual_board: Start, tmp_path: Path, moment: str
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out = tmp_path / "staircase.h5"
    settings = ("steps=2", "gate_minimum=2.0", "gate_maximum=2.4")  # two groups of a whole row
    run_until_killed(moment, board.url, out, ["staircase"], settings, Region(rows="0:40"))
    resume(out, figure=False)
    pulses = np.zeros((2, 128, 64), int)
    for event in board.events():
        if event["event"] == "pulse":
            columns = [event["columns"] >> column & 1 for column in range(64)]
            pulses[event["kind"], event["row"]] += columns
    programs = read_record(out).programs
    assert sum(one.pulses for one in programs) == 40 * (1 + 2 * 2 + 2 * 3), "groups are pulses"
    assert all((one.fired, one.unknown) == (one.pulses, 0) for one in programs)
    assert (pulses[0, :40] == 2 + 2).all()  # steps up, and each after a RESET
    assert (pulses[1, :40] == 1 + 2).all()
    assert not pulses[:, 40:].any()


def test_another_programs_pulses_in_between_are_not_taken_for_its_own(
    virtual_board: Start, tmp_path: Path
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    out = tmp_path / "staircase.h5"
    killed("2", board.url, out, "staircase")  # entered in the run file, not sent
    with open_array(board.url) as array:
        array.program_row(100, 1.0)
    resume(out, figure=False)
    assert sum(event["event"] == "pulse" for event in board.events()) == PULSES + 1
    programs = read_record(out).programs
    assert [one.unknown for one in programs] == [0] * BATCHES
    assert all(one.fired == one.pulses for one in programs)


@pytest.mark.parametrize("why", ["forgotten", "another computer"])
def test_pulses_of_unknown_fate_are_in_doubt_and_never_sent(
    virtual_board: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    why: str,
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    out = tmp_path / "staircase.h5"
    killed("4", board.url, out, "staircase")  # fired, and not confirmed in the run file
    if why == "another computer":
        monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "other"))
    else:
        monkeypatch.setattr("drivers.tickets.KEPT", 1)
        monkeypatch.setattr("drivers.tickets.DROPPED", 1)
        with open_array(board.url) as array:
            array.program_row(100, 1.0)
            array.program_row(100, 1.0)
    before = board.events()
    with pytest.raises(DataError, match=r"does not know what the run has sent.*--record-lost"):
        resume(out, figure=False)
    assert [e for e in board.events()[len(before) :] if e["event"] == "pulse"] == []
    with caplog.at_level(logging.WARNING, "memlab.resume"):
        resume(out, figure=False, record_lost=True)
    assert "6 of 6 row pulses of batch 0 may or may not have been fired" in caplog.text
    pulsed = [event["row"] for event in board.events() if event["event"] == "pulse"]
    assert len([row for row in pulsed if row != 100]) == PULSES
    first, *later = read_record(out).programs
    assert (first.fired, first.unknown) == (0, 6)
    assert [one.unknown for one in later] == [0] * (BATCHES - 1)


def test_a_copy_that_another_copy_has_overtaken_is_refused_and_fires_nothing(
    virtual_board: Start, tmp_path: Path
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    out, copy = tmp_path / "staircase.h5", tmp_path / "copy" / "other.h5"
    killed("14", board.url, out, "staircase")
    copy.parent.mkdir()
    shutil.copy(out, copy)
    resume(out, figure=False)
    fired = sum(event["event"] == "pulse" for event in board.events())
    assert fired == PULSES
    result = CliRunner().invoke(cli, ["runs", "resume", str(copy)])
    assert isinstance(result.exception, DataError)
    assert "another copy of the file has gone on" in str(result.exception)
    assert sum(event["event"] == "pulse" for event in board.events()) == fired


@pytest.mark.parametrize(
    ("how", "passport"),
    [
        ("deleted", ""),
        ("another", "?passport=none"),
        pytest.param("deleted", "?passport=none", marks=pytest.mark.slow),
        pytest.param("another", "", marks=pytest.mark.slow),
    ],
)
def test_a_lost_record_is_no_leave_to_fire_again_what_another_copy_has_fired(
    virtual_board: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    passport: str,
) -> None:
    log = tmp_path / "pulses.jsonl"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=log)
    out, copy = tmp_path / "staircase.h5", tmp_path / "copy" / "staircase.h5"
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    killed("14", board.url + passport, out, "staircase")
    copy.parent.mkdir()
    shutil.copy(out, copy)
    resume(out, figure=False)
    if how == "deleted":
        for record in (tmp_path / "state").glob("board-*"):
            record.unlink()
    else:
        monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "other"))
    result = CliRunner().invoke(cli, ["runs", "resume", str(copy)])
    assert isinstance(result.exception, DataError)
    assert "pulse record" in str(result.exception)
    assert sum(event["event"] == "pulse" for event in board.events()) == PULSES


def test_a_run_and_a_record_put_back_from_a_copy_fire_nothing_that_the_original_has_fired(
    virtual_board: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out, state = tmp_path / "staircase.h5", tmp_path / "state"
    monkeypatch.setenv("MEMLAB_STATE", str(state))
    killed("14", board.url, out, "staircase")
    copy = shutil.copy(out, tmp_path / "copy.h5")
    shutil.copytree(state, tmp_path / "backup")
    resume(out, figure=False)
    assert sum(event["event"] == "pulse" for event in board.events()) == PULSES
    shutil.rmtree(state)
    shutil.copytree(tmp_path / "backup", state)
    for _ in range(2):  # the record keeps it
        result = CliRunner().invoke(cli, ["runs", "resume", str(copy)])
        assert isinstance(result.exception, DataError)
        assert "put back from a copy" in str(result.exception)
        assert "--record-lost" in str(result.exception)
        assert "\n" not in str(result.exception)
    assert sum(event["event"] == "pulse" for event in board.events()) == PULSES
    with open_array(board.url) as array:
        assert array.read_conductance().shape == array.shape  # reading is possible
        assert array.passport is not None
        ((name, _),) = array.passport.others
        assert name == f"{array.board.capabilities.serial} {array.board.others_pulsed}"
    new = tmp_path / "new.h5"  # and so is what begins now, which may be resumed
    killed("14", board.url, new, "staircase")
    assert len(resume(new, figure=False)) == 1


def test_a_run_goes_on_after_others_have_pulsed_the_board_when_the_user_says_so(
    virtual_board: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3", log=tmp_path / "pulses.jsonl")
    out = tmp_path / "staircase.h5"
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "mine"))
    killed("14", board.url, out, "staircase")
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "another computer"))
    with open_array(board.url) as array:
        array.program_row(100, 1.0)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "mine"))
    with pytest.raises(DataError, match="since it was begun, the board got pulses"):
        resume(out, figure=False)
    resume(out, figure=False, record_lost=True)
    rows = [event["row"] for event in board.events() if event["event"] == "pulse"]
    assert (len(rows), rows.count(100)) == (PULSES + 1, 1)


def test_a_board_that_was_restarted_is_resumed_only_when_the_user_says_that_the_chip_kept_its_state(
    virtual_board: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3")
    out = tmp_path / "staircase.h5"
    killed("14", board.url + "?passport=none", out, "staircase")
    monkeypatch.setattr(SerialBoard, "life", "another")
    with pytest.raises(DataError, match="virtual board was started anew since, so its chip is"):
        resume(out, figure=False, board_restarted=True)
    monkeypatch.setattr("memlab.session.same_board.is_virtual", lambda board: False)
    with pytest.raises(DataError, match="--board-restarted"):
        resume(out, figure=False)
    result = CliRunner().invoke(cli, ["runs", "resume", str(out), "--board-restarted"])
    assert result.exit_code == 0, result.output
    attributes = read_attributes(out)
    ((before, after, _),) = json.loads(attributes["board_restarts"])
    assert (after, attributes["board_life"]) == ("another", "another")
    assert len(before) == 8, "the boot_id of the board"
    assert all(one.fired == one.pulses for one in read_record(out).programs)


def test_a_chip_that_is_made_again_is_counted_once_in_its_passport(tmp_path: Path) -> None:
    totals = []
    for moment in (None, "9"):
        passport = tmp_path / f"{moment}.passport"
        # One RESET more for a cell than the run needs would be refused.
        board = f"{EMULATOR}&passport={passport}&budget.reset={BUDGET}"
        out = tmp_path / f"{moment}.h5"
        if moment is None:
            plans = plan_procedures(["staircase"], board=board, settings=SETTINGS, out=out)
            run_procedures(plans, board, Region(rows="0:6", columns="2:9"), figure=False)
        else:
            killed(moment, board, out, "staircase")
            resume(out, figure=False)
        with Passport.read(passport) as file:
            totals.append(file.ledger.totals)
            assert len(file.runs()) == 1
    assert totals[0].fired[1].max() == BUDGET
    np.testing.assert_array_equal(totals[1].fired, totals[0].fired)
    assert not totals[1].doubtful.any()


def test_a_chip_that_is_made_again_is_formed_again_whatever_its_passport_says(
    tmp_path: Path,
) -> None:
    names, region = ["forming", "staircase"], Region(rows="0:8", columns="0:6")

    def interrupt(name: str, readings: int) -> None:
        if name == "staircase" and readings == 2:
            raise KeyboardInterrupt

    for out in (tmp_path / "whole", tmp_path / "stopped"):
        board = f"emulator:?chip=ta-hfo2&forming.voltage=2.6&seed=3&passport={out}.sqlite"
        plans = plan_procedures(names, board=board, settings=SETTINGS, out=out)
        if out.name == "whole":
            run_procedures(plans, board, region, figure=False)
        else:
            with pytest.raises(KeyboardInterrupt):
                run_procedures(plans, board, region, watch=interrupt, figure=False)
            resume(out / "staircase.h5", figure=False)
    whole, stopped = (tmp_path / name / "staircase.h5" for name in ("whole", "stopped"))
    conductance = read_record(whole).conductance
    assert conductance.max() > 1e-4, "formed cells were SET"
    assert np.array_equal(read_record(stopped).conductance, conductance)


@pytest.mark.parametrize(
    "moment", ["9", *(pytest.param(str(k), marks=pytest.mark.slow) for k in (2, 5, 20))]
)
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
    assert "nothing was left to run" in result.stdout


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


def test_a_kind_that_cannot_be_resumed_says_so_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "map.h5"
    read_map("emulator:", Region(rows="0:3", columns="0:2"), out=path, figure=False)
    result = CliRunner().invoke(cli, ["runs", "resume", str(path)])
    assert isinstance(result.exception, DataError)
    assert "a run of read cannot be resumed" in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_resume_that_a_limit_stops_keeps_the_run_file(
    virtual_board: Start, tmp_path: Path
) -> None:
    passport = tmp_path / "chip.passport"
    board = virtual_board("--pty", "--chip", "ideal", "--seed", "3")
    out, url = tmp_path / "staircase.h5", f"{board.url}?passport={passport}"
    killed("2", url, out, "staircase")  # before the first pulse left
    with Passport(passport, (128, 64)) as file:
        file.store_budgets(Budgets(reset=0))
    with pytest.raises(LimitError, match="budget"):
        resume(out, figure=False)
    (batch,) = read_record(out).programs
    assert batch.fired is None
