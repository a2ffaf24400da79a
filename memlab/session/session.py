"""A run under way: its arrays, its file, what it has found, and the document that is left of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from drivers import stopping
from memlab.array import Array
from memlab.array.cost import COST_UNITS, cost_of, work_of
from memlab.errors import DataError, LimitError
from memlab.runs import Family, Findings, RunFile, RunLock, run_identity, write_findings
from memlab.runs.opening import read_attributes
from memlab.runs.spent_log import Spent
from memlab.session.arrays import save_chips, save_passports, total_counts
from memlab.session.checkpoint import Checkpoint, Checkpoints
from memlab.session.ending import closed_in_order, named_in_errors
from memlab.session.files import create_run_file
from memlab.session.request import Request
from memlab.session.same_board import Vouched
from memlab.settings import LinkConfig
from memlab.storage import State

__all__ = ["Session", "Told", "added", "enter_passports", "meter", "recorded", "written"]

_LOGGER = logging.getLogger(__name__)

_RESUMPTIONS = "resumptions"
"""Attribute of a run file: when it went on after it had ended too early."""

Told = Callable[[dict[str, Any]], None]
"""What is called with the document of a run before its picture is drawn."""


@dataclass(eq=False)
class Session:
    """A run while it is made.

    Attributes
    ----------
    request
        What was asked for.
    arrays
        On which it is made; opened by the caller, and grounded when they are closed.
    file
        Its run file: declare datasets, then `file.start()`.
    findings
        What it found; written into the file when it ends well.
    results
        Plain values for the file and the document.
    units
        Units of plain values in `results`.
    resumed
        Where the run goes on, as its kind told `keep`; None at its beginning.
    checkpoints
        What takes them; None until the first one.
    given
        What the kind has made ready (`Kind.check`), or its family gives it: the bench of a
        procedure, the network of an experiment.
    watchers
        Who is told while it goes on, of the sort that the kind's family tells.
    work
        What the arrays had done that costs before it began; empty where nobody asks for the bill.
    spent
        Tells what the arrays have done since, and what it cost.
    """

    request: Request
    arrays: Sequence[Array]
    file: RunFile
    findings: Findings = field(default_factory=Findings)
    results: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    resumed: State | None = None
    checkpoints: Checkpoints | None = None
    given: Any = None
    watchers: Sequence[Any] = ()
    work: Mapping[str, float] = field(default_factory=dict)
    spent: Spent = dict

    @property
    def restorable(self) -> bool:
        """Whether all chips live in this process, and go back to a checkpoint with the run."""
        return all(array.restorable for array in self.arrays)

    @property
    def due(self) -> bool:
        """Whether the file was flushed since the last checkpoint."""
        return self.checkpoints is None or self.checkpoints.due

    def keep(self, state: State) -> None:
        """Take a checkpoint: `state` is where the run stands, and what `resumed` will be.

        The file is started; what is queued for it is handed over first.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        if self.checkpoints is None:
            self.checkpoints = Checkpoints(self.file, self.arrays, work=self.work)
            for array in self.arrays:
                array.name_batches(self.file.run_id)
        self.checkpoints.keep(state)

    def check_findings(self) -> None:
        """Refuse what the kind does not declare (`Kind.check_declared`); it is not written then."""
        try:
            self.request.kind.check_declared(self.findings)
        except DataError:
            self.findings = Findings()
            raise

    def complete(self, entry: Any) -> None:
        """Write what was found into the file that is being closed."""
        if self.findings.values:
            write_findings(entry, self.findings)

    def document(self, *, figure: bool, told: Told | None = None, **more: Any) -> dict[str, Any]:
        """Draw the run, and return what it says of itself to programs.

        Parameters
        ----------
        figure
            Whether to draw; a sweep starts many processes that draw nothing.
        told
            Called with the document before it is drawn: a picture may take longer than the run.
        more
            What stands between head and results.
        """
        picture = self.request.out.with_suffix(".png") if figure else None
        document = {
            "run": str(self.request.out),
            "figure": None if picture is None else str(picture),
            **self.request.head,
            "board": self.request.board,
            **more,
            **self.results,
        }
        document |= {"units": self.units} if self.units else {}
        with named_in_errors(self.request.out):
            with nullcontext() if picture is None else self._locked():
                try:
                    if told is not None:
                        told(document)
                finally:
                    if picture is not None:
                        _draw(self.request.out, picture)
            stopping.check()  # one that came while the file was closed, or was drawn
        return document

    def _locked(self) -> AbstractContextManager[object]:
        """Hold the run: a resume that finds it finished would take the picture for abandoned."""
        try:
            return RunLock.beside(self.request.out, self.file.run_id)
        except DataError:  # one has found it already, or there is no directory any more
            return nullcontext()


def _draw(run: Path, picture: Path) -> None:
    from memlab.kinds import plot_run

    plot_run(run, picture)


