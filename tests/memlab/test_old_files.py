"""What memlab of commit d9f9529 wrote is read, drawn, reported and gone on with today.

The fixtures' README says what each file is. The promises of half-finished runs are stated, not how
they are kept: nothing is pulsed that the old records say was fired, passport and run file never
say less than happened, and what is refused is refused in one line.
"""

import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from support.command import in_process
from support.old_files import FIXTURES, OldCase, cell_pulses, fired, passport_counts

from memlab.passport import Passport
from memlab.runs import read_attributes, read_record

OLD = FIXTURES / "d9f9529"
RUNS = sorted(
    p for d in ("runs", "imports", "sweep/trials", "boards") for p in OLD.glob(f"{d}/**/*.h5")
)
RUNS = [p for p in RUNS if p.name != "arc-two-log.h5"]  # another program's
DRAWN = {"staircase.h5", "airline-off.h5", "killed-procedure.h5", "arc-two.h5"}
"""Drawn in each test run; all of them with `-m slow`."""
CASES = sorted(p.parent.name for p in OLD.glob("boards/*/run.h5"))
SETTLED = ("finished", "entered", "forgotten", "chip", "calibrated", "ascii")
QUICK = ("settled", "mid-pulse", "highest-only")
EXIT_CODES = {0, 1, 2, 3, 4}

Capture = pytest.CaptureFixture[str]


def name(path: Path) -> str:
    return str(path.relative_to(OLD))


def is_procedure(path: Path) -> bool:
    with h5py.File(path, "r", swmr=True) as file:
        return "map/reading" in file["entry"]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in, with an empty state directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.parametrize("path", RUNS, ids=name)
def test_a_run_file_reads_back(path: Path) -> None:
    attributes = read_attributes(path)
    assert attributes["status"] in ("running", "interrupted", "finished")
    expected = {"interrupted": "interrupted", "killed": "running"}
    if path.parent.name == "runs":
        assert attributes["status"] == expected.get(path.name.partition("-")[0], "finished")
    if not is_procedure(path):
        return
    record = read_record(path)
    with h5py.File(path, "r", swmr=True) as file:
        entry = file["entry"]
        n = len(record.readings)
        assert 0 <= len(entry["map/reading"]) - n <= 1, "one reading may be half written"
        if n:
            assert np.array_equal(
                record.readings.value, entry["map/conductance"][:n], equal_nan=True
            )
        assert np.array_equal(record.mask, entry["map/mask"][()].astype(bool))
        assert np.array_equal(record.rows, entry["map/row"][()])
        if "program" in entry:
            assert [one.pulses for one in record.programs] == entry["program/pulses"][()].tolist()
            known = [one.fired for one in record.programs if one.fired is not None]
            assert known == entry["programmed/fired"][()].tolist()


def drawing(path: Path) -> object:
    return pytest.param(path, marks=[] if path.name in DRAWN else [pytest.mark.slow])


@pytest.mark.parametrize("path", [drawing(path) for path in RUNS], ids=name)
def test_a_run_file_is_drawn_and_reported(path: Path, copy: Path, capsys: Capture) -> None:
    code, _, said = in_process(capsys, "runs", "plot", str(path), "--out", "run.png")
    if is_procedure(path) and not len(read_record(path).readings):
        assert code == 1
        assert len(said.splitlines()) == 1
        assert "nothing to draw yet" in said
    else:
        assert (code, (copy / "run.png").exists()) == (0, True), said
    code, _, said = in_process(capsys, "report", str(path), "--out", "page.html")
    assert code == 0, said
    assert path.stem in (copy / "page.html").read_text()


def test_arrays_and_a_table_of_a_sweep(copy: Path) -> None:
    xarray = pytest.importorskip("xarray")
    assert np.load(OLD / "runs/read-array.npy").shape == (128, 64)
    assert np.load(OLD / "runs/vmm-array.npy").shape == (3, 64)
    with xarray.open_dataset(OLD / "sweep/table.nc", engine="h5netcdf") as table:
        assert table.sizes["seed"] == 1
        assert np.isfinite(table["test_rmse"]).all()


