"""`memlab train`."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from memlab.cli.experiment_options import experiment_options
from memlab.cli.kind_names import KindCommand
from memlab.cli.options import label_options
from memlab.cli.summary import run_and_report
from memlab.experiments import make_plan
from memlab.kinds import Family
from memlab.session import Labels


@click.command(cls=KindCommand, families=(Family.EXPERIMENT,))
@experiment_options()
@label_options
def train(
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
) -> None:
    """Train a network in situ: forward on the array, back-propagation in software, two pulses.

    NAME is the experiment, of those below. Data: `memlab data list`.
    Writes one HDF5 run file and a picture.
    """
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
    run_and_report(plan, as_json=as_json, quiet=quiet)
