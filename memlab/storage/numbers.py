"""Arrays in .npy files of other people: what a file claims is compared with what it holds."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from memlab.errors import SettingError
from memlab.storage.inputs import require_file

__all__ = ["load_npy"]


def load_npy(path: Path, what: str) -> npt.NDArray[Any]:
    """Load an array of plain numbers; memory is taken only for what is in the file.

    Parameters
    ----------
    path
        A .npy file.
    what
        What it should hold, for errors.

    Raises
    ------
    SettingError
        If it cannot be read, is no .npy file, is cut off, or holds Python objects.
    """
    try:
        require_file(path)
        with path.open("rb") as file:
            dtype, shape = _header(file)
            size, held = math.prod(shape) * dtype.itemsize, path.stat().st_size - file.tell()
            if dtype.hasobject:
                raise SettingError(
                    f"the {what} {path} holds Python objects, which are not loaded from a file; "
                    "save an array of numbers (numpy.save)"
                )
            if size > held or min(shape, default=0) < 0:
                raise SettingError(
                    f"the {what} {path} is cut off or damaged: it claims an array of shape "
                    f"{shape}, {size} bytes, and holds {held}"
                )
            file.seek(0)
            array: npt.NDArray[Any] = np.load(file, allow_pickle=False)
            return array
    except OSError as error:
        raise SettingError(f"cannot read the {what} {path}: {error.strerror or error}") from error
    except SettingError:
        raise
    except Exception as error:  # numpy parses the header as Python: any of its errors can come
        raise SettingError(
            f"cannot read the {what} {path}: not a .npy file of numbers (numpy.save)"
        ) from error


def _header(file: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return type and shape that a file claims; raises whatever numpy raises."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        read = np.lib.format.read_array_header_1_0
    elif version == (2, 0):
        read = np.lib.format.read_array_header_2_0
    else:  # 3.0 is for the names of fields
        raise ValueError(f"version {version}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shape, _, dtype = read(file)
    return dtype, shape
