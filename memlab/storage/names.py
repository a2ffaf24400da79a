"""The names that outputs get when nobody gives one.

Time in UTC, so that no hour comes twice, and six random digits, so that programs that start in one
second differ. The name is unique as it is made and nothing has to be created to hold it; whoever
writes creates the file exclusively all the same (`write_new`, `RunFile`), and fails rather than
overwrites.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["DEFAULT_DIRECTORY", "default_path", "name_stamp", "new_serial"]

DEFAULT_DIRECTORY = Path("memlab-runs")
"""Where outputs go, in the current directory."""


def name_stamp(now: datetime | None = None, token: str | None = None) -> str:
    """Return what makes a name unique: UTC to the second, and random digits.

    Parameters
    ----------
    now
        An aware time; the current one by default.
    token
        The digits; random by default.
    """
    moment = datetime.now(UTC) if now is None else now.astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%SZ}-{token or secrets.token_hex(3)}"


def default_path(stem: str, suffix: str, stamp: str | None = None) -> Path:
    """Return a new name in `memlab-runs`; creates nothing.

    Parameters
    ----------
    stem
        What the output is, for example `read` or `airline-paper-seed1`.
    suffix
        With its dot.
    stamp
        From `name_stamp`, for outputs that belong together; a new one by default.
    """
    return DEFAULT_DIRECTORY / f"{stem}-{stamp or name_stamp()}{suffix}"


def new_serial(kind: str) -> str:
    """Return a serial number of an emulated chip that no other has: its kind, and chance."""
    return f"{kind[:23]}-{secrets.token_hex(4)}"
