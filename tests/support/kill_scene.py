"""A virtual board, runs on it that are killed, and the truth: the board's own log of its pulses.

A `Scene` is one board (or two) and one state directory. Cases (`support.kill_cases`) start runs in
it, kill them, let other programs look on, and resume; `judge` then compares everything that memlab
says with what the board fired:

- *twice*: pulses beyond those of the procedure;
- *misreported*: a run file or passport that calls fired what was not, not fired what was, or
  readings that are not those of a run nobody stopped;
- *refusals* that are not one line, a traceback, or an exit code that is not documented.

Every wait is for a condition, with a deadline that says what did not happen.
"""

import os
import resource
import signal
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from support.event_log import EventLog
from support.forked_command import Command, Limit
from support.old_files import Pulse, cell_pulses, passport_counts
from support.virtual_board import VirtualBoard

from drivers.board import PulseBatch
from memlab.characterize import plan_procedures, run_procedures
from memlab.emulator import EmulatedBoard
from memlab.errors import MemlabError
from memlab.regions import Region
from memlab.runs import Record, read_attributes, read_record

REGION = ("--rows", "0:48", "--columns", "0:4")
SETTINGS = ("--set", "steps=3")
EXIT_CODES = {0, 1, 2, 3, 4, 130}
DEADLINE = 60.0


@dataclass(frozen=True)
class Whole:
    """A run that nobody stopped: its pulses, how many each batch had, and its readings."""

    pulses: list[Pulse]
    batches: list[int]
    conductance: np.ndarray


@cache
def whole() -> Whole:
    """Return the run of this harness as it is without faults, on an emulated board in process."""
    sent: list[PulseBatch] = []
    pulse = EmulatedBoard.pulse

    def note(self: EmulatedBoard, batch: PulseBatch, *more: object) -> object:
        sent.append(batch)
        return pulse(self, batch, *more)  # type: ignore[arg-type]

    board, region = "emulator:?chip=ideal&seed=0", Region(rows=REGION[1], columns=REGION[3])
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmulatedBoard, "pulse", note)
        out = Path(name) / "run.h5"
        plans = plan_procedures(["staircase"], board=board, settings=SETTINGS[1:], out=out)
        run_procedures(plans, board, region, figure=False)
        record = read_record(out)
    pulses = [
        (int(kind), int(row), sum(1 << int(j) for j in np.flatnonzero(columns)))
        for batch in sent
        for kind, row, columns in zip(batch.kind, batch.row, batch.columns, strict=True)
    ]
    batches = [one.pulses for one in record.programs]
    assert sum(batches) == len(pulses)
    return Whole(pulses, batches, record.conductance)


def staircase(url: str, out: Path) -> list[str]:
    """Return the command of the run."""
    return ["characterize", "staircase", "--board", url, *REGION, *SETTINGS,
            "--out", str(out), "--quiet"]  # fmt: skip


@dataclass
class Run:
    """A run file, and where in the board's log its pulses begin and end.

    `stale` files are copies of it that have not gone on.
    """

    path: Path
    first: int
    last: int | None = None
    board: int = 0
    stale: list[Path] = field(default_factory=list)


