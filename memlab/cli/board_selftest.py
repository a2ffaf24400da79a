"""`memlab board selftest`."""

from __future__ import annotations

from dataclasses import asdict

import rich_click as click
from click.exceptions import Exit

from memlab.cli.command import Command
from memlab.cli.options import board_option, json_option, open_board_array
from memlab.cli.streams import show_document
from memlab.selftest import run_selftest


@click.command(cls=Command)
@board_option
@json_option
def selftest(url: str, as_json: bool) -> None:
    """Check identity, zero, leakage, known voltages and ADC codes; only reads.

    Exit code 0 when every item passes, 1 when one fails, 3 when the board cannot be reached.
    """
    with open_board_array(url) as array:
        items = run_selftest(array)
    passed = all(item.passed for item in items)
    if as_json:
        show_document({"board": url, "passed": passed, "items": [asdict(item) for item in items]})
    else:
        for item in items:
            word = "PASS" if item.passed else "FAIL"
            click.echo(f"{word}  {item.name:<16} {item.detail}", err=True)
    if not passed:
        raise Exit(1)
