"""A chip in a file goes back to where a run was, only if nobody else has pulsed it since."""

import shutil
from pathlib import Path

import pytest

import memlab
from memlab.array.board_array import BoardArray
from memlab.errors import DataError
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