def test_logs_of_other_instruments_give_what_they_gave(copy: Path, capsys: Capture) -> None:
    for log, run in (("arc-one.csv", "arc-one.h5"), ("arc-two-log.h5", "arc-two.h5")):
        code, _, said = in_process(
            capsys, "runs", "import", str(OLD / "imports" / log), "--out", run
        )
        assert code == 0, said
        then, now = read_record(OLD / "imports" / run), read_record(copy / run)
        assert np.array_equal(then.rows, now.rows)
        # Since then a pulse that nothing was read after has a map too, without a value.
        value = now.readings.value
        read = value[np.isfinite(value).any(axis=(1, 2))]
        assert np.array_equal(then.readings.value, read, equal_nan=True)


@pytest.mark.parametrize("case", sorted(p.parent.name for p in OLD.glob("boards/*/state")))
def test_a_passport_says_what_it_said(
    case: str, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    old = OldCase.copy(OLD / "boards" / case, copy / "case")
    monkeypatch.setenv("MEMLAB_STATE", str(old.state))
    (path,) = old.state.glob("passport-*.sqlite")
    code, out, said = in_process(capsys, "chip", "show", str(path), "--json")
    assert code == 0, said
    document = json.loads(out)
    truth, (known, doubtful) = cell_pulses(old.fired_then), passport_counts(path)
    assert (known <= truth).all()
    assert (truth <= known + doubtful).all()
    assert document["unknown"] == doubtful.sum()
    assert document["pulsed_cells"] >= (truth.sum(0) > 0).sum()
    assert bool(doubtful.any()) == (case not in SETTLED)
    code, out, said = in_process(capsys, "chip", "cell", "0", "3", "--chip", str(path), "--json")
    assert code == 0, said
    if case == "chip":
        assert document["formed"] == 24
        assert document["masks"]["pass"] > 0
        with Passport.read(path) as passport:
            assert np.argwhere(passport.formed).max(0).tolist() == [3, 5]
        code, _, said = in_process(capsys, "chip", "budget", str(path), "--set", "7")
        assert code == 0, said


posix = pytest.mark.skipif(os.name != "posix", reason="virtual boards at a terminal need POSIX")


@posix
@pytest.mark.parametrize(
    "case",
    [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in CASES],
)
def test_a_half_finished_run_goes_on_or_says_unknown(
    case: str, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    old = OldCase.copy(OLD / "boards" / case, copy / "case")
    monkeypatch.chdir(old.directory)
    monkeypatch.setenv("MEMLAB_STATE", str(old.state))
    (passport,) = old.state.glob("passport-*.sqlite")
    with old.serve():
        for _ in range(2):  # again, after it has ended whichever way
            code, _, said = in_process(capsys, "runs", "resume", "run.h5", "--quiet")
            assert code in EXIT_CODES, said
            assert "Traceback" not in said
            if code:
                assert len(said.splitlines()) == 1, said
            now = old.fired_now
            if case == "interrupted":
                pulses = cell_pulses(old.fired_then + now)[:, :2, :3]
                assert (pulses <= 2000).all(), "each cycle once"
            else:
                whole = fired(OLD / "boards/finished/fired.jsonl")
                then = [pulse for pulse in old.fired_then if pulse[1] < 6]
                assert whole[: len(then)] == then, "the fixture is a beginning of the whole"
                assert len(then) + len(now) <= len(whole)
                assert now == whole[len(whole) - len(now) :]
            truth = cell_pulses(old.fired_then + now)
            known, doubtful = passport_counts(passport)
            assert (known <= truth).all()
            assert (truth <= known + doubtful).all()
            if code == 0:
                assert read_attributes(Path("run.h5"))["status"] == "finished"


@posix
def test_a_board_of_then_is_opened_with_its_old_state(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    old = OldCase.copy(OLD / "boards/calibrated", copy / "case")
    monkeypatch.chdir(old.directory)
    monkeypatch.setenv("MEMLAB_STATE", str(old.state))
    with old.serve() as board:
        code, out, said = in_process(capsys, "board", "info", "--board", board.url, "--json")
        assert code == 0, said
        assert json.loads(out)["serial"] == old.serial
        code, out, said = in_process(capsys, "calibrate", "--board", board.url, "--list", "--json")
        assert code == 0, said
        assert "1" in out
        code, _, said = in_process(capsys, "board", "ground", "--board", board.url)
        assert code == 0, said
        code, _, said = in_process(
            capsys, "read", "--board", board.url, "--rows", "0:2", "--out", "map.npy"
        )
        assert code == 0, said
    assert old.fired_now == [], "nothing of that pulses"
