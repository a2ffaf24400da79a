"""How procedures are shown: readings as they come, and what they found. Always on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console

from memlab.characterize import Watcher
from memlab.cli.streams import show_document
from memlab.kinds import kind_of_run
from memlab.runs import open_run

__all__ = ["report", "watch_readings"]


@contextmanager
def watch_readings(quiet: bool) -> Iterator[Watcher | None]:
    """Show the number of readings in a terminal; elsewhere, and when quiet, nothing."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    with console.status("connecting") as status:
        yield lambda name, readings: status.update(f"{name}: {readings} readings")


def report(documents: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print the documents of procedures: as JSON on stdout, or for people on stderr."""
    if as_json:
        whole = documents[0] if len(documents) == 1 else {"procedures": list(documents)}
        show_document(whole)
        return
    for document in documents:
        _summarise(document)


def _summarise(document: dict[str, Any]) -> None:
    found, counts = open_run(Path(document["run"])), document["counts"]
    lines = [
        f"{found.kind}: {document['seconds']:.1f} s",
        *kind_of_run(found).summarise(found.findings),
    ]
    lines.append(f"  {counts['set']} SETs, {counts['reset']} RESETs")
    if "on_board" in document:
        lines.append(f"  on the board: {document['on_board']['seconds']:.3g} s")
    lines += [f"  run file {document['run']}", f"  picture  {document['figure']}"]
    click.echo("\n".join(lines))
