"""`memlab transfer`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli.experiment_options import experiment_options
from memlab.cli.kind_names import KindCommand
from memlab.cli.options import EXISTING, label_options
from memlab.errors import SettingError


@click.command(cls=KindCommand, families=("experiment",))
@experiment_options("method=ex-situ")
@label_options
@click.option("--tolerance", metavar="S", help="Allowed deviation of a cell in S.  [default: 5e-6]")
@click.option(
    "--from",
    "source",
    type=EXISTING,
    metavar="RUN",
    help="Run file of `memlab train` whose weights are transferred, instead of training.",
)
def transfer(
    name: str,
    boards: tuple[str, ...],
    settings: tuple[str, ...],
    tolerance: str | None,
    source: Path | None,
    as_json: bool,
    quiet: bool,
    **wanted: Any,
) -> None:
    """Train a network in software, write its weights by write-and-verify, infer on the array.

    NAME is the experiment, as in `memlab train`. Says what was lost in transfer: the same network
    in software before, and on the array after. The same as `memlab train` with method=ex-situ.
    With method=layer-by-layer one layer is written, and the rest trained again on what it makes.
    Writes one HDF5 run file and a picture.
    """
    from memlab.cli.summary import run_and_report
    from memlab.experiments import make_plan
    from memlab.experiments.config import Method

    settings = ("method=ex-situ", *settings)
    if tolerance is not None:
        settings = (*settings, f"transfer.tolerance={tolerance}")
    if source is not None:
        settings = (*settings, f"transfer.source={json.dumps(str(source.absolute()))}")
    plan = make_plan(name, board=boards, settings=settings, **wanted)
    if plan.config.method is Method.IN_SITU:
        raise SettingError(
            f"memlab transfer trains ex situ; for method={plan.config.method} use memlab train"
        )
    run_and_report(plan, as_json=as_json, quiet=quiet)
