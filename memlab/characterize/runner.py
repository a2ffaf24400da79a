"""Runs procedures one after the other on one array, each into a run file and a picture.

The procedures of one command are a session: they see the chip in the state in which the one before
left it. Every run file names all runs of its session, so that `resume` goes on with all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from drivers import stopping
from drivers.board import Board
from drivers.tokens import take_token
from memlab.array.board_array import BoardArray
from memlab.array.load_choice import select
from memlab.array.urls import check_url
from memlab.characterize.bench import Bench, formable_cells
from memlab.characterize.clock import Instant, RunClock, board_clock
from memlab.characterize.procedure import Procedure, ProcedureConfig
from memlab.characterize.registry import load_procedure, restore_procedure
from memlab.characterize.session import (
    Part,
    describe_session,
    find_session,
    note_followed,
    session_identity,
)
from memlab.chip.limits import Limits
from memlab.errors import DataError, LimitError, SettingError
from memlab.numeric import BoolArray
from memlab.regions import Region
from memlab.runs import (
    FinishedLog,
    ProcedureLog,
    Record,
    RunLock,
    check_out,
    open_run,
    read_attributes,
    read_record,
)
from memlab.runs.half_written import remove_not_begun
from memlab.runs.procedure_log import ticket_of
from memlab.session import (
    UNLABELLED,
    Labels,
    Request,
    Vouched,
    configure,
    create_run_file,
    enter_passports,
    finish_up,
    forget_chip,
    keep_chip,
    meter,
    named_in_errors,
    open_chip,
    place_for,
    put_chip_back,
    read_config,
    recorded,
    recorded_limits,
    same_board,
)
from memlab.settings import apply_settings, setting_names
from memlab.storage import make_directory, name_stamp

__all__ = [
    "ProcedurePlan",
    "Watcher",
    "open_for",
    "plan_procedures",
    "resume",
    "run_procedures",
]

LIFE = "board_life"
"""Attribute of a run file: the life of its board."""
OTHERS = "board_others"
"""Attribute of a run file: the last pulses of others that were known of when it was begun."""

Watcher = Callable[[str, int], None]
"""Called with the procedure's name and the number of readings so far."""


@dataclass(frozen=True)
class ProcedurePlan:
    """A checked procedure: running it needs nothing more than an array."""

    procedure: Procedure[Any]
    out: Path
    run_id: str = field(default_factory=lambda: uuid4().hex)
    labels: Labels = UNLABELLED

    @property
    def name(self) -> str:
        """Name of the procedure."""
        return self.procedure.name

    @property
    def config(self) -> ProcedureConfig:
        """Its settings."""
        config: ProcedureConfig = self.procedure.config
        return config

    def request(self, board: str, notes: Mapping[str, Any] | None = None) -> Request:
        """Return what the run file says before anything is done."""
        return Request(
            type(self.procedure),
            self.procedure.title,
            self.out,
            (board,),
            self.config.model_dump(mode="json"),
            {"procedure": self.name, "seed": self.config.seed},
            notes or {},
            self.run_id,
            self.labels,
        )


def plan_procedures(
    names: Sequence[str],
    *,
    board: str = "emulator:",
    seed: int | None = None,
    settings: Sequence[str] = (),
    out: Path | None = None,
    labels: Labels = UNLABELLED,
    config_file: Path | None = None,
) -> list[ProcedurePlan]:
    """Check a request and return what will be run; touches nothing.

    Parameters
    ----------
    names
        Procedures, in order.
    board
        URL of the array.
    seed
        Of an emulated chip whose URL gives none.
    settings
        `key=value`; each must be a setting of at least one of the procedures.
    out
        Run file of the only procedure, or directory for the files of several.
    labels
        Tags and note of each run.
    config_file
        A run file whose settings are repeated, or a TOML file; `settings` change them.

    Raises
    ------
    SettingError
        If anything in the request is wrong.
    """
    board = check_url(board)
    if board.partition(":")[0] == "ideal":
        raise SettingError("ideal: has no device to characterise; use emulator: or a board")
    if not names or len(set(names)) < len(names):
        raise SettingError("name each procedure once, at least one")
    classes = [load_procedure(name) for name in names]
    _check_keys(classes, settings)
    file = None if config_file is None else read_config(config_file)
    given = [*settings, *([] if seed is None else [f"seed={seed}"])]
    stamp = name_stamp()
    plans = []
    for one in classes:
        config = configure(one, "", file, given, names, [board])
        if out is None:
            path = place_for(None, f"{one.name}-seed{config.seed}", stamp=stamp)
        elif len(names) == 1:
            path = out
        else:
            path = out / f"{one.name}.h5"
        plans.append(ProcedurePlan(one(config), path, labels=labels))
    if out is not None:
        _check_places(plans, out)
    return plans


