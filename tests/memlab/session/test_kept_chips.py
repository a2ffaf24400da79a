"""A chip in a file goes back to where a run was, only if nobody else has pulsed it since."""

import shutil
from pathlib import Path

import pytest
from support.passports import kill

import memlab
from memlab.array.board_array import BoardArray
from memlab.errors import DataError
from memlab.session.checkpoint import Checkpoint
from memlab.session.same_board import check_kept_chip


def runs_of(array: BoardArray) -> list[str]:
    """Return the identities of all runs in the passport."""
    assert array.passport is not None
    return [run_id for (run_id,) in array.passport._store.rows("SELECT run_id FROM runs")]


def test_pulses_of_others_are_seen_where_chip_and_passport_are_older_copies(tmp_path: Path) -> None:
    # The passport of then numbers the batches that come now as it did those of the run.
    chip, old = tmp_path / "my.h5", tmp_path / "old"
    old.mkdir()
    url = f"emulator:?state={chip}"
    memlab.open_array(f"{url}&chip=ideal&seed=3&shape=6x5").close()
    places = [chip, Path(f"{chip}.passport")]

    def put(source: Path, target: Path) -> None:
        for one in places:
            shutil.copy(source / one.name, target / one.name)

    put(tmp_path, old)
    with memlab.open_array(url) as array:
        assert isinstance(array, BoardArray)
        for gate in (1.0, 1.1, 1.2):
            array.program(gate)
        state = {"array": array.state(), "passport": array.passport.state()}
        own = runs_of(array)
        check_kept_chip(chip, array, state, own)
        array.program(1.3)
        check_kept_chip(chip, array, state, own)  # by the run itself
    put(old, tmp_path)
    with memlab.open_array(url) as array:
        assert isinstance(array, BoardArray)
        check_kept_chip(chip, array, state, own)  # a backup, before the run
        array.program(1.0)
        check_kept_chip(chip, array, state, own)  # what the run did then
        array.program(0.9)
        with pytest.raises(DataError, match="would lose those pulses"):
            check_kept_chip(chip, array, state, own)


@pytest.mark.parametrize("passport", ["older", "deleted", "none"])
@pytest.mark.parametrize("others", [True, False])
def test_pulses_of_others_are_seen_where_only_the_passport_is_another(
    others: bool, passport: str, tmp_path: Path
) -> None:
    chip, kept = tmp_path / "my.h5", tmp_path / "my.h5.passport"
    url = f"emulator:?state={chip}"
    with memlab.open_array(f"{url}&chip=ideal&seed=3&shape=6x5") as array:
        assert isinstance(array, BoardArray)
        array.passport.begin_run("run.h5", "own")
        array.program(1.0)
        state = {"array": array.state(), "passport": array.passport.state()}
    shutil.copy(kept, tmp_path / "older")
    with memlab.open_array(url) as array:
        assert isinstance(array, BoardArray)
        array.passport.begin_run("run.h5", "own")
        array.program(1.1)
        check_kept_chip(chip, array, state, ["own"])
        with pytest.raises(DataError, match="would lose those pulses"):
            check_kept_chip(chip, array, state, ["another"])
        array.restore(state["array"])
        array.passport.restore(state["passport"])
    if others:
        with memlab.open_array(url) as array:
            array[1:3, 2:4].program(1.0)
    if passport == "older":
        shutil.copy(tmp_path / "older", kept)
    else:
        kept.unlink()
    with memlab.open_array(f"{url}&passport=none" if passport == "none" else url) as array:
        assert isinstance(array, BoardArray)
        if others:
            with pytest.raises(DataError, match="would lose those pulses"):
                check_kept_chip(chip, array, state, ["own"])
        else:
            check_kept_chip(chip, array, state, ["own"])


def test_a_kill_while_a_run_goes_back_leaves_a_chip_that_lacks_pulses_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And none that has more than its passport: those would be taken for pulses of others."""
    url = f"emulator:?state={tmp_path / 'my.h5'}"
    with memlab.open_array(f"{url}&chip=ideal&seed=3&shape=6x5") as array:
        assert isinstance(array, BoardArray)
        array.passport.begin_run("run.h5", "own")
        array.program(1.0)
        state = {"array": array.state(), "passport": array.passport.state()}
        array.program(1.1)
    array = memlab.open_array(url)
    assert isinstance(array, BoardArray)
    array.passport.begin_run("run.h5", "own")
    for place in (array.passport, array.board):
        with monkeypatch.context() as patch:
            patch.setattr(type(place), "restore", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Checkpoint(tmp_path / "run.h5", {"arrays": [state]}).restore([array])
    kill(array)
    with memlab.open_array(url) as array:
        assert isinstance(array, BoardArray)
        assert "lacks the last 6 row pulses" in caplog.text
        assert array.passport.others == []
        check_kept_chip(tmp_path / "run.h5", array, state, ["own"])
        array.passport.begin_run("run.h5", "own")
        Checkpoint(tmp_path / "run.h5", {"arrays": [state]}).restore([array])
    opened = memlab.open_array(f"{url}&lost=refuse")
    assert opened.passport.ledger.totals.fired.sum() == 30
    opened.close()
