"""Files that are there as a whole or not at all.

A file is written under a hidden name beside its place and moved there in one step, so that nobody
ever sees half of it, and a full disk or a kill leaves what was there before.
"""

from __future__ import annotations

import os
import secrets
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from memlab.errors import SettingError, StorageError
from memlab.storage.spare import reason_of, save_elsewhere

__all__ = [
    "check_new",
    "make_directory",
    "remove_parts",
    "second_of",
    "write_generation",
    "write_measured",
    "write_new",
    "write_over",
]

Write = Callable[[BinaryIO], object]


def make_directory(path: Path) -> None:
    """Create a directory unless it is there; raise `SettingError` where that cannot be done."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise SettingError(f"cannot create the directory {path}: {reason_of(error)}") from error


def check_new(path: Path, instead: str = "another --out") -> None:
    """Raise `SettingError` unless a new file can be made here; `instead` is what to choose."""
    try:
        if path.exists():
            raise SettingError(f"{path} exists already; nothing was overwritten, choose {instead}")
    except OSError as error:
        raise SettingError(f"cannot write {path}: {reason_of(error)}") from error
    if "\0" in str(path):  # to Python that is a place where nothing is
        raise SettingError(f"cannot write {str(path)!r}: no name has a zero byte")
    if not path.parent.is_dir():
        raise SettingError(f"cannot write {path}: there is no directory {path.parent}")


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


def write_generation(path: Path, before: Path, write: Write, *, fsync: bool = False) -> None:
    """Write a file over one that may be there, which is kept under another name.

    A kill at any moment leaves a whole file at `path`, once there was one. One program at a time
    does this: what a kill leaves half written has one name, and the next one writes over it.

    Parameters
    ----------
    path, before
        Its place, and that of the generation before it, in the same directory.
    write
        Called with a binary file to write to.
    fsync
        Wait for the disk first, so that a power cut leaves a whole file, too.

    Raises
    ------
    StorageError
        If it cannot be written; what was at `path` is untouched.
    """
    beside = path.with_name(f".{path.name.removeprefix('.')}.part")
    try:
        with beside.open("wb") as file:
            write(file)
            if fsync:
                file.flush()
                os.fsync(file.fileno())
        _keep(path, before)
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {reason_of(error)}") from error


def second_of(before: Path) -> Path:
    """Return the name that a file has besides, while it becomes the generation before."""
    return before.with_name(f".{before.name.removeprefix('.')}.part")


def _keep(path: Path, before: Path) -> None:
    """Put a file under a second name, where there is one; it stays at its place."""
    second = second_of(before)
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except FileNotFoundError:
        return
    except OSError:  # a file system without hard links
        os.replace(path, before)
        return
    os.replace(second, before)
    second.unlink(missing_ok=True)  # it stays where both names were of the same file already


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


def remove_parts(path: Path) -> None:
    """Remove what writers of a file who were killed have left beside its place, half written.

    Nobody else may be writing it; `write_generation` needs none of this.
    """
    with suppress(OSError):
        for part in path.parent.glob(f"{_part_of(path)}-*.part"):
            part.unlink(missing_ok=True)


def _part_of(path: Path) -> str:
    """Return how the names begin under which a file is written; a long name stays possible."""
    return f".memlab-{zlib.crc32(os.fsencode(path.name)):08x}"


def _write(path: Path, write: Write, move: Callable[[Path, Path], None]) -> None:
    beside = path.with_name(f"{_part_of(path)}-{secrets.token_hex(6)}.part")
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
