"""`memlab read`."""

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
    region_options,
)
from memlab.cli.streams import show_document
from memlab.operations import LoadChoice, read_map
from memlab.regions import Region
from memlab.session import Labels
from memlab.units import prefixed


@click.command(cls=Command)
@board_option
@region_options
@gain_option
@load_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File to write, .npy or .h5; the picture goes beside it.  [default: memlab-runs/read-...]",
)
@limits_option
@label_options
@json_option
def read(
    url: str,
    region: Region,
    gain: int,
    load: str | None,
    out: Path | None,
    limits: LimitChanges | None,
    as_json: bool,
    labels: Labels,
) -> None:
    """Read the conductance map of an array, in S; the device is not changed.

    Other rows than the selected ones float and other gates are closed meanwhile, unless --load
    array; the output says so, for it matters where wires have resistance.

    A .npy file holds the whole array with NaN outside the region, as `memlab program` takes it; an
    .h5 file also holds the raw codes.
    """
    choice = LoadChoice(load or LoadChoice.SELECTION)
    document = read_map(url, region, gain=gain, load=choice, out=out, limits=limits, labels=labels)
    if as_json:
        show_document(document)
        return
    values = [document[key] for key in ("minimum", "median", "maximum")]
    factor, unit = prefixed(max(abs(value) for value in values) or 1e-6, "S")
    low, middle, high = (value / factor + 0.0 for value in values)
    lines = [
        f"{document['cells']} cells: {low:.2f} to {high:.2f} {unit}, median {middle:.2f} {unit}; "
        f"{document['saturated']} saturated readings",
        f"load     {document['load']['words']}",
        f"map      {document['out']}",
        f"picture  {document['figure']}",
    ]
    click.echo("\n".join(lines))
