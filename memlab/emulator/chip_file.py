"""A chip in a file: what an emulated board is made of, and all that operations have changed in it.

An HDF5 file, sealed (`memlab.storage.seal`): attributes `format`, `serial`, `seed` and
`preset` say what was made, `board` holds the state of the board, dictionaries as groups, arrays as
datasets, and everything else as JSON in attributes. Nothing is pickled, and HDF5 is not asked to
open what has no seal. `notes` are of those who keep something of the same chip elsewhere, and must
know up to where it is in the file: the firmware of a served board.

The file is written over as a whole, and the one before it is kept as FILE.before; a kill at any
moment leaves the last one that was whole. One program at a time has a chip: FILE.lock is locked for
as long as the chip is open, and means nothing without its lock. A file of two names (hard links) is
refused: the next saving would make two chips of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drivers import stopping
from drivers.errors import InUseError
from drivers.owner import abandon_in_child
from memlab._version import __version__
from memlab.emulator.preset import ChipPreset, leaves
from memlab.errors import DataError, SettingError, StorageError
from memlab.storage import (
    State,
    has_seal,
    new_serial,
    require_file,
    sealed,
    second_of,
    unsealed,
    write_generation,
)
from memlab.storage.locks import open_to_lock, try_lock

if TYPE_CHECKING:
    import h5py

__all__ = ["ChipFile", "ChipIdentity", "before_of", "is_chip", "read_identity"]

_FORMAT = 1

_HDF5, _OF_RUNS = b"\x89HDF\r\n\x1a\n", 3
"""What the file begins with, and the number behind it that a chip's is below: the version of the
superblock (HDF5 File Format Specification, II.A), which is 3 in files that can be followed while
they are written, as runs can."""


@dataclass(frozen=True)
class ChipIdentity:
    """What the chip in a file was made of; it never changes.

    Parameters
    ----------
    preset, seed
        As for `EmulatedBoard`.
    serial
        Serial number of the board around it, which no other has.
    """

    preset: ChipPreset
    seed: int
    serial: str

    def check(self, path: Path, preset: ChipPreset, seed: int, serial: str = "") -> None:
        """Refuse what contradicts it; of an empty serial number nothing does."""
        asked = {"seed": seed, "serial": serial or self.serial}
        asked |= dict(leaves(preset.model_dump()))
        own = {"seed": self.seed, "serial": self.serial}
        own |= dict(leaves(self.preset.model_dump()))
        for name in {**own, **asked}:
            if own.get(name) != asked.get(name):
                raise SettingError(
                    f"{path} holds a chip with {name}={own.get(name)}, not {asked.get(name)}: "
                    "leave out what it was made with, or name another file"
                )


class ChipFile:
    """The file of a chip, held by one program from now on.

    Parameters
    ----------
    path
        The file; there need not be one yet: the first `save` makes it.
    preset, seed
        Of the chip; where there is one in the file, they must be its own.
    serial
        Of the board around a new chip; one that no other has by default.

    Raises
    ------
    SettingError
        If the chip in the file is another one.
    DataError
        If the file is no chip, is damaged, or is of another version.
    InUseError
        If another program has the chip.

    Attributes
    ----------
    identity
        What the chip was made of.
    board
        State of its board when it was opened; None of a new one.
    notes
        What others noted when it was saved last, by name.
    noting
        Who is asked for a note when it is saved, by name, and is given the state of the board.
    """

    def __init__(self, path: Path, preset: ChipPreset, seed: int, serial: str = "") -> None:
        self.path = Path(os.path.realpath(path))
        self._lock = _take(self.path)
        abandon_in_child(self)
        try:
            _require_one_name(self.path)
            content = _read(self.path)
            self._saved = content is not None
            self.board: State | None = None
            self.notes: dict[str, Any] = {}
            self.noting: dict[str, Callable[[State], State]] = {}
            if content is None:
                serial = serial or new_serial(f"{preset.name}-{seed}")
                self.identity = ChipIdentity(preset, seed, serial)
            else:
                self.identity = _identity(content)
                self.identity.check(self.path, preset, seed, serial)
                self.board, self.notes = content["board"], content["notes"]
        except BaseException:
            self.close()
            raise

    def save(self, board: State) -> None:
        """Write the chip as it is now; `board` is the state of its board.

        Raises
        ------
        StorageError
            If it cannot be written; the last one is still there.
        """
        one = self.identity
        self.notes |= {name: note(board) for name, note in self.noting.items()}
        content = {
            "format": _FORMAT,
            "memlab": __version__,
            "serial": one.serial,
            "seed": one.seed,
            "preset": one.preset.model_dump(mode="json"),
            "notes": self.notes,
            "board": board,
        }
        # HDF5 calls back into Python, where an interrupt would be lost: it comes afterwards.
        with stopping.unbroken():
            packed = sealed(_pack(content))
            before = before_of(self.path)
            try:
                write_generation(self.path, before, lambda file: file.write(packed), fsync=True)
            except StorageError as error:
                kept = ": the file has it as it was saved last" if self._saved else ""
                raise StorageError(
                    f"{error}; the chip was not saved{kept or '; it is in no file yet'}"
                ) from error
        self._saved = True

    def close(self) -> None:
        """Let go of it; calling it again does nothing."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def abandon(self) -> None:
        """In a forked child: close its copy of the lock, which would outlast the parent's."""
        self.close()


