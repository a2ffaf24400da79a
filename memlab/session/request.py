"""What is known of a run before it begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from memlab.errors import SettingError
from memlab.kinds import Kind

__all__ = ["UNLABELLED", "Labels", "Request"]


@dataclass(frozen=True)
class Labels:
    """What people call a run, to find it again.

    Parameters
    ----------
    tags
        Words, each once and without spaces around them.
    note
        A sentence.

    Raises
    ------
    SettingError
        If a tag is empty or is given twice.
    """

    tags: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        for tag in self.tags:
            if not tag or tag != tag.strip():
                raise SettingError(f"--tag {tag!r}: a tag is a word without spaces around it")
        if len(set(self.tags)) < len(self.tags):
            raise SettingError(f"--tag: give each tag once, not {', '.join(self.tags)}")

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Labels:
        """Return the labels in the attributes of a run file; none in older ones."""
        return cls(tuple(json.loads(attributes.get("tags", "[]"))), str(attributes.get("note", "")))

    def document(self) -> dict[str, Any]:
        """Return what a JSON document says of them; nothing where there are none."""
        tags = {"tags": list(self.tags)} if self.tags else {}
        return tags | ({"note": self.note} if self.note else {})

    def attributes(self) -> dict[str, str]:
        """Return what a run file says of them; nothing where there are none."""
        tags = {"tags": json.dumps(self.tags)} if self.tags else {}
        return tags | ({"note": self.note} if self.note else {})


UNLABELLED = Labels()
"""No tag, no note."""


@dataclass(frozen=True)
class Request:
    """A run that was asked for; everything in it was checked.

    Parameters
    ----------
    kind, title
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
    labels
        Tags and note.
    """

    kind: type[Kind]
    title: str
    out: Path
    boards: tuple[str, ...]
    settings: Mapping[str, Any]
    head: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: uuid4().hex)
    labels: Labels = UNLABELLED

    @property
    def board(self) -> str:
        """The URL of the board, or those of several with spaces between them."""
        return " ".join(self.boards)
