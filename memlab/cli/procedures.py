"""How procedures are shown: readings as they come, and what they found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console

from memlab.characterize import Watcher
from memlab.cli.streams import tell
from memlab.kinds import kind_of_run
from memlab.runs import Run, open_run
from memlab.session import named_in_errors

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
    """Print the documents of procedures, as JSON or in words."""
    whole = documents[0] if len(documents) == 1 else {"procedures": list(documents)}
    with named_in_errors(*(Path(document["run"]) for document in documents)):
        if as_json or documents:
            tell(whole, as_json, lambda _: chain.from_iterable(map(_words, documents)))


def _words(document: dict[str, Any]) -> list[str]:
    found, counts = open_run(Path(document["run"])), document["counts"]
    cost = document.get("on_board")
    return [
        f"{found.kind}: {document['seconds']:.1f} s, chip {_chip(found)}",
        *kind_of_run(found).summarise(found.findings),
        f"  {counts['set']} SETs, {counts['reset']} RESETs",
        *([] if cost is None else [f"  on the board: {cost['seconds']:.3g} s"]),
        f"  run file {document['run']}",
        f"  picture  {document['figure']}",
    ]


def _chip(run: Run) -> str:
    """Return which chip it was; where nobody named one, the procedure's settings did."""
    named = ", ".join(str(one.get("board.serial", "")) for one in run.instruments)
    return f"{named} ({run.origin})" if run.origin else named
