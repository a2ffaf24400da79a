"""Which virtual boards run on this computer: each enters itself for as long as it lives.

An entry is a small JSON file in the user's state directory, locked by the process that serves the
board. The operating system drops the lock with the process, so that an entry without one is a dead
board's, and the next who looks takes it away. A token is not entered: it is written into no file.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from drivers.tickets import state_directory
from memlab.storage.locks import open_to_lock, try_lock

__all__ = ["RunningBoard", "enter", "running_boards"]

_OFFSET = 1
"""The first byte is what is locked; on Windows others cannot read it."""
_MOST = 65536
"""Bytes of an entry that are read."""


@dataclass(frozen=True)
class RunningBoard:
    """A virtual board that runs.

    Parameters
    ----------
    url
        What `--board` takes, without a token.
    chip, seed, serial
        Of its chip, as `memlab board serve` was told or chose.
    pid
        The process that serves it.
    host
        The computer on which it runs.
    state
        The file that its chip is kept in; '' of one that ends with the board.
    """

    url: str
    chip: str
    seed: int
    serial: str
    pid: int
    host: str
    state: str = ""

    def __str__(self) -> str:
        return f"virtual board, chip {self.chip}, seed {self.seed}, process {self.pid}"


def _directory() -> Path:
    return state_directory() / "virtual-boards"


@contextmanager
def enter(url: str, *, chip: str, seed: int, serial: str, state: str = "") -> Iterator[None]:
    """Have this board among the running ones for the block of a `with`.

    Raises
    ------
    OSError
        If there is no place for the entry.
    """
    board = RunningBoard(url, chip, seed, serial, os.getpid(), platform.node(), state)
    path, descriptor = _new_entry(board.pid)
    try:
        os.write(descriptor, b" " * _OFFSET + json.dumps(asdict(board)).encode())
        yield
    finally:
        _remove(path)
        os.close(descriptor)
        _remove(path)  # Windows does not remove an open file


def _new_entry(pid: int) -> tuple[Path, int]:
    """Return a new file and its descriptor, locked."""
    directory = _directory()
    directory.mkdir(parents=True, exist_ok=True)
    while True:
        path = directory / f"{pid}-{secrets.token_hex(4)}.json"
        descriptor = open_to_lock(path, os.O_CREAT | os.O_EXCL)
        # Whoever looked before it was locked took it for a dead board's, and it away.
        if try_lock(descriptor) and path.exists():
            return path, descriptor
        os.close(descriptor)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def running_boards() -> list[RunningBoard]:
    """Return the virtual boards of this user that run on this computer, the oldest first.

    Entries of dead ones are removed.
    """
    found = []
    for path in _directory().glob("*.json"):
        with suppress(
            OSError, ValueError, TypeError, KeyError
        ):  # gone meanwhile, or nobody's entry
            if (board := _look(path)) is not None:
                found.append((path.stat().st_mtime_ns, board))
    return [board for _, board in sorted(found, key=lambda one: one[0])]


def _look(path: Path) -> RunningBoard | None:
    """Return the board of an entry; take it away, and return None, where that is dead."""
    descriptor = open_to_lock(path, 0)
    try:
        alive = not try_lock(descriptor)
        os.lseek(descriptor, _OFFSET, os.SEEK_SET)
        text = os.read(descriptor, _MOST)
        # A home directory may be one of several computers.
        here = not text or json.loads(text)["host"] == platform.node()
        if here and not alive:
            _remove(path)
        return RunningBoard(**json.loads(text)) if here and alive else None
    finally:
        os.close(descriptor)
