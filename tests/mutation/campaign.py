"""Trying mutants: each in a copy of the repository, with the tests that reach its line."""

from __future__ import annotations

import ast
import json
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
from typing import Any, Literal

from tests.mutation.mutants import Mutant
from tests.mutation.targets import Targets

__all__ = ["Campaign", "statement"]

COPIED = ("firmware_protocol", "drivers", "memlab", "scripts", "tests", "pyproject.toml")
"""Parts of the repository that tests need, as far as they are there."""

PYTEST = ("-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider")

Verdict = Literal["failed", "loops", "late", "passed"]
"""A test failed; processor time ran out; the clock ran out; no test failed."""


@dataclass(frozen=True)
class Reach:
    """Which tests run which lines of which modules, and how long each takes.

    Parameters
    ----------
    seconds
        Processor time of each test (s), by its node.
    lines
        By module and line, the nodes of the tests; '' is what imports the module.
    """

    seconds: Mapping[str, float]
    lines: Mapping[tuple[str, int], frozenset[str]]

    def tests(self, mutant: Mutant, source: str, files: Sequence[str]) -> tuple[list[str], bool]:
        """Return the tests that run a mutant, quickest first, and whether imports do not.

        What no test runs, as far as one can see, has all tests. What runs when a module is imported
        and in a test too has the tests alone, so that some who survive would not have to.
        """
        first, last = statement(source, mutant.line)
        found = frozenset[str]().union(
            *(self.lines.get((mutant.module, k), ()) for k in range(first, last + 1))
        ) - {""}
        chosen = [
            node
            for node in self.seconds
            if (node in found if found else node.partition("::")[0] in files)
        ]
        return sorted(chosen, key=lambda node: self.seconds[node]), bool(found)

    def without(self, tests: Sequence[str]) -> Reach:
        """Return the same of all other tests."""
        return Reach({k: v for k, v in self.seconds.items() if k not in tests}, self.lines)


def statement(source: str, line: int) -> tuple[int, int]:
    """Return first and last line of the innermost statement, without what is nested in it."""
    found = (line, line)
    for node in ast.walk(ast.parse(source)):  # outer ones first
        if isinstance(node, ast.stmt | ast.excepthandler):
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
            if last is not None and node.lineno <= line <= last:
                found = (node.lineno, last)
    return found


