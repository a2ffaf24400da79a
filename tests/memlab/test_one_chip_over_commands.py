"""A chip in a file over five commands, each its own process, and one that stays open: the same.

python -m pytest -n 0 -m slow tests/memlab/test_one_chip_over_commands.py   # the whole chip
"""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.stopped import datasets, same

from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.cli import cli

pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands are forked")
if os.name == "posix":
    from support.forked_command import Forked, memlab

CHIP = "seed=5&chip=ta-hfo2-full&forming.voltage=2.2&wear.lifetime=1e12"
SMALL = {
    "forming": ["characterize", "forming", "--rows", "0:8", "--columns", "0:6", "--set", "steps=4"],
    "staircase": ["characterize", "staircase", "--rows", "0:8", "--columns", "0:6"],
    "train": ["train", "airline-window", "--set", "network.units=2", "--epochs", "3"],
    "read": ["read", "--rows", "0:34"],
    "vmm": ["vmm", "volts.npy", "--columns", "0:60"],
}
WHOLE = {
    **SMALL,
    "forming": ["characterize", "forming", "--rows", "0:34", "--columns", "0:60"],
    "staircase": ["characterize", "staircase", "--rows", "0:34", "--columns", "0:60"],
    "train": ["train", "airline", "--epochs", "20"],
}


def of_commands(words: dict[str, list[str]]) -> None:
    Path("commands").mkdir()
    for name, command in words.items():
        url = f"emulator:?{CHIP}&state=my.h5" if name == "forming" else "emulator:?state=my.h5"
        whole = [*command, "--board", url, *_out(f"commands/{name}", name)]
        process = Forked(memlab, whole)
        _, said = process.communicate(timeout=600.0)
        assert process.wait(10.0) == 0, said


def of_one_process(words: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> BoardArray:
    """Run the commands on one array, which is open all the time; return it, still open."""
    Path("one").mkdir()
    array = open_array(f"emulator:?{CHIP}&passport=one.passport")
    assert isinstance(array, BoardArray)
    with monkeypatch.context() as patch:
        patch.setattr(array, "close", array.ground)
        for opening in ("open_array", "open_board_array"):
            patch.setattr(f"memlab.session.arrays.{opening}", lambda *_, **__: array)
        for name, command in words.items():
            out = _out(f"one/{name}", name)
            cli.main([*command, "--board", f"emulator:?{CHIP}", *out], standalone_mode=False)
    return array


def _out(path: str, name: str) -> Sequence[str]:
    return "--out", f"{path}.npy" if name in ("read", "vmm") else f"{path}.h5"


def compare(words: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("volts.npy", np.random.default_rng(1).uniform(-0.2, 0.2, (3, 128)))
    of_commands(words)
    with of_one_process(words, monkeypatch) as one, open_array("emulator:?state=my.h5") as kept:
        for name in words:
            if name in ("read", "vmm"):
                first, second = (np.load(f"{place}/{name}.npy") for place in ("commands", "one"))
                assert same(first, second), name
                assert np.isfinite(first).any()
                continue
            found, wanted = (datasets(Path(place, f"{name}.h5")) for place in ("commands", "one"))
            assert list(found) == list(wanted)
            assert [key for key in found if not same(found[key], wanted[key])] == [], name
        assert isinstance(kept, BoardArray)
        chips = kept.board.chip, one.board.chip  # type: ignore[attr-defined]
        assert np.array_equal(chips[0].conductance, chips[1].conductance)
        assert np.array_equal(chips[0].formed, chips[1].formed)
        assert chips[0].now == chips[1].now
        assert kept.board.simulation.energy == one.board.simulation.energy  # type: ignore[union-attr]
        totals = [one.passport.ledger.totals.fired for one in (kept, one)]  # type: ignore[union-attr]
        assert np.array_equal(*totals)
        assert np.array_equal(totals[0].sum(axis=0), chips[0]._wear.pulses)
        assert chips[0].formed.any()
        assert not chips[0].formed.all()


def test_five_commands_equal_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    compare(SMALL, monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_forming_staircase_and_20_epochs_of_airline_equal_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    compare(WHOLE, monkeypatch)
