"""How `memlab train` and `memlab transfer` run: progress on stderr, and a document or a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import rich_click as click

from memlab.cli.progress import TrainingProgress
from memlab.cli.reached import cells_reached
from memlab.cli.streams import show_document, tell
from memlab.errors import DataError
from memlab.experiments import Plan, resume, run
from memlab.experiments.runner import explain_preset
from memlab.kinds import kind_of_run
from memlab.runs import Run, open_run
from memlab.session import named_in_errors
from memlab.units import prefixed

__all__ = ["resume_and_report", "run_and_report"]


def run_and_report(plan: Plan, *, as_json: bool, quiet: bool) -> None:
    """Run a plan; print its document on stdout, or a summary for people."""
    progress = TrainingProgress(explain_preset(plan), quiet=quiet)
    with named_in_errors(plan.out), progress:
        run(plan, [progress], told=_teller(progress, as_json))


def resume_and_report(path: Path, *, as_json: bool, quiet: bool, **vouched: bool) -> None:
    """Finish the run of a file, and tell as `run_and_report` does."""
    with TrainingProgress(f"{path}: going on from its last checkpoint", quiet=quiet) as progress:
        document = resume(path, [progress], told=_teller(progress, as_json), **vouched)
    if document is None:
        report_finished(path, as_json)


def _teller(progress: TrainingProgress, as_json: bool) -> Callable[[dict[str, Any]], None]:
    """Return what prints a document before the picture is drawn."""

    def told(document: dict[str, Any]) -> None:
        progress.end()
        tell(document, as_json, _words)
        sys.stdout.flush()

    return told


def report_finished(path: Path, as_json: bool) -> None:
    """Tell that nothing of a run was left to do."""
    click.echo(f"{path}: finished; nothing was left to run", err=as_json)
    if as_json:
        show_document({"run": str(path), "status": "finished"})


def _on_board(document: dict[str, Any]) -> list[str]:
    if "on_board" not in document:
        return []
    cost = document["on_board"]
    return [
        f"on the board: {cost['seconds']:.3g} s (analogue {cost['analogue_seconds']:.3g} s, "
        f"link {cost['link_seconds']:.3g} s), {_energy(cost['energy'])}"
    ]


def _energy(joules: float) -> str:
    factor, unit = prefixed(joules, "J")
    return f"{joules / factor:.3g} {unit}"


def _given(document: dict[str, Any]) -> list[str]:
    """Which part of the weights that a user gave the cells cannot hold."""
    if not document.get("given", {}).get("clipped"):
        return []
    given = document["given"]
    return [
        f"weights given: {given['clipped']:.1%} of {given['cells']} cells cannot reach theirs "
        "within the gate voltages allowed and start at the nearest; mapping.siemens_per_weight "
        "scales them"
    ]


def _held_out(document: dict[str, Any]) -> list[str]:
    """What the samples said that were held out; the metrics are those of the last update."""
    if "best" not in document:
        return []
    metrics, best = document["metrics"], document["best"]
    return [
        f"held out: loss {metrics['validation_loss']:.5f} after epoch {metrics['epochs']:.0f}, the "
        f"last; lowest {best['validation_loss']:.5f} after epoch {best['epoch']}: its weights are "
        f"in {best['weights']}, which --weights takes"
    ]


def _in_transfer(document: dict[str, Any]) -> list[str]:
    """Software before and array after, and what became of the cells."""
    if "transfer" not in document:
        return []
    metrics, found = document["metrics"], document["transfer"]
    lines = _weights_of(open_run(Path(document["run"])))
    lines += [
        f"{name}: {metrics[name] - change:.4g} in software, {metrics[name]:.4g} after transfer "
        f"({change:+.3g})"
        for name, change in found["change"].items()
    ]
    first, *rest = cells_reached(found)
    lines += [f"{first}; {found['clipped']:.1%} of the cells clipped", *rest]
    return lines


def _weights_of(run: Run) -> list[str]:
    """Where weights were trained that were taken over, and not trained in this run."""
    source = run.settings.get("transfer", {}).get("source")
    if not source:
        return []
    with suppress(DataError):  # it may be elsewhere by now
        return [f"weights of {source}, trained on {', '.join(open_run(Path(source)).boards)}"]
    return [f"weights of {source}"]


def _words(document: dict[str, Any]) -> list[str]:
    """Return how it went, for a person."""
    found, counts = open_run(Path(document["run"])), document["counts"]
    return [
        *kind_of_run(found).summarise(found.findings),
        *_given(document),
        *_held_out(document),
        *_in_transfer(document),
        f"{counts['vmm']} vectors multiplied, {counts['set']} SETs, {counts['reset']} RESETs, "
        f"{counts['saturated']} saturated readings, {document['seconds']:.1f} s",
        *_on_board(document),
        f"run file {document['run']}",
        f"picture  {document['figure']}",
    ]
