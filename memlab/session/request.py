"""What is known of a run before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from memlab.runs import Family

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """A run that was asked for; everything in it was checked.

    Parameters
    ----------
    kind, family, title
        What will be done.
    out
        Run file to make.
    boards
        URLs of its arrays, as they may be written down (without tokens).
    settings
        Every setting, nested plain values.
    head
        What stands at the head of its document and in the attributes of its file: names by which
        people know the run, as preset and seed.
    notes
        Attributes of the file only.
    run_id
        Identity; a new one by default.
    """

    kind: str
    family: Family
    title: str
    out: Path
    boards: tuple[str, ...]
    settings: Mapping[str, Any]
    head: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def board(self) -> str:
        """The URL of the board, or those of several with spaces between them."""
        return " ".join(self.boards)
