"""Runs on a chip in a file, killed at random moments: the file opens, and agrees with its passport.

    python -m pytest -n 2 -m slow tests/memlab/test_chips_kept_over_kills.py    # 100 kills

The chip counts the pulses of each cell itself, which its passport must not miss without a word. A
run that goes on ends bit-identical to one that nobody killed, and so does the chip.
"""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.stopped import assert_same, datasets, same

from memlab import open_array, open_board
from memlab.array.board_array import BoardArray
from memlab.emulator import chip_file
from memlab.errors import DataError
from memlab.passport import Passport
from memlab.runs import read_attributes
from memlab.storage import unsealed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
if os.name == "posix":
    from support.killed_run import SIGNALS, KilledRun, run

Count = Callable[[str], None]
CHIP = "chip=ta-hfo2-full&seed=4&wear.lifetime=1e12"
CASES: dict[str, tuple[str, ...]] = {
    "train": (
        *("train", "airline-window", "--set", "network.units=2", "--epochs", "12"),
        *("--seed", "3", "--quiet"),
    ),
    "staircase": (
        *("characterize", "set", "staircase", "--rows", "0:9", "--columns", "0:4"),
        *("--set", "steps=3", "--quiet"),
    ),
}


def pulses_in_file(path: Path) -> np.ndarray:
    content = unsealed(path.read_bytes())
    assert content is not None
    counted: np.ndarray = chip_file._unpack(content)["board"]["chip"]["pulses"]
    return counted


def check(directory: Path, caplog: pytest.LogCaptureFixture, counts: Count) -> None:
    """Open the chip: what it and its passport do not agree in has been said, and is so no more."""
    path = directory / "my.h5"
    counted = pulses_in_file(path)
    if Path(f"{path}.passport").exists():
        with Passport.read(Path(f"{path}.passport")) as passport:
            totals = passport.ledger.totals
            fired, doubtful = totals.fired.sum(axis=0), totals.doubtful.sum(axis=0)
    else:
        fired = doubtful = np.zeros_like(counted)
    agree = (fired <= counted) & (counted <= fired + doubtful)
    caplog.clear()
    array = open_array(f"emulator:?state={path}")
    assert isinstance(array, BoardArray)
    with array:
        behind, ahead = "lacks the last" in caplog.text, "got pulses" in caplog.text
        assert agree.all() or behind or ahead
        where = "lacks pulses, and so it is said" if behind else "got more, and so it is said"
        counts(f"opened: the chip {where if behind or ahead else 'is in step'}")
        counted = array.board.chip._wear.pulses  # type: ignore[attr-defined]
        assert array.passport is not None
        totals = array.passport.ledger.totals
        fired, doubtful = totals.fired.sum(axis=0), totals.doubtful.sum(axis=0)
        assert array.passport.others == []
        assert np.array_equal(fired, counted), "the chip knows what was in doubt"
        assert not doubtful.any()


def kill_and_resume(
    directory: Path,
    case: str,
    seed: int,
    kills: int,
    caplog: pytest.LogCaptureFixture,
    counts: Count,
) -> None:
    open_board(f"emulator:?{CHIP}&state={directory / 'my.h5'}").close()

    def command(name: str) -> list[str]:
        (directory / name).mkdir()
        shutil.copy(directory / "my.h5", directory / name)
        url, out = f"emulator:?state={directory / name / 'my.h5'}", directory / name / "out"
        return [*CASES[case], "--board", url, "--out", str(out if case != "train" else f"{out}.h5")]

    def resume() -> list[str]:
        return ["runs", "resume", str(broken / file), "--quiet"]

    rng = np.random.default_rng(seed)
    undisturbed = KilledRun(command("whole"), directory / "whole")
    undisturbed.follow()
    code, said = undisturbed.finish()
    assert code == 0, said
    words = command("broken")
    file = "out.h5" if case == "train" else "out/set.h5"
    whole, broken = directory / "whole", directory / "broken"
    for _ in range(kills):
        current = KilledRun(words, broken)
        if not current.follow(rng.uniform(0.3, 1.0) * undisturbed.used):
            code, said = current.finish()
            assert code == 0, said
            counts("not hit: it had ended")
            words = resume()
            break
        number = SIGNALS[rng.integers(len(SIGNALS))]
        code, said = current.end(number)
        ended = code == 0  # in the moment before the signal
        assert ended or number != signal.SIGKILL or code == -signal.SIGKILL
        name = signal.Signals(number).name
        counts("not hit: it had ended" if ended else f"hit by {name}, in process")
        check(broken, caplog, counts)
        if any(broken.rglob(".*.checkpoint*")) or _is_finished(broken / file):
            words = resume()
        else:  # killed before there was anything to go on from: begin again, with the chip of then
            (broken / file).unlink(missing_ok=True)
            (broken / "my.h5.passport").unlink(missing_ok=True)
            shutil.rmtree(broken / "out", ignore_errors=True)
            shutil.copy(directory / "my.h5", broken)
    code, said = run(words)
    assert code == 0, said
    check(broken, caplog, counts)
    assert caplog.text == ""
    if case == "train":
        assert_same(broken / "out.h5", whole / "out.h5")
    else:
        for one in ("out/set.h5", "out/staircase.h5"):
            found, wanted = datasets(broken / one), datasets(whole / one)
            assert list(found) == list(wanted)
            assert [name for name in found if not same(found[name], wanted[name])] == []
    for name in ("programmed", "pulses", "tendency"):
        first, second = (_chip(directory / one / "my.h5")[name] for one in ("whole", "broken"))
        assert np.array_equal(first, second), name
    assert [one.name for one in broken.rglob(".*") if not one.name.endswith(".lock")] == []


def _is_finished(path: Path) -> bool:
    try:
        return bool(read_attributes(path)["status"] == "finished")
    except DataError:  # killed while it was made
        return False


def _chip(path: Path) -> dict[str, np.ndarray]:
    content = unsealed(path.read_bytes())
    assert content is not None
    chip: dict[str, np.ndarray] = chip_file._unpack(content)["board"]["chip"]
    return chip


# Seeds by which the only signal is a kill -9, after half, and most, of the run.
@pytest.mark.parametrize(("case", "seed"), list(zip(CASES, (2, 5), strict=True)))
def test_a_kill(
    case: str, seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, counts: Count
) -> None:
    kill_and_resume(tmp_path, case, seed, 1, caplog, counts)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(34))
def test_100_kills(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, counts: Count
) -> None:
    kill_and_resume(tmp_path, list(CASES)[seed % 2], seed, 5, caplog, counts)
