"""A signal before a command begins, and any number of them while it ends: one line, one code.

The signals come at chosen bytecodes of the code under test, so that nothing here depends on time.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from drivers import stopping
from memlab import cli
from memlab.cli import commands
from memlab.errors import SettingError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sends signals to itself")

INTERRUPTED = (130, "memlab: interrupted by SIGTERM; every line is grounded\n")
EARLY = (130, "")


def _early(number: int, frame: FrameType | None) -> None:
    raise SystemExit(130)


class _Bytecodes:
    """Send SIGTERM at each bytecode from `first` on, as long as a handler of ours is installed.

    A signal that raises is the last one: Python stops to trace then.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.seen = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> "_Bytecodes | None":
        if frame.f_code.co_filename not in (cli.__file__, stopping.__file__):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and signal.getsignal(signal.SIGTERM) in (stopping._handle, _early):
            self.seen += 1
            if self.seen > self.first:
                os.kill(os.getpid(), signal.SIGTERM)
        return self


@contextmanager
def _signals(first: int) -> Iterator[_Bytecodes]:
    sender, before = _Bytecodes(first), sys.gettrace()
    sys.settrace(sender)
    try:
        yield sender
    finally:
        sys.settrace(before)


def _done(**_: object) -> int:
    return 0


def _failed(**_: object) -> int:
    raise SettingError("a setting is wrong")


def _interrupted(**_: object) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    pytest.fail("it was not broken off")


@pytest.mark.parametrize(
    ("command", "end"),
    [
        (_done, (0, "")),
        (_failed, (2, "memlab: a setting is wrong\n")),
        (_interrupted, INTERRUPTED),
    ],
)
@pytest.mark.parametrize("whole_process", [True, False])
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_any_number_of_signals_from_any_bytecode_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    whole_process: bool,
    command: Callable[..., int],
    end: tuple[int, str],
    step: int,
) -> None:
    """By default from every fourth bytecode on, with `-m slow` from each."""
    monkeypatch.setattr(commands.cli, "main", command)
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}

    def run(first: int) -> tuple[object, str, int]:
        # Where the stand-in for `os._exit` ends a run, blocks are left that no program leaves.
        monkeypatch.setattr(stopping, "_stop", stopping._Stop())
        try:
            if whole_process:
                signal.signal(signal.SIGTERM, _early)
            with _signals(first) as sender:
                try:
                    code = cli.run_as_program(_early) if whole_process else cli.main()
                except SystemExit as exit_:
                    code = exit_.code
            after = {number: signal.getsignal(number) for number in stopping.SIGNALS}
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        said = capsys.readouterr()
        assert said.out == ""
        if not whole_process:
            assert after == before
        elif (code, said.err) != EARLY:
            assert set(after.values()) == {signal.SIG_IGN}
        return code, said.err, sender.seen

    *undisturbed, bytecodes = run(sys.maxsize)
    assert tuple(undisturbed) == end
    assert bytecodes > 100
    ends = [run(first)[:2] for first in sorted({*range(0, bytecodes, step), bytecodes - 1})]
    # Once the command has ended as it will, nothing changes that.
    assert ends[0] == (EARLY if whole_process else INTERRUPTED)
    assert ends[-1] == end
    assert ends == sorted(ends, key=[EARLY, INTERRUPTED, end].index)


@pytest.mark.parametrize(
    "module", ["memlab.cli", "drivers.stopping", "memlab.cli.commands", "rich_click", "click.core"]
)
def test_a_signal_while_the_packages_load_is_one_line(module: str) -> None:
    code = f"""
import os, signal, sys
class Finder:
    def find_spec(name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder)
sys.argv = ["memlab", "limits", "--json"]
from memlab.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "memlab: interrupted; nothing was begun\n"


def test_the_program_hears_signals_before_it_loads_anything() -> None:
    code = """
import sys
before = set(sys.modules)
import memlab.__main__
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.split()
    ours = [name for name in loaded if name.startswith(("memlab", "drivers", "firmware"))]
    assert ours == ["memlab", "memlab.__main__", "memlab._version"]
    assert not {"typing", "contextlib", "threading"} & set(loaded)


@pytest.mark.parametrize(("word", "code"), [("--version", 0), ("--wrong", 2)])
def test_the_program_ends_as_the_command_does(word: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "memlab", word], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code
    assert (done.stdout if code == 0 else done.stderr).startswith("memlab")