@contextmanager
def recorded(
    request: Request,
    arrays: Sequence[Array],
    *,
    link: LinkConfig | None = None,
    file: RunFile | None = None,
    checkpoint: Checkpoint | None = None,
    blank: Callable[[], bool] | None = None,
    given: Any = None,
    watchers: Sequence[Any] = (),
    vouched: Vouched = Vouched(),  # noqa: B008 - frozen
    repeatable: bool = False,
) -> Iterator[Session]:
    """Record what the block does on arrays: into a run file, and into the passports of the chips.

    However the block ends, the file is closed with the status that tells how. When it ends well,
    `results` has the seconds it took, the counts of the arrays and, for emulated boards and a
    `link`, what it would cost on the real board. What a limit refused before anything was driven
    leaves no file.

    Parameters
    ----------
    request, arrays
        The run.
    link
        To the real board; None where nobody asks for the bill.
    file
        The run file where there is one already; a new one by default.
    checkpoint
        From which a run goes on: arrays, passports and file go back to it.
    blank
        Tells whether nothing is in the file that would be missed; by default until it is started.
    given, watchers
        As in the `Session`.
    vouched
        What the user says of the boards of a run that goes on.
    repeatable
        Whether it goes on by being run again over what the file holds, without a checkpoint.
    """
    start = time.perf_counter()
    unformed = _unformed(arrays)
    counts, work = total_counts(arrays), _work(arrays, link)
    if checkpoint is not None:
        notes = checkpoint.check(arrays, vouched)
        file = _go_back(checkpoint, arrays, notes)
        start -= checkpoint.seconds
        work = checkpoint.work or work
    file = file or create_run_file(request, arrays)
    session = Session(request, arrays, file, given=given, watchers=watchers, work=work)
    session.spent = partial(_spent, arrays, link, counts, work)
    if checkpoint is not None:
        session.resumed = checkpoint.kind
        session.checkpoints = Checkpoints(session.file, arrays, checkpoint.seconds, work)

    try:
        with closed_in_order(session.file, session.results, session.complete):
            enter_passports(arrays, request.out, session.file.run_id)
            yield session
            session.check_findings()
            save_chips(arrays)
            save_passports(arrays)
            named = (array.batches for array in arrays)
            if unknown := sum(one.unknown for one in named if one is not None):
                session.results["unknown_pulses"] = unknown
            session.results |= {
                "seconds": time.perf_counter() - start,
                "counts": added(total_counts(arrays), counts),
            }
            if bill := _bill(arrays, link, work):
                session.results["on_board"] = bill
                session.units |= COST_UNITS
        if session.checkpoints is not None:
            session.checkpoints.remove()
        _tell_of_forming(request, unformed, _unformed(arrays))
    except BaseException as error:
        if (
            (repeatable or session.checkpoints is not None)
            and session.file.is_here
            and not isinstance(error, LimitError)
        ):
            error.resumable = request.out  # type: ignore[attr-defined]
        if not isinstance(error, LimitError):
            raise
        empty = not file.started if blank is None else blank()
        if empty and file.is_here and total_counts(arrays) == counts:
            # No chip has seen a volt: there is no run to keep.
            request.out.unlink(missing_ok=True)
        raise


def _unformed(arrays: Sequence[Array]) -> int:
    """Return how many cells of emulated chips are not formed."""
    return sum(0 if array.simulation is None else array.simulation.unformed for array in arrays)


def _tell_of_forming(request: Request, before: int, after: int) -> None:
    """Say that pulses of a run that is not about forming have formed cells, as they may."""
    if after < before and request.kind.family is not Family.PROCEDURE:
        _LOGGER.warning(
            "%s cells were not formed, and pulses of this run have formed %s of them: a SET forms "
            "a cell that sees its forming voltage. memlab characterize forming does it by a ramp",
            before,
            before - after,
        )


def _go_back(checkpoint: Checkpoint, arrays: Sequence[Array], notes: dict[str, Any]) -> RunFile:
    """Put arrays, passports and file back to a checkpoint; the file says when it went on."""
    attributes = read_attributes(checkpoint.path)
    # Arrays first: where one refuses, the file stays as it is. All of it can be done again.
    enter_passports(arrays, checkpoint.path, run_identity(attributes))
    checkpoint.restore(arrays)
    earlier = json.loads(attributes.get(_RESUMPTIONS, "[]"))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    file = RunFile.resume(checkpoint.path, checkpoint.lengths)
    file.note({**notes, _RESUMPTIONS: json.dumps([*earlier, now])})
    file.start()
    return file


def enter_passports(arrays: Sequence[Array], run: Path, run_id: str) -> None:
    """Say in the passport of each chip what the pulses from now on are for."""
    for array in arrays:
        if array.passport is not None:
            array.passport.begin_run(str(run.resolve()), run_id)


@contextmanager
def written(
    request: Request,
    arrays: Sequence[Array],
    *,
    given: Any,
    instrument: Mapping[str, Any] | None = None,
) -> Iterator[Session]:
    """Write the file of a run that was measured in one go, before there was a file.

    `given` is what was measured, and `instrument` says with what, where no array did it. Nothing is
    counted, and nobody's passport hears of it.
    """
    file = create_run_file(request, arrays, instrument)
    session = Session(request, arrays, file, given=given)
    with closed_in_order(file, session.results, session.complete):
        yield session
        session.check_findings()


def _work(arrays: Sequence[Array], link: LinkConfig | None) -> dict[str, float]:
    """Return what emulated arrays have done that costs; nothing where nobody asks for the bill."""
    return {} if link is None else work_of(arrays) or {}


def meter(arrays: Sequence[Array], link: LinkConfig | None) -> Spent:
    """Return what tells what arrays do from now on, and where they are emulated what it costs."""
    return partial(_spent, arrays, link, total_counts(arrays), _work(arrays, link))


def _spent(
    arrays: Sequence[Array],
    link: LinkConfig | None,
    counts: Mapping[str, int],
    work: Mapping[str, float],
) -> dict[str, float]:
    return {**added(total_counts(arrays), counts), **_bill(arrays, link, work)}


def _bill(
    arrays: Sequence[Array], link: LinkConfig | None, work: Mapping[str, float]
) -> dict[str, float]:
    """Return what was done since `work` would cost on the real board; nothing if nobody asks."""
    if link is None or not work:
        return {}
    return cost_of(added(_work(arrays, link), work), link).document()


def added(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was added between two moments, by name."""
    return {name: value - before[name] for name, value in now.items()}
