"""Files that are there as a whole or not at all.

A file is written under a hidden name beside its place and moved there in one step, so that nobody
ever sees half of it, and a full disk or a kill leaves what was there before.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from memlab.errors import SettingError, StorageError
from memlab.storage.spare import reason_of, save_elsewhere

__all__ = ["make_directory", "write_measured", "write_new", "write_over"]

Write = Callable[[BinaryIO], object]


def make_directory(path: Path) -> None:
    """Create a directory unless it is there; raise `SettingError` where that cannot be done."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise SettingError(f"cannot create the directory {path}: {reason_of(error)}") from error


def write_new(path: Path, write: Write) -> None:
    """Write a file that must not be there yet.

    Parameters
    ----------
    path
        Its place.
    write
        Called with a binary file to write to.

    Raises
    ------
    SettingError
        If there is such a file, also one that another program has made in the meantime.
    StorageError
        If it cannot be written; nothing is left at its place.
    """
    try:
        _write(path, write, _move_new)
    except FileExistsError as error:
        raise SettingError(f"{path} exists already; nothing was overwritten") from error
    except OSError as error:
        raise StorageError(f"cannot write {path}: {reason_of(error)}") from error


def write_over(path: Path, write: Write) -> None:
    """Write a file, in place of one that may be there.

    Raises
    ------
    StorageError
        If it cannot be written; what was there is untouched.
    """
    try:
        _write(path, write, os.replace)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {reason_of(error)}") from error


def write_measured(path: Path, write: Write, size: int) -> None:
    """Write a new file of measured data; where that fails, save it in a spare directory.

    Parameters
    ----------
    path, write
        As for `write_new`; `write` may be called again.
    size
        About how many bytes it takes.

    Raises
    ------
    StorageError
        If it is not in its place; the message and `saved` say where it is instead.
    """
    try:
        _write(path, write, _move_new)
    except OSError as error:
        problem = f"cannot write {path}: {reason_of(error)}"
        saved = save_elsewhere(path.name, lambda at: _write(at, write, _move_new), size, (OSError,))
        if saved is not None:
            text = f"{problem}; what was measured is in {saved}"
            raise StorageError(text, saved=(saved,)) from error
        raise StorageError(f"{problem}, nor anywhere else; what was measured is lost") from error


def _write(path: Path, write: Write, move: Callable[[Path, Path], None]) -> None:
    beside = path.with_name(f".memlab-{secrets.token_hex(6)}.part")
    try:
        with beside.open("xb") as file:
            write(file)
        move(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _move_new(beside: Path, path: Path) -> None:
    """Move a file to a place that must be free."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        try:
            os.replace(beside, path)
        except OSError:
            path.unlink()
            raise
