"""A chip in a file over five commands, each its own process, and one that stays open: the same.

python -m pytest -n 0 -m slow tests/memlab/test_one_chip_over_commands.py   # the whole chip

What is equal, bit for bit: every dataset of every run file, maps and products, and in the end the
chip itself: conductances, formed cells, simulated time, energy, and how often each cell was pulsed,
by its own count and by its passport's. It does not matter

- how much time passes between two commands, in which directory they run, nor by which path they
  name the file: the chip's time is simulated, and stands still while nobody has it;
- that the chip is served (`board serve --state`) by a board that ends after each command and is
  started for the next: the same board (`uid`, serial number) in another life (`boot_id`). Then
  all but two things are equal: times of steps are the host's, where they were the chip's, and the
  energy is equal to rounding, for a wire carries pulses row by row and the sum has another order.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from support.stopped import datasets, same
from support.virtual_board import VirtualBoard

from memlab import open_array
from memlab.array.board_array import BoardArray
from memlab.cli import cli

pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands are forked")
if os.name == "posix":
    from support.forked_command import Forked, memlab

CHIP = "seed=5&chip=ta-hfo2-full&forming.voltage=2.2&wear.lifetime=1e12"
SMALL = {
    "forming": ["characterize", "forming", "--rows", "0:6", "--columns", "0:4", "--set", "steps=4"],
    "staircase": [
        *("characterize", "staircase", "--rows", "0:6", "--columns", "0:4", "--set", "steps=4"),
    ],
    "train": ["train", "airline-window", "--set", "network.units=2", "--epochs", "2"],
    "read": ["read", "--rows", "0:34"],
    "vmm": ["vmm", "volts.npy", "--columns", "0:60"],
}
WHOLE = {
    **SMALL,
    "forming": ["characterize", "forming", "--rows", "0:34", "--columns", "0:60"],
    "staircase": ["characterize", "staircase", "--rows", "0:34", "--columns", "0:60"],
    "train": ["train", "airline", "--epochs", "20"],
}


def run(name: str, command: list[str], url: str, directory: Path) -> None:
    process = Forked(memlab, [*command, "--board", url, *_out(f"{directory}/{name}", name)])
    _, said = process.communicate(timeout=600.0)
    assert process.wait(10.0) == 0, said


def of_commands(words: dict[str, list[str]], directory: Path) -> None:
    for name, command in words.items():
        url = f"emulator:?state={directory}/my.h5{f'&{CHIP}' if name == 'forming' else ''}"
        run(name, command, url, directory)


def of_commands_far_apart(words: dict[str, list[str]], directory: Path) -> None:
    """Run them each in another directory, by another path, with time in between."""
    here = Path.cwd()
    (directory / "a" / "b").mkdir(parents=True)
    (directory / "link.h5").symlink_to("my.h5")
    places = [(".", "my.h5"), ("a", "../my.h5"), ("a/b", "../../link.h5"), (".", "a/../my.h5")]
    for k, (name, command) in enumerate(words.items()):
        where, path = places[k % len(places)]
        os.chdir(directory / where)
        try:
            url = f"emulator:?state={path}{f'&{CHIP}' if name == 'forming' else ''}"
            run(name, [str(here / w) if w.endswith(".npy") else w for w in command], url, directory)
        finally:
            os.chdir(here)
        if k == 0 or words is WHOLE:
            time.sleep(1.1)


def of_served(words: dict[str, list[str]], directory: Path) -> None:
    """Run them on a board that is started for each, and ended after it."""
    file = directory / "my.h5"
    open_array(f"emulator:?{CHIP}&state={file}&passport=none").close()
    lives, uids = set(), set()
    for name, command in words.items():
        served = ("--pty", "--state", str(file), "--link", str(directory / "board"))
        with VirtualBoard(*served, forked=True) as board:
            url = f"serial://{directory / 'board'}"
            run(name, command, url, directory)
            with open_array(f"{url}?passport=none") as array:
                status = array.board.status()
            lives.add(status["boot_id"])
            uids.add((status["uid"], board.document["serial"]))
            board.process.send_signal(signal.SIGINT)
            board.process.wait(120.0)
    assert len(lives) == len(words)
    assert len(uids) == 1


CLOCKS = ("time",)
"""Last names of datasets that are the chip's time in process, and the host's on a wire."""
BILL = tuple(f"entry/spent/{name}" for name in ("seconds", "analogue_seconds", "energy"))
"""What only a chip in this process can tell of itself."""
WAYS: dict[str, Callable[[dict[str, list[str]], Path], None]] = {
    "commands": of_commands,
    "far apart": of_commands_far_apart,
    "served": of_served,
}


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
    with of_one_process(words, monkeypatch) as one:
        # Commands far apart are those of one directory, and more.
        for way in WAYS if words is WHOLE else ("far apart", "served"):
            commands = WAYS[way]
            directory = Path.cwd() / way
            directory.mkdir()
            commands(words, directory)
            with open_array(f"emulator:?state={directory}/my.h5&lost=refuse") as kept:
                assert isinstance(kept, BoardArray)
                compare_files(words, directory, Path("one"), way)
                compare_chips(kept, one, 1e-12 if way == "served" else 0.0)


def compare_files(words: dict[str, list[str]], directory: Path, one: Path, way: str) -> None:
    for name in words:
        if name in ("read", "vmm"):
            first, second = (np.load(f"{place}/{name}.npy") for place in (directory, one))
            assert same(first, second), name
            assert np.isfinite(first).any()
            continue
        found, wanted = (datasets(Path(place, f"{name}.h5")) for place in (directory, one))
        if way == "served":
            wanted = {key: value for key, value in wanted.items() if key not in BILL}
        assert list(found) == list(wanted), (way, name)
        differ = {key for key in found if not same(found[key], wanted[key])}
        clocks = {key for key in found if key.rpartition("/")[2] in CLOCKS}
        assert differ <= (clocks if way == "served" else set()), (way, name)


def compare_chips(kept: BoardArray, one: BoardArray, rounding: float) -> None:
    chips = kept.board.chip, one.board.chip  # type: ignore[attr-defined]
    assert np.array_equal(chips[0].conductance, chips[1].conductance)
    assert np.array_equal(chips[0].formed, chips[1].formed)
    assert chips[0].now == chips[1].now
    energies = [asdict(array.board.simulation.energy) for array in (kept, one)]  # type: ignore[union-attr]
    assert energies[0] == pytest.approx(energies[1], rel=rounding, abs=0.0)
    assert all(energies[0].values())
    totals = [one.passport.ledger.totals.fired for one in (kept, one)]  # type: ignore[union-attr]
    assert np.array_equal(*totals)
    assert np.array_equal(totals[0].sum(axis=0), chips[0]._wear.pulses)
    assert np.array_equal(kept.passport.formed, one.passport.formed)  # type: ignore[union-attr]
    assert kept.passport.others == []  # type: ignore[union-attr]
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
