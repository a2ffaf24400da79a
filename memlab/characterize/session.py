"""The procedures of one command, found again by what their run files hold, not by their names.

Every run file of a session names all of its runs, in order, with their identities. So a file may be
renamed, or copied with the others: what is finished stays finished. They were run one after the
other, which tells what may be missing: nothing before a run that began, for that is finished; and
after a run that is not finished nothing has begun yet.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memlab.errors import DataError
from memlab.runs import edit, read_attributes, run_identity
from memlab.runs.listing import SUFFIXES
from memlab.runs.opening import is_not_begun

__all__ = [
    "Part",
    "describe_session",
    "find_session",
    "note_followed",
    "position_in_session",
    "session_identity",
]

_FOLLOWED = "followed_by"


@dataclass(frozen=True)
class Part:
    """A run of a session.

    Parameters
    ----------
    name, config
        Procedure, and its settings as JSON.
    path
        Its run file, or where to make it.
    run_id
        Identity; '' in the run files of memlab 0.x before it had one.
    status
        As in the run file; None where there is none yet.
    """

    name: str
    config: str
    path: Path
    run_id: str
    status: str | None

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do for it."""
        return self.status == "finished"


def describe_session(parts: Sequence[tuple[str, Path, str, str]]) -> str:
    """Return the attribute that names a session: procedure, file, settings and identity of each."""
    return json.dumps([[name, path.name, config, run] for name, path, config, run in parts])


def position_in_session(path: Path, attributes: Mapping[str, Any]) -> int:
    """Return which run of its session a file holds, from 0; 0 where that cannot be told."""
    identity = run_identity(attributes)
    for k, (_, file, _, run_id) in enumerate(_entries(attributes)):
        if run_id == identity or (not run_id and file == path.name):
            return k
    return 0


def _entries(attributes: Mapping[str, Any]) -> list[list[str]]:
    """Return procedure, file, settings and identity ('' in old files) of each run of a session."""
    return [[*entry, ""][:4] for entry in json.loads(attributes["session"])]


def session_identity(session: str) -> str:
    """Return what the attribute `describe_session` is known by, as the name of its lock."""
    return uuid.uuid5(uuid.NAMESPACE_URL, session).hex


def note_followed(path: Path, run_id: str) -> None:
    """Write into a finished run file that the next run of its session has begun; '': has not."""
    if not path.exists():  # people may have moved it away by now
        return
    with edit(path) as file:
        attributes = file["entry"].attrs
        attributes.pop(_FOLLOWED, None)
        if run_id:
            attributes[_FOLLOWED] = run_id


def find_session(path: Path, attributes: Mapping[str, Any]) -> list[Part]:
    """Return the runs of the session that a run file belongs to, in order.

    Those that have not begun yet have no status; where there is a file of one, it holds nothing.
    Those before the first file that is there are finished; they are left out where their files are
    elsewhere.

    Raises
    ------
    DataError
        If the file of a run that has begun is not in the directory, or is there twice.
    """
    parts = []
    for name, file, config, run_id in _entries(attributes):
        found = _find(path, attributes, name, path.parent / file, run_id)
        status = None if found is None else str(read_attributes(found)["status"])
        parts.append(Part(name, config, found or path.parent / file, run_id, status))
    last = max(k for k, part in enumerate(parts) if part.status is not None)
    missing = next((part for part in parts[last + 1 :]), None)
    if missing is not None and parts[last].finished:
        after = read_attributes(parts[last].path)
        if _FOLLOWED in after or not missing.run_id:
            began = "" if _FOLLOWED in after else " may have"
            raise DataError(
                f"{parts[last].path} is finished, and the next run of its session, {missing.name} "
                f"({missing.path.name}),{began} began: its file is not in {path.parent}. Put it "
                f"there, or run memlab characterize {missing.name} anew. Nothing was pulsed"
            )
    for part in parts[last + 1 :]:
        if part.path.exists() and not is_not_begun(part.path):
            raise DataError(
                f"{part.path} is in the way of {part.name}, which is to follow, and is another "
                "run; move it"
            )
    return [p for k, p in enumerate(parts) if p.status is not None or k > last]


def _find(
    path: Path, attributes: Mapping[str, Any], name: str, expected: Path, run_id: str
) -> Path | None:
    """Return the file of a run of the session beside `path`, under any name."""

    def belongs(file: Path) -> bool:
        try:
            found = read_attributes(file)
        except DataError:
            return False
        if run_id:
            return run_identity(found) == run_id
        same = all(found.get(key) == attributes[key] for key in ("session", "board"))
        return same and found.get("procedure") == name

    for likely in (path, expected):
        if likely.is_file() and belongs(likely):
            return likely
    others = [file for file in sorted(path.parent.iterdir()) if _is_candidate(file, path)]
    found = [file for file in others if belongs(file)]
    if len(found) > 1:
        raise DataError(
            f"{' and '.join(file.name for file in found)} are copies of one run ({name}): keep the "
            f"one to go on with in {path.parent}, and move the others away"
        )
    return found[0] if found else None


def _is_candidate(file: Path, path: Path) -> bool:
    return file.suffix in {*SUFFIXES, path.suffix} and file.is_file()
