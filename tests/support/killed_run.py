"""Runs in processes of their own that are ended at any moment, while somebody follows them."""

import signal
import time
from collections.abc import Sequence
from pathlib import Path

import h5py
from support import forked_command
from support.forked_command import Forked

from memlab.runs.rescue import lengths_of

DEADLINE = 120.0
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def often(words: Sequence[str]) -> None:
    """Run a command of memlab whose run files are flushed, and so kept, after every update."""
    from memlab.runs import run_file

    run_file.FLUSH_SECONDS = 0.0
    forked_command.memlab(list(words))


class KilledRun:
    """A command that writes a run file, with a follower on it.

    Parameters
    ----------
    words
        The command, with its `--out`.
    path
        The run file.
    """

    def __init__(self, words: Sequence[str], path: Path) -> None:
        self.path, self.seen = path, {}
        self._process = Forked(often, list(words))

    def follow(self, seconds: float) -> bool:
        """Look at the file for so long, or until the run ends; return whether it runs still."""
        end = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < end:
            self.look()
            time.sleep(0.005)
        return self._process.poll() is None

    def wait_until_begun(self) -> bool:
        """Wait for a file that can be followed; return whether the run runs still."""
        end = time.monotonic() + DEADLINE
        while self._process.poll() is None and time.monotonic() < end and not self.look():
            time.sleep(0.002)
        return self._process.poll() is None

    def look(self) -> bool:
        """Note how many rows a follower sees; return whether the file can be followed by now."""
        try:
            with h5py.File(self.path, "r", swmr=True) as file:
                found = {
                    name: len(file[f"entry/{name}"]) for name in self.seen or growing(file["entry"])
                }
        except (OSError, KeyError, RuntimeError):
            return False
        for name, rows in found.items():
            assert rows >= self.seen.get(name, 0), f"{name} has lost rows while it grew"
        self.seen = found
        return True

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal, wait for the end, and check that all rows that were seen are there."""
        self._process.send_signal(number)
        _, said = self._process.communicate(timeout=DEADLINE)
        code = self._process.wait(DEADLINE)
        assert "Traceback" not in said
        if self.seen:
            there = lengths_of(self.path)  # opens the file
            assert {n for n, rows in self.seen.items() if there[n] < rows} == set()
        return code, said

    def finish(self) -> tuple[int, str]:
        """Wait for its own end."""
        _, said = self._process.communicate(timeout=DEADLINE)
        return self._process.wait(DEADLINE), said


def growing(entry: h5py.Group) -> list[str]:
    found: list[str] = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.maxshape[:1] == (None,):
            found.append(name)

    entry.visititems(visit)
    return found


def run(words: Sequence[str]) -> tuple[int, str]:
    """Run a command to its end; return exit code and stderr."""
    process = Forked(often, list(words))
    _, said = process.communicate(timeout=DEADLINE)
    return process.wait(DEADLINE), said
