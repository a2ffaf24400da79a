"""Runs of every kind that goes on, small enough to be killed hundreds of times; and what is left.

A case is a command and what it begins with. `Wholes` runs each once without a kill; an `Attempt` is
one that is killed, goes on, and must end like it.
"""

import math
import shutil
import signal
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import h5py
import numpy as np
from support.killed_run import SIGNALS, KilledRun, run, run_files
from support.stopped import assert_same
from support.virtual_board import VirtualBoard

from memlab.errors import DataError
from memlab.passport.totals import Totals
from memlab.runs import Run, open_run
from memlab.runs.rescue import lengths_of

SMALL = ("airline-window", "--set", "network.units=2", "--seed", "3", "--quiet")
CHIP = "emulator:?chip=ta-hfo2&seed=3"
REGION = ("--rows", "0:4", "--columns", "0:6")
SETTINGS = {
    "endurance": ("cycles=20",),
    "forming": ("steps=4",),
    "iv": ("cycles=2", "steps=6"),
    "linearity": ("points=5", "repeats=2"),
    "read-noise": ("reads=64", "burst=16"),
    "reset": ("voltages=3", "gates=3"),
    "retention": ("duration=4",),
    "set": ("voltages=3", "gates=3"),
    "staircase": ("steps=6",),
    "variation": ("cycles=6",),
    "vmm-accuracy": ("patterns=2", "repeats=2", "reads=2"),
    "wires": ("repeats=2", "stages=2"),
    "yield": ("rounds=4",),
}


@dataclass(frozen=True)
class Case:
    """A command of memlab.

    Parameters
    ----------
    words
        Its words. DIRECTORY in them is where its files lie, and BOARD the URL of its board.
    board
        The URL; `serve` is a virtual board of its own, in another process.
    again
        Whether it goes on when the same command is given again, and not by `runs resume`.
    """

    words: tuple[str, ...]
    board: str = f"{CHIP}&passport=DIRECTORY/passport.sqlite"
    again: bool = False

    @property
    def served(self) -> bool:
        """Whether its chip is in another process."""
        return self.board == "serve"


def characterize(*names: str) -> Case:
    """Return the case of procedures."""
    given = [word for name in names for one in SETTINGS[name] for word in ("--set", one)]
    out = "DIRECTORY/run.h5" if len(names) == 1 else "DIRECTORY/session"
    board = f"{CHIP}&passport=DIRECTORY/passport.sqlite"
    if "forming" in names:
        board += "&forming.voltage=2.6"
    words = ("characterize", *names, "--board", "BOARD", *REGION, *given, "--quiet", "--out", out)
    return Case(words, board)


OUT = ("--board", "BOARD", "--out", "DIRECTORY/run.h5")
TRAIN = ("train", *SMALL, *OUT)
TRANSFER = ("transfer", *SMALL, *OUT, "--epochs", "4", "--set", "transfer.law=measured")
PROGRAM = ("program", "DIRECTORY/target.npy", *OUT, "--quiet", "--set", "tolerance=3e-6")
MEASURED = ("--set", "law=measured")
SERVED = ("--set", "chip=ideal")

CASES: dict[str, Case] = {
    "train": Case((*TRAIN, "--epochs", "10")),
    "train, all effects": Case((*TRAIN, "--epochs", "5", "--set", "chip=worst-case"), "emulator:"),
    "train, ideal": Case((*TRAIN, "--epochs", "30"), "ideal:"),
    "train, held out": Case((*TRAIN, "--epochs", "8", "--set", "train.patience=5")),
    "transfer": Case(TRANSFER),
    "program": Case(PROGRAM),
    "program, law measured": Case((*PROGRAM, *MEASURED)),
    "sweep": Case(
        ("sweep", *SMALL[:3], "--out", "DIRECTORY", "--epochs", "6", "--seeds", "2"), again=True
    ),
    **{name: characterize(name) for name in SETTINGS},
    "three procedures": characterize("set", "variation", "reset"),
    "served: train": Case((*TRAIN, "--epochs", "3", *SERVED), "serve"),
    "served: transfer": Case((*TRANSFER, *SERVED), "serve"),
    "served: program": Case((*PROGRAM, *MEASURED, *SERVED), "serve"),
    **{
        f"served: {name}": Case(characterize(*name.split(", ")).words, "serve")
        for name in (*SETTINGS, "set, variation, reset")
    },
}
"""Every kind that goes on: `tests/memlab/test_killed_runs.py` says if one is missing."""

