"""Trying mutants: each in a copy of the repository, with the tests of its module."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.targets import Targets

__all__ = ["Campaign"]

COPIED = ("firmware_protocol", "drivers", "memlab", "scripts", "tests", "pyproject.toml")
"""Parts of the repository that tests need, as far as they are there."""


@dataclass
class Tree:
    """A copy of the repository in which one mutant at a time is tried.

    Parameters
    ----------
    root, path
        The repository, and a new directory.
    written
        Time of the last change (s since 1970).
    """

    root: Path
    path: Path
    written: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        self.path.mkdir()
        without = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for part in filter(Path.exists, (self.root / name for name in COPIED)):
            if part.is_dir():
                shutil.copytree(part, self.path / part.name, ignore=without)
            else:
                shutil.copy2(part, self.path)

    def passes(self, tests: tuple[str, ...], timeout: float | None = None) -> bool:
        """Whether tests pass here; what takes longer than `timeout` (s) does not."""
        scratch = self.path / "scratch"
        pytest = ["-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider"]
        process = subprocess.Popen(
            [sys.executable, *pytest, f"--basetemp={scratch}", *tests],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": f"{self.path}{os.pathsep}{self.path / 'tests'}"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(timeout) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            shutil.rmtree(scratch, ignore_errors=True)

    def kills(self, mutant: Mutant, source: str, tests: tuple[str, ...], timeout: float) -> bool:
        """Whether tests fail with a mutant."""
        place = self.path / mutant.module
        before = place.stat()
        place.write_text(mutant.apply(source), "utf-8")
        # Byte code is told by the second and size of its source: no two mutants share a second.
        self.written += 1
        os.utime(place, (self.written, self.written))
        try:
            return not self.passes(tests, timeout)
        finally:
            place.write_text(source, "utf-8")
            os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))


class Campaign:
    """Mutants, tried by several workers until all are or the time is over.

    Parameters
    ----------
    root
        The repository.
    mutants, text
        What to try, and the source of each module by its path.
    targets
        Which tests belong to which module.

    Attributes
    ----------
    killed, survived
        Mutants that tests notice, and others, in the order in which they were tried.
    failing
        Tests that fail without any mutant; nothing more is tried then.
    """

    def __init__(
        self,
        root: Path,
        mutants: Sequence[Mutant],
        text: Mapping[str, str],
        targets: Targets,
    ) -> None:
        self._root, self._text, self._targets = root, text, targets
        self._queue: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
        for mutant in mutants:
            self._queue.put(mutant)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._seconds: dict[tuple[str, ...], float] = {}
        self.killed: list[Mutant] = []
        self.survived: list[Mutant] = []
        self.failing: list[tuple[str, ...]] = []

    def run(self, workers: int, end: float) -> None:
        """Try the mutants until a moment of the monotonic clock (s)."""
        with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
            trees = [Path(directory) / str(k) for k in range(workers)]
            threads = [threading.Thread(target=self._work, args=(tree, end)) for tree in trees]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            finally:  # Ctrl-C: what runs ends, and nothing more begins
                self._over.set()
                for thread in threads:
                    thread.join()

    def _work(self, path: Path, end: float) -> None:
        tree = Tree(self._root, path)
        while not self.failing and not self._over.is_set():
            try:
                mutant = self._queue.get_nowait()
            except queue.Empty:
                return
            tests = self._targets.tests_of(mutant.module)
            left = end - time.monotonic()
            if left <= self._seconds_of(tests, tree) or self.failing:
                return
            timeout = min(left, 20.0 + 5.0 * self._seconds[tests])
            killed = tree.kills(mutant, self._text[mutant.module], tests, timeout)
            with self._lock:
                (self.killed if killed else self.survived).append(mutant)
                self._tell("killed" if killed else "SURVIVED", mutant)

    def _seconds_of(self, tests: tuple[str, ...], tree: Tree) -> float:
        """Return how long tests take without a mutant; they must pass."""
        if tests not in self._seconds:
            began = time.monotonic()
            if not tree.passes(tests):
                self.failing.append(tests)
            self._seconds[tests] = time.monotonic() - began
        return self._seconds[tests]

    def _tell(self, verdict: str, mutant: Mutant) -> None:
        before, after = mutant.shown(self._text[mutant.module])
        why = self._targets.why_equal(mutant.module, before, after)
        note = f"  (equal: {why})" if why and verdict == "SURVIVED" else ""
        place = f"{mutant.module}:{mutant.line}"
        print(f"{verdict:<8} {place} {mutant.operator}: {before}  ->  {after}{note}", flush=True)

    def equal(self) -> list[Mutant]:
        """Return the survivors that do what the code does, for a reason that is written down."""
        shown = [(one, one.shown(self._text[one.module])) for one in self.survived]
        return [one for one, lines in shown if self._targets.why_equal(one.module, *lines)]
