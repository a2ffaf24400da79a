"""Runs in processes of their own that are ended at any moment, while somebody follows them."""

import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import h5py
from support import forked_command
from support.forked_command import Forked

from memlab.runs.listing import files_of

DEADLINE = 120.0
LOOK = 0.008
"""Seconds between two looks of the follower, which would else use more of a core than the run."""
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
"""How runs are ended: half of them by a kill -9."""


def often(words: Sequence[str]) -> None:
    """Run a command of memlab whose run files are flushed, and so kept, after every update.

    What would take most of the time is left out: pictures are empty files, HDF5 opens a file that
    was killed without a process that looks through it first, and trials of a sweep run in this one.
    """
    from memlab import kinds
    from memlab.runs import opening, run_file
    from memlab.storage import write_over

    run_file.FLUSH_SECONDS = 0.0
    kinds.plot_run = lambda run, picture: write_over(picture, lambda file: file.write(b""))
    opening._probe = lambda path, *, swmr: None
    if words[0] == "sweep":
        from memlab.sweep import run_trial, runner
        from memlab.sweep.trial import Outcome, Trial

        def here(trials: Sequence[Trial], workers: int, unfinished: Path) -> Iterator[Outcome]:
            return (run_trial(trial, unfinished) for trial in trials)

        runner.run_on_processes = here
    forked_command.memlab(list(words))


def run_files(directory: Path) -> list[Path]:
    """Return the run files that lie in a directory, and below it, by their names."""
    return list(files_of(directory, below=True))


class KilledRun:
    """A command that writes run files, with a follower on them.

    Parameters
    ----------
    words
        The command.
    directory
        Where its files lie.

    Attributes
    ----------
    seen
        Of each file the number of its inode, and how many rows the follower saw last. It is held
        open until the end: the number of a file that was replaced may be given to another one.
    begun_at
        Time that was used (`used`) when a file of its own was seen first; NaN before.
    """

    def __init__(self, words: Sequence[str], directory: Path) -> None:
        self.directory = directory
        self.seen: dict[Path, tuple[int, dict[str, int]]] = {}
        self._held: dict[int, int] = {}
        self._before = {path: path.stat().st_ino for path in run_files(directory)}
        for path in self._before:
            self._hold(path)
        self.begun_at = math.nan
        self._used, self._start = 0.0, time.monotonic()
        self._process = Forked(often, list(words))

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def began(self) -> bool:
        """Whether the follower has seen a file that this command made, or goes on with."""
        return any(number != self._before.get(path) for path, (number, _) in self.seen.items())

    @property
    def used(self) -> float:
        """Processor time (s) that the command has used; where nothing tells, the time it takes."""
        with suppress(OSError, IndexError):
            nanoseconds = Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[0]
            self._used = max(self._used, 1e-9 * int(nanoseconds))
            return self._used
        return time.monotonic() - self._start if not self._used else self._used

    def follow(self, moment: float = math.inf) -> bool:
        """Look at the files until so much time is used, or the run ends; tell if it runs still."""
        while self.running and self.used < moment:
            self.look()
            if self.began and math.isnan(self.begun_at):
                self.begun_at = self.used
            time.sleep(LOOK)
        return self.running

    def look(self) -> None:
        """Note how many rows a follower sees in each file that can be followed by now."""
        for path in run_files(self.directory):
            try:
                number = path.stat().st_ino
                was, rows = self.seen.get(path, (0, {}))
                with h5py.File(path, "r", swmr=True) as file:
                    names = rows if number == was else growing(file["entry"])
                    found = {name: len(file[f"entry/{name}"]) for name in names}
                if number != path.stat().st_ino:
                    continue
            except (OSError, KeyError, RuntimeError):
                continue
            if number == was:
                lost = {name for name in rows if found[name] < rows[name]}
                assert not lost, f"{path.name}: {lost} lost rows while it grew"
            self._hold(path)
            self.seen[path] = number, found

    def _hold(self, path: Path) -> None:
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            if self._held.setdefault(os.fstat(descriptor).st_ino, descriptor) != descriptor:
                os.close(descriptor)

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal, wait for the end, and check that all rows that were seen are there."""
        self._process.send_signal(number)
        code, said = self._wait()
        for path, (was, rows) in self.seen.items():
            # What a resume has put in the place of an earlier one goes on from a checkpoint.
            replaced = path.exists() and path.stat().st_ino != was
            if path.exists() and not (replaced and was == self._before.get(path)):
                with h5py.File(path, "r", swmr=True) as file:
                    there = {name: len(file[f"entry/{name}"]) for name in rows}
                lost = {
                    name: (rows[name], there[name]) for name in rows if there[name] < rows[name]
                }
                assert not lost, f"{path.name}, exit code {code}, {said}: rows seen and left {lost}"
        self.look()  # what began since the last look has a file by now
        self._let_go()
        assert "Traceback" not in said or not self.began, said
        return code, said

    def finish(self) -> tuple[int, str]:
        """Wait for its own end; return exit code and stderr."""
        self._let_go()
        return self._wait()

    def _wait(self) -> tuple[int, str]:
        _, said = self._process.communicate(timeout=DEADLINE)
        return self._process.wait(DEADLINE), said

    def _let_go(self) -> None:
        while self._held:
            os.close(self._held.popitem()[1])


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
