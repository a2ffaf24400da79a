"""Runs an experiment from configuration to closed run file and picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers import stopping
from memlab._version import __version__
from memlab.array import Array
from memlab.cost import COST_UNITS, total_cost
from memlab.emulator.blas import one_blas_thread
from memlab.errors import SettingError
from memlab.experiments import airline, airline_window, gait, mnist_cnn, mnist_sequence, wafer
from memlab.experiments.arrays import check_boards, open_arrays, total_counts
from memlab.experiments.config import ExperimentConfig, Method
from memlab.experiments.ex_situ import ExSitu
from memlab.experiments.experiment import Experiment, MakeExperiment, Outcome
from memlab.experiments.given import is_npz
from memlab.experiments.in_situ import InSitu
from memlab.runs import (
    Family,
    GoodLines,
    RunFile,
    check_out,
    describe_versions,
    load_good_lines,
    schema_attributes,
    write_findings,
)
from memlab.runs.ending import closed_in_order, named_in_errors
from memlab.runs.trained import recorded_preset
from memlab.settings import apply_settings
from memlab.storage import default_path, make_directory
from memlab.training import Observer

__all__ = [
    "BEFORE",
    "EXPERIMENTS",
    "Experiment",
    "Plan",
    "create_run_file",
    "explain_preset",
    "make_plan",
    "run",
]


@dataclass(frozen=True)
class _Entry:
    presets: dict[str, Callable[[], Any]]
    about: dict[str, str]
    make: MakeExperiment

    @property
    def default(self) -> str:
        """The preset of those who name none: our recipe where there is one."""
        return "memlab" if "memlab" in self.presets else "paper"


EXPERIMENTS: dict[str, _Entry] = {
    "airline": _Entry(airline.PRESETS, airline.ABOUT, airline.AirlineExperiment),
    "airline-window": _Entry(
        airline_window.PRESETS, airline_window.ABOUT, airline_window.AirlineWindowExperiment
    ),
    "gait": _Entry(gait.PRESETS, gait.ABOUT, gait.make_gait_experiment),
    "mnist-cnn": _Entry(mnist_cnn.PRESETS, mnist_cnn.ABOUT, mnist_cnn.make_mnist_cnn_experiment),
    "mnist-sequence": _Entry(
        mnist_sequence.PRESETS, mnist_sequence.ABOUT, mnist_sequence.make_mnist_sequence_experiment
    ),
    "wafer": _Entry(wafer.PRESETS, wafer.ABOUT, wafer.make_wafer_experiment),
}
"""The experiments by the name that users type."""

BEFORE = "paper"
"""The preset of runs and sweeps that do not say theirs: once it was the default of all."""


@dataclass(frozen=True)
class Plan:
    """A checked request: running it needs nothing more."""

    experiment: str
    preset: str
    boards: tuple[str, ...]
    config: ExperimentConfig
    out: Path
    good: GoodLines | None = None

    @property
    def board(self) -> str:
        """The URL of the board, or those of several with spaces between them."""
        return " ".join(self.boards)


def make_plan(
    experiment: str,
    *,
    preset: str | None = None,
    board: str | Sequence[str] = "emulator:",
    seed: int | None = None,
    epochs: int | None = None,
    settings: Sequence[str] = (),
    out: Path | None = None,
    good: Path | None = None,
) -> Plan:
    """Check a request and return what will be run; touches nothing.

    Parameters
    ----------
    experiment, preset, seed, epochs, settings, out
        As for `memlab train`. Without a preset, it is that of the run whose weights are transferred
        (`transfer.source`), else the experiment's default.
    board
        URL of the array, or of the arrays that the network lies on together.
    good
        Run file of `memlab characterize yield`: only its good rows and columns are used, as an
        array of that many lines.

    Raises
    ------
    SettingError
        If anything in the request is wrong.
    """
    if experiment not in EXPERIMENTS:
        raise SettingError(
            f"unknown experiment {experiment!r}; choose one of {', '.join(EXPERIMENTS)}"
        )
    presets = EXPERIMENTS[experiment].presets
    if preset is None:
        preset = EXPERIMENTS[experiment].default
        asked = apply_settings(presets[preset](), settings)
        source = asked.weights or asked.transfer.source
        if source and not is_npz(Path(source)):
            preset = recorded_preset(Path(source)) or BEFORE
    if preset not in presets:
        raise SettingError(
            f"unknown preset {preset!r} of {experiment}; choose one of {', '.join(presets)}"
        )
    config: ExperimentConfig = apply_settings(presets[preset](), settings)
    if seed is not None:
        config = apply_settings(config, [f"seed={seed}"])
    if epochs is not None:
        config = apply_settings(config, [f"train.epochs={epochs}"])
    boards = check_boards((board,) if isinstance(board, str) else tuple(board))
    if good is not None and len(boards) > 1:
        raise SettingError("good lines belong to one chip; name one board with --good")
    if out is None:
        out = default_path(f"{experiment}-{preset}-seed{config.seed}", ".h5")
    else:
        check_out(out)
    lines = None if good is None else load_good_lines(good)
    return Plan(experiment, preset, boards, config, out, lines)


def explain_preset(plan: Plan) -> str:
    """Return one line about the preset of a plan, and those that could be chosen instead."""
    about = EXPERIMENTS[plan.experiment].about
    others = [f"--preset {name}: {text}" for name, text in about.items() if name != plan.preset]
    return f"{plan.experiment}, preset {plan.preset}: {about[plan.preset]}; {'; '.join(others)}"


@stopping.stopped_in_order()
def run(plan: Plan, observers: Sequence[Observer] = (), *, figure: bool = True) -> dict[str, Any]:
    """Run a plan, in situ or ex situ, and return its result document.

    Programs the arrays. However it ends, they are grounded and the run file closed, with
    everything measured so far in it. With `figure`, a picture is drawn beside it.

    Returns
    -------
    The document of `memlab train --json`: run, figure, experiment, preset, board, seed, seconds,
    metrics and counts, for an emulated board what the run would cost on the real one, and with
    `method=ex-situ` what the transfer did.
    """
    entry, config = EXPERIMENTS[plan.experiment], plan.config
    start = time.perf_counter()
    with open_arrays(plan.boards, config, plan.good) as arrays:
        for array in arrays:
            if array.passport is not None:
                array.passport.begin_run(str(plan.out.resolve()))
        method: InSitu | ExSitu
        if config.method is Method.EX_SITU:
            method = ExSitu(entry.make, config, arrays)
        else:
            method = InSitu(entry.make, config, arrays)
        run_file = create_run_file(plan, arrays)
        results: dict[str, Any] = {}
        outcome: Outcome | None = None

        def complete(entry: Any) -> None:
            if outcome is not None:
                write_findings(entry, outcome.findings())

        with closed_in_order(run_file, results, complete):
            # The products are thin: more threads make them slower, and change their last bits.
            with one_blas_thread():
                outcome = method.run(run_file, observers)
            results |= {
                "seconds": time.perf_counter() - start,
                "metrics": outcome.metrics,
                "counts": total_counts(arrays),
                **outcome.details,
            }
            cost = total_cost(arrays, config.link)
            if cost:
                results["on_board"] = cost.document()
    picture = plan.out.with_suffix(".png") if figure else None
    if picture is not None:
        # Loaded here: a sweep starts many processes that draw nothing.
        from memlab.figures import plot_training_run

        with named_in_errors(plan.out):
            plot_training_run(plan.out, picture)
    return {
        "run": str(plan.out),
        "figure": None if picture is None else str(picture),
        "experiment": plan.experiment,
        "preset": plan.preset,
        "board": plan.board,
        "seed": config.seed,
        **results,
        "units": {**(COST_UNITS if cost else {}), **outcome.units},
    }


def create_run_file(plan: Plan, arrays: Sequence[Array]) -> RunFile:
    """Create the run file with everything that is known before the run."""
    config = plan.config
    make_directory(plan.out.parent)
    run_file = RunFile(
        plan.out,
        f"{plan.experiment}, preset {plan.preset}",
        {
            **schema_attributes(plan.experiment, Family.EXPERIMENT),
            "experiment": plan.experiment,
            "preset": plan.preset,
            "board": plan.board,
            "seed": config.seed,
            "program": f"memlab {__version__}",
        },
    )
    run_file.group(
        "config",
        "NXcollection",
        {"json": config.model_dump_json(), **config.model_dump(mode="json")},
    )
    _describe(arrays, run_file)
    run_file.group("versions", "NXcollection", describe_versions())
    return run_file


def _describe(arrays: Sequence[Array], run_file: RunFile) -> None:
    """Write the identity of the array, or of each of several, into `instrument`."""
    if len(arrays) == 1:
        run_file.group("instrument", "NXinstrument", arrays[0].describe())
        return
    run_file.group("instrument", "NXinstrument", {"arrays": len(arrays)})
    for number, array in enumerate(arrays):
        run_file.group(f"instrument/array_{number}", "NXcollection", array.describe())