def check_procedures(
    plans: Sequence[ProcedurePlan],
    board: str,
    region: Region = Region(),  # noqa: B008 - frozen
) -> None:
    """Refuse what any of the procedures may not do on a board, which is opened and not driven.

    Raises
    ------
    LimitError, SettingError
        As `run_procedures`.
    """
    with open_for(take_token(board), plans[0].config) as array:
        _picked(plans, array, region)


def run_procedures(
    plans: Sequence[ProcedurePlan],
    board: str,
    region: Region = Region(),  # noqa: B008 - frozen
    *,
    watch: Watcher | None = None,
    figure: bool = True,
) -> list[dict[str, Any]]:
    """Run procedures and return the document of each.

    Programs the array. However it ends, the array is grounded and every run file closed, with
    everything measured so far in it.

    Returns
    -------
    Documents of `memlab characterize --json`: run, figure, procedure, board, seed, seconds,
    results, counts, and for an emulated board what the run would cost on the real one.
    """
    documents: list[dict[str, Any]] = []
    try:
        _run_all(plans, take_token(board), region, watch, figure, documents)
    except KeyboardInterrupt as error:
        # It may have come when all was done, and the array was being closed.
        saved = (*getattr(error, "saved", ()), *(Path(one["run"]) for one in documents))
        error.saved = tuple(dict.fromkeys(saved))  # type: ignore[attr-defined]
        raise
    return documents


@stopping.stopped_in_order()
def _run_all(
    plans: Sequence[ProcedurePlan],
    board: str,
    region: Region,
    watch: Watcher | None,
    figure: bool,
    documents: list[dict[str, Any]],
) -> None:
    """Run procedures on one array; each that is done adds its document."""
    with open_for(board, plans[0].config) as array:
        mask = _picked(plans, array, region)
        session, first = _describe(plans), plans[0].out
        begin = partial(_start, session=session, array=array, board=board, mask=mask)
        make_directory(first.parent)
        with RunLock.beside(first, session_identity(session)), _named(plans, documents):
            for k, plan in enumerate(plans):
                before = plans[k - 1].out if k else None
                log = begin(plan, before)
                if not k:
                    keep_chip(log.run, array)
                documents.append(_run(plan, log, array, watch, figure, before))
            forget_chip(first, plans[0].run_id)
            stopping.check()


@stopping.stopped_in_order()
def resume(
    path: Path,
    *,
    watch: Watcher | None = None,
    figure: bool = True,
    board_restarted: bool = False,
    record_lost: bool = False,
) -> list[dict[str, Any]]:
    """Finish the session of a run file that was killed or interrupted; return its documents.

    There is none where all are finished; no board is opened then.

    On a board nothing is pulsed again, under whatever name the run file is now. An emulated chip in
    process ended with its process: it is made again from its seed, one in a file is put back to
    where the session began, and everything is repeated on it; what was recorded stays.

    Parameters
    ----------
    path
        Run file of a procedure.
    watch
        Told of every reading.
    figure
        Whether to draw a picture beside each run file.
    board_restarted
        The board was restarted since, and the chip has kept its state; the run file notes it.
    record_lost
        Go on although this computer's record of the board does not know what the run has sent, or
        others have pulsed the board since: open batches stay in doubt, and that a copy of the file
        has gone on would not be noticed.

    Raises
    ------
    DataError
        If the file is no procedure's, the run is alive, a copy of it has gone on, or the board is
        another one or was restarted.
    """
    attributes = read_attributes(path)
    if "session" not in attributes:
        raise DataError(f"{path} is not the run file of a procedure (memlab characterize)")
    parts = find_session(path, attributes)
    if all(part.finished for part in parts):
        _finish_up(path, attributes, parts, figure)
        return []
    plans = [_restore(part, Labels.of(attributes)) for part in parts]
    done: list[dict[str, Any]] = []
    vouched = Vouched(board_restarted, record_lost)
    session, board = str(attributes["session"]), attributes["board"]
    with (
        RunLock.of_run(path, attributes, session_identity(session)),
        open_for(board, plans[0].config, recorded_limits(open_run(path))) as array,
    ):
        was = read_attributes(path, "entry/instrument")["board.serial"]
        same_board.check_serial(path, array.board, str(was))
        if array.simulation is None and not vouched.record_lost:
            _check_record(parts, array.board)
        if array.simulation is not None and len(parts) < len(json.loads(session)):
            raise DataError(
                f"the runs before {parts[0].path} in its session are not in {path.parent}, and an "
                "emulated chip can only be made again from the first one on; put them there"
            )
        put_chip_back(parts[0].path, array, [part.run_id for part in parts])
        mask = _chip_mask(read_record(path), array.shape)
        begin = partial(_start, session=session, array=array, board=board, mask=mask)
        for k, (part, plan) in enumerate(zip(parts, plans, strict=True)):
            before = plans[k - 1].out if k else None
            if part.status is None:
                remove_not_begun(plan.out)
                log = begin(plan, before)
            elif not part.finished:
                restart = _check_restart(plan.out, array.board, vouched)
                if before is not None:  # a kill may have come before it was noted
                    note_followed(before, plan.run_id)
                log = ProcedureLog.reopen(plan.out)
                log.follow(meter([array], plan.config.link))
                log.run.note({**restart, OTHERS: array.board.others_pulsed})
                log.run.start()
            else:
                if array.simulation is not None:
                    enter_passports([array], plan.out, plan.run_id)
                    plan.procedure.measure(
                        _bench(plan, array, FinishedLog(plan.out), array.simulation.clock)
                    )
                finish_up(plan.out, figure=figure, checkpoints=False)
                continue
            done.append(_run(plan, log, array, watch, figure, before))
    forget_chip(parts[0].path, parts[0].run_id)
    return done


