"""`memlab read`."""

from __future__ import annotations

from typing import Any

import rich_click as click

from memlab.cli import options
from memlab.cli.command import Command
from memlab.cli.streams import tell
from memlab.operations import LoadChoice, read_map
from memlab.regions import Region
from memlab.units import fixed, prefixed


@click.command(cls=Command)
@options.board_option
@options.region_options
@options.gain_option
@options.load_option
@options.out_option(
    "File to write, .npy or .h5; the picture goes beside it.  [default: memlab-runs/read-...]"
)
@options.limits_option
@options.label_options
@options.json_option
def read(url: str, region: Region, load: str | None, as_json: bool, **wanted: Any) -> None:
    """Read the conductance map of an array, in S; the device is not changed.

    Other rows than the selected ones float and other gates are closed meanwhile, unless --load
    array; the output says so, for it matters where wires have resistance.

    A .npy file holds the whole array with NaN outside the region, as `memlab program` takes it; an
    .h5 file also holds the raw codes.
    """
    choice = LoadChoice(load or LoadChoice.SELECTION)
    tell(read_map(url, region, load=choice, **wanted), as_json, _words)


def _words(document: dict[str, Any]) -> list[str]:
    values = [document[key] for key in ("minimum", "median", "maximum")]
    factor, unit = prefixed(max(abs(value) for value in values) or 1e-6, "S")
    low, middle, high = (fixed(value / factor) for value in values)
    return [
        f"{document['cells']} cells: {low} to {high} {unit}, median {middle} {unit}; "
        f"{document['saturated']} saturated readings",
        f"load     {document['load']['words']}",
        f"map      {document['out']}",
        f"picture  {document['figure']}",
    ]
