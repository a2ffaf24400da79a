"""`memlab vmm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli import options
from memlab.cli.command import Command
from memlab.cli.streams import tell
from memlab.operations import LoadChoice, multiply


@click.command(cls=Command)
@click.argument("voltages", type=options.NEW)
@options.board_option
@options.line_options
@options.gain_option
@options.load_option
@options.out_option("File of currents to write, .npy or .h5.  [default: memlab-runs/vmm-...npy]")
@options.limits_option
@options.label_options
@options.json_option
def vmm(voltages: Path, url: str, load: str | None, as_json: bool, **wanted: Any) -> None:
    """Multiply the voltage vectors of VOLTAGES.npy, (..., rows) in V, by the conductances.

    The currents, (..., columns) in A, go to a .npy file, or with the raw codes to an .h5 file.
    """
    choice = LoadChoice(load or LoadChoice.SELECTION)
    tell(multiply(voltages, url, load=choice, **wanted), as_json, _words)


def _words(document: dict[str, Any]) -> list[str]:
    return [
        f"{document['vectors']} vectors multiplied, {document['saturated']} saturated readings",
        f"load     {document['load']['words']}",
        f"currents {document['out']}",
    ]
