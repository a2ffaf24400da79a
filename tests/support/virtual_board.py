"""`memlab board serve` in a process of its own, for tests of what a user does."""

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.event_log import EventLog

from memlab.testing import BoardProcess

if TYPE_CHECKING:
    from support.forked_command import Forked

REPOSITORY = Path(__file__).parents[2]


def _forked(words: list[str]) -> "Forked":
    from support.forked_command import Forked, memlab  # needs POSIX

    return Forked(memlab, ["board", "serve", *words])


class VirtualBoard(BoardProcess):
    """A running virtual board; use it as a context manager.

    Parameters
    ----------
    arguments
        Of `memlab board serve`: for example `"--pty", "--chip", "ideal"`.
    log
        Where the true pulses and groundings are written; see `events`.
    forked
        Start it as a fork of a process that has memlab imported: at once, where the start of an
        interpreter is not what is tested.
    """

    process: subprocess.Popen[str]

    def __init__(self, *arguments: str, log: Path | None = None, forked: bool = False) -> None:
        self._is_forked = forked
        self._events = None if log is None else EventLog(log)
        super().__init__(*arguments, log=log)

    def _start(self, words: list[str]) -> Any:
        return _forked(words) if self._is_forked else super()._start(words)

    def events(self) -> list[dict[str, Any]]:
        return super().events() if self._events is None else self._events.events()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of a board on TCP."""
        host, port = self.url.split("//")[1].rsplit(":", 1)
        return host, int(port)

    @property
    def path(self) -> str:
        """Device file of a board on a pseudo-terminal."""
        return self.url.split("//", 1)[1]

    def wait_grounded(self, timeout: float) -> float:
        """Return when the lines last went to ground (s of the monotonic clock)."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            outputs = [e for e in self.events() if e["event"] == "outputs"]
            if outputs and outputs[-1]["grounded"]:
                return outputs[-1]["time"]
            time.sleep(0.005)
        raise TimeoutError("the board's lines are still driven")

    def processor_time(self) -> float:
        """Return the processor time (s) that it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
