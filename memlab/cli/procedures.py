"""How procedures are shown: readings as they come, and what they found. Always on stderr."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import rich_click as click
from rich.console import Console

from memlab.characterize import Watcher
from memlab.cli.streams import show_document
from memlab.units import plain

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
    lines = [f"{document['procedure']}: {document['seconds']:.1f} s"]
    for name, found in document["results"].items():
        lines.append(f"  {name:<28} {_quantity(found)}")
    counts = document["counts"]
    lines.append(f"  {counts['set']} SETs, {counts['reset']} RESETs")
    if "on_board" in document:
        lines.append(f"  on the board: {document['on_board']['seconds']:.3g} s")
    lines += [f"  run file {document['run']}", f"  picture  {document['figure']}"]
    click.echo("\n".join(lines))


def _quantity(found: dict[str, Any]) -> str:
    """Return a number with its error, and of what and how many it is; or why there is none."""
    value, error, units = found["value"], found["error"], found["units"]
    of = f" ({found['n']} {found['of']})" if found.get("of") else ""
    if value is None:
        return f"{found['state']}{of}" + (f": {found['why']}" if "why" in found else "")
    text = f"{value:.4g}" + ("" if error is None else plain(f" +- {error:.2g}"))
    if "interval" in found:
        low, high = found["interval"]
        text += f", {low:.4g} to {high:.4g} at {found['confidence']:.0%}"
    text += "" if units == "1" else f" {units}"
    return text + of + (f"; {found['caveat']}" if "caveat" in found else "")
