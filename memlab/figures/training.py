"""The picture of a training run: results, loss, the array before and after, raw vectors."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py
from matplotlib.figure import Figure, SubFigure

from memlab.figures.declared import Part, draw_loss, found_parts, plot_parts
from memlab.figures.heading import run_heading
from memlab.figures.traces import code_groups, draw_traces, recorded_updates
from memlab.figures.weights import block_groups, draw_weights
from memlab.figures.write_verify import draw_write_verify
from memlab.runs import Run

__all__ = ["loss_part", "plot_training"]


def plot_training(
    run: Run, picture: Path, results: list[Part] | None = None, loss_name: str = "Loss"
) -> bool:
    """Draw what a run found, its loss, its array, and what the board measured.

    Parameters
    ----------
    run, picture
        What to draw, and where; a picture that is there is replaced.
    results
        What is drawn of a finished run; by default the loss, and what it declares. A run that was
        interrupted, or is still going on, has no results yet; the rest is drawn.
    loss_name
        What was minimised.
    """
    if not run.finished:
        results = [loss_part(run, loss_name)]
    elif results is None:
        results = [loss_part(run, loss_name), *found_parts(run)]
    with run.entry() as entry:
        blocks, codes = block_groups(entry), code_groups(entry)
        transfers = [entry[name] for name in entry if name.startswith("transfer")]
        parts = list(results)
        if blocks:
            parts.append((8.0, lambda part: draw_weights(part, entry, blocks)))
        for number, group in enumerate(transfers):
            if not group["read"].size:
                continue
            name = f"Array {number}" if len(transfers) > 1 else ""
            parts.append((8.2, partial(_draw_transfer, group=group, name=name)))
        if codes:
            parts.append(
                (0.3 + 3.8 * recorded_updates(codes), lambda part: draw_traces(part, entry, codes))
            )
        return plot_parts(run, picture, parts, _heading(entry, run))


def loss_part(run: Run, loss_name: str = "Loss") -> Part:
    """Return the loss before every update."""
    return 3.6, lambda part: draw_loss(part.subplots(), run, loss_name)


def _heading(entry: h5py.Group, run: Run) -> str:
    heading = run_heading(entry, run.path, f"{run.title}, seed {run.seed}")
    # What was learnt belongs on the picture: a stand-in must not pass for the published data.
    return f"{heading}\n{entry['test'].attrs['source']}" if "test" in entry else heading


def _draw_transfer(figure: Figure | SubFigure, group: h5py.Group, name: str) -> None:
    draw_write_verify(figure, group)
    if name:
        figure.suptitle(name)