def _finish_up(
    path: Path, attributes: Mapping[str, Any], parts: Sequence[Part], figure: bool
) -> None:
    """Do for a finished session what a kill in its last moment has left undone (`finish_up`)."""
    session = session_identity(str(attributes["session"]))
    with suppress(DataError):  # it is held until the last picture is drawn
        RunLock.of_run(path, attributes, session).release()
    for part in parts:
        finish_up(part.path, figure=figure)


@contextmanager
def _named(plans: Sequence[ProcedurePlan], done: Sequence[object]) -> Iterator[None]:
    """Name the files of a session when it is interrupted, and the one to go on with."""
    try:
        with named_in_errors(*(plan.out for plan in plans)):
            yield
    except KeyboardInterrupt as error:
        if len(done) < len(plans) and plans[0].out.exists():
            error.resumable = plans[0].out  # type: ignore[attr-defined]
        raise


def _describe(plans: Sequence[ProcedurePlan]) -> str:
    return describe_session([(p.name, p.out, p.config.model_dump_json(), p.run_id) for p in plans])


def _restore(part: Part, labels: Labels) -> ProcedurePlan:
    procedure = restore_procedure(part.name, part.config, part.path)
    return ProcedurePlan(procedure, part.path, part.run_id or uuid4().hex, labels)


def _picked(plans: Sequence[ProcedurePlan], array: BoardArray, region: Region) -> BoolArray:
    """Return the cells of a region, on which the procedures may do what they want to."""
    mask = region.pick(array.shape)
    for plan in plans:
        plan.procedure.check_cells(int(mask.sum()))
    _check_demands(plans, array, mask)
    return mask


def _check_demands(plans: Sequence[ProcedurePlan], array: BoardArray, mask: BoolArray) -> None:
    """Refuse what any of the procedures may not do, before the first one touches the chip."""
    view = array[mask.any(axis=1), mask.any(axis=0)]
    for plan in plans:
        own = _view(plan, array, view.rows, view.columns)
        if own.load != view.load and plan.procedure.models_wires:
            raise SettingError(
                f"{plan.name} reckons with what wires take, for which it must know all cells that "
                "conduct: --load selection, or the whole array for its region. Nothing was pulsed"
            )
        if plan.procedure.models_wires and not array.control.gates and view.shape != array.shape:
            raise SettingError(
                f"{plan.name} reckons with what wires take, and where cells have no gates those of "
                "all lines conduct: take the whole array (no --rows, --columns or --cells). "
                "Nothing was pulsed"
            )
        try:
            plan.procedure.check([view])
        except LimitError as error:
            raise LimitError(f"{plan.name}: {error}. Nothing was pulsed") from error


def open_for(
    board: str, config: ProcedureConfig, limits: Limits | None = None
) -> AbstractContextManager[BoardArray]:
    """Open the array of procedures as their settings want it; one without a device is refused.

    `limits` are those of a run that goes on, whatever the chip's file says by now.
    """
    return open_chip(
        board,
        seed=config.seed,
        chip=config.chip,
        point=config.point.make_point(),
        limits=limits or config.limits,
    )


