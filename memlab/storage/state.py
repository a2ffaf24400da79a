"""States: what an object needs to go on later as if nothing had been, and the files that keep them.

A state is plain: text, numbers, None, lists and arrays, in dictionaries by name. Whoever has one
offers `state()`, which copies, and `restore(state)`, on an object that was made in the same way.

A file of one is an .npz archive: the arrays, and `state.json` with everything else, in which an
array stands as {"$array": NUMBER}. The archive has a checksum on each of them. Nothing is pickled.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from memlab.errors import DataError
from memlab.storage.files import write_over

__all__ = ["State", "pack_state", "read_state", "write_state"]

State = Mapping[str, Any]
"""Text, numbers, None, lists, arrays and dictionaries of these, by name."""

_TREE = "state.json"
_ARRAY = "$array"


def write_state(path: Path, state: State) -> None:
    """Write a state so that a kill leaves all of it or what was there before.

    Raises
    ------
    StorageError
        If it cannot be written; what was there is untouched.
    """
    write_over(path, lambda file: file.write(pack_state(state)))


def pack_state(state: State) -> bytes:
    """Return the bytes of a file of a state."""
    arrays: list[np.ndarray[Any, Any]] = []
    tree = json.dumps(_taken_apart(state, arrays))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(_TREE, tree)
        for number, array in enumerate(arrays):
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            archive.writestr(f"{number}.npy", part.getbuffer())
    return content.getvalue()


def read_state(path: Path) -> dict[str, Any]:
    """Read a state.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged or none of ours.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            tree = json.loads(archive.read(_TREE))
            state = _put_together(tree, archive)
    except FileNotFoundError as error:
        raise DataError(f"there is no file {path}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, RecursionError) as error:
        raise DataError(f"{path} is no checkpoint of memlab, or is damaged: {error}") from error
    if not isinstance(state, dict):
        raise DataError(f"{path} is no checkpoint of memlab")
    return state


def _taken_apart(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    """Return a value as JSON can hold it; arrays are put into the list."""
    match value:
        case np.ndarray():
            arrays.append(value)
            return {_ARRAY: len(arrays) - 1}
        case np.generic():
            return value.item()
        case Mapping():
            return {name: _taken_apart(one, arrays) for name, one in value.items()}
        case list() | tuple():
            return [_taken_apart(one, arrays) for one in value]
        case _:
            return value


def _put_together(value: Any, archive: zipfile.ZipFile) -> Any:
    if isinstance(value, list):
        return [_put_together(one, archive) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_ARRAY}:
        part = io.BytesIO(archive.read(f"{value[_ARRAY]}.npy"))
        return np.lib.format.read_array(part, allow_pickle=False)
    return {name: _put_together(one, archive) for name, one in value.items()}
