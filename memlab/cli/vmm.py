"""`memlab vmm`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.chip.limit_changes import LimitChanges
from memlab.cli.command import Command
from memlab.cli.options import (
    board_option,
    gain_option,
    json_option,
    label_options,
    limits_option,
    load_option,
)
from memlab.cli.streams import show_document
from memlab.operations import LoadChoice, multiply
from memlab.session import Labels


@click.command(cls=Command)
@click.argument("voltages", type=click.Path(dir_okay=False, path_type=Path))
@board_option
@click.option("--rows", default="", metavar="LINES", help="Rows, for example 0:16 or 3,5.")
@click.option("--columns", default="", metavar="LINES", help="Columns, for example 0:8.")
@gain_option
@load_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of currents to write, .npy or .h5.  [default: memlab-runs/vmm-...npy]",
)
@limits_option
@label_options
@json_option
def vmm(
    voltages: Path,
    url: str,
    rows: str,
    columns: str,
    gain: int,
    load: str | None,
    out: Path | None,
    limits: LimitChanges | None,
    as_json: bool,
    labels: Labels,
) -> None:
    """Multiply the voltage vectors of VOLTAGES.npy, (..., rows) in V, by the conductances.

    The currents, (..., columns) in A, go to a .npy file, or with the raw codes to an .h5 file.
    """
    choice = LoadChoice(load or LoadChoice.SELECTION)
    document = multiply(
        voltages,
        url,
        rows=rows,
        columns=columns,
        gain=gain,
        load=choice,
        out=out,
        limits=limits,
        labels=labels,
    )
    if as_json:
        show_document(document)
        return
    click.echo(
        f"{document['vectors']} vectors multiplied, {document['saturated']} saturated readings\n"
        f"load     {document['load']['words']}\n"
        f"currents {document['out']}"
    )
