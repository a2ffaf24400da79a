"""Where the checkpoints of a run lie: beside its file, under its identity, in two generations."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from memlab.runs.living import LOCK, run_identity

__all__ = ["checkpoint_places", "has_checkpoint", "places_in", "remove_checkpoints"]


def places_in(directory: Path, run_id: str) -> tuple[Path, Path]:
    """Return where the newest checkpoint of a run is in a directory, and the one before."""
    return directory / f".{run_id}.checkpoint", directory / f".{run_id}.checkpoint-before"


def checkpoint_places(path: Path, attributes: Mapping[str, Any]) -> list[Path]:
    """Return where checkpoints may be, newest first: beside a file, and where it was begun.

    `attributes` are those of its entry.
    """
    identity = run_identity(attributes)
    begun = Path(str(attributes.get(LOCK, path))).parent
    directories = dict.fromkeys((path.resolve().parent, begun))
    return [place for directory in directories for place in places_in(directory, identity)]


def has_checkpoint(path: Path, attributes: Mapping[str, Any]) -> bool:
    """Whether a run file has a checkpoint; whether it fits shows when it is read."""
    return any(place.exists() for place in checkpoint_places(path, attributes))


def remove_checkpoints(directory: Path, run_id: str) -> None:
    """Remove what checkpoints of a run there are in a directory; one that cannot be stays."""
    for path in places_in(directory, run_id):
        for one in (path, path.with_name(f"{path.name}.part")):
            with suppress(OSError):
                one.unlink(missing_ok=True)
