"""One trial: a plan whose name is a hash of its configuration, and the run file it makes.

A trial runs anywhere - here, in another process, on a machine of a cluster that shares no disk -
and returns its run file as bytes: only the process that was asked for the sweep writes to its
directory.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401 - loads the BLAS that is limited below
from threadpoolctl import threadpool_limits

from memlab.chip.shape import PUBLISHED, shape_text
from memlab.errors import DataError
from memlab.experiments import make_plan, resume, run
from memlab.runs import open_run
from memlab.session import find_checkpoint

__all__ = ["Outcome", "Trial", "remove_hidden", "run_trial"]


@dataclass(frozen=True)
class Trial:
    """One run of a sweep; everything in it is plain, so that it travels anywhere.

    Parameters
    ----------
    experiment, preset, board, seed, epochs, settings
        As for `memlab train`.
    name
        Hash of the configuration, the seed, the experiment and the board.
    index
        Its place in the table: one number for each axis, then that of the seed.
    """

    experiment: str
    preset: str
    board: str
    seed: int
    epochs: int | None
    settings: tuple[str, ...]
    name: str
    index: tuple[int, ...]

    @classmethod
    def make(
        cls,
        experiment: str,
        preset: str,
        board: str,
        seed: int,
        epochs: int | None,
        settings: tuple[str, ...],
        index: tuple[int, ...],
    ) -> Trial:
        """Check a trial and give it its name.

        Raises
        ------
        SettingError
            If `memlab train` would refuse it.
        """
        plan = make_plan(
            experiment, preset=preset, board=board, seed=seed, epochs=epochs, settings=settings
        )
        identity = {
            "experiment": experiment,
            "preset": preset,
            "board": board,
            "config": _identity(plan.config.model_dump(mode="json")),
        }
        text = json.dumps(identity, sort_keys=True, separators=(",", ":"))
        name = hashlib.sha256(text.encode()).hexdigest()[:20]
        return cls(experiment, preset, board, seed, epochs, settings, name, index)


def _identity(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without what nobody gave of what trials were named without before."""
    chip = {name: value for name, value in config["chip"].items() if _given(name, value)}
    return {name: value for name, value in config.items() if _given(name, value)} | {"chip": chip}


def _given(name: str, value: Any) -> bool:
    """Return whether a setting is part of a trial's name: limits and shapes that are others."""
    if name == "limits":
        return any(limit is not None for limit in value.values())
    return name != "shape" or value != shape_text(PUBLISHED)


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: the bytes of its run file, or the reason why there are none."""

    trial: Trial
    content: bytes | None
    error: str | None = None


def run_trial(trial: Trial, unfinished: Path | None = None) -> Outcome:
    """Run a trial, and return its run file; an error of the run is a result too.

    One BLAS thread: trials run side by side, and a threaded BLAS would give other last bits.

    Parameters
    ----------
    trial
        What to run.
    unfinished
        Directory in which its run file is written, and left when the process ends too early: the
        trial goes on from there. By default a temporary one.
    """
    try:
        with threadpool_limits(limits=1):
            if unfinished is not None:
                return Outcome(trial, _content(trial, unfinished))
            with tempfile.TemporaryDirectory(prefix="memlab-trial-") as directory:
                return Outcome(trial, _content(trial, Path(directory)))
    except Exception as error:
        return Outcome(trial, None, f"{type(error).__name__}: {' '.join(str(error).split())}")


def _content(trial: Trial, directory: Path) -> bytes:
    """Run a trial in a directory, or finish it there; return its run file, which is removed."""
    out = directory / f"{trial.name}.h5"
    if _can_go_on(out):
        resume(out, figure=False)
    else:
        _clear(trial, directory)
        plan = make_plan(
            trial.experiment,
            preset=trial.preset,
            board=trial.board,
            seed=trial.seed,
            epochs=trial.epochs,
            settings=trial.settings,
            out=out,
        )
        run(plan, figure=False)
    content = out.read_bytes()
    _clear(trial, directory)
    return content


def _clear(trial: Trial, directory: Path) -> None:
    """Remove what a trial has left: its file, half a copy of it, its best weights."""
    for left in directory.glob(f"{trial.name}*"):
        left.unlink()


def remove_hidden(directory: Path) -> None:
    """Remove what killed trials have left in a directory, and belongs to no run file there.

    Locks and checkpoints are known by the run; what was half written has nobody any more. Nobody
    may be working there.
    """
    known = set()
    for file in directory.glob("*.h5"):
        with suppress(DataError):
            known.add(open_run(file).run_id)
    for left in directory.glob(".*"):
        if left.name.split(".")[1] not in known:
            with suppress(OSError):
                left.unlink()


def _can_go_on(out: Path) -> bool:
    """Whether there is a run file that is finished, or has a checkpoint."""
    try:
        if not open_run(out).finished:
            find_checkpoint(out)
    except DataError:  # there is none, or it ended before there was anything to keep
        return False
    return True
