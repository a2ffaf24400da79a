"""A run under way: its arrays, its file, what it has found, and the document that is left of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from memlab.array import Array
from memlab.array.cost import COST_UNITS, BoardCost, total_cost
from memlab.errors import LimitError
from memlab.runs import Findings, RunFile, write_findings
from memlab.session.arrays import total_counts
from memlab.session.ending import closed_in_order, named_in_errors
from memlab.session.files import create_run_file
from memlab.session.request import Request
from memlab.settings import LinkConfig

__all__ = ["Session", "added", "enter_passports", "recorded", "write_at_once"]


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
    """

    request: Request
    arrays: Sequence[Array]
    file: RunFile
    findings: Findings = field(default_factory=Findings)
    results: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def document(self, *, figure: bool, **more: Any) -> dict[str, Any]:
        """Draw the run, and return what it says of itself to programs.

        Parameters
        ----------
        figure
            Whether to draw; a sweep starts many processes that draw nothing.
        more
            What stands between head and results.
        """
        picture = self.request.out.with_suffix(".png") if figure else None
        if picture is not None:
            from memlab.figures import plot_run

            with named_in_errors(self.request.out):
                plot_run(self.request.out, picture)
        document = {
            "run": str(self.request.out),
            "figure": None if picture is None else str(picture),
            **self.request.head,
            "board": self.request.board,
            **more,
            **self.results,
        }
        return document | ({"units": self.units} if self.units else {})


@contextmanager
def recorded(
    request: Request,
    arrays: Sequence[Array],
    *,
    link: LinkConfig | None = None,
    file: RunFile | None = None,
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
        The run file of a run that goes on; a new one by default.
    """
    session = Session(request, arrays, file or create_run_file(request, arrays))

    def complete(entry: Any) -> None:
        if session.findings.values:
            write_findings(entry, session.findings)

    start = time.perf_counter()
    counts, cost = total_counts(arrays), _cost(arrays, link)
    try:
        with closed_in_order(session.file, session.results, complete):
            enter_passports(arrays, request.out, session.file.run_id)
            yield session
            session.results |= {
                "seconds": time.perf_counter() - start,
                "counts": added(total_counts(arrays), counts),
            }
            if cost is not None and (now := _cost(arrays, link)) is not None:
                session.results["on_board"] = added(now.document(), cost.document())
                session.units |= COST_UNITS
    except LimitError:
        if not session.file.started and total_counts(arrays) == counts:
            # No chip has seen a volt, and nothing was written: there is no run to keep.
            request.out.unlink(missing_ok=True)
        raise


def enter_passports(arrays: Sequence[Array], run: Path, run_id: str) -> None:
    """Say in the passport of each chip what the pulses from now on are for."""
    for array in arrays:
        if array.passport is not None:
            array.passport.begin_run(str(run.resolve()), run_id)


def write_at_once(
    request: Request, arrays: Sequence[Array], write: Callable[[RunFile], None]
) -> None:
    """Write the file of a run that was measured in one go, before there was a file."""
    file = create_run_file(request, arrays)
    with closed_in_order(file, {}):
        write(file)


def _cost(arrays: Sequence[Array], link: LinkConfig | None) -> BoardCost | None:
    return None if link is None else total_cost(arrays, link)


def added(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Return what was added between two moments, by name."""
    return {name: value - before[name] for name, value in now.items()}
