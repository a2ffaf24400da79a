"""Runs an experiment from configuration to closed run file and picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from drivers import stopping
from memlab.array import Array
from memlab.errors import DataError, SettingError
from memlab.experiments.config import ExperimentConfig
from memlab.experiments.experiment import Experiment
from memlab.experiments.given import is_npz
from memlab.experiments.kind import ExperimentKind, load_experiment
from memlab.kinds import Family, Kinds
from memlab.runs import GoodLines, load_good_lines
from memlab.runs.trained import recorded_preset
from memlab.session import (
    UNLABELLED,
    Checkpoint,
    Labels,
    Request,
    Told,
    Vouched,
    check_boards,
    configure,
    find_checkpoint,
    open_arrays,
    open_unfinished,
    place_for,
    read_config,
    recorded,
)
from memlab.settings import apply_settings, merge_settings
from memlab.training import Observer

__all__ = [
    "BEFORE",
    "EXPERIMENTS",
    "Experiment",
    "Plan",
    "explain_preset",
    "make_plan",
    "open_for",
    "resume",
    "run",
]


EXPERIMENTS = Kinds(Family.EXPERIMENT)
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
    labels: Labels = UNLABELLED
    run_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def kind(self) -> type[ExperimentKind]:
        """The experiment as a kind of run."""
        return load_experiment(self.experiment)

    def request(self) -> Request:
        """Return what the run file says before anything is done."""
        return Request(
            self.kind,
            _named(self),
            self.out,
            self.boards,
            self.config.model_dump(mode="json"),
            {"experiment": self.experiment, "preset": self.preset, "seed": self.config.seed},
            {} if self.good is None else self.good.attributes(),
            self.run_id,
            self.labels,
        )


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
    labels: Labels = UNLABELLED,
    config_file: Path | None = None,
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
    labels
        Tags and note of the run.
    config_file
        A run file whose settings are repeated, or a TOML file of settings; `settings` change them.

    Raises
    ------
    SettingError
        If anything in the request is wrong.
    """
    kind = load_experiment(experiment)
    file = None if config_file is None else read_config(config_file)
    if file is not None:
        file.check_kind(experiment)
        preset = preset or file.preset or None
    if preset is None:
        preset = kind.default_preset()
        asked = apply_settings(kind.make_config(preset), settings)
        source = asked.weights or asked.transfer.source
        if source and not is_npz(Path(source)):
            preset = recorded_preset(Path(source)) or BEFORE
    boards = check_boards((board,) if isinstance(board, str) else tuple(board))
    config: ExperimentConfig = configure(kind, preset, file, settings, boards=boards)
    given = {"seed": seed, "train.epochs": epochs}
    config = apply_settings(config, [f"{k}={v}" for k, v in given.items() if v is not None])
    if good is not None and len(boards) > 1:
        raise SettingError("good lines belong to one chip; name one board with --good")
    config.train.check_schedule()
    out = place_for(out, "-".join(filter(None, [experiment, preset, f"seed{config.seed}"])))
    lines = None if good is None else load_good_lines(good)
    return Plan(experiment, preset, boards, config, out, lines, labels)


def explain_preset(plan: Plan) -> str:
    """Return one line about the preset of a plan, and those that could be chosen instead."""
    presets = dict(plan.kind.presets)
    about = presets.pop(plan.preset).about if plan.preset else plan.kind.about
    others = [f"--preset {name}: {one.about}" for name, one in presets.items()]
    return f"{_named(plan)}: {'; '.join([about, *others])}"


def _named(plan: Plan) -> str:
    return f"{plan.experiment}, preset {plan.preset}" if plan.preset else plan.experiment


@stopping.stopped_in_order()
def run(
    plan: Plan,
    observers: Sequence[Observer] = (),
    *,
    figure: bool = True,
    told: Told | None = None,
) -> dict[str, Any]:
    """Run a plan, in situ or ex situ, and return its result document.

    Programs the arrays. However it ends, they are grounded and the run file closed, with
    everything measured so far in it. With `figure`, a picture is drawn beside it, after `told` was
    called with the document.

    Returns
    -------
    The document of `memlab train --json`: run, figure, experiment, preset, board, seed, seconds,
    metrics and counts, for an emulated board what the run would cost on the real one, and with
    `method=ex-situ` what the transfer did.
    """
    return _carry_out(plan, observers, figure, told)


@stopping.stopped_in_order()
def resume(
    path: Path,
    observers: Sequence[Observer] = (),
    *,
    figure: bool = True,
    told: Told | None = None,
    board_restarted: bool = False,
    record_lost: bool = False,
) -> dict[str, Any] | None:
    """Finish a run that was killed or interrupted; return its document, None if it is finished.

    It goes on from its last checkpoint. An emulated chip in this process goes back to that, and so
    do the passport and the run file: everything is then as if nothing had happened.

    Parameters
    ----------
    path
        Its run file, under whatever name it is now.
    observers, figure, told
        As for `run`.
    board_restarted
        The board was restarted since, and the chip has kept its state; the run file notes it.
    record_lost
        No copy of the run has gone on, although this computer's record of the board does not know
        what the run has sent, or others have pulsed the board since: what was sent after the
        checkpoint is in doubt, and not sent again.

    Raises
    ------
    DataError
        If it is no run of an experiment, is alive, or has no checkpoint that fits it; or if the
        board is another one, was restarted, or may have been pulsed by a copy of the run.
    """
    if (found := open_unfinished(path, figure=figure)) is None:
        return None
    if found.family is not Family.EXPERIMENT:
        raise DataError(f"{path} is a run of {found.kind}, and not of an experiment")
    config: ExperimentConfig = load_experiment(found.kind).make_config(found.preset)
    checkpoint = find_checkpoint(path)
    plan = Plan(
        found.kind,
        found.preset,
        check_boards(found.boards),
        merge_settings(config, found.settings, str(path)),
        path,
        GoodLines.of_attributes(found.attributes),
        Labels(found.tags, found.note),
        found.run_id,
    )
    vouched = Vouched(board_restarted, record_lost)
    return _carry_out(plan, observers, figure, told, checkpoint, vouched)


def _carry_out(
    plan: Plan,
    observers: Sequence[Observer],
    figure: bool,
    told: Told | None,
    checkpoint: Checkpoint | None = None,
    vouched: Vouched = Vouched(),  # noqa: B008 - frozen
) -> dict[str, Any]:
    """Run a plan from its beginning, or from a checkpoint on."""
    kind = plan.kind(plan.config)
    with open_for(plan, plan.boards) as arrays:
        given, request = kind.check(arrays), plan.request()
        with recorded(
            request,
            arrays,
            link=plan.config.link,
            checkpoint=checkpoint,
            vouched=vouched,
            given=given,
            watchers=observers,
        ) as session:
            kind.run(session)
    return session.document(figure=figure, told=told)


def open_for(plan: Plan, boards: Sequence[str]) -> AbstractContextManager[list[Array]]:
    """Open arrays as the plan of an experiment wants them; `boards` may be others than its own."""
    config = plan.config
    return open_arrays(
        boards,
        seed=config.seed,
        chip=config.chip,
        point=config.point.make_point(),
        limits=config.limits,
        good=plan.good,
    )
