"""`memlab runs validate`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.command import Command
from memlab.cli.options import EXISTING, json_option
from memlab.cli.streams import show_document
from memlab.runs.validation import find_problems


@click.command(cls=Command)
@click.argument(
    "files",
    metavar="RUN...",
    nargs=-1,
    required=True,
    type=EXISTING,
)
@json_option
@click.pass_context
def validate(ctx: click.Context, files: tuple[Path, ...], as_json: bool) -> None:
    """Check run files: checksum, status, units, scales, and that no item is missing.

    The exit code is 1 where anything is found.
    """
    found = {path: find_problems(path) for path in files}
    if as_json:
        document = [{"run": str(path), "problems": problems} for path, problems in found.items()]
        show_document({"runs": document})
    for path, problems in found.items():
        for problem in problems:
            # A file that cannot be read at all is named by the reason.
            named = problem if problem.startswith(f"{path} ") else f"{path}: {problem}"
            click.echo(named, err=as_json)
        if not problems and not as_json:
            click.echo(f"{path}: whole")
    if any(found.values()):
        ctx.exit(1)
