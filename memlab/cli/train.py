"""`memlab train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli.progress import TrainingProgress
from memlab.experiments import EXPERIMENTS, make_plan, run


@click.command()
@click.argument("name", metavar="NAME", type=click.Choice(list(EXPERIMENTS)))
@click.option(
    "--board",
    "boards",
    multiple=True,
    default=("emulator:",),
    show_default=True,
    metavar="URL",
    help="Array to train on: emulator:?seed=7&chip=ta-hfo2, or ideal: for a float64 reference. "
    "Give it again for every further array of a network that is too large for one.",
)
@click.option("--preset", default="paper", show_default=True, help="Recipe of the experiment.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything random.  [default: 1]")
@click.option("--epochs", type=click.IntRange(min=0), help="Passes over the training data.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Run file to write; the picture goes beside it.  [default: memlab-runs/NAME-...h5]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Data file or directory.  [default: $MEMLAB_DATA, else ~/.local/share/memlab]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, for example train.lr=0.02 or chip.noise=0; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def train(
    name: str,
    boards: tuple[str, ...],
    preset: str,
    seed: int | None,
    epochs: int | None,
    out: Path | None,
    data: Path | None,
    settings: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a network in situ: forward on the array, back-propagation in software, two pulses.

    NAME is the experiment: airline, airline-window (LSTM, 144 months of airline passengers), gait
    (LSTM, who is walking), mnist-cnn (CNN, digits), mnist-sequence (ConvLSTM, the order of three
    digits), wafer (LSTM, normal or not). Data: `memlab data list`.
    Writes one HDF5 run file and a picture.
    """
    if data is not None:
        settings = (f"data.path={data}", *settings)
    plan = make_plan(
        name, preset=preset, board=boards, seed=seed, epochs=epochs, settings=settings, out=out
    )
    with TrainingProgress(quiet=quiet) as progress:
        document = run(plan, [progress])
    if as_json:
        click.echo(json.dumps(document))
    else:
        _summarise(document)


def _on_board(document: dict[str, Any]) -> list[str]:
    if "on_board" not in document:
        return []
    cost = document["on_board"]
    return [
        f"on the board: {cost['seconds']:.3g} s (analogue {cost['analogue_seconds']:.3g} s, "
        f"link {cost['link_seconds']:.3g} s), {cost['energy'] * 1e3:.3g} mJ"
    ]


def _summarise(document: dict[str, Any]) -> None:
    """Tell a person how it went, on stderr."""
    metrics, counts = document["metrics"], document["counts"]
    if "test_rmse" in metrics:
        lines = [
            "                       train    test    (RMSE, thousand passengers)",
            f"array             {metrics['train_rmse']:10.1f} {metrics['test_rmse']:7.1f}",
            f"persistence       {metrics['persistence_train_rmse']:10.1f} "
            f"{metrics['persistence_test_rmse']:7.1f}",
        ]
    else:
        lines = [
            f"accuracy: train {metrics['train_accuracy']:.2%}, test {metrics['test_accuracy']:.2%},"
            f" test balanced {metrics['test_balanced_accuracy']:.2%}",
        ]
    lines += [
        f"{counts['vmm']} vectors multiplied, {counts['set']} SETs, {counts['reset']} RESETs, "
        f"{counts['saturated']} saturated readings, {document['seconds']:.1f} s",
        *_on_board(document),
        f"run file {document['run']}",
        f"picture  {document['figure']}",
    ]
    for line in lines:
        click.echo(line, err=True)
