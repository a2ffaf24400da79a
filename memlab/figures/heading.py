"""What stands above a figure: what was done, on which chip and board, in which file, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py

__all__ = ["heading_of", "place_of", "run_heading", "utc"]


def run_heading(entry: h5py.Group, run: Path, title: str = "", readings: str = "") -> str:
    """Return the heading of a figure of a run.

    Parameters
    ----------
    entry
        Of the run file; what an older one does not say is left out.
    run
        The run file.
    title
        What was done; the run's own title if empty.
    readings
        Group whose load belongs in the heading: conductances depend on it. Older files name none.
    """
    attributes = entry.attrs
    title = title or str(attributes.get("title", ""))
    if (status := attributes.get("status", "finished")) != "finished":
        title += f" ({status})"
    load = str(entry[readings].attrs.get("load", "")) if readings else ""
    date = _minute(str(attributes.get("start_time", "")))
    return heading_of(title, _place(entry), run.name, date, load)


def heading_of(title: str, where: str, file: str, date: str, load: str = "") -> str:
    """Return title, place, file with date, and load on a line each; empty ones are left out."""
    source = ", ".join(part for part in (file, date) if part)
    text = "\n".join(line for line in (title, where, source, load) if line)
    # A file's name may be no text: fonts know no lone surrogates.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def utc(seconds: float | None = None) -> str:
    """Return a time since 1970 as the headings show it; the present one if None."""
    now = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return _minute(now.isoformat(timespec="minutes"))


def _minute(time: str) -> str:
    """Return "2026-11-28 21:06 UTC" of a time in ISO 8601."""
    return time[:16].replace("T", " ") + (" UTC" if time.endswith("+00:00") else "")


def place_of(instruments: Iterable[Mapping[str, Any]]) -> str:
    """Return chip and board of arrays by what they say of themselves (`Array.describe`).

    The chip of an emulated board is named by its serial. Empty if no array says anything.
    """
    found: dict[str, list[str]] = {}
    for instrument in instruments:
        # An array tells of its board in a mapping of its own, a file in names with a point.
        board_of = instrument.get("board", {}), instrument.get("passport") or {}
        attributes = dict(instrument)
        for group, values in zip(("board", "passport"), board_of, strict=True):
            if isinstance(values, Mapping):
                attributes |= {f"{group}.{name}": value for name, value in values.items()}
        if "board.serial" not in attributes and "board.name" not in attributes:
            continue
        serial = str(attributes.get("board.serial", ""))
        serial = "" if serial == "unknown" else serial
        chip = str(attributes.get("passport.chip", serial))
        board = str(attributes.get("board.name", "board"))
        if serial != chip:
            board += f" {serial}"
        chips = found.setdefault(board, [])
        if chip and chip not in chips:
            chips.append(chip)
    return "; ".join(
        f"chip {', '.join(chips)}, {board}" if chips else board for board, chips in found.items()
    )


def _place(entry: h5py.Group) -> str:
    if "instrument" not in entry:
        return str(entry.attrs.get("board", ""))
    group = entry["instrument"]
    parts = [group, *(group[name] for name in group if name.startswith("array_"))]
    return place_of(part.attrs for part in parts) or str(entry.attrs.get("board", ""))