def _start(
    plan: ProcedurePlan,
    before: Path | None,
    *,
    session: str,
    array: BoardArray,
    board: str,
    mask: BoolArray,
) -> ProcedureLog:
    """Create the run file of a procedure with everything that is known before it.

    The run file of the one before it in the session, where there is one, says from now on that
    this one has begun.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    notes = {
        "session": session,
        **_clock_attributes(array),
        LIFE: array.board.life,
        OTHERS: array.board.others_pulsed,
    }
    run = create_run_file(plan.request(board, notes), [array])
    procedure = plan.procedure
    log = ProcedureLog.declare(
        run,
        rows,
        columns,
        mask[np.ix_(rows, columns)],
        procedure.coordinates,
        procedure.vector_coordinates,
        array.shape,
        formable_cells(array[rows, columns]),
        _view(plan, array, rows, columns).load,
        array.code_types,
    )
    log.follow(meter([array], plan.config.link))
    run.start()
    if before is not None:  # not before: a file whose writer is killed until here is none
        note_followed(before, plan.run_id)
    return log


def _run(
    plan: ProcedurePlan,
    log: ProcedureLog,
    array: BoardArray,
    watch: Watcher | None,
    figure: bool,
    before: Path | None,
) -> dict[str, Any]:
    """Measure, analyse, close the run file, draw; return the document."""
    attributes = read_attributes(plan.out)
    clock = _run_clock(array, attributes, log.record)
    request = plan.request(str(attributes["board"]))
    step = None if watch is None else partial(watch, plan.name)
    bench = _bench(plan, array, log, float(attributes["clock_origin"]), step, clock)
    # A resumed run may have begun with a batch whose fate is not written yet.
    new = not log.record.programs and not log.record.happened
    try:
        with recorded(
            request,
            [array],
            link=plan.config.link,
            file=log.run,
            given=bench,
            blank=lambda: new and not log.record.happened,
            repeatable=True,
        ) as session:
            plan.procedure.run(session)
            if clock is not None and clock.step:
                session.results["clock_step"] = clock.step
    except LimitError:
        if before is not None and not plan.out.exists():
            note_followed(before, "")
        raise
    return session.document(figure=figure, results=session.findings.document())


def _view(
    plan: ProcedurePlan,
    array: BoardArray,
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
) -> BoardArray:
    """Return the lines of a procedure, under the load of its settings."""
    return select(array, rows, columns, plan.config.load)


def _bench(
    plan: ProcedurePlan,
    array: BoardArray,
    log: ProcedureLog,
    origin: float,
    on_step: Callable[[int], None] | None = None,
    clock: RunClock | None = None,
) -> Bench:
    view = _view(plan, array, log.record.rows, log.record.columns)
    return Bench(view, log, origin=origin, clock=clock, on_step=on_step)


def _clock_attributes(array: BoardArray) -> dict[str, Any]:
    """Return what a run file keeps of the moment at which its procedure begins."""
    if array.simulation is not None:
        return {"clock_origin": board_clock(array)}
    now = Instant.now()
    return {"clock_origin": now.wall, **now.attributes()}


def _run_clock(array: BoardArray, attributes: Mapping[str, Any], record: Record) -> RunClock | None:
    """Return the clock of a run on a real board, which goes on where an earlier process was."""
    if array.simulation is not None:
        return None
    times = [*record.readings.coordinates["time"], *record.vectors.coordinates.get("time", [])]
    began = Instant.of_attributes(attributes)
    return RunClock(float(attributes["clock_origin"]), began, max(times, default=0.0))


def _check_record(parts: Sequence[Part], board: Board) -> None:
    """Refuse a record of the board that says too little of the pulses of these runs."""
    begun = [part for part in parts if part.status is not None]
    for part in begun:
        # Runs of memlab before there were tickets have no identity; no record knows them.
        batches = read_record(part.path).programs if part.run_id else []
        if batches:
            same_board.check_record(part.path, board, ticket_of(part.run_id, len(batches) - 1))
        fired = [k for k, batch in enumerate(batches) if batch.fired is not None]
        same_board.check_not_lost(
            part.path, board, ticket_of(part.run_id, fired[-1]) if fired else ""
        )
    last = begun[-1].path
    same_board.check_others(last, board, str(read_attributes(last).get(OTHERS, "")))


def _check_restart(path: Path, board: Board, vouched: Vouched) -> dict[str, Any]:
    """Refuse a board in another life, or return what the run file notes of the restart."""
    attributes = read_attributes(path)
    was = str(attributes.get(LIFE, ""))
    if not same_board.check_life(path, board, was, restarted=vouched.board_restarted):
        return {}
    return {LIFE: board.life, **same_board.restart_note(attributes, was, board.life)}


def _chip_mask(record: Record, shape: tuple[int, int]) -> BoolArray:
    mask = np.zeros(shape, bool)
    mask[np.ix_(record.rows, record.columns)] = record.mask
    return mask


def _check_places(plans: Sequence[ProcedurePlan], out: Path) -> None:
    """Refuse places that cannot be written, or that are taken."""
    if len(plans) > 1 and not out.exists():
        check_out(out.with_suffix(""))  # a new directory
        return
    for plan in plans:
        check_out(plan.out)


def _check_keys(classes: Sequence[type[Procedure[Any]]], settings: Sequence[str]) -> None:
    """Refuse a setting that none of the procedures has."""
    names = {name for one in classes for name in setting_names(one.Config())}
    for setting in settings:
        if setting.partition("=")[0].strip() not in names:
            apply_settings(classes[0].Config(), [setting])  # says what there is instead
