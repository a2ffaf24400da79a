"""Where passports lie: one for each board in the user's state directory, or where a URL says."""

from __future__ import annotations

import os
import re
from pathlib import Path

from drivers.tickets import state_directory

__all__ = ["default_path", "kept_passports", "passport_beside"]


def default_path(serial: str) -> Path:
    """Return the passport of the chip on a board with this serial number.

    The published board has none: there the name of the chip, as in its URL, stands for it.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", serial).strip("_")
    return state_directory() / f"passport-{name}.sqlite"


def passport_beside(chip: Path, serial: str = "") -> Path:
    """Return the passport that a chip in a file has by default.

    It lies beside the file. Where there is none, and one in the user's state directory under the
    chip's `serial` number, that is the one: earlier memlabs kept those of served chips there.
    """
    beside = chip.with_name(f"{chip.name}.passport")
    earlier = default_path(serial)
    return earlier if serial and earlier.is_file() and not os.path.exists(beside) else beside


def kept_passports() -> list[str]:
    """Return the names under which passports are kept in the user's state directory, sorted."""
    paths = state_directory().glob("passport-*.sqlite")
    return sorted(path.stem.removeprefix("passport-") for path in paths)
