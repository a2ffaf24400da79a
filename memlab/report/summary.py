"""What a run file says in words and numbers: who, what, which settings, which results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memlab.chip.limits import LIMIT_UNITS, Limits
from memlab.emulator import load_preset
from memlab.emulator.preset import BUILT_IN
from memlab.kinds import kind_of_run
from memlab.runs import Family, Finding, Run, open_run
from memlab.runs.run_file import flatten
from memlab.units import with_error

__all__ = ["Row", "Summary", "summarise", "summary_of"]


_IDENTITY = (
    *("preset", "board", "seed", "program"),
    *("source_file", "source_format", "source_name", "source_date", "source_sha256"),
)
"""Attributes of an entry that say what it is, where they are there."""


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Parameters
    ----------
    name, value
        As text for people.
    note
        What it means, or what it was by default; empty where there is nothing to say.
    """

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Summary:
    """A run file in words.

    Parameters
    ----------
    run
        What it was read from.
    path
        The file.
    title
        What was done.
    status
        As that of the run (`memlab.runs.Run`).
    warnings
        Sentences that a reader must not miss.
    identity, settings, results
        Tables; settings are those that differ from the defaults.
    """

    run: Run
    path: Path
    title: str
    status: str
    warnings: list[str]
    identity: list[Row]
    settings: list[Row]
    results: list[Row]

    @property
    def about(self) -> str:
        """What is done in such a run, in a sentence; '' where its kind does not say it."""
        return kind_of_run(self.run).about

    @property
    def chief(self) -> str:
        """The number by which a person knows the run, with its name; '' without any."""
        found = self.run.findings.values
        name = kind_of_run(self.run).chief(found)
        if name is None:
            return ""
        one = found[name]
        return f"{one.description or name}: {one.in_words()}"

    @property
    def arrays(self) -> bool:
        """Whether arrays were found, too."""
        return any(one.dims for one in self.run.findings.values.values())

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "finished"


def summarise(path: Path) -> Summary:
    """Read what a run file of any command says.

    Raises
    ------
    DataError
        If it is none of these.
    """
    return summary_of(open_run(path))


def summary_of(run: Run) -> Summary:
    """Return what a run that was read says."""
    return Summary(
        run=run,
        path=run.path,
        title=run.title,
        status=run.status,
        warnings=list(_warnings(run)),
        identity=list(_identity(run)),
        settings=list(_settings(run)),
        results=[_row(name, one) for name, one in run.findings.values.items() if one.is_number],
    )


def _warnings(run: Run) -> Iterator[str]:
    if run.status in ("running", "killed"):
        how = "it is still being measured" if run.status == "running" else "it was killed"
        resume = "; memlab runs resume goes on" if run.status == "killed" and run.resumable else ""
        yield (
            f"This run has not finished: {how}. What is shown is what had been measured{resume}."
        )
    elif not run.finished:
        yield f"This run has not finished: it is {run.status}. What had been measured is shown."
    if run.emulated:
        yield "The board is emulated: nothing here was measured on silicon."


def _identity(run: Run) -> Iterator[Row]:
    yield Row("run file", run.path.name)
    yield Row("status", run.status)
    yield Row(str(run.family), run.kind)
    for name in _IDENTITY:
        if name in run.attributes:
            yield Row(name.replace("_", " "), str(run.attributes[name]))
    for instrument in run.instruments:
        for name in ("board.name", "board.serial", "board.firmware"):
            if instrument.get(name):
                yield Row(name.replace(".", " "), str(instrument[name]))
        yield from _limits(instrument)
    imported = run.family is Family.IMPORT
    yield Row("imported" if imported else "start", run.started.isoformat())
    if run.ended is not None and not imported:
        yield Row("end", run.ended.isoformat())
    if run.tags:
        yield Row("tags", ", ".join(run.tags))
    if run.note:
        yield Row("note", run.note)
    if run.family in (Family.PROCEDURE, Family.IMPORT):
        with run.entry() as entry:  # of the record no more than this: it may be large
            mask = entry["map/mask"][()]
        yield Row(
            "cells", f"{int(mask.sum())} cells in {mask.shape[0]} rows x {mask.shape[1]} columns"
        )
    for name, value in run.attributes.items():
        if name.startswith(("counts.", "on_board.")) or name == "seconds":
            yield Row(name.replace(".", " ").replace("_", " "), _plain(value, _unit_of(name)))
    if run.versions:
        yield Row("versions", ", ".join(f"{name} {text}" for name, text in run.versions.items()))


def _limits(instrument: Mapping[str, Any]) -> Iterator[Row]:
    """What the chip was allowed to see, where that is not the default."""
    for name, usual in asdict(Limits()).items():
        value = instrument.get(f"limits.{name}", usual)
        if value != usual:
            unit = LIMIT_UNITS[name.rpartition("_")[2]]
            yield Row(f"limits.{name}", _plain(value, unit), f"by default {_plain(usual, unit)}")


def _settings(run: Run) -> Iterator[Row]:
    """Settings that differ from the defaults; those of a chip only where it is emulated."""
    given = flatten(run.settings)
    usual = _defaults(run)
    named = str(given.get("chip.name", ""))
    if named in BUILT_IN and named != usual.get("chip.name"):
        yield Row("chip", named, f"by default {_plain(usual.get('chip.name', 'not there'))}")
        usual |= flatten({"chip": load_preset(named).model_dump(mode="json")})
    emulated = all(url.startswith("emulator:") for url in run.boards)
    for name, value in given.items():
        if name == "seed" or (name.startswith("chip.") and not emulated):
            continue
        if name.startswith(("limits.", "chip.limits.")):  # as the array had them: with its identity
            continue
        if name not in usual or usual[name] != value:
            yield Row(name, _plain(value), f"by default {_plain(usual.get(name, 'not there'))}")


def _defaults(run: Run) -> dict[str, Any]:
    kind = kind_of_run(run)
    if kind.presets and run.preset not in kind.presets:
        return {}
    return flatten(kind.make_config(run.preset).model_dump(mode="json"))


def _row(name: str, one: Finding) -> Row:
    text = one.description
    if one.of:
        text += f"; {one.n} {one.of}"
    text += "".join(f"; {m}" for m in (one.interval_in_words(), one.why, one.caveat) if m)
    return Row(name, one.in_words(), text)


def _plain(value: Any, units: str = "1") -> str:
    if isinstance(value, float | np.floating):
        return with_error(float(value), None, units)
    return str(value)


def _unit_of(name: str) -> str:
    if name.endswith("seconds"):
        return "s"
    return "J" if name.endswith("energy") else "1"
