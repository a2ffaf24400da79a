"""What a user names as input may be anything that has a name."""

from __future__ import annotations

import errno
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
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no file", str(path))
