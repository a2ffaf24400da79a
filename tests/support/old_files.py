"""Files that older programs left, and virtual boards that stand in for the boards of then."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from support.virtual_board import VirtualBoard

from memlab.passport import Passport

FIXTURES = Path(__file__).parents[1] / "fixtures"
Pulse = tuple[int, int, int]
"""Kind, row and column mask."""


def fired(log: Path) -> list[Pulse]:
    """Return the pulses of a board's log, in order."""
    if not log.exists():
        return []
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [(e["kind"], e["row"], e["columns"]) for e in events if e["event"] == "pulse"]


def cell_pulses(pulses: list[Pulse]) -> np.ndarray:
    """Return how often each cell was pulsed, shape (2, 128, 64): SETs and RESETs."""
    counts = np.zeros((2, 128, 64), int)
    for kind, row, mask in pulses:
        counts[kind, row] += [mask >> j & 1 for j in range(64)]
    return counts


def passport_counts(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return pulses of each cell that a passport calls fired, and of unknown fate."""
    with Passport.read(path) as passport:
        totals = passport.ledger.totals
        return np.array(totals.fired), np.array(totals.doubtful)


@dataclass
class OldCase:
    """A copy of what a board of then and its computer left; commands run in `directory`."""

    directory: Path
    serial: str
    chip: str
    seed: int
    dialect: str

    @classmethod
    def copy(cls, case: Path, directory: Path) -> "OldCase":
        """Copy a case to a directory that does not exist yet."""
        shutil.copytree(case, directory)
        return cls(directory, **json.loads((directory / "case.json").read_text()))

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def serve(self) -> VirtualBoard:
        """Start a virtual board that has the name and the number of the old one.

        It is another process, whose chip is new: what was on the chip, and the board's journal, are
        gone, as after a power cut of a board whose chip was changed.
        """
        arguments = ["--pty", "--link", str(self.directory / "board"), "--chip", self.chip]
        arguments += ["--seed", str(self.seed), "--dialect", self.dialect]
        if self.dialect == "mlp":
            arguments += ["--serial", self.serial]
        return VirtualBoard(*arguments, log=self.directory / "fired-now.jsonl", forked=True)

    @property
    def fired_then(self) -> list[Pulse]:
        return fired(self.directory / "fired.jsonl")

    @property
    def fired_now(self) -> list[Pulse]:
        return fired(self.directory / "fired-now.jsonl")
