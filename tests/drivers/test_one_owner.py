"""One board, one program, one process, one thread at a time: each pulse once, or a refusal."""

import collections
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command import in_process
from support.started import start
from support.virtual_board import REPOSITORY, VirtualBoard

from memlab import open_array
from memlab.errors import MemlabError

Start = Callable[..., VirtualBoard]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks")


def _start(what: str, url: str) -> Any:
    if what != "fork":  # there the end of an interpreter matters
        return start(f"support.one_board_program:{what}", url)
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    return subprocess.Popen(
        [sys.executable, "-m", "support.one_board_program", what, url],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Program:
    """`support.one_board_program` in a process of its own."""

    def __init__(self, what: str, url: str) -> None:
        self.process = _start(what, url)

    def line(self) -> str:
        return str(self.process.stdout.readline())

    def end(self) -> tuple[str, str]:
        out, error = self.process.communicate("go\n", timeout=60)
        return out, error


@pytest.fixture
def logged(virtual_board: Start, tmp_path: Path) -> VirtualBoard:
    log = tmp_path / "log.jsonl"
    return virtual_board("--tcp", "0", "--chip", "ideal", log=log)


@pytest.fixture
def holder(logged: VirtualBoard) -> Iterator[Program]:
    program = Program("hold", logged.url)
    assert program.line() == "open\n", program.end()
    yield program
    program.process.kill()
    program.process.communicate()


def fired(board: VirtualBoard) -> dict[int, int]:
    return dict(collections.Counter(e["row"] for e in board.events() if e["event"] == "pulse"))


@posix
@pytest.mark.parametrize("same_state", [pytest.param(True, marks=pytest.mark.slow), False])
def test_a_second_program_is_refused_although_the_first_is_suspended(
    logged: VirtualBoard,
    holder: Program,
    tmp_path: Path,
    same_state: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    holder.process.send_signal(signal.SIGSTOP)
    time.sleep(2.3)  # the board forgets a session after two seconds of silence
    state = Path(os.environ["MEMLAB_STATE"]) if same_state else tmp_path / "other"
    state.mkdir(exist_ok=True)
    before = {path.name: path.stat().st_mtime_ns for path in state.iterdir()}
    monkeypatch.setenv("MEMLAB_STATE", str(state))
    code, _, said = in_process(capsys, "board", "info", "--board", logged.url)
    assert (code, said.count("\n")) == (3, 1), said
    assert f"(process {holder.process.pid})" in said
    assert {path.name: path.stat().st_mtime_ns for path in state.iterdir()} == before
    holder.process.send_signal(signal.SIGCONT)
    out, error = holder.end()
    assert out == "programmed\n", error
    assert fired(logged) == {0: 1, 1: 1}


@posix
def test_the_lock_dies_with_its_program(logged: VirtualBoard, holder: Program) -> None:
    holder.process.kill()
    holder.process.wait()
    with open_array(logged.url) as array:
        array[2:3].program(1.0)
    assert fired(logged) == {0: 1, 2: 1}


@posix
def test_two_virtual_boards_with_one_serial_number_are_one_board(
    virtual_board: Start, tmp_path: Path
) -> None:
    serial = f"twin-{os.getpid()}"
    first, second = (
        virtual_board("--tcp", "0", "--chip", "ideal", "--serial", serial) for _ in range(2)
    )
    with open_array(first.url) as array:
        array[0:1].program(1.0)
        with pytest.raises(MemlabError, match="open already"):
            open_array(second.url)
        array[0:1].program(1.0)


def test_a_virtual_board_that_starts_again_is_another_board(virtual_board: Start) -> None:
    boards = [virtual_board("--tcp", "0", "--chip", "ideal") for _ in range(2)]
    serials, lives = [], []
    for board in boards:
        with open_array(board.url) as array:
            serials.append(array.describe()["board"]["serial"])
            lives.append(array.board.life)
            array[0:1].program(1.0)
            assert int(array.passport.ledger.totals.fired.sum()) == 64
    assert serials == [board.document["serial"] for board in boards]
    assert len(set(serials)) == len(set(lives)) == 2


@posix
def test_threads_pulse_each_row_once_over_a_wire(logged: VirtualBoard) -> None:
    out, error = Program("threads", logged.url).end()
    assert out.split("\n")[0] == "160 160 []", error
    assert fired(logged) == {0: 10, 1: 10, 2: 10, 3: 10}


@posix
def test_a_forked_child_is_refused_and_its_end_touches_nothing(logged: VirtualBoard) -> None:
    out, error = Program("fork", logged.url).end()
    assert out.splitlines() == [*["child: InUseError 0"] * 6, "parent 12"], error
    assert fired(logged) == {0: 1, 1: 2}


@posix
def test_a_lock_ends_with_the_parent_although_a_child_lives_on(
    logged: VirtualBoard, tmp_path: Path
) -> None:
    code = (
        "import os, sys, time, memlab\n"
        "array = memlab.open_array(sys.argv[1])\n"
        "array[0:1].program(1.0)\n"
        "if os.fork() == 0: time.sleep(30); os._exit(0)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, logged.url],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        timeout=60,
    )
    assert killed.returncode == -9
    with open_array(logged.url) as array:
        array[1:2].program(1.0)
    assert fired(logged) == {0: 1, 1: 1}


@pytest.mark.parametrize("url", ["emulator:?chip=ta-hfo2", "ideal:"])
def test_threads_measure_in_process_as_one_thread_does(url: str) -> None:
    shapes, n = [(8, 4), (16, 64), (128, 9), (1, 1)], 200
    with open_array(url) as array, ThreadPoolExecutor(4) as pool:

        def work(k: int) -> list[tuple[int, ...]]:
            rows, columns = shapes[k]
            view = array[:rows, :columns]
            found = [view.vmm(np.full((k + 1, rows), 0.1)).shape for _ in range(n)]
            view.program(1.0)
            return found

        for k, found in enumerate(pool.map(work, range(4))):
            assert found == [(k + 1, shapes[k][1])] * n
        assert array.counts.vmm == n * (1 + 2 + 3 + 4)
        assert array.counts.set == sum(rows * columns for rows, columns in shapes)


def test_closing_ends_what_another_thread_runs(logged: VirtualBoard) -> None:
    array = open_array(logged.url)
    errors: list[BaseException] = []

    def forever() -> None:
        try:
            while True:
                array.vmm(np.full((2000, 128), 0.1))
        except MemlabError as error:
            errors.append(error)

    thread = threading.Thread(target=forever)
    thread.start()
    time.sleep(0.3)
    start = time.monotonic()
    array.close()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - start < 4
    assert len(errors) == 1
    assert "closed" in str(errors[0])
