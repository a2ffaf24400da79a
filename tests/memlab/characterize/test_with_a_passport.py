"""What procedures find out about a chip goes into its passport, and comes back from there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from memlab import open_array
from memlab.characterize import Fault, Region, plan_procedures, resume, run_procedures
from memlab.cli import cli
from memlab.errors import DataError, SettingError
from memlab.experiments import make_plan, run
from memlab.passport import Passport
from memlab.runs import RunFile

PRISTINE = "emulator:?chip=ta-hfo2&forming.voltage=2.6&seed=3"
REGION = Region(rows="0:8", columns="0:6")


def characterise(name: str, board: str, out: Path, *settings: str) -> dict[str, object]:
    plans = plan_procedures([name], board=board, settings=settings, out=out)
    (document,) = run_procedures(plans, board, REGION, figure=False)
    return document


def test_a_cell_is_formed_once_however_it_reads_later(tmp_path: Path) -> None:
    passport = tmp_path / "chip.passport"
    board = f"{PRISTINE}&passport={passport}"
    first = characterise("forming", board, tmp_path / "first.h5")
    assert first["results"]["yield"]["value"] == 1.0  # type: ignore[index]
    with Passport.read(passport) as chip:
        assert chip.formed[:8, :6].all()
        assert chip.formed.sum() == 48
    # The emulated chip of a new process is pristine again; its passport says otherwise.
    again = characterise("forming", board, tmp_path / "again.h5")
    assert again["counts"]["set"] == 0  # type: ignore[index]
    allowed = characterise("forming", f"{board}&budget.forming=2", tmp_path / "allowed.h5")
    assert allowed["counts"]["set"] > 0  # type: ignore[index]


def test_cells_are_entered_as_formed_at_once_and_a_resume_enters_none_twice(
    tmp_path: Path,
) -> None:
    passport, out = tmp_path / "chip.passport", tmp_path / "forming.h5"
    board = f"{PRISTINE}&passport={passport}"
    plans = plan_procedures(["forming"], board=board, out=out)

    def interrupt(name: str, readings: int) -> None:
        if readings == 29:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_procedures(plans, board, REGION, watch=interrupt, figure=False)
    with Passport.read(passport) as chip:
        part = chip.formed
        assert 0 < part.sum() < 48, "some of the ramp"
    resume(out, figure=False)
    with Passport.read(passport) as chip:
        times = np.sum([cells for _, _, cells in chip.formings()], axis=0)
        assert (times[:8, :6] == 1).all()
        assert times.sum() == 48


def test_runs_classes_and_good_lines_are_in_the_passport(tmp_path: Path) -> None:
    passport = tmp_path / "chip.passport"
    board = f"emulator:?chip=ta-hfo2&defects.stuck_on=0.1&seed=5&passport={passport}"
    out = tmp_path / "yield.h5"
    characterise("yield", board, out, "bad_share=0.2")
    with open_array("emulator:?chip=ta-hfo2&defects.stuck_on=0.1&seed=5") as array:
        stuck = array.read_conductance()[:8, :6] > 0.5e-3
    with Passport.read(passport) as chip:
        masks = chip.masks()
        assert [one["label"] for one in chip.runs().values()] == [str(out)]
        assert np.array_equal(masks[Fault.STUCK_HIGH.label][:8, :6], stuck)
        assert masks[Fault.NOT_TESTED.label].sum() == 128 * 64 - 48
        rows, columns = chip.good_lines
        assert set(rows) <= set(range(8))
        assert set(columns) <= set(range(6))


def test_cells_that_a_second_run_does_not_test_keep_their_classes(tmp_path: Path) -> None:
    passport = tmp_path / "chip.passport"
    board = f"emulator:?chip=ta-hfo2&defects.stuck_on=0.1&seed=5&passport={passport}"
    with open_array("emulator:?chip=ta-hfo2&defects.stuck_on=0.1&seed=5") as array:
        stuck = array.read_conductance() > 0.5e-3
    good = []
    for number, region in enumerate((REGION, Region(rows="5:9", columns="4:9"))):
        plans = plan_procedures(
            ["yield"], board=board, out=tmp_path / f"{number}.h5", settings=["bad_share=0.2"]
        )
        run_procedures(plans, board, region, figure=False)
        with Passport.read(passport) as chip:
            good.append(chip.good_lines)
    tested = np.zeros((128, 64), bool)
    tested[0:8, 0:6] = tested[5:9, 4:9] = True
    with Passport.read(passport) as chip:
        masks = chip.masks()
    assert np.array_equal(masks[Fault.STUCK_HIGH.label], stuck & tested)
    assert stuck[0:5, 0:4].sum() > 0, "known from the first run alone"
    assert np.array_equal(masks[Fault.NOT_TESTED.label], ~tested)
    # Good lines cross in cells that were tested, nearly all.
    rows, columns = good[1]
    untested = ~tested[np.ix_(rows, columns)]
    assert max(untested.mean(axis=0).max(), untested.mean(axis=1).max()) <= 0.2
    assert set(rows) <= set(range(9))
    assert rows.size * columns.size >= good[0][0].size * good[0][1].size


def test_training_uses_the_good_lines_only(tmp_path: Path) -> None:
    board = "emulator:?chip=ta-hfo2&defects.short_rows=0.03&defects.short_columns=0.03&seed=11"
    plans = plan_procedures(["yield"], board=board, out=tmp_path / "yield.h5")
    run_procedures(plans, board, figure=False)
    out = tmp_path / "train.h5"
    plan = make_plan("airline", board=board, epochs=1, out=out, good=tmp_path / "yield.h5")
    with open_array(board) as array:
        shorted = array.read_conductance() > 0.5e-3
    bad_rows, bad_columns = shorted.all(axis=1), shorted.all(axis=0)
    assert bad_rows[:34].sum() > 0
    assert 0 < bad_columns[:60].sum() <= 3
    run(plan, figure=False)
    with h5py.File(out, "r") as file:
        rows, columns = file["entry/lstm/row"][()], file["entry/lstm/column"][()]
    assert (rows.size, columns.size) == (34, 60)
    assert not bad_rows[rows].any()
    assert not bad_columns[columns].any()


def test_good_lines_of_another_file_or_of_several_boards_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "staircase.h5"
    characterise("staircase", "emulator:?chip=ideal", out, "steps=2")
    with pytest.raises(DataError, match="not a finished run of `memlab characterize yield`"):
        make_plan("airline", good=out)
    with pytest.raises(SettingError, match="one board"):
        make_plan("airline", board=["emulator:", "emulator:"], good=out)
    result = CliRunner().invoke(cli, ["train", "airline", "--good", str(out), "--json"])
    assert isinstance(result.exception, DataError)
    assert result.stdout == ""


def test_the_passport_of_a_run_is_whole_before_its_file_says_that_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passport, close, seen = tmp_path / "chip.passport", RunFile.close, []

    def look(self: RunFile, status: str, *more: object) -> None:
        with closing(sqlite3.connect(passport)) as file:
            seen.append(file.execute("SELECT through FROM totals").fetchone())
            assert file.execute("SELECT count(*) FROM batches").fetchone() == seen[-1]
            assert file.execute("SELECT count(*) FROM maps").fetchone() == (1,)
        close(self, status, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFile, "close", look)
    board = f"emulator:?chip=ta-hfo2&seed=3&passport={passport}"
    characterise("staircase", board, tmp_path / "run.h5", "steps=3")
    ((batches,),) = seen
    assert batches > 3


def test_a_run_that_goes_on_notes_again_in_the_one_before_it_that_it_has_begun(
    tmp_path: Path,
) -> None:
    board, out = "emulator:?chip=ta-hfo2&seed=3", tmp_path / "two"
    settings = ("steps=2", "cycles=3")
    plans = plan_procedures(["staircase", "variation"], board=board, settings=settings, out=out)

    def interrupt(name: str, readings: int) -> None:
        if name == "variation" and readings == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_procedures(plans, board, REGION, watch=interrupt, figure=False)
    # As a kill leaves it while that is noted.
    with h5py.File(out / "staircase.h5", "r+") as file:
        assert file["entry"].attrs.pop("followed_by") == plans[1].run_id
    (out / "staircase.h5.new").write_bytes(b"half of it")
    resume(out / "variation.h5", figure=False)
    with h5py.File(out / "staircase.h5") as file:
        assert file["entry"].attrs["followed_by"] == plans[1].run_id
    assert sorted(path.name for path in out.iterdir()) == ["staircase.h5", "variation.h5"]
