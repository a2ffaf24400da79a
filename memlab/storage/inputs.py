"""What a user names as input may be anything that has a name."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["require_file"]


def require_file(path: Path) -> None:
    """Refuse what is no file of bytes: a pipe would wait for its other end, a device has none.

    Raises
    ------
    OSError
        If it is none, does not exist, or may not be looked at.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "no name has a zero byte", str(path))
    kind = path.stat().st_mode
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(kind):
        raise OSError(errno.EINVAL, "it is no file", str(path))
