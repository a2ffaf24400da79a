"""`memlab` commands as processes that start at once: forked from a server that has it imported.

They can be stopped, killed and limited as any process; an interpreter that starts for each of
hundreds of commands would cost more than all that they do.
"""

import atexit
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import entry_points
from multiprocessing.reduction import DupFd  # type: ignore[attr-defined]
from pathlib import Path
from select import select
from subprocess import PIPE, TimeoutExpired
from tempfile import TemporaryFile
from types import ModuleType
from typing import TextIO

import pytest
from support.blank_pictures import leave_blank, write_beginning

from memlab.figures import style
from memlab.session import session

_KINDS = {
    one.module
    for one in entry_points(group="memlab.kinds")
    if one.module.startswith("memlab.") and "mnist" not in one.module
}
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *("h5py", "sqlite3", "memlab.cli", "memlab.cli.characterize", "memlab.cli.runs_resume"),
        *("memlab.cli.train", "memlab.cli.transfer", "memlab.cli.program", "memlab.cli.sweep"),
        *("memlab.cli.board_serve", "memlab.cli.live", "memlab.array.board_array", *sorted(_KINDS)),
        *("memlab.array", "memlab.figures.style", "memlab.figures.training", "memlab.sweep"),
        *("memlab.figures.write_verify", "memlab.figures.declared"),
        *("support.forked_command", "support.kill_users", "support.killed_run"),
        *("support.forked_probe", "support.killed_procedure", "support.run_writer"),
        *("support.growing_file", "support.started", "support.forkserver_ready"),
    ]
)
Limit = Callable[[], None]


class Forked:
    """A function in a process of its own, with that part of `subprocess.Popen` that tests need.

    Parameters
    ----------
    target, arguments
        What it calls; must be picklable.
    environment
        In which it runs; that of this process by default.
    stdout, stderr
        Files for what it says; by default `communicate` returns it, and `stdout` can be read. With
        PIPE, `stderr` can be read too, by whoever keeps up with it.
    """

    def __init__(
        self,
        target: Callable[..., object],
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        stdout: Path | None = None,
        stderr: Path | int | None = None,
    ) -> None:
        theirs_in, ours_in = os.pipe()
        self.stdin = os.fdopen(ours_in, "w")
        if stdout is None:
            ours_out, theirs_out = os.pipe()
            self.stdout = os.fdopen(ours_out)
        else:
            theirs_out = _append(stdout)
            self.stdout = open(os.devnull)  # noqa: SIM115
        if stderr == PIPE:
            ours_err, theirs_err = os.pipe()
            self.stderr: TextIO = os.fdopen(ours_err)
        else:
            # A file: nobody reads it before the end, and a pipe that is full stops the writer.
            self.stderr = stderr.open("a+") if isinstance(stderr, Path) else TemporaryFile("w+")  # noqa: SIM115
            theirs_err = os.dup(self.stderr.fileno())
        self._is_piped = stderr == PIPE
        self._process = _CONTEXT.Process(
            target=_main,
            args=(
                *(target, arguments, dict(environment or os.environ), os.getcwd()),
                _Files((theirs_in, theirs_out, theirs_err)),
            ),
            daemon=True,
        )
        with pytest.MonkeyPatch.context() as patch:
            # Of the server, when it starts: without a path it would import nothing of `support`,
            # and say nothing, and each fork would do it again.
            patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
            patch.setenv("OPENBLAS_NUM_THREADS", "1")
            # Each process would import the main module again: all of pytest.
            patch.setitem(sys.modules, "__main__", ModuleType("__main__"))
            self._process.start()
        os.close(theirs_in)
        os.close(theirs_out)
        os.close(theirs_err)

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """Negative after a signal, None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended by now
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill -9, also while it is stopped."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end and return the exit code."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired(str(self._process), timeout)
        return self._process.exitcode

    def communicate(self, words: str = "", timeout: float = 60.0) -> tuple[str, str]:
        """Say `words` on its stdin, wait for its end, and return what it said since."""
        if self.stdout.closed:
            return "", ""
        deadline = time.monotonic() + timeout
        try:
            self.stdin.write(words)
            self.stdin.close()
        except BrokenPipeError:
            pass
        said = []
        while select([self.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if not (text := self.stdout.readline()):
                break
            said.append(text)
        self.wait(max(0.1, deadline - time.monotonic()))
        self.stdout.close()
        if not self._is_piped:
            self.stderr.seek(0)
        complaint = self.stderr.read()
        self.stderr.close()
        return "".join(said), complaint


class Command:
    """A running `memlab` command, that says nothing on stdout.

    Parameters
    ----------
    words
        Of the command line, after `memlab`.
    said
        File for what it says on stderr.
    limit
        Called in the process before the command; must be picklable.
    """

    def __init__(self, words: list[str], said: Path, limit: Limit | None = None) -> None:
        self.words, self._said = words, said
        self._process = Forked(memlab, words, limit, stdout=Path(os.devnull), stderr=said)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Negative after a signal, None while it runs."""
        return self._process.returncode

    @property
    def said(self) -> str:
        """What it has said on stderr."""
        return self._said.read_text() if self._said.exists() else ""

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill -9, also while it is stopped."""
        self._process.kill()
        self.wait()

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end and return the exit code."""
        try:
            self._process.communicate(timeout=timeout)
        except TimeoutExpired:
            raise TimeoutError(f"memlab {' '.join(self.words)} does not end: {self.said}") from None
        return self._process.wait()


class _Files:
    """Stdin, stdout and stderr of a process that begins: pickled by it as its own descriptors."""

    def __init__(self, files: tuple[int, int, int]) -> None:
        self.files = files

    def __reduce__(self) -> tuple[object, ...]:
        return _theirs, tuple(DupFd(file) for file in self.files)


def _theirs(*files: DupFd) -> list[int]:
    return [file.detach() for file in files]


def _append(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _main(
    target: Callable[..., object],
    arguments: tuple[object, ...],
    environment: dict[str, str],
    directory: str,
    files: list[int],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    # What a run leaves is not drawn, what a command is asked to draw is not rendered.
    session._draw, style.save_figure = leave_blank, write_beginning
    try:
        target(*arguments)
    finally:  # as at the end of an interpreter, which this process does not reach
        atexit._run_exitfuncs()


def memlab(words: list[str], limit: Limit | None = None) -> None:
    """Be the command."""
    if limit is not None:
        limit()
    from memlab.cli import run_as_program

    sys.argv = ["memlab", *words]
    sys.exit(run_as_program())
