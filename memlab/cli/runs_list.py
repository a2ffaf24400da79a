"""`memlab runs list`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rich_click as click
from rich.table import Table

from memlab.cli.command import Command
from memlab.cli.options import SEED, json_option
from memlab.cli.streams import show_document
from memlab.cli.tables import add_row, print_table
from memlab.errors import DataError
from memlab.kinds import kind_of_run
from memlab.runs.brief import Brief, read_brief
from memlab.runs.listing import Choice, files_of, list_runs
from memlab.storage import DEFAULT_DIRECTORY

_DATES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command("list", cls=Command)
@click.argument("places", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--kind", "kinds", multiple=True, help="airline, staircase, read, procedure, ...")
@click.option("--status", "statuses", multiple=True, help="finished, interrupted, failed, killed.")
@click.option("--board", default="", metavar="TEXT", help="Part of the board's URL.")
@click.option(
    "--chip", default="", metavar="TEXT", help="Part of the chip's name or serial number."
)
@click.option("--seed", type=SEED, help="Seed of the run.")
@click.option("--tag", "tags", multiple=True, help="Tag that the run must have; repeatable.")
@click.option("--since", type=_DATES, help="Begun then (UTC) or later.")
@click.option("--until", type=_DATES, help="Begun then (UTC) or before.")
@click.option("--below", is_flag=True, help="Also in the directories below.")
@json_option
def list_(
    places: tuple[Path, ...],
    kinds: tuple[str, ...],
    statuses: tuple[str, ...],
    board: str,
    chip: str,
    seed: int | None,
    tags: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    below: bool,
    as_json: bool,
) -> None:
    """List runs by the time of their start; options choose among them.

    PLACES are directories or run files.  [default: memlab-runs]
    """
    choice = Choice(kinds, statuses, board, chip, seed, tags, _utc(since), _utc(until))
    listing = list_runs(places or (DEFAULT_DIRECTORY,), choice, below=below)
    if not below and not (listing.runs or listing.unreadable):
        _tell_of_deeper(places)
    for text in listing.unknown:
        click.echo(f"memlab: note: {text}", err=True)
    if as_json:
        show_document(
            {
                "runs": [_document(run) for run in listing.runs],
                "unreadable": [{"file": str(p), "why": why} for p, why in listing.unreadable],
            }
        )
        return
    _show(listing.runs)
    for _, why in listing.unreadable:
        click.echo(f"left out: {why}", err=True)


def _tell_of_deeper(places: tuple[Path, ...]) -> None:
    """Say where runs may be, of a directory that has none itself."""
    for place in places:
        if next(files_of(place, below=False), None) is not None:
            continue  # it has some, and they are not those that were asked for
        if found := next(files_of(place, below=True), None):
            click.echo(
                f"memlab: note: no run file lies in {place} itself, but there is {found}: add "
                f"--below, or name {found.parent}",
                err=True,
            )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _seconds(run: Brief) -> float | None:
    return None if run.ended is None else (run.ended - run.started).total_seconds()


def _document(run: Brief) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "kind": run.kind,
        "family": str(run.family),
        "status": run.status,
        "started": run.started.isoformat(),
        "seconds": _seconds(run),
        "board": " ".join(run.boards),
        "chip": ", ".join(run.chips),
        "seed": run.seed,
        "preset": run.preset or None,
        "tags": list(run.tags),
    }


def _show(runs: list[Brief]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("run", "kind", "status", "started (UTC)", "chip", "seed", "found"):
        table.add_column(name, overflow="fold")
    for run in runs:
        seed = "" if run.seed is None else str(run.seed)
        started = f"{run.started:%Y-%m-%d %H:%M}"
        kind = f"{run.kind}, {run.preset}" if run.preset else run.kind
        chips = ", ".join(run.chips)
        add_row(table, str(run.path), kind, run.status, started, chips, seed, _found(run))
    if runs:
        print_table(table)
    click.echo(f"{len(runs)} run{'' if len(runs) == 1 else 's'}", err=True)


def _found(run: Brief) -> str:
    """Return the number of a run by which a person recognises it."""
    try:
        with read_brief(run.path) as (_, found):
            name = kind_of_run(run).chief(found)
            return "" if name is None else f"{name} {found[name].in_words()}"
    except DataError:  # it has gone meanwhile
        return ""