@dataclass
class Scene:
    """See the module.

    Parameters
    ----------
    directory
        For everything; the state directory is that of the environment.
    here
        Runs a command of memlab in this process: exit code, stdout, stderr.
    rng
        Of the moments.

    Attributes
    ----------
    kills
        Processes killed -9, so far.
    said
        What the last command here said on stderr.
    twice, misreported, refusals
        What went wrong, in words.
    """

    directory: Path
    here: Callable[..., tuple[int, str, str]]
    rng: np.random.Generator
    kills: int = 0
    said: str = ""
    boards: list[VirtualBoard] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    others: list[Run] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    misreported: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    hosts: list[Command] = field(default_factory=list)
    _served: dict[int, int] = field(default_factory=dict)
    _logs: dict[int, EventLog] = field(default_factory=dict)
    _written: tuple[int, int] | None = None

    # -- boards ---------------------------------------------------------------------------------

    def serve(self, number: int = 0) -> VirtualBoard:
        """Start a board; the same number is the same board, restarted."""
        link = self.link(number)
        arguments = ["--pty", "--link", str(link), "--chip", "ideal", "--serial", self.serial]
        link.unlink(missing_ok=True)
        log = self.log(number)
        self._served[number] = len(log.read_text().splitlines()) if log.exists() else 0
        board = VirtualBoard(*arguments, log=log, forked=True)
        if number < len(self.boards):
            self.boards[number] = board
        else:
            self.boards.append(board)
        return board

    @property
    def serial(self) -> str:
        """Of all boards of the scene, and of no other scene on this computer."""
        return f"kills-{zlib.crc32(str(self.directory).encode()):x}"

    def link(self, number: int = 0) -> Path:
        return self.directory / f"board{number}"

    def log(self, number: int = 0) -> Path:
        return self.directory / f"fired{number}.jsonl"

    def url(self, number: int = 0, **options: object) -> str:
        query = "&".join(f"{key}={value}" for key, value in options.items())
        return f"serial://{self.link(number)}" + (f"?{query}" if query else "")

    def fired(self, number: int = 0) -> list[Pulse]:
        events = self._logs.setdefault(number, EventLog(self.log(number))).events()
        return [(e["kind"], e["row"], e["columns"]) for e in events if e["event"] == "pulse"]

    def grounded(self, number: int = 0) -> None:
        """Wait until the board drives nothing: whatever was under way has ended."""
        # A board that was killed has noted no ground: only what this process of it did counts.
        since = self._served[number]
        if any(e["event"] == "outputs" for e in self.boards[number].events()[since:]):
            self.boards[number].wait_grounded(DEADLINE)

    # -- programs -------------------------------------------------------------------------------

    def start(self, words: list[str], limit: Limit | None = None) -> Command:
        """Start a command in a process of its own."""
        self._written = stamp(self.runs[-1].path)
        said = self.directory / f"said{len(self.hosts)}.txt"
        self.hosts.append(Command(words, said, limit))
        return self.hosts[-1]

    def begin(self, limit: Limit | None = None) -> Command:
        """Start a new run in a process of its own."""
        run = Run(self.directory / f"run{len(self.runs)}.h5", len(self.fired()))
        if self.runs:
            self.runs[-1].last = run.first
        self.runs.append(run)
        return self.start(staircase(self.url(), run.path), limit)

    def go_on(self) -> Command:
        """Resume the last run in a process of its own."""
        return self.start(["runs", "resume", str(self.runs[-1].path), "--quiet"])

    def ask(self, *arguments: str) -> int:
        """Run a command to its end, check how it speaks, and return its exit code."""
        try:
            code, _, said = self.here(*arguments)
        except Exception as error:  # what `main` lets through is a traceback
            self.refusals.append(f"{' '.join(arguments)}: traceback of {error!r}")
            return 1
        self.heard(" ".join(arguments), code, said)
        self.said = said
        return code

    def heard(self, what: str, code: int, said: str) -> None:
        """Judge how a program ended."""
        lines = said.splitlines()
        if "Traceback" in said or "Exception ignored" in said:
            self.refusals.append(f"{what}: traceback, {said[-600:]}")
        elif code not in EXIT_CODES:
            self.refusals.append(f"{what}: exit code {code}, {said[-300:]}")
        elif code and len(lines) != 1:
            self.refusals.append(f"{what}: {len(lines)} lines, {said[-600:]}")

    def end(self, host: Command) -> int:
        """Wait for a command that nobody kills; judge how it speaks."""
        code = host.wait(DEADLINE)
        self.heard(" ".join(host.words), code, host.said)
        return code

    def kill(self, host: Command) -> bool:
        """Kill -9; False if it had ended already."""
        if not host.running:
            return False
        host.kill()
        self.kills += host.exit_code == -signal.SIGKILL
        return host.exit_code == -signal.SIGKILL

    def kill_board(self, number: int = 0) -> None:
        """Kill -9 a board."""
        self.boards[number].kill()
        self.kills += 1

    # -- moments --------------------------------------------------------------------------------

    def moment(self, host: Command) -> None:
        """Wait for a random moment of the last run, by what the board has fired.

        A tenth of the moments lie before the first pulse, when the run file is written first.
        """
        run, pulses = self.runs[-1], len(whole().pulses)
        done, before = len(self.fired()) - run.first, self._written
        if done >= pulses - 2 or self.rng.random() < 0.1:
            self.until(host, lambda: stamp(run.path) != before, "the run file is written")
            return
        target = done + 1 + int(self.rng.random() * 0.95 * (pulses - done - 1))
        self.until(
            host,
            lambda: len(self.fired()) - run.first >= target,
            f"{target} of {pulses} pulses fired",
        )

    def until(self, host: Command | None, happened: Callable[[], bool], what: str) -> None:
        """Wait for a condition, or for the end of a program."""
        deadline = time.monotonic() + DEADLINE
        while not happened() and (host is None or host.running):
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited for: {what}")
            time.sleep(0.002)

    @contextmanager
    def stopped(self, host: Command, number: int = 0) -> Iterator[None]:
        """Suspend a program until the board's watchdog has grounded its lines, and then go on."""
        host.signal(signal.SIGSTOP)
        try:
            self.grounded(number)
            yield
        finally:
            host.signal(signal.SIGCONT)

    # -- what others do meanwhile, and the end ---------------------------------------------------

    def look_on(self, number: int = 0) -> None:
        """Let one other program look on; it may be refused, in one line."""
        run = str(self.runs[-1].path)
        which = int(self.rng.integers(5))
        picture = self.directory / f"picture{self.rng.integers(1 << 30)}.png"
        if which == 0:
            for passport in self.passports():
                self.ask("chip", "show", str(passport), "--json")
        elif which == 1 and Path(run).exists():
            self.ask("runs", "plot", run, "--out", str(picture))
        elif which == 2 and Path(run).exists():
            self.ask("report", run, "--out", str(picture.with_suffix(".html")))
        else:
            self.ask("board", "info", "--board", self.url(number), "--json")

    def look_on_board(self) -> None:
        """Let another program ask for the board that is in use."""
        self.ask("board", "info", "--board", self.url(), "--json")

    def passports(self) -> list[Path]:
        return sorted(Path(os.environ["MEMLAB_STATE"]).glob("passport-*.sqlite"))

    def finish(self) -> bool:
        """Resume the last run in this process until it is over; return whether it is finished."""
        run = self.runs[-1]
        if not run.path.exists():  # it was killed before it began; nothing was promised
            return False
        return self.ask("runs", "resume", str(run.path), "--quiet") == 0

    def judge(self) -> None:
        """Compare what is said now with what the board has fired."""
        for run in (*self.runs, *self.others):
            self._judge_pulses(run)
            if run.path.exists():
                self._judge_file(run)
            for path in run.stale:
                self._judge_stale(run, path)
        self._judge_passports()

    def _judge_pulses(self, run: Run) -> None:
        found = Counter(self.fired(run.board)[run.first : run.last])
        extra = found - Counter(whole().pulses)
        if extra:
            self.twice.append(f"{run.path.name}: {extra.total()} pulses, {dict(extra)}")

    def _judge_file(self, run: Run) -> None:
        try:
            record = read_record(run.path)
            status = read_attributes(run.path)["status"]
        except MemlabError as error:  # it was killed before its file was complete
            if len(self.fired(run.board)[run.first : run.last]):
                self.misreported.append(
                    f"{run.path.name}: pulses, and a file without them: {error}"
                )
            return
        pulses = self.fired(run.board)[run.first : run.last]
        said = claims(record)
        if not fits(pulses, said):
            self.misreported.append(
                f"{run.path.name}: says {said}, and the board fired {len(pulses)} pulses"
            )
        unknown = sum(high - low for low, high in said)
        if status == "finished" and not unknown:
            if len(pulses) != len(whole().pulses):
                self.misreported.append(f"{run.path.name}: finished with {len(pulses)} pulses")
            if not np.array_equal(record.conductance, whole().conductance):
                self.misreported.append(f"{run.path.name}: finished with other readings")

    def _judge_stale(self, run: Run, path: Path) -> None:
        pulses = self.fired(run.board)[run.first : run.last]
        said = claims(read_record(path))
        if not any(fits(pulses[:n], said) for n in range(len(pulses) + 1)):
            self.misreported.append(
                f"copy {path}: says {said}, and the board fired {len(pulses)} pulses"
            )

    def _judge_passports(self) -> None:
        truth = sum(cell_pulses(self.fired(k)) for k in range(len(self.boards)))
        known = doubtful = np.zeros((2, 128, 64), int)
        for path in self.passports():
            one, other = passport_counts(path)
            known, doubtful = known + one, doubtful + other
        if (known > truth).any():
            at = np.argwhere(known > truth)[0]
            self.misreported.append(
                f"passport: {known[tuple(at)]} pulses of kind, row, column {at.tolist()}, fired "
                f"{truth[tuple(at)]}; {int((known - truth).clip(0).sum())} too many in all"
            )
        if (truth > known + doubtful).any():
            at = np.argwhere(truth > known + doubtful)[0]
            self.misreported.append(
                f"passport: at most {(known + doubtful)[tuple(at)]} pulses of kind, row, column "
                f"{at.tolist()}, fired {truth[tuple(at)]}; "
                f"{int((truth - known - doubtful).clip(0).sum())} too few in all"
            )

    def close(self) -> None:
        """End what still runs."""
        for host in self.hosts:
            host.kill()
        for board in self.boards:
            board.__exit__(None, None, None)

    @property
    def mistakes(self) -> list[str]:
        """Everything that went wrong, each once."""
        found = {
            f"{kind}: {text}": None
            for kind in ("twice", "misreported", "refusals")
            for text in getattr(self, kind)
        }
        return list(found)


