"""Tables on stdout: as wide as the terminal, and in a pipe one line for each row, unbroken."""

from __future__ import annotations

import os
import re

from rich.console import Console
from rich.table import Table
from rich.text import Text

from memlab.markup import plain

__all__ = ["add_row", "print_table", "results_console"]

_NO_END = 100_000
"""Columns of what is no terminal: whoever reads it looks for whole names."""


def results_console() -> Console:
    """Return a console on stdout; COLUMNS says how wide it is where nothing else does."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_NO_END)


def add_row(table: Table, *cells: str) -> None:
    """Add a row of texts that anybody may have written, names of files among them, as they are.

    No terminal obeys them, and brackets are no markup.
    """
    table.add_row(*(Text(plain(cell)) for cell in cells))


def print_table(table: Table) -> None:
    """Print a table; no line ends in spaces."""
    console = results_console()
    with console.capture() as caught:
        console.print(table)
    text = caught.get()
    if not console.is_terminal:
        text = re.sub(r" +$", "", text, flags=re.MULTILINE)
    print(text, end="")
