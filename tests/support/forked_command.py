"""`memlab` commands as processes that start at once: forked from a server that has it imported.

They can be stopped, killed and limited as any process; an interpreter that starts for each of
hundreds of commands would cost more than all that they do.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        *("h5py", "sqlite3", "memlab.cli", "memlab.cli.characterize", "memlab.cli.runs_resume"),
        *("memlab.characterize.staircase", "memlab.board_array", "support.forked_command"),
    ]
)
Limit = Callable[[], None]


class Command:
    """A running `memlab` command.

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
        self._process = _CONTEXT.Process(
            target=_main, args=(words, dict(os.environ), os.getcwd(), said, limit), daemon=True
        )
        self._process.start()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """Negative after a signal, None while it runs."""
        return self._process.exitcode

    @property
    def said(self) -> str:
        """What it has said on stderr."""
        return self._said.read_text() if self._said.exists() else ""

    def signal(self, number: int) -> None:
        if self.running:
            os.kill(self._process.pid or 0, number)

    def kill(self) -> None:
        """Kill -9, also while it is stopped."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for its end and return the exit code."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError(f"memlab {' '.join(self.words)} does not end: {self.said}")
        return self._process.exitcode


def _main(
    words: list[str], environment: dict[str, str], directory: str, said: Path, limit: Limit | None
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    for stream, path in ((1, os.devnull), (2, str(said))):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, stream)
        os.close(file)
    if limit is not None:
        limit()
    from memlab.cli import main

    sys.argv = ["memlab", *words]
    main()