PASSPORT_TABLES = {
    "batches": "id, run, substr(ticket, instr(ticket, '/')), pulses, gates",
    "outcomes": "*",
    "maps": "run, conductance",
}
TIMES = ("map/time", "map/begun", "vmm/time")
OF_THE_CLOCK = (
    *(*TIMES, "/programmed", "result/age", "/relaxation_mean", "/relaxation_mean_error"),
    *("result/frequency", "/telegraph_slowest", "result/telegraph_cells@caveat"),
)
"""What a procedure on a served board says by the clock on the wall: no two runs are alike in it."""
LEFT_OUT = ("-wal", "-shm", "-journal")
Serve = Callable[..., VirtualBoard]


@dataclass
class Attempt:
    """A run of a case in a directory of its own, however often it is killed."""

    case: Case
    directory: Path
    serve: Serve
    board: VirtualBoard | None = None
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir()
        target = np.full((128, 64), np.nan)
        target[3:9, 5:9] = np.random.default_rng(0).uniform(2e-4, 3e-4, (6, 4))
        np.save(self.directory / "target.npy", target)
        self.url = self.case.board
        if self.case.served:
            log = self.directory / "fired.jsonl"
            serial = f"{zlib.crc32(str(self.directory).encode()):x}"
            words = ("--pty", "--chip", "ideal", "--seed", "3", "--serial", serial)
            self.board = self.serve(*words, log=log)
            self.url = self.board.url

    @property
    def words(self) -> list[str]:
        """The command that begins it."""
        given = [word.replace("BOARD", self.url) for word in self.case.words]
        return [word.replace("DIRECTORY", str(self.directory)) for word in given]

    def runs(self) -> list[Run]:
        """Return its runs, as far as they can be read."""
        found = []
        for path in run_files(self.directory):
            with suppress(DataError):
                found.append(open_run(path))
        return found

    def fired(self) -> list[tuple[object, ...]]:
        """Return what its board has fired, by the board's own log."""
        if self.board is None:
            return []
        events = [one for one in self.board.events() if one["event"] == "pulse"]
        return [(one["kind"], one["row"], one["columns"]) for one in events]

    def close(self) -> None:
        if self.board is not None:
            self.board.__exit__(None, None, None)
        shutil.rmtree(self.directory)

    @property
    def _goes_by_the_clock(self) -> bool:
        """Whether it notes times that are real."""
        return self.case.served and self.case.words[0] == "characterize"

    def _assert_in_time(self, path: Path) -> None:
        """Assert that its clock went on from process to process."""
        with h5py.File(path) as file:
            for name in TIMES:
                times = file["entry"][name][()] if name in file["entry"] else np.zeros(0)
                assert (np.diff(times, prepend=0.0) >= 0.0).all(), (name, times)

    def passport(self) -> dict[str, list[object]]:
        """Return what the passport of its chip says: tables, and each of the totals."""
        path = self.directory / "passport.sqlite"
        if not path.exists():
            return {}
        with closing(sqlite3.connect(path)) as connection:
            found = {
                table: connection.execute(f"SELECT {columns} FROM {table}").fetchall()
                for table, columns in PASSPORT_TABLES.items()
            }
            ((through, content),) = connection.execute("SELECT through, content FROM totals")
        totals = Totals.unpack(content, (128, 64))
        sums = {one.name: [getattr(totals, one.name).tobytes()] for one in fields(totals)}
        return {**found, "through": [through], **sums}

    def names(self) -> list[str]:
        """Return what lies in its directory, without what SQLite leaves."""
        paths = sorted(path.relative_to(self.directory) for path in self.directory.rglob("*"))
        return [str(path) for path in paths if not str(path).endswith(LEFT_OUT)]

    def assert_like(self, whole: "Attempt") -> None:
        """Assert that it ended as one that nobody killed."""
        assert self.names() == whole.names(), set(self.names()) ^ set(whole.names())
        for one, other in zip(run_files(self.directory), run_files(whole.directory), strict=True):
            assert_same(one, other, but=OF_THE_CLOCK if self._goes_by_the_clock else ())
            if self._goes_by_the_clock:
                self._assert_in_time(one)
        mine, wanted = self.passport(), whole.passport()
        assert mine.keys() == wanted.keys()
        differ = {name for name, rows in mine.items() if rows != wanted[name]}
        assert not differ, differ
        table = self.directory / "table.nc"
        if table.exists():
            assert table.read_bytes() == (whole.directory / "table.nc").read_bytes()
        if self.board is not None:
            assert self.fired() == whole.fired(), (len(self.fired()), len(whole.fired()))
            assert {r.attributes.get("unknown_pulses") for r in self.runs()} == {None}


