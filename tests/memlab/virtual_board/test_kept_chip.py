"""A served board whose chip is kept in a file: the same board after a restart, in a new life."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.command import in_process
from support.stopped import datasets, same
from support.virtual_board import VirtualBoard

from memlab import open_array, open_board
from memlab.array.board_array import BoardArray
from memlab.cli import cli  # noqa: F401 - loaded before boards are forked
from memlab.emulator import chip_file
from memlab.storage import unsealed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 needs POSIX")
Serve = Callable[..., VirtualBoard]
CHIP = ("--chip", "counted.toml", "--seed", "3")


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMLAB_STATE", str(tmp_path / "records"))
    Path("counted.toml").write_text('extends = "ta-hfo2"\n[wear]\nlifetime = 1e12\n')


def opened(url: str) -> BoardArray:
    array = open_array(url)
    assert isinstance(array, BoardArray)
    return array


def ended(board: VirtualBoard, number: int) -> None:
    board.process.send_signal(number)
    board.process.wait(120.0)


def pulses_in_file(path: str = "my.h5") -> np.ndarray:
    content = unsealed(Path(path).read_bytes())
    assert content is not None
    counted: np.ndarray = chip_file._unpack(content)["board"]["chip"]["pulses"]
    return counted


def wait_for_pulses(count: int) -> None:
    deadline = time.monotonic() + 30.0
    while pulses_in_file().sum() < count:
        assert time.monotonic() < deadline, "the chip was not saved"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_board_that_is_started_again_has_its_chip_and_another_life(
    number: int, virtual_board: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    board = virtual_board("--pty", "--state", "my.h5", *CHIP)
    with opened(board.url) as array:
        uid, life, able = array.board.status()["uid"], array.board.life, array.board.capabilities
        array[3:9, 2:5].program(1.2)
        wanted = array[0:12, 0:6].read_conductance()
    ended(board, number)
    caplog.clear()
    board = virtual_board("--pty", "--state", "my.h5")
    assert board.document["serial"] == able.serial
    assert board.document["seed"] == 3
    with opened(board.url) as array:
        assert array.board.status()["uid"] == uid
        assert array.board.capabilities == able
        assert array.board.life != life
        assert "was restarted since its passport saw it last" in caplog.text
        assert array.passport.ledger.totals.fired.sum() == 18
        assert np.array_equal(array[0:12, 0:6].read_conductance(), wanted)
        array[3:9, 2:5].program(1.3)
    ended(board, number)
    assert pulses_in_file().sum() == 36
    with open_board("emulator:?state=my.h5") as inside:
        assert inside.capabilities.serial == able.serial


def test_what_a_killed_board_had_not_saved_is_told_and_taken_back(
    virtual_board: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    board = virtual_board("--pty", "--state", "my.h5", *CHIP)
    with opened(board.url) as array:
        array[3:9, 2:5].program(1.2)
        wait_for_pulses(18)
        array[4:9, 2:5].program(1.3, reset=np.eye(5, 3, dtype=bool))
        ended(board, signal.SIGKILL)
    lost = 33 - pulses_in_file().sum()  # of 18: it may have been saved meanwhile
    caplog.clear()
    board = virtual_board("--pty", "--state", "my.h5")
    with opened(board.url) as array:
        fired = array.passport.ledger.totals.fired.sum(axis=0)
        assert np.array_equal(fired, pulses_in_file())
        told = ("saved before the last", "row pulses of its passport") if lost > 0 else ()
        assert all(text in caplog.text for text in told)
        array[4:9, 2:5].program(1.3)
        wait_for_pulses(int(fired.sum()) + 15)
        assert np.array_equal(array.passport.ledger.totals.fired.sum(axis=0), pulses_in_file())


def test_a_chip_that_is_served_is_in_use(
    virtual_board: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    virtual_board("--pty", "--state", "my.h5", *CHIP)
    for command in (
        ["info", "--board", "emulator:?state=my.h5"],
        ["serve", "--pty", "--state", "my.h5"],
    ):
        code, _, said = in_process(capsys, "board", *command)
        assert code == 3
        assert re.fullmatch("memlab: .*my.h5 is in use by another program.*\n", said)


@pytest.mark.parametrize("wrong", [("--seed", "4"), ("--chip", "ideal"), ("--serial", "x")])
def test_options_that_contradict_the_chip_are_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with open_board("emulator:?state=my.h5&seed=3"):
        pass
    code, _, said = in_process(capsys, "board", "serve", "--pty", "--state", "my.h5", *wrong)
    assert code == 2
    assert re.fullmatch("memlab: .*my.h5 holds a chip with .*\n", said)


def test_a_training_goes_on_after_its_board_was_restarted(virtual_board: Serve) -> None:
    from support.killed_run import KilledRun, run

    with open_board("emulator:?state=whole.h5&seed=3&chip=counted.toml"):
        pass
    Path("my.h5").write_bytes(Path("whole.h5").read_bytes())
    words = ["train", "airline-window", "--set", "network.units=2", "--epochs", "40", "--quiet"]
    board = virtual_board("--pty", "--state", "whole.h5")
    code, said = run([*words, "--board", board.url, "--out", "whole-run.h5"])
    assert code == 0, said
    ended(board, signal.SIGINT)
    # The same serial number: its passport and record begin anew with the copy of the chip.
    Path("records").rename("records-whole")
    board = virtual_board("--pty", "--state", "my.h5", "--link", "board")
    killed = KilledRun([*words, "--board", "serial://board", "--out", "run.h5"], Path.cwd())
    while killed.running and not killed.began:
        killed.look()
    assert killed.follow(killed.used + 0.1)
    killed.end(signal.SIGKILL)
    ended(board, signal.SIGINT)
    virtual_board("--pty", "--state", "my.h5", "--link", "board")
    code, said = run(["runs", "resume", "run.h5", "--quiet"])
    assert code == 0, said
    found, wanted = datasets(Path("run.h5")), datasets(Path("whole-run.h5"))
    # Row codes are logged as what is new in them, which differs with the noise of what was read.
    fixed = [name for name in wanted if not re.search("_vmm/(step|other)/", name)]
    shapes = [name for name in fixed if found[name].shape != wanted[name].shape]
    assert shapes == []
    assert same(found["entry/training/epoch"], wanted["entry/training/epoch"])


def kill_some(
    seed: int,
    kills: int,
    virtual_board: Serve,
    caplog: pytest.LogCaptureFixture,
    counts: Callable[[str], None],
) -> None:
    """Kill boards, their hosts or both under a training: chip and passport end in step, or say."""
    from support.killed_run import SIGNALS, KilledRun, run

    rng = np.random.default_rng(seed)
    train = ["train", "airline-window", "--set", "network.units=2", "--epochs", "40", "--quiet"]
    serve = ("--pty", "--state", "my.h5", "--link", "board", *CHIP)
    board = virtual_board(*serve)
    for k in range(kills):
        out = Path(f"run{k}.h5")
        words = [*train, "--board", "serial://board?reconnect=0.2", "--out", str(out)]
        current = KilledRun(words, Path.cwd())
        while current.running and not current.began:
            current.look()
        runs = current.follow(current.used + rng.uniform(0.0, 0.6))
        who = ("board", "host", "board and host")[rng.integers(3)]
        number = SIGNALS[rng.integers(len(SIGNALS))]
        counts(f"{who} {'hit by' if runs else 'not at work, and'} {signal.Signals(number).name}")
        if "board" in who:
            ended(board, number)
        if "host" in who:
            current.end(number)
        else:
            code, said = current.finish()
            assert code in (0, 1, 3), said
        caplog.clear()
        if "board" in who:
            board = virtual_board(*serve)
        with opened("serial://board") as array:
            wait_until_in_step(array)
            assert array.board.others_pulsed == ""
            assert array.passport.others == []
            counts(f"opened: {'lacks pulses, and so it is said' * told(caplog) or 'in step'}")
        code, said = run(["runs", "resume", str(out), "--quiet"])
        assert code == 0 or "saved before the last pulses" in said or "cannot be resumed" in said
        counts("resumed" if not code else "a resume refused: the chip lacks what it builds on")
        with opened("serial://board") as array:
            wait_until_in_step(array)


def told(caplog: pytest.LogCaptureFixture) -> bool:
    return "lacks the last" in caplog.text


def wait_until_in_step(array: BoardArray) -> None:
    """The passport of an open array has just what its chip counts; that is saved by and by."""
    totals = array.passport.ledger.totals
    assert not totals.doubtful.any()
    deadline = time.monotonic() + 30.0
    while not np.array_equal(totals.fired.sum(axis=0), pulses_in_file()):
        assert time.monotonic() < deadline, "the chip was not saved, or is another one"
        time.sleep(0.02)


def test_killed_boards_keep_chip_and_passport_in_step(
    virtual_board: Serve, caplog: pytest.LogCaptureFixture, counts: Callable[[str], None]
) -> None:
    kill_some(9, 1, virtual_board, caplog, counts)  # board and host, with kill -9


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(8))
def test_40_kills_of_boards_and_hosts(
    seed: int,
    virtual_board: Serve,
    caplog: pytest.LogCaptureFixture,
    counts: Callable[[str], None],
) -> None:
    kill_some(seed, 5, virtual_board, caplog, counts)