class Tree:
    """A copy of the repository in which one mutant at a time is tried.

    Parameters
    ----------
    root, path
        The repository, and a new directory.
    """

    def __init__(self, root: Path, path: Path) -> None:
        self.path = path
        self._written = int(time.time())
        path.mkdir()
        without = shutil.ignore_patterns("__pycache__", "*.egg-info")
        for part in filter(Path.exists, (root / name for name in COPIED)):
            if part.is_dir():
                shutil.copytree(part, path / part.name, ignore=without)
            else:
                shutil.copy2(part, path)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start pytest here."""
        environment = {**os.environ, **options.pop("env", {})}
        paths = self.path, self.path / "tests", Path(__file__).parents[2]  # the last has plug-ins
        environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
        return subprocess.Popen(
            [sys.executable, *PYTEST, f"--basetemp={self.path / 'scratch'}", *arguments],
            cwd=self.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **options,
        )

    def reach(self, modules: Sequence[str], tests: Sequence[str]) -> tuple[Reach, list[str]]:
        """Run tests; return what they reach, and which fail."""
        found = self.path / "reach.json"
        of = os.pathsep.join(str(self.path / one) for one in modules)
        environment = {"REACH_FILE": str(found), "REACH_OF": of}
        self.start("-p", "tests.mutation.reach", *tests, env=environment).wait()
        if not found.exists():
            return Reach({}, {}), ["collection"]
        document = json.loads(found.read_text())
        lines = {
            (one, int(line)): frozenset(nodes)
            for one in modules
            for line, nodes in document["lines"][str(self.path / one)].items()
        }
        return Reach(document["seconds"], lines), document["failed"]

    def write(self, mutant: Mutant, source: str) -> None:
        """Write the source of a module, for processes that tests start."""
        place = self.path / mutant.module
        place.write_text(source, "utf-8")
        # Byte code is told by the second and size of its source: no two mutants share a second.
        self._written += 1
        os.utime(place, (self._written, self._written))

    def afresh(self, tests: Sequence[str], wall: float) -> Verdict:
        """Run tests in a new process, which imports everything."""
        process = self.start("-x", *tests)
        try:
            return "passed" if process.wait(wall) == 0 else "failed"
        except subprocess.TimeoutExpired:
            return "late"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@dataclass
class Forks:
    """A process that has collected the tests and forks for each mutant (`forks.py`)."""

    tree: Tree
    tests: Sequence[str]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        come, self._ask = os.pipe()
        self._answers, go = os.pipe()
        self.process = self.tree.start(
            "-p",
            "tests.mutation.forks",
            *self.tests,
            env={"FORKS_FDS": f"{come},{go}"},
            pass_fds=(come, go),
        )
        os.close(come)
        os.close(go)
        self._reader = os.fdopen(self._answers)
        if self._reader.readline() != "ready\n":
            raise RuntimeError(f"{self.tests} cannot be collected")

    def attempt(self, **document: Any) -> str:
        """Try a mutant, and return what became of it."""
        os.write(self._ask, json.dumps(document).encode() + b"\n")
        return self._reader.readline().strip()

    def close(self) -> None:
        """End the process."""
        os.close(self._ask)
        self.process.wait()
        self._reader.close()


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
        Tests that fail without any mutant; nothing is tried then.
    """

    def __init__(
        self,
        root: Path,
        mutants: Sequence[Mutant],
        text: Mapping[str, str],
        targets: Targets,
    ) -> None:
        self._root, self._text, self._targets = root, text, targets
        self._groups: dict[tuple[str, ...], list[Mutant]] = {}
        order = list(targets.tests)
        for mutant in sorted(mutants, key=lambda one: order.index(one.module)):
            self._groups.setdefault(targets.tests_of(mutant.module), []).append(mutant)
        self._lock, self._over = threading.Lock(), threading.Event()
        self.killed: list[Mutant] = []
        self.survived: list[Mutant] = []
        self.failing: list[str] = []

    def run(self, workers: int, end: float) -> None:
        """Try the mutants until a moment of the monotonic clock (s)."""
        with tempfile.TemporaryDirectory(prefix="mutation-") as directory:
            trees = [Tree(self._root, Path(directory).resolve() / str(k)) for k in range(workers)]
            for files, mutants in self._groups.items():
                modules = sorted({one.module for one in mutants})
                reach, failing = trees[0].reach(modules, files)
                # Recording takes time: what only fails then asks how fast the machine is.
                self.failing = [one for one in failing if trees[0].afresh([one], 600.0) != "passed"]
                if self.failing:
                    return
                waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
                for one in mutants:
                    waiting.put(one)
                self._share(trees, files, reach.without(failing), waiting, end)

    def _share(
        self,
        trees: Sequence[Tree],
        files: Sequence[str],
        reach: Reach,
        waiting: queue.SimpleQueue[Mutant],
        end: float,
    ) -> None:
        """Try the mutants of one group, each tree in a thread."""
        threads = [
            threading.Thread(target=self._work, args=(tree, files, reach, waiting, end))
            for tree in trees
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:  # Ctrl-C: what runs ends, and nothing more begins
            self._over.set() if any(thread.is_alive() for thread in threads) else None
            for thread in threads:
                thread.join()

    def _work(
        self,
        tree: Tree,
        files: Sequence[str],
        reach: Reach,
        waiting: queue.SimpleQueue[Mutant],
        end: float,
    ) -> None:
        forks = Forks(tree, files)
        try:
            while not self._over.is_set() and time.monotonic() < end:
                try:
                    mutant = waiting.get_nowait()
                except queue.Empty:
                    return
                verdict = self._try(mutant, tree, reach, forks)
                with self._lock:
                    (self.survived if verdict == "passed" else self.killed).append(mutant)
                    self._tell("SURVIVED" if verdict == "passed" else "killed", verdict, mutant)
        finally:
            forks.close()

    def _try(self, mutant: Mutant, tree: Tree, reach: Reach, forks: Forks) -> str:
        """Return what became of a mutant: when the clock runs out, it has a second chance."""
        source = self._text[mutant.module]
        after = mutant.apply(source)
        tests, inside = reach.tests(mutant, source, self._targets.tests_of(mutant.module))
        seconds = sum(reach.seconds[one] for one in tests)
        verdict = "import"
        tree.write(mutant, after)
        try:
            for wall in (60.0 + 30.0 * seconds, 240.0 + 60.0 * seconds):
                if inside:
                    verdict = forks.attempt(
                        module=str(tree.path / mutant.module),
                        before=source,
                        after=after,
                        tests=tests,
                        seconds=30.0 + 10.0 * seconds,
                        wall=wall,
                    )
                if verdict == "import" or not inside:
                    verdict = tree.afresh(tests, wall)
                if verdict != "late":
                    break
        finally:
            tree.write(mutant, source)
        return verdict

    def _tell(self, word: str, verdict: str, mutant: Mutant) -> None:
        before, after = mutant.shown(self._text[mutant.module])
        why = self._targets.why_equal(mutant.module, before, after)
        note = f"  (equal: {why})" if why and word == "SURVIVED" else ""
        note += "  (does not end)" if verdict in ("loops", "late") else ""
        place = f"{mutant.module}:{mutant.line}"
        print(f"{word:<8} {place} {mutant.operator}: {before}  ->  {after}{note}", flush=True)

    def equal(self) -> list[Mutant]:
        """Return the survivors that do what the code does, for a reason that is written down."""
        shown = [(one, one.shown(self._text[one.module])) for one in self.survived]
        return [one for one, lines in shown if self._targets.why_equal(one.module, *lines)]
