"""`memlab transfer`."""

from __future__ import annotations

import json
from pathlib import Path

import rich_click as click

from memlab.cli.experiment_options import experiment_options
from memlab.cli.kind_names import KindCommand
from memlab.cli.options import label_options
from memlab.cli.summary import run_and_report
from memlab.errors import SettingError
from memlab.experiments import make_plan
from memlab.experiments.config import Method
from memlab.kinds import Family
from memlab.session import Labels


@click.command(cls=KindCommand, families=(Family.EXPERIMENT,))
@experiment_options("method=ex-situ")
@label_options
@click.option("--tolerance", metavar="S", help="Allowed deviation of a cell in S.  [default: 5e-6]")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="RUN",
    help="Run file of `memlab train` whose weights are transferred, instead of training.",
)
def transfer(
    name: str,
    boards: tuple[str, ...],
    preset: str | None,
    seed: int | None,
    epochs: int | None,
    out: Path | None,
    good: Path | None,
    settings: tuple[str, ...],
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    labels: Labels,
    tolerance: str | None,
    source: Path | None,
) -> None:
    """Train a network in software, write its weights by write-and-verify, infer on the array.

    NAME is the experiment, as in `memlab train`. Says what was lost in transfer: the same network
    in software before, and on the array after. The same as `memlab train` with method=ex-situ.
    Writes one HDF5 run file and a picture.
    """
    settings = ("method=ex-situ", *settings)
    if tolerance is not None:
        settings = (*settings, f"transfer.tolerance={tolerance}")
    if source is not None:
        settings = (*settings, f"transfer.source={json.dumps(str(source.absolute()))}")
    plan = make_plan(
        name,
        preset=preset,
        board=boards,
        seed=seed,
        epochs=epochs,
        settings=settings,
        out=out,
        good=good,
        labels=labels,
        config_file=config_file,
    )
    if plan.config.method is not Method.EX_SITU:
        raise SettingError(
            f"memlab transfer trains ex situ; for method={plan.config.method} use memlab train"
        )
    run_and_report(plan, as_json=as_json, quiet=quiet)
