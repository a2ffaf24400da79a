"""`memlab train`."""

from __future__ import annotations

from typing import Any

import rich_click as click

from memlab.cli.experiment_options import experiment_options
from memlab.cli.kind_names import KindCommand
from memlab.cli.options import label_options


@click.command(cls=KindCommand, families=("experiment",))
@experiment_options()
@label_options
def train(name: str, boards: tuple[str, ...], as_json: bool, quiet: bool, **wanted: Any) -> None:
    """Train a network in situ: forward on the array, back-propagation in software, two pulses.

    NAME is the experiment, of those below. Data: `memlab data list`.
    Writes one HDF5 run file and a picture.
    """
    from memlab.cli.summary import run_and_report
    from memlab.experiments import make_plan

    plan = make_plan(name, board=boards, **wanted)
    run_and_report(plan, as_json=as_json, quiet=quiet)
