"""What scripts have measured so far, in a file beside each: a trial that is there is not run again.

A file is written whole or not at all, so that a script that is stopped goes on where it was.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from memlab.storage import write_over

__all__ = ["add", "load", "store"]


def load(path: Path, nothing: Any) -> Any:
    """Return what is stored, and what to say where nothing is."""
    return json.loads(path.read_text()) if path.exists() else nothing


def store(path: Path, document: Any) -> None:
    """Put a document in place of what is stored."""
    text = json.dumps(document, indent=1) + "\n"
    write_over(path, lambda file: file.write(text.encode()))


def add(path: Path, trial: dict[str, Any]) -> None:
    """Store a trial behind those that are."""
    store(path, [*load(path, []), trial])