def before_of(path: Path) -> Path:
    """Return where the chip lies that was saved before the last one."""
    return path.with_name(f"{path.name}.before")


def read_identity(path: Path) -> ChipIdentity | None:
    """Return what the chip in a file was made of; None where there is no file.

    Raises
    ------
    DataError
        If the file is no chip, is damaged, or is of another version.
    """
    content = _read(Path(os.path.realpath(path)))
    return None if content is None else _identity(content)


def is_chip(path: Path) -> bool:
    """Whether a file is an emulated chip; also one that is in use, damaged ones are none."""
    try:
        return read_identity(path) is not None
    except DataError:
        return False


def _take(path: Path) -> int:
    """Return the descriptor of a chip's lock, locked."""
    try:
        descriptor = open_to_lock(f"{path}.lock")
    except OSError as error:
        raise SettingError(f"cannot use the chip {path}: {error.strerror}") from error
    if not try_lock(descriptor):
        os.close(descriptor)
        raise InUseError(
            f"the chip {path} is in use by another program, or is open twice in this one; one at a "
            "time has it. Nothing was changed"
        )
    return descriptor


def _require_one_name(path: Path) -> None:
    """Refuse a file that has a hard link elsewhere; that of the generation before is ours."""
    ours = (path, before_of(path), second_of(before_of(path)))
    with suppress(OSError):  # no file yet, or one of which `_read` says what is wrong
        found = path.stat()
        same = sum(one.exists() and one.samefile(path) for one in ours)
        if found.st_nlink > same:
            raise SettingError(
                f"the chip {path} has a second name (a hard link), and would be two chips of one "
                "serial number after the next saving. Remove one of the names; a symbolic link, or "
                "a copy that is used instead of it, is fine"
            )


def _read(path: Path) -> dict[str, Any] | None:
    """Return what is in the file of a chip; None where there is none."""
    before = before_of(path)
    hint = f"; the chip as it was saved before is {before}" if os.path.exists(before) else ""
    try:
        require_file(path)
        content = unsealed(path.read_bytes()) if _looks_like_one(path) else None
    except FileNotFoundError as error:
        if not hint:
            return None
        raise DataError(f"there is no chip {path}{hint}: move it there, or away") from error
    except IsADirectoryError as error:
        raise SettingError(f"{path} is a directory; write state=FILE") from error
    except OSError as error:
        raise DataError(f"cannot read the chip {path}: {error.strerror or error}") from error
    try:
        if content is None:
            raise ValueError("it has no seal of a chip, or has changed since it was sealed")
        found = _unpack(content)
        version = found["format"]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} is no chip of memlab, or is damaged: {error}{hint}") from error
    if version != _FORMAT:
        raise DataError(
            f"{path} is a chip of format {version}, written by memlab {found.get('memlab')}; this "
            f"memlab reads {_FORMAT}. Use the one that wrote it, or a newer one"
        )
    return found


def _looks_like_one(path: Path) -> bool:
    """Whether both ends are those of a chip: other files, which may be large, are not read."""
    with path.open("rb") as file:
        head = file.read(len(_HDF5) + 1)
    return head[:-1] == _HDF5 and head[-1] < _OF_RUNS and has_seal(path)


def _identity(content: Mapping[str, Any]) -> ChipIdentity:
    preset = ChipPreset.model_validate(content["preset"])
    return ChipIdentity(preset, content["seed"], content["serial"])


def _pack(content: State) -> bytes:
    import h5py  # who stores no chip does not wait for it

    # Not "latest": of that format older HDF5s leave a wrong checksum in the image.
    with h5py.File("chip", "w", driver="core", backing_store=False) as root:
        _put(root, content)
        root.flush()
        packed: bytes = root.id.get_file_image()
    return packed


def _put(group: h5py.Group, state: State) -> None:
    for name, value in state.items():
        match value:
            case np.ndarray():
                group.create_dataset(name, data=value)
            case Mapping():
                _put(group.create_group(name), value)
            case _:
                group.attrs[name] = json.dumps(value, default=np.generic.item)


def _unpack(content: bytes) -> dict[str, Any]:
    import h5py

    with h5py.File(h5py.h5f.open_file_image(content)) as root:
        return _taken(root)


def _taken(group: h5py.Group) -> dict[str, Any]:
    import h5py

    found = {name: json.loads(value) for name, value in group.attrs.items()}
    for name, item in group.items():
        found[name] = item[()] if isinstance(item, h5py.Dataset) else _taken(item)
    return found