def claims(record: Record) -> list[tuple[int, int]]:
    """Return of each batch of a run file at least and at most how many pulses were fired."""
    return [
        (0, one.pulses) if one.fired is None else (one.fired, one.fired + (one.unknown or 0))
        for one in record.programs
    ]


def fits(pulses: list[Pulse], said: list[tuple[int, int]]) -> bool:
    """Return whether these pulses are those of the batches, each from its first pulse on.

    Parameters
    ----------
    pulses
        As the board fired them.
    said
        Of each batch, at least and at most how many were fired.
    """
    ends, first = {0}, 0
    for (low, high), size in zip(said, whole().batches, strict=False):
        asked = whole().pulses[first : first + size]
        first += size
        ends = {
            end + n
            for end in ends
            for n in range(low, high + 1)
            if pulses[end : end + n] == asked[:n] and end + n <= len(pulses)
        }
    return len(pulses) in ends


def without_notes(said: str) -> list[str]:
    """Return what a user's own program says on stderr, but for the log of the wire: `URL: ...`."""
    return [line for line in said.splitlines() if line.strip() and "://" not in line.split()[0]]


def stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written; None where there is none."""
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else None


def full_disk(limit: int) -> Limit:
    """Return what limits each file that a process writes (bytes)."""
    return partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