class Wholes:
    """Each case once without a kill; when it had begun, and ended (s, `KilledRun.used`)."""

    def __init__(self, directory: Path, serve: Serve) -> None:
        self._directory, self._serve = directory, serve
        self._made: dict[str, tuple[Attempt, float, float]] = {}
        run(["--version"])  # starts what forks them, which takes seconds

    def __getitem__(self, name: str) -> tuple[Attempt, float, float]:
        if name not in self._made:
            place = self._directory / f"whole{len(self._made)}"
            made = Attempt(CASES[name], place, self._serve)
            current = KilledRun(made.words, made.directory)
            current.follow()
            code, said = current.finish()
            if code:
                made.close()
            assert code == 0, said
            # On a busy machine it may be over between two looks.
            begins = 0.0 if math.isnan(current.begun_at) else current.begun_at
            self._made[name] = made, begins, current.used
        return self._made[name]

    def close(self) -> None:
        for attempt, _, _ in self._made.values():
            attempt.close()


@dataclass
class Killer:
    """Kills the runs of a case at random moments, and judges them.

    Attributes
    ----------
    hits
        Runs that were alive and had a file when they were ended, by the signal.
    misses
        Signals that came before there was a run, or after it.
    ended
        Runs that ended by themselves, or after a resume, and were compared with the whole one.
    refused
        Files with which there was nothing to go on.
    attempts
        Runs that were begun.
    """

    name: str
    directory: Path
    wholes: Wholes
    serve: Serve
    rng: np.random.Generator
    hits: dict[str, int] = field(default_factory=dict)
    misses: int = 0
    ended: int = 0
    refused: int = 0
    attempts: int = 0

    def play(self, kills: int) -> None:
        """Kill so often; then let the last one end."""
        self.wholes[self.name]
        try:
            self._play(kills)
        finally:
            self._attempt.close()

    def _play(self, kills: int) -> None:
        whole, begins, ends = self.wholes[self.name]
        words = self._begin()
        while True:
            attempt = self._attempt
            enough = sum(self.hits.values()) >= kills
            current = KilledRun(words, attempt.directory)
            if current.follow(math.inf if enough else self.rng.uniform(0.8 * begins, ends)):
                over = self._kill(current, attempt)
            else:
                code, said = current.finish()
                assert code == 0, said
                over = True
                if words == attempt.words:  # the whole one was slower: other programs ran beside it
                    ends = min(ends, current.used)
                    begins = min(begins, ends)
            if over:
                attempt.assert_like(whole)
                self.ended += 1
            going_on = [] if over else self._going_on(attempt)
            if not going_on:
                if enough and over:
                    return
                attempt.close()
                going_on = self._begin()
            words = going_on

    def _begin(self) -> list[str]:
        self.attempts += 1
        place = self.directory / str(self.attempts)
        self._attempt = Attempt(CASES[self.name], place, self.serve)
        return self._attempt.words

    def _kill(self, current: KilledRun, attempt: Attempt) -> bool:
        """End a run; return whether it had ended already."""
        sent = SIGNALS[self.rng.integers(len(SIGNALS))]
        code, said = current.end(sent)
        if code == 0 or not (began := current.began):
            self.misses += 1
        else:
            self.hits[sent.name] = self.hits.get(sent.name, 0) + 1
        if code == 0:
            return True
        # Before memlab hears signals, Python does.
        wanted = {-sent if sent == signal.SIGKILL else 130, *(() if began else (-sent, 1))}
        assert code in wanted, f"{sent.name}: {code}, {said}"
        runs = attempt.runs()
        assert {one.status for one in runs} <= {"killed", "interrupted", "finished"}
        if code == 130 and began and not attempt.case.again:
            last = said.rstrip().splitlines()[-1]
            assert any(str(one.path) in last for one in runs), last
            if any(one.resumable for one in runs):
                assert "; go on with: memlab runs resume " in last, last
        return False

    def _going_on(self, attempt: Attempt) -> list[str]:
        """Return the command to go on with; none where nothing was done that could be missed."""
        if attempt.case.again:
            return attempt.words
        runs = {one.path: one for one in attempt.runs()}
        for path in run_files(attempt.directory):
            if path not in runs:  # it ended while the file was made
                self._refused(path, "remove it, and start the run again")
                path.unlink()
        left = sorted(runs.values(), key=lambda one: one.finished)
        if not left:
            return []
        if not (left[0].resumable or left[0].finished):
            assert set(lengths_of(left[0].path).values()) <= {0}
            self._refused(left[0].path, "Start the run again, with another --out")
            return []
        return ["runs", "resume", str(left[0].path), "--quiet"]

    def _refused(self, path: Path, advice: str) -> None:
        """Have a file refused that there is nothing to go on with in, and count it."""
        for words in (["runs", "resume"], ["runs", "show"]):
            code, said = run([*words, str(path)])
            if words[1] == "show" and not code:
                continue
            assert code == 1
            assert len(said.splitlines()) == 1
            assert advice in said, said
        self.refused += 1
