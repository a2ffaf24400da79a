"""`memlab board serve` in a process of its own, for tests of what a user does."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from support.forked_command import Forked

REPOSITORY = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "memlab", "board", "serve"]


def _started(words: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*COMMAND, *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _forked(words: list[str]) -> "Forked":
    from support.forked_command import Forked, memlab  # needs POSIX

    return Forked(memlab, ["board", "serve", *words])


class VirtualBoard:
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

    Attributes
    ----------
    url
        What to open.
    """

    def __init__(self, *arguments: str, log: Path | None = None, forked: bool = False) -> None:
        self.log = log
        words = ["--json", *arguments, *(["--log", str(log)] if log is not None else [])]
        self.process = _forked(words) if forked else _started(words)
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            _, complaint = self.process.communicate()
            raise RuntimeError(f"the virtual board did not start: {complaint}")
        self.document = json.loads(line)
        self.url: str = self.document["url"]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of a board on TCP."""
        host, port = self.url.split("//")[1].rsplit(":", 1)
        return host, int(port)

    @property
    def path(self) -> str:
        """Device file of a board on a pseudo-terminal."""
        return self.url.split("//", 1)[1]

    def events(self) -> list[dict]:
        """Return the log: `{"event": "pulse", "op", "index", "time", ...}` and `"outputs"`."""
        assert self.log is not None
        # What the board is writing just now has no end of line yet.
        lines = self.log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

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

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return exit code and what was said."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said

    def kill(self) -> None:
        """Kill it without any chance to clean up."""
        self.process.kill()
        self.process.communicate(timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()  # and closes its pipes, also where it has ended
