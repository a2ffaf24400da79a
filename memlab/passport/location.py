"""Where passports lie: one for each board in the user's state directory, or where a URL says."""

from __future__ import annotations

import re
from pathlib import Path

from drivers.tickets import state_directory

__all__ = ["default_path", "find_passport", "kept_passports", "passport_beside"]


def default_path(serial: str) -> Path:
    """Return the passport of the chip on a board with this serial number.

    The published board has none: there the name of the chip, as in its URL, stands for it.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", serial).strip("_")
    return state_directory() / f"passport-{name}.sqlite"


def passport_beside(chip: Path) -> Path:
    """Return the passport that a chip in a file has by default."""
    return chip.with_name(f"{chip.name}.passport")


def kept_passports() -> list[str]:
    """Return the names under which passports are kept in the user's state directory, sorted."""
    paths = state_directory().glob("passport-*.sqlite")
    return sorted(path.stem.removeprefix("passport-") for path in paths)


def find_passport(name: str) -> Path | None:
    """Return the file that people mean by a path or a board's serial number, if there is one.

    Whether it is a passport shows when it is opened; a TOML file is a preset of a chip. Of a chip
    in a file it is the one beside it.
    """
    path = Path(name)
    if path.is_file() and path.suffix != ".toml":
        beside = passport_beside(path)
        return beside if beside.is_file() else path
    path = default_path(name)
    return path if path.is_file() else None
